/** @file The memory of a wasm target. */
import { describe, expect, test } from 'vitest'
import { TargetMemory } from '../../../src/targets/wasm/memory.ts'

describe.each([true, false])('memory, shared: %s', (shared) => {
  test('grows, keeps its contents, and says when it is full', () => {
    const memory = new TargetMemory({ shared, maximumPages: 128 })
    const first = memory.allocate(1000)
    memory.view(first, 1000).fill(7)
    const before = memory.reserved
    const large = memory.allocate(4 << 20)
    expect(memory.reserved).toBeGreaterThan(before)
    expect(memory.reserved % 65536).toBe(0)
    memory.view(large, 4 << 20).fill(9)
    expect(memory.view(first, 1000).every((byte) => byte === 7)).toBe(true)
    expect(memory.used).toBe(1024 + (4 << 20))
    expect(() => memory.allocate(4 << 20)).toThrow(/wasm memory is full: 4\.0 MiB .* 8\.0 MiB is the limit/)
    memory.free(large)
    expect(() => memory.free(large)).toThrow(/No block/)
    expect(memory.allocate(4 << 20)).toBe(large)
  })

  test('refuses sizes that are none', () => {
    const memory = new TargetMemory({ shared, maximumPages: 64 })
    expect(() => memory.allocate(-1)).toThrow(/Cannot allocate/)
    expect(() => memory.allocate(Number.NaN)).toThrow(/Cannot allocate/)
  })
})

test('words follow the growth', () => {
  const memory = new TargetMemory({ shared: true, maximumPages: 1024 })
  const old = memory.words
  const address = memory.allocate(16 << 20)
  expect(memory.words.length).toBeGreaterThan(old.length)
  memory.words[address >> 2] = 5
  expect(memory.view(address, 1)[0]).toBe(5)
})
