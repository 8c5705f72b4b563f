/** @file Lane-wise operations, folds and transposes in SIMD128. */
import type { Horizontal, Instr, Reg, V1, V2 } from '../../kernels/vector.ts'
import type { Context } from './context.ts'
import { Op, Simd } from './opcodes.ts'

const unary: Record<V1, number> = {
  'f.neg': Simd.f32x4Neg,
  'f.abs': Simd.f32x4Abs,
  'f.sqrt': Simd.f32x4Sqrt,
  'f.floor': Simd.f32x4Floor,
  'f.ceil': Simd.f32x4Ceil,
  'f.trunc': Simd.f32x4Trunc,
  'f.nearest': Simd.f32x4Nearest,
  'i.neg': Simd.i32x4Neg,
  'i.abs': Simd.i32x4Abs,
  'i.toFloat': Simd.f32x4ConvertI32x4S,
  'f.toInt': Simd.i32x4TruncSatF32x4S,
  not: Simd.not,
}

type Division = 'i.div' | 'i.rem'
type Shift = 'i.shl' | 'i.shr' | 'i.shrU'

const binary: Record<Exclude<V2, Division | Shift>, number> = {
  'f.add': Simd.f32x4Add,
  'f.sub': Simd.f32x4Sub,
  'f.mul': Simd.f32x4Mul,
  'f.div': Simd.f32x4Div,
  'f.min': Simd.f32x4Min,
  'f.max': Simd.f32x4Max,
  'f.pmin': Simd.f32x4Pmin,
  'f.pmax': Simd.f32x4Pmax,
  'f.eq': Simd.f32x4Eq,
  'f.ne': Simd.f32x4Ne,
  'f.lt': Simd.f32x4Lt,
  'f.le': Simd.f32x4Le,
  'i.add': Simd.i32x4Add,
  'i.sub': Simd.i32x4Sub,
  'i.mul': Simd.i32x4Mul,
  'i.min': Simd.i32x4MinS,
  'i.max': Simd.i32x4MaxS,
  'i.eq': Simd.i32x4Eq,
  'i.ne': Simd.i32x4Ne,
  'i.lt': Simd.i32x4LtS,
  'i.le': Simd.i32x4LeS,
  and: Simd.and,
  or: Simd.or,
  xor: Simd.xor,
  andNot: Simd.andNot,
}

const commutative = new Set<V2>([
  'f.add',
  'f.mul',
  'f.min',
  'f.max',
  'f.eq',
  'f.ne',
  'i.add',
  'i.mul',
  'i.min',
  'i.max',
  'i.eq',
  'i.ne',
  'and',
  'or',
  'xor',
])

const shifts: Record<Shift, { readonly vector: number; readonly scalar: number }> = {
  'i.shl': { vector: Simd.i32x4Shl, scalar: Op.i32Shl },
  'i.shr': { vector: Simd.i32x4ShrS, scalar: Op.i32ShrS },
  'i.shrU': { vector: Simd.i32x4ShrU, scalar: Op.i32ShrU },
}

type Of<K extends Instr['op']> = Extract<Instr, { op: K }>

export function lowerV1(c: Context, { fn, a, d }: Of<'v1'>): void {
  c.push(a)
  c.f.simd(unary[fn])
  c.pop(d)
}

export function lowerV2(c: Context, { fn, a, b, d }: Of<'v2'>): void {
  if (fn === 'i.div' || fn === 'i.rem') {
    divide(c, fn, a, b, d)
    return
  }
  if (fn === 'i.shl' || fn === 'i.shr' || fn === 'i.shrU') {
    shiftLanes(c, fn, a, b, d)
    return
  }
  if ((fn === 'f.min' || fn === 'f.max') && boundByConstant(c, fn, a, b, d)) return
  const swap = commutative.has(fn) && c.fresh(b) && !c.fresh(a)
  pushTwo(c, swap ? b : a, swap ? a : b)
  c.f.simd(binary[fn])
  c.pop(d)
}

/**
 * The minimum or maximum of `x` and a constant that is no NaN: V8's own `min` and `max` take a dozen instructions, and
 * `pmin(x, constant)` is right except for the sign of some zeros. Whether it has been lowered so.
 */
function boundByConstant(c: Context, fn: 'f.min' | 'f.max', a: Reg, b: Reg, d: Reg): boolean {
  const x = c.constants.has(b) ? a : b
  const constant = c.constants.has(b) ? b : a
  const bits = c.constants.get(constant)
  if (bits === undefined || bits.some(isNaNBits)) return false
  // Of zeros, the first operand stays: wrong for max(-0, 0) and min(0, -0). The former is cured by adding 0.
  const zeros = bits.filter((lane) => lane === 0).length
  if (fn === 'f.min' ? bits.includes(MINUS_ZERO) : zeros % bits.length !== 0) return false
  c.push(x)
  c.pushAgain(constant)
  c.f.simd(fn === 'f.min' ? Simd.f32x4Pmin : Simd.f32x4Pmax)
  if (fn === 'f.max' && zeros > 0) {
    c.pushConstant([0, 0, 0, 0])
    c.f.simd(Simd.f32x4Add)
  }
  c.pop(d)
  return true
}

const MINUS_ZERO = -(2 ** 31)

function isNaNBits(bits: number): boolean {
  return (bits & 0x7fffffff) > 0x7f800000
}

/** Pushes two operands, which may be the same register. */
function pushTwo(c: Context, a: Reg, b: Reg): void {
  if (a === b) {
    c.pushAgain(a)
    c.pushAgain(b)
  } else {
    c.push(a)
    c.push(b)
  }
}

/**
 * Division through float64, where the quotient of two int32 truncates exactly. The one quotient that is no int32,
 * -2³¹ / -1, wraps like a negation.
 */
function divide(c: Context, fn: Division, a: Reg, b: Reg, d: Reg): void {
  const { f } = c
  const half = (reg: Reg, high: boolean): void => {
    c.pushAgain(reg)
    if (high) {
      c.pushAgain(reg)
      f.shuffle(2, 3, 2, 3)
    }
    f.simd(Simd.f64x2ConvertLowI32x4S)
  }
  for (const high of [false, true]) {
    half(a, high)
    half(b, high)
    f.simd(Simd.f64x2Div)
    f.simd(Simd.i32x4TruncSatF64x2SZero)
  }
  f.shuffle(0, 1, 4, 5)
  const quotient = c.scratch('v', 0)
  f.set(quotient)
  // Where b is -1, take -a.
  c.pushAgain(a)
  f.simd(Simd.i32x4Neg)
  f.get(quotient)
  c.pushAgain(b)
  c.pushConstant([-1, -1, -1, -1])
  f.simd(Simd.i32x4Eq)
  f.simd(Simd.bitselect)
  if (fn === 'i.rem') {
    f.set(quotient)
    c.pushAgain(a)
    f.get(quotient)
    c.pushAgain(b)
    f.simd(Simd.i32x4Mul)
    f.simd(Simd.i32x4Sub)
  }
  // Where b is 0, the answer is 0.
  c.pushAgain(b)
  c.pushConstant([0, 0, 0, 0])
  f.simd(Simd.i32x4Eq)
  f.simd(Simd.andNot)
  c.pop(d)
}

/** SIMD128 shifts all lanes alike: lanes with counts of their own go through scalars, unless the counts agree. */
function shiftLanes(c: Context, fn: Shift, a: Reg, b: Reg, d: Reg): void {
  const { f } = c
  const counts = c.constants.get(b)
  if (counts?.every((count) => (count & 31) === (counts[0] & 31))) {
    lowerShift(c, { op: 'shift', fn, d, a, by: counts[0] })
    return
  }
  c.pushAgain(a)
  for (let lane = 0; lane < 4; lane++) {
    c.pushAgain(a)
    f.lane(Simd.i32x4ExtractLane, lane)
    c.pushAgain(b)
    f.lane(Simd.i32x4ExtractLane, lane)
    f.op(shifts[fn].scalar)
    f.lane(Simd.i32x4ReplaceLane, lane)
  }
  c.pop(d)
}

export function lowerShift(c: Context, { fn, a, by, d }: Of<'shift'>): void {
  c.push(a)
  c.f.i32(by & 31)
  c.f.simd(shifts[fn].vector)
  c.pop(d)
}

export function lowerV3(c: Context, { fn, a, b, c: addend, d }: Of<'v3'>): void {
  const { f } = c
  const distinct = a !== b && b !== addend && a !== addend
  const push = (reg: Reg): void => (distinct ? c.push(reg) : c.pushAgain(reg))
  if (fn === 'select') {
    push(b)
    push(addend)
    push(a)
    f.simd(Simd.bitselect)
  } else if (c.relaxed) {
    push(a)
    push(b)
    push(addend)
    f.simd(fn === 'f.fma' ? Simd.f32x4RelaxedMadd : Simd.f32x4RelaxedNmadd)
  } else {
    const addendFirst = fn === 'f.fnma' || c.fresh(addend)
    if (addendFirst) push(addend)
    push(a)
    push(b)
    f.simd(Simd.f32x4Mul)
    if (!addendFirst) push(addend)
    f.simd(fn === 'f.fma' ? Simd.f32x4Add : Simd.f32x4Sub)
  }
  c.pop(d)
}

const folds: Record<Horizontal, number> = {
  'f.add': Simd.f32x4Add,
  'f.mul': Simd.f32x4Mul,
  'f.min': Simd.f32x4Min,
  'f.max': Simd.f32x4Max,
  'i.add': Simd.i32x4Add,
  'i.mul': Simd.i32x4Mul,
  'i.min': Simd.i32x4MinS,
  'i.max': Simd.i32x4MaxS,
}

/** Lanes two apart first, then neighbours: (0 ∘ 2) ∘ (1 ∘ 3). */
export function lowerFold(c: Context, { fn, a, d }: Of<'fold'>): void {
  const { f } = c
  const half = c.scratch('v', 0)
  c.pushAgain(a)
  c.pushAgain(a)
  c.pushAgain(a)
  f.shuffle(2, 3, 0, 1)
  f.simd(folds[fn])
  f.tee(half)
  f.get(half)
  f.get(half)
  f.shuffle(1, 0, 3, 2)
  f.simd(folds[fn])
  c.pop(d)
}

/** Four rows of four lanes: pairs of rows interleave, then pairs of pairs. */
export function lowerTranspose(c: Context, { a, d }: Of<'transpose'>): void {
  const { f } = c
  const [p, q, r, s] = [0, 1, 2, 3].map((n) => c.scratch('v', n))
  const mix = (x: Reg, y: Reg, into: number, from: number): void => {
    c.pushAgain(x)
    c.pushAgain(y)
    f.shuffle(from, from + 4, from + 1, from + 5)
    f.set(into)
  }
  mix(a[0], a[1], p, 0)
  mix(a[0], a[1], q, 2)
  mix(a[2], a[3], r, 0)
  mix(a[2], a[3], s, 2)
  const join = (x: number, y: number, high: boolean, into: Reg): void => {
    f.get(x)
    f.get(y)
    if (high) f.shuffle(2, 3, 6, 7)
    else f.shuffle(0, 1, 4, 5)
    c.pop(into)
  }
  join(p, r, false, d[0])
  join(p, r, true, d[1])
  join(q, s, false, d[2])
  join(q, s, true, d[3])
}
