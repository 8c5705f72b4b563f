/**
 * @file The integer and lane-wise operations of vector programs, written out one value at a time: their definition.
 */
import type { Compare, Horizontal, I2, V1, V2, V3 } from './vector.ts'

/** The value of a vector register, seen as int32 or as float32. */
export interface Lanes {
  readonly i: Int32Array
  readonly f: Float32Array
}

export function makeLanes(lanes: number): Lanes {
  const i = new Int32Array(lanes)
  return { i, f: new Float32Array(i.buffer) }
}

/** Integer (address) arithmetic, exact: the caller checks the range. */
export function integer2(fn: I2, a: number, b: number): number {
  switch (fn) {
    case 'add':
      return a + b
    case 'sub':
      return a - b
    case 'mul':
      return a * b
    case 'div':
      return Math.floor(a / b)
    case 'rem':
      return a % b
    case 'min':
      return Math.min(a, b)
    case 'max':
      return Math.max(a, b)
    case 'and':
      return a & b
    case 'shl':
      return a * 2 ** b
    case 'shr':
      return Math.floor(a / 2 ** b)
  }
}

export function compare(fn: Compare, a: number, b: number): boolean {
  switch (fn) {
    case 'eq':
      return a === b
    case 'ne':
      return a !== b
    case 'lt':
      return a < b
    case 'le':
      return a <= b
    case 'gt':
      return a > b
    case 'ge':
      return a >= b
  }
}

export function lanewise1(fn: V1, a: Lanes): Lanes {
  const d = makeLanes(a.i.length)
  for (let l = 0; l < a.i.length; l++) {
    const x = a.f[l]
    switch (fn) {
      case 'f.neg':
        d.i[l] = a.i[l] ^ 0x80000000
        break
      case 'f.abs':
        d.i[l] = a.i[l] & 0x7fffffff
        break
      case 'f.sqrt':
        d.f[l] = Math.sqrt(x)
        break
      case 'f.floor':
        d.f[l] = Math.floor(x)
        break
      case 'f.ceil':
        d.f[l] = Math.ceil(x)
        break
      case 'f.trunc':
        d.f[l] = Math.trunc(x)
        break
      case 'f.nearest':
        d.f[l] = nearest(x)
        break
      case 'i.neg':
        d.i[l] = -a.i[l]
        break
      case 'i.abs':
        d.i[l] = Math.abs(a.i[l])
        break
      case 'i.toFloat':
        d.f[l] = a.i[l]
        break
      case 'f.toInt':
        d.i[l] = Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)))
        break
      case 'not':
        d.i[l] = ~a.i[l]
        break
    }
  }
  return d
}

export function lanewise2(fn: V2, a: Lanes, b: Lanes): Lanes {
  const d = makeLanes(a.i.length)
  const float = floats2[fn]
  const int = ints2[fn]
  const pick = picks2[fn]
  for (let l = 0; l < a.i.length; l++) {
    if (float !== undefined) d.f[l] = float(a.f[l], b.f[l])
    else if (int !== undefined) d.i[l] = int(a.i[l], b.i[l])
    else if (pick !== undefined) d.i[l] = pick(a.f[l], b.f[l]) ? b.i[l] : a.i[l]
    else d.i[l] = compares2[fn]?.(a.f[l], b.f[l]) ? -1 : 0
  }
  return d
}

type Table<T> = { readonly [fn in V2]?: T }

/** The sum, product or quotient of two float32 in float64, rounded again to float32, is the correctly rounded one. */
const floats2: Table<(a: number, b: number) => number> = {
  'f.add': (a, b) => a + b,
  'f.sub': (a, b) => a - b,
  'f.mul': (a, b) => a * b,
  'f.div': (a, b) => a / b,
  'f.min': Math.min,
  'f.max': Math.max,
}

/** Where these hold, the result is the bits of `b`, else of `a`. */
const picks2: Table<(a: number, b: number) => boolean> = {
  'f.pmin': (a, b) => b < a,
  'f.pmax': (a, b) => a < b,
}

const compares2: Table<(a: number, b: number) => boolean> = {
  'f.eq': (a, b) => a === b,
  'f.ne': (a, b) => a !== b,
  'f.lt': (a, b) => a < b,
  'f.le': (a, b) => a <= b,
}

const ints2: Table<(a: number, b: number) => number> = {
  'i.add': (a, b) => a + b,
  'i.sub': (a, b) => a - b,
  'i.mul': Math.imul,
  'i.min': Math.min,
  'i.max': Math.max,
  'i.eq': (a, b) => (a === b ? -1 : 0),
  'i.ne': (a, b) => (a !== b ? -1 : 0),
  'i.lt': (a, b) => (a < b ? -1 : 0),
  'i.le': (a, b) => (a <= b ? -1 : 0),
  'i.div': (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  'i.rem': (a, b) => (b === 0 ? 0 : a % b),
  'i.shl': (a, b) => a << b,
  'i.shr': (a, b) => a >> b,
  'i.shrU': (a, b) => a >>> b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  andNot: (a, b) => a & ~b,
}

export function lanewise3(fn: V3, a: Lanes, b: Lanes, c: Lanes, fused: boolean): Lanes {
  const d = makeLanes(a.i.length)
  for (let l = 0; l < a.i.length; l++) {
    if (fn === 'select') d.i[l] = (b.i[l] & a.i[l]) | (c.i[l] & ~a.i[l])
    else d.f[l] = multiplyAdd(fn === 'f.fma' ? a.f[l] : -a.f[l], b.f[l], c.f[l], fused)
  }
  return d
}

export function fold(fn: Horizontal, a: Lanes): Lanes {
  // Lane l meets lane l + half, as registers are halved: this order is part of the meaning of a float sum.
  let part = a
  while (part.i.length > 1) {
    const half = part.i.length / 2
    const [low, high] = [makeLanes(half), makeLanes(half)]
    low.i.set(part.i.subarray(0, half))
    high.i.set(part.i.subarray(half))
    part = lanewise2(fn, low, high)
  }
  const d = makeLanes(a.i.length)
  d.i.fill(part.i[0])
  return d
}

/** Nearest integer, ties to even: float64 has no fraction bits left at 2^52. */
function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 23) || x === 0) return x
  const shift = 1.5 * 2 ** 52
  const r = x + shift - shift
  return r === 0 ? Math.sign(x) * 0 : r
}

const sumFloat = new Float64Array(1)
const sumBits = new BigInt64Array(sumFloat.buffer)

/**
 * a · b + c for float32 operands. The product is exact in float64; rounding the sum to float64 and then to float32
 * would round twice, so the float64 sum is rounded to odd instead, after which the second rounding is the only one
 * that counts (Boldo & Melquiond, Emulation of a FMA and correctly rounded sums, 2008).
 */
function multiplyAdd(a: number, b: number, c: number, fused: boolean): number {
  const product = a * b
  if (!fused) return Math.fround(Math.fround(product) + c)
  const sum = product + c
  const virtual = sum - product
  const error = product - (sum - virtual) + (c - virtual)
  if (error === 0 || !Number.isFinite(error)) return Math.fround(sum)
  sumFloat[0] = sum
  // The float64 nearest to the sum is even: step to its odd neighbour on the side where the exact sum lies.
  if ((sumBits[0] & 1n) === 0n) sumBits[0] += error > 0 === sum > 0 ? 1n : -1n
  return Math.fround(sumFloat[0])
}
