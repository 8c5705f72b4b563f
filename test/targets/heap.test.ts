/** @file The allocator: blocks are aligned, apart, and all come back. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from '../../src/targets/heap.ts'

type Action = { readonly kind: 'allocate' | 'free' | 'extend'; readonly n: number }

test('any sequence of allocations keeps the invariants', () => {
  const action = fc.record<Action>({
    kind: fc.constantFrom('allocate', 'allocate', 'allocate', 'free', 'free', 'extend'),
    n: fc.nat({ max: 5000 }),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200, size: 'max' }), (actions) => {
      const start = 1024
      let end = start + 64 * 100
      const heap = new Heap(start, end)
      const live = new Map<number, number>()
      for (const { kind, n } of actions) {
        if (kind === 'extend') {
          end += 64 * (n % 50)
          heap.extend(end)
        } else if (kind === 'free') {
          const address = [...live.keys()][n % Math.max(1, live.size)]
          if (address === undefined) continue
          expect(heap.free(address)).toBe(true)
          expect(heap.free(address)).toBe(false)
          live.delete(address)
        } else {
          const address = heap.allocate(n)
          if (address === undefined) continue
          expect(address % 64).toBe(0)
          expect(address >= start && address + n <= end).toBe(true)
          for (const [other, size] of live) expect(address + n <= other || other + size <= address).toBe(true)
          live.set(address, Math.max(1, n))
        }
        heap.verify()
      }
      for (const address of live.keys()) heap.free(address)
      heap.verify()
      expect(heap.used).toBe(0)
      expect(heap.allocate(end - start)).toBe(start)
    }),
    { numRuns: 200 },
  )
})

test('the smallest block that fits is taken', () => {
  const heap = new Heap(64, 64 + 64 * 20)
  const blocks = [5, 1, 2, 1, 3, 1].map((n) => heap.allocate(64 * n))
  for (const i of [0, 2, 4]) heap.free(blocks[i] ?? -1)
  expect([2, 3, 5, 6].map((n) => heap.fit(64 * n))).toEqual([128, 192, 320, 448])
  expect(heap.fit(64 * 8)).toBe(undefined)
  expect(heap.allocate(64 * 2)).toBe(blocks[2])
  expect(heap.allocate(64 * 3)).toBe(blocks[4])
  expect(heap.allocate(64)).toBe(blocks[0])
})
