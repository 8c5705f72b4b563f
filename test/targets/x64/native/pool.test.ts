/** @file Threads that run machine code: they do all the work, meet, agree, and end. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { NativePool } from '../../../../src/targets/x64/native/pool.ts'
import { countTogether, Field, native, supported, work } from './segments.ts'

/** The threads of all pools in this process, as the system lists them. */
function poolThreads(): { readonly name: string; readonly status: string }[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    try {
      const name = readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim()
      const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8')
      return name.startsWith('glia ') ? [{ name, status }] : []
    } catch {
      // It has ended since it was listed.
      return []
    }
  })
}

/** Threads that have ended are listed a moment longer. */
function expectNoThreads(): Promise<void> {
  return expect.poll(() => poolThreads().length).toBe(0)
}

describe.runIf(supported)('a pool of threads', () => {
  test.each([
    [1, 20_000],
    [2, 20_000],
    [3, 2_000],
    [4, 2_000],
    [16, 100],
  ])('%i threads meet twice in each of %i rounds', (threads, rounds) => {
    const field = new Field()
    const pool = new NativePool(native(), threads)
    const segment = field.load(countTogether(pool, rounds))
    for (let run = 1; run <= 3; run++) {
      pool.run(segment.address, field.table, false)
      expect(field.counts(threads)).toEqual(Array(threads).fill(run * rounds))
    }
    expect(Array.from({ length: threads }, (_, t) => field.errors(t))).toEqual(Array(threads).fill(0))
    expect(field.count(threads)).toBe(0)
    pool.close()
    field.memory.close()
  })

  test.each([1, 2, 4])('%i threads leave a failing segment at the same barrier', (threads) => {
    const field = new Field()
    const pool = new NativePool(native(), threads)
    const segment = field.load(countTogether(pool, 100, 40))
    for (let run = 1; run <= 50; run++) {
      field.setStatus(0)
      pool.run(segment.address, field.table, false)
      expect(field.counts(threads)).toEqual(Array(threads).fill(61 * run))
    }
    pool.close()
    field.memory.close()
  })

  test('threads that went to sleep wake up', async () => {
    const field = new Field()
    const pool = new NativePool(native(), 2, { spin: 0 })
    const segment = field.load(work(1))
    for (let i = 0; i < 20; i++) {
      pool.run(segment.address, field.table, false)
      await new Promise((resolve) => setTimeout(resolve, i % 4))
    }
    // The caller sleeps too, where the others take longer.
    const uneven = field.load(countTogether(pool, 1))
    pool.run(uneven.address, field.table, false)
    expect(field.counts(2)).toEqual([21, 21])
    pool.close()
    field.memory.close()
  })

  test('a thread that waits long at a barrier sleeps there', () => {
    const field = new Field()
    const pool = new NativePool(native(), 3)
    const slow = field.load(work(20_000_000))
    pool.run(slow.address, field.table, false)
    expect(field.counts(3)).toEqual([1, 1, 1])
    pool.close()
    field.memory.close()
  })

  test('alone, only the caller runs', () => {
    const field = new Field()
    const pool = new NativePool(native(), 3)
    const segment = field.load(work(10))
    for (let i = 0; i < 10; i++) pool.run(segment.address, field.table, true)
    expect(field.counts(3)).toEqual([10, 0, 0])
    pool.run(segment.address, field.table, false)
    expect(field.counts(3)).toEqual([11, 1, 1])
    pool.close()
    field.memory.close()
  })

  test.each([1, 3])('runs of %i threads go on beside the event loop, one after another', async (threads) => {
    const field = new Field()
    const pool = new NativePool(native(), threads)
    const together = field.load(countTogether(pool, 500))
    const slow = field.load(work(50_000_000))
    const runs = [slow, together, together, together].map((code) => pool.runAsync(code.address, field.table, false))
    expect(pool.busy).toBe(true)
    expect(() => pool.run(together.address, field.table, false)).toThrow(/Await it/)
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await Promise.all(runs)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(0)
    expect(pool.busy).toBe(false)
    expect(field.counts(threads)).toEqual(Array(threads).fill(1501))
    pool.run(together.address, field.table, false)
    expect(field.counts(threads)).toEqual(Array(threads).fill(2001))
    pool.close()
    field.memory.close()
  })

  test('a pool that is closed while it runs ends what was asked for', async () => {
    const field = new Field()
    const pool = new NativePool(native(), 2)
    const slow = field.load(work(20_000_000))
    const runs = [0, 1].map(() => pool.runAsync(slow.address, field.table, false))
    pool.close()
    await Promise.all(runs)
    expect(field.counts(2)).toEqual([2, 2])
    expect(() => pool.run(slow.address, field.table, false)).toThrow(/closed/)
    expect(() => pool.runAsync(slow.address, field.table, false)).toThrow(/closed/)
    await expectNoThreads()
    field.memory.close()
  })

  test('a thousand pools come and go', async () => {
    const field = new Field()
    const segment = field.load(work(1))
    for (let i = 0; i < 1000; i++) {
      const pool = new NativePool(native(), 3)
      if (i % 2 === 0) pool.run(segment.address, field.table, false)
      pool.close()
      pool.close()
    }
    expect(field.counts(3)).toEqual([500, 500, 500])
    await expectNoThreads()
    field.memory.close()
  })

  test('several pools live side by side', () => {
    const field = new Field()
    const pools = [1, 2, 4].map((threads) => new NativePool(native(), threads))
    const segments = pools.map((pool) => field.load(countTogether(pool, 20)))
    for (let round = 0; round < 5; round++) {
      for (const [i, pool] of pools.entries()) {
        field.words.fill(0)
        pool.run(segments[i].address, field.table, false)
        expect(field.counts(pool.threads)).toEqual(Array(pool.threads).fill(20))
      }
    }
    for (const pool of pools) pool.close()
    field.memory.close()
  })

  test('the threads have names and block signals', () => {
    const blocked = (status: string): string => /^SigBlk:\s*(\w+)/m.exec(status)?.[1] ?? ''
    const own = (): string => blocked(readFileSync('/proc/thread-self/status', 'utf8'))
    const before = own()
    const pool = new NativePool(native(), 3)
    const threads = poolThreads()
    expect(threads.map(({ name }) => name).sort()).toEqual(['glia 1', 'glia 2'])
    // All but SIGKILL, SIGSTOP and the two that the C library keeps for itself.
    for (const { status } of threads) expect(blocked(status)).toMatch(/^f{7}/)
    expect(own()).toBe(before)
    pool.close()
  })

  test.each([0, 1.5, 257, Number.NaN])('%d threads are refused', (threads) => {
    expect(() => new NativePool(native(), threads)).toThrow(/an integer from 1 to 256/)
  })

  test('a senseless spin is refused', () => {
    expect(() => new NativePool(native(), 2, { spin: -1 })).toThrow(/0 to 100000/)
  })
})
