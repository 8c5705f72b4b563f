/** @file Loads and stores: the right elements, and no byte beyond them, with buffers that end where memory ends. */
import { describe, expect, test } from 'vitest'
import type { MemType, VectorProgram } from '../../../src/kernels/vector.ts'
import { build, end, Page } from './harness.ts'

const types: MemType[] = ['f32', 'i32', 'u8']
const sizeOf = (type: MemType): number => (type === 'u8' ? 1 : 4)

function fill(page: Page): void {
  for (let i = 0; i < page.bytes.length; i++) page.bytes[i] = (i * 7 + (i >> 8)) & 0xff
}

/** The element at a byte address, as a lane. */
function element(page: Page, type: MemType, address: number): number {
  const view = new DataView(page.memory.buffer)
  return type === 'u8' ? view.getUint8(address) : view.getInt32(address, true)
}

/** Where the bytes stop agreeing, or -1. */
function firstDifference(got: Uint8Array, want: Uint8Array): number {
  return got.findIndex((byte, i) => byte !== want[i])
}

/** Runs a program (input, output) and returns the four lanes that it stored at 2048. */
function lanes(page: Page, program: VectorProgram, input: number): number[] {
  page.run(program, [input, 2048, 0, 1])
  return page.ints4(2048)
}

describe.each(types)('%s', (type) => {
  const size = sizeOf(type)

  test.each([1, 2, 3, 4])('load of %i lanes', (count) => {
    for (const offset of [0, 40, -40]) {
      const page = new Page()
      fill(page)
      const at = end(size * count)
      const program = build(2, (b) => b.store(1, 0, b.load(0, offset, type, count)))
      const want = [0, 1, 2, 3].map((l) => (l < count ? element(page, type, at + l * size) : 0))
      expect(lanes(page, program, at - offset)).toEqual(want)
    }
  })

  test('loadSplat', () => {
    const page = new Page()
    fill(page)
    const at = end(size)
    const program = build(2, (b) => b.store(1, 0, b.loadSplat(0, 4, type)))
    expect(lanes(page, program, at - 4)).toEqual(Array(4).fill(element(page, type, at)))
  })

  const elements = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [0, 2, 4, 6],
    [6, 4, 2, 0],
    [0, 0, 1, 1],
    [1, 1, 0, 0],
    [0, 0, 0, 0],
    [0, 1, 0, 1],
    [2, 0, 1, 2],
    [0, 5, 3, 1],
    [7, 0, 3, 4],
    [0, 8, 1, 9],
    [0, 10, 20, 30],
    [-3, -2, -1, 0],
    [-6, -4, -2, 0],
    [0, -100, 3, 50],
    [0],
    [2],
    [0, 0],
    [1, 0],
    [0, 3],
    [0, 9],
    [0, 0, 0],
    [2, 1, 0],
    [0, 3, 1],
    [0, 2, 4],
    [5, 5, 0],
  ]
  test.each(elements)('loadLanes %i %i %i %i', (...places) => {
    const picked = places.filter((place) => place !== undefined)
    for (const spread of type === 'u8' ? [1, 4] : [4, 16]) {
      const page = new Page()
      fill(page)
      const pattern = picked.map((place) => place * spread)
      const at = end(Math.max(...pattern) + size)
      const program = build(2, (b) => b.store(1, 0, b.loadLanes(0, 0, pattern, type)))
      const want = [0, 1, 2, 3].map((l) => (l < pattern.length ? element(page, type, at + pattern[l]) : 0))
      expect(lanes(page, program, at)).toEqual(want)
    }
  })

  test('loadLanes off the grid of elements', () => {
    const page = new Page()
    fill(page)
    const pattern = [0, 6, 3, 9]
    const at = end(9 + size)
    const program = build(2, (b) => b.store(1, 0, b.loadLanes(0, 0, pattern, type)))
    expect(lanes(page, program, at)).toEqual(pattern.map((p) => element(page, type, at + p)))
  })

  test('loadLanes reads nothing before its first element', () => {
    const page = new Page()
    fill(page)
    const pattern = [6, 4, 2, 0].map((place) => place * size)
    const program = build(2, (b) => b.store(1, 0, b.loadLanes(0, 0, pattern, type)))
    expect(lanes(page, program, 0)).toEqual(pattern.map((p) => element(page, type, p)))
  })

  test.each([1, 2, 3, 4])('gather of %i lanes', (count) => {
    for (const scale of [1, 4, 12]) {
      for (const offset of [0, 8, -8]) {
        const page = new Page()
        fill(page)
        const indices = [5, -3, 0, 2]
        page.ints.set(indices, 256)
        const last = Math.max(...indices.slice(0, count))
        const at = end(last * scale + size)
        const want = [0, 1, 2, 3].map((l) => (l < count ? element(page, type, at + indices[l] * scale) : 0))
        const program = build(2, (b) => {
          const base = b.i2('add', b.int(1024), { imm: 0 })
          b.store(1, 0, b.gather(0, offset, b.load(base, 0), scale, type, count))
        })
        expect(lanes(page, program, at - offset)).toEqual(want)
      }
    }
  })

  test.each([1, 2, 3, 4])('store of %i lanes', (count) => {
    for (const offset of [0, 24, -24]) {
      const page = new Page()
      fill(page)
      page.ints.set([0x11223344, -2, 0x55667788, 0x12345678], 256)
      const before = page.bytes.slice()
      const at = end(size * count)
      page.run(
        build(2, (b) => b.store(1, offset, b.load(0, 0), type, count)),
        [1024, at - offset, 0, 1],
      )
      for (let l = 0; l < count; l++) {
        const value = page.ints[256 + l]
        expect(element(page, type, at + l * size)).toBe(type === 'u8' ? value & 0xff : value)
      }
      expect(firstDifference(page.bytes.subarray(0, at), before)).toBe(-1)
    }
  })

  test.each([[[0, 2, 4, 6]], [[3, 2, 1, 0]], [[0, 1, 2, 3]], [[10, 0, 20]], [[0, 1, 2]]])('storeLanes %j', (places) => {
    const page = new Page()
    fill(page)
    page.ints.set([0x11223344, -2, 0x55667788, 0x12345678], 256)
    const pattern = places.map((place) => place * size)
    const at = end(Math.max(...pattern) + size)
    const want = page.bytes.slice()
    const view = new DataView(want.buffer)
    pattern.forEach((p, l) => {
      if (type === 'u8') view.setUint8(at + p, page.ints[256 + l])
      else view.setInt32(at + p, page.ints[256 + l], true)
    })
    page.run(
      build(2, (b) => b.storeLanes(1, 0, pattern, b.load(0, 0), type)),
      [1024, at, 0, 1],
    )
    expect(firstDifference(page.bytes, want)).toBe(-1)
  })
})

test('loadInt and storeInt', () => {
  const page = new Page()
  page.ints[PAGE_INTS - 1] = -123456
  page.run(
    build(2, (b) => b.storeInt(1, -4, b.loadInt(0, 8))),
    [end(4) - 8, 2052, 0, 1],
  )
  expect(page.ints4(2048, 1)).toEqual([-123456])
})

const PAGE_INTS = 65536 / 4

test('an access past the end traps', () => {
  const page = new Page()
  const program = build(2, (b) => b.store(1, 0, b.load(0, 0)))
  expect(() => page.run(program, [end(12), 2048, 0, 1])).toThrow(WebAssembly.RuntimeError)
})
