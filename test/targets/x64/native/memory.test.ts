/** @file The memory of native targets: blocks are aligned, apart and keep their contents; regions come and go. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NativeMemory } from '../../../../src/targets/x64/native/memory.ts'
import { native, supported } from './segments.ts'

const MEBI = 2 ** 20

describe.runIf(supported)('native memory', () => {
  test.each([undefined, 'after', 'before'] as const)('blocks keep what is written into them, guard: %s', (guard) => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50_000 }), { maxLength: 60 }), (numbers) => {
        const memory = new NativeMemory(native(), guard === undefined ? {} : { guard })
        const live: { address: number; bytes: number; value: number }[] = []
        for (const [i, n] of numbers.entries()) {
          if (n % 3 === 0 && live.length > 0) {
            const [{ address, bytes, value }] = live.splice(n % live.length, 1)
            expect(memory.view(address, bytes).every((byte) => byte === value)).toBe(true)
            memory.free(address)
            expect(() => memory.free(address)).toThrow(/No block/)
          } else {
            const address = memory.allocate(n)
            const value = i % 256
            expect(address % (guard === 'after' ? 4 : 64)).toBe(0)
            memory.view(address, n).fill(value)
            live.push({ address, bytes: n, value })
          }
        }
        for (const { address, bytes, value } of live) {
          expect(memory.view(address, bytes).every((byte) => byte === value)).toBe(true)
          memory.free(address)
        }
        expect(memory.used).toBe(0)
        memory.close()
        expect(memory.reserved).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  test('regions are large, grow in number, and serve again', () => {
    const memory = new NativeMemory(native())
    expect(memory.reserved).toBe(0)
    const small = memory.allocate(100)
    expect(memory.reserved).toBe(64 * MEBI)
    expect(memory.used).toBe(128)
    const large = memory.allocate(100 * MEBI)
    expect(memory.reserved).toBe(164 * MEBI)
    memory.free(large)
    expect(memory.allocate(80 * MEBI)).toBe(large)
    // The tightest room is taken.
    expect(Math.abs(memory.allocate(19 * MEBI) - large)).toBe(80 * MEBI)
    const next = memory.allocate(100)
    expect(next - large).toBe(99 * MEBI)
    expect(memory.allocate(2 * MEBI) - small).toBe(128)
    memory.close()
  })

  test('empty regions give their memory back, and stay readable', () => {
    const memory = new NativeMemory(native(), { slack: 70 * MEBI })
    const addresses = [60, 61, 62].map((mebibytes) => memory.allocate(mebibytes * MEBI))
    expect(memory.reserved).toBe(192 * MEBI)
    const views = addresses.map((address) => memory.view(address, 60 * MEBI).fill(5))
    memory.free(addresses[0])
    // One empty region is within the slack.
    expect(memory.reserved).toBe(192 * MEBI)
    expect(views[0][MEBI]).toBe(5)
    memory.free(addresses[1])
    expect(memory.reserved).toBe(128 * MEBI)
    expect(views[1][MEBI]).toBe(0)
    memory.free(addresses[2])
    expect(memory.reserved).toBe(64 * MEBI)
    // The one that holds memory serves first, then the others.
    expect(memory.allocate(10 * MEBI)).toBe(addresses[0])
    expect(memory.reserved).toBe(64 * MEBI)
    const again = memory.allocate(60 * MEBI)
    expect(addresses).toContain(again)
    expect(memory.reserved).toBe(128 * MEBI)
    memory.view(again, MEBI).fill(3)
    expect(views[addresses.indexOf(again)][MEBI - 1]).toBe(3)
    memory.close()
  })

  test('views are of one buffer and show each other', () => {
    const memory = new NativeMemory(native())
    const address = memory.allocate(1000)
    const [whole, part] = [memory.view(address, 1000), memory.view(address + 100, 10)]
    part.fill(8)
    expect(whole[109]).toBe(8)
    expect(part.buffer).toBe(whole.buffer)
    expect(memory.view(address, 0).length).toBe(0)
    memory.close()
  })

  test('blocks beyond what a buffer can show are seen in parts', () => {
    const memory = new NativeMemory(native())
    const bytes = 5 * 2 ** 30
    const address = memory.allocate(bytes)
    const end = memory.view(address + bytes - 4096, 4096)
    end[4095] = 6
    expect(memory.view(address + bytes - 1, 1)[0]).toBe(6)
    expect(() => memory.view(address, bytes)).toThrow(/too large: at most 4294967295/)
    memory.free(address)
    expect(memory.reserved).toBe(0)
    memory.close()
  })

  test('sizes that cannot be', () => {
    const memory = new NativeMemory(native())
    memory.allocate(1000)
    expect(() => memory.allocate(-1)).toThrow(/Cannot allocate -1 bytes/)
    expect(() => memory.allocate(Number.NaN)).toThrow(/Cannot allocate/)
    expect(() => memory.allocate(2 ** 50)).toThrow(
      /Native memory is full: 1073741824\.0 MiB were asked for, 0\.0 MiB are in use\..*ENOMEM/,
    )
    expect(() => new NativeMemory(native(), { guard: 'after' }).allocate(2 ** 50)).toThrow(/Native memory is full/)
    memory.close()
  })

  test('a guarded block ends at its guard', () => {
    const memory = new NativeMemory(native(), { guard: 'after' })
    for (const bytes of [0, 1, 4, 1000, 4096, 5000]) {
      expect((memory.allocate(bytes) + Math.ceil(bytes / 4) * 4) % 4096).toBe(0)
    }
    expect(memory.used).toBe(0 + 1 + 4 + 1000 + 4096 + 5000)
    memory.close()
  })
})
