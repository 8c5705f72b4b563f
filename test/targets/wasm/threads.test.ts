/** @file Threads under stress, asleep, and at the end of a process. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Step } from '../../../src/targets/target.ts'
import { cgroupQuota } from '../../../src/targets/wasm/cores.ts'
import { createWasmTarget, createWasmTargetSync, type WasmTarget } from '../../../src/targets/wasm/index.ts'
import { at, increment, ints, perUnit, slotsOf } from './fixtures.ts'

/** Each thread counts up in a place of its own and, after a barrier, compares all places with its own. */
function crossCheck(target: WasmTarget, iterations: number): void {
  const places = 16
  const { threads } = target
  const compare = perUnit(2, (b, unit) => {
    const own = b.loadInt(b.i2('add', 1, b.i2('mul', unit, { imm: 4 * places })))
    for (let other = 0; other < threads; other++) {
      b.if(b.loadInt(1, 4 * places * other), 'ne', own, () => b.storeInt(0, 0, b.int(1)))
    }
  })
  const count = perUnit(1, (b, unit) => {
    const place = b.i2('add', 0, b.i2('mul', unit, { imm: 4 * places }))
    b.storeInt(place, 0, b.i2('add', b.loadInt(place), { imm: 1 }))
  })
  const body: Step[] = [
    { op: 'kernel', program: 0, args: [at(1)], units: threads },
    { op: 'barrier' },
    { op: 'kernel', program: 1, args: [at(0), at(1)], units: threads },
    { op: 'barrier' },
  ]
  const plan = target.load({
    programs: [count, compare],
    segments: [[{ op: 'loop', id: 0, length: iterations, reverse: false, body }]],
    slots: 2,
  })
  const slots = slotsOf(target, places * threads)
  plan.run(0, slots)
  expect(ints(target, slots[0], 1)[0]).toBe(0)
  for (let t = 0; t < threads; t++) expect(ints(target, slots[1], places * threads)[places * t]).toBe(iterations)
  plan.unload()
}

describe('barriers', () => {
  test.each([
    [1, 50_000],
    [2, 50_000],
    [4, 10_000],
  ])(
    '%i threads meet twice in each of %i iterations',
    (threads, iterations) => {
      const target = createWasmTargetSync({ threads })
      crossCheck(target, iterations)
      target.close()
    },
    60_000,
  )
})

test('threads that went to sleep between runs wake up', async () => {
  const target = await createWasmTarget({ threads: 3, spin: 0 })
  expect(target.threads).toBe(3)
  const plan = target.load({
    programs: [increment()],
    segments: [[{ op: 'kernel', program: 0, args: [at(1)], units: 8 }]],
    slots: 2,
  })
  const slots = slotsOf(target, 8)
  for (let i = 0; i < 20; i++) {
    plan.run(0, slots)
    await new Promise((resolve) => setTimeout(resolve, i % 5))
  }
  expect(Array.from(ints(target, slots[1], 8))).toEqual(Array(8).fill(20))
  target.close()
  expect(() => plan.run(0, slots)).toThrow(/closed/)
})

test('several targets live side by side', () => {
  const targets = [1, 2, 2].map((threads) => createWasmTargetSync({ threads }))
  for (const target of targets) crossCheck(target, 100)
  for (const target of targets) crossCheck(target, 100)
  for (const target of targets) target.close()
})

test('quotas of control groups', () => {
  const files = (map: Record<string, string>) => (path: string) => map[path]
  expect(cgroupQuota(files({}))).toBe(Number.POSITIVE_INFINITY)
  expect(cgroupQuota(files({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' }))).toBe(Number.POSITIVE_INFINITY)
  expect(cgroupQuota(files({ '/sys/fs/cgroup/cpu.max': '150000 100000\n' }))).toBe(1.5)
  const nested = {
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/b/cpu.max': '400000 100000',
    '/sys/fs/cgroup/a/cpu.max': '300000 100000',
  }
  expect(cgroupQuota(files(nested))).toBe(3)
  const old = { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' }
  expect(cgroupQuota(files(old))).toBe(2)
})

describe('the end of a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glia-'))
  const script = join(folder, 'child.mjs')
  beforeAll(async () => {
    const entry = fileURLToPath(new URL('./child.ts', import.meta.url))
    // Neutral: nothing of Node's may be imported.
    await build({ entryPoints: [entry], bundle: true, outfile: script, platform: 'neutral', format: 'esm' })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Runs the child until it says `ready`, perhaps sends a signal, and waits for its end. */
  function end(
    mode: string,
    signal?: NodeJS.Signals,
  ): Promise<{ code: number | null; milliseconds: number; out: string }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [script, mode], { env: { ...process.env, NODE_OPTIONS: '' } })
      let since = 0
      let out = ''
      child.stdout.on('data', (data) => {
        out += String(data)
        if (since > 0 || !out.includes('ready')) return
        since = performance.now()
        if (signal !== undefined) child.kill(signal)
      })
      child.stderr.on('data', (data) => {
        out += String(data)
      })
      child.on('exit', (code) => resolve({ code, milliseconds: performance.now() - since, out }))
    })
  }

  test.each(['natural', 'exit', 'throw', 'reject', 'in-worker'])('%s', async (mode) => {
    const { code, milliseconds, out } = await end(mode)
    expect(out).toContain('ready')
    expect(code).toBe(mode === 'throw' || mode === 'reject' ? 1 : mode === 'exit' ? 3 : 0)
    expect(milliseconds).toBeLessThan(1000)
  })

  test.each(['parked', 'running'])('Ctrl-C with threads %s', async (mode) => {
    const { code, milliseconds } = await end(mode, 'SIGINT')
    expect(code).toBeNull()
    expect(milliseconds).toBeLessThan(1000)
  })
})
