/**
 * @file The elementwise functions on vectors: one table for each class of registers, complete by type. float32 and
 * int32 lanes are plain; uint8 lives in int32 lanes as 0 … 255; bool is a mask. NaN goes where PyTorch lets it go.
 */
import type { DType } from '../../core/dtype.ts'
import * as math from '../math.ts'
import type { BinaryOp, UnaryOp } from '../names.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg, V1, V2 } from '../vector.ts'

type One = (b: ProgramBuilder, x: Reg) => Reg
type Two = (b: ProgramBuilder, x: Reg, y: Reg) => Reg
type Unary = { readonly [F in UnaryOp]: One }
type Binary = { readonly [F in BinaryOp]: Two }
/** How a dtype sits in registers. */
export type Class = 'float' | 'int' | 'byte' | 'bool'

const v1 =
  (fn: V1): One =>
  (b, x) =>
    b.v1(fn, x)
const v2 =
  (fn: V2): Two =>
  (b, x, y) =>
    b.v2(fn, x, y)

const same: One = (_, x) => x

function unsupported(name: string, what: Class): () => never {
  return () => {
    throw new Error(`${name} is not defined for ${what} values`)
  }
}

const zero = (b: ProgramBuilder): Reg => b.constant(0)

// float32 ------------------------------------------------------------------------------------------------------------

const floatUnary: Unary = {
  neg: v1('f.neg'),
  abs: v1('f.abs'),
  // Zeros and NaN are their own sign.
  sign: (b, x) => {
    const negative = b.v3('select', b.v2('f.lt', x, zero(b)), b.f32(-1), x)
    return b.v3('select', b.v2('f.lt', zero(b), x), b.f32(1), negative)
  },
  floor: v1('f.floor'),
  ceil: v1('f.ceil'),
  round: v1('f.nearest'),
  trunc: v1('f.trunc'),
  exp: math.exp,
  expm1: math.expm1,
  log: math.log,
  log1p: math.log1p,
  sqrt: v1('f.sqrt'),
  sin: math.sin,
  cos: math.cos,
  atan: math.atan,
  tanh: math.tanh,
  erf: math.erf,
  sigmoid: math.sigmoid,
  not: (b, x) => b.v2('and', b.v2('f.eq', x, zero(b)), b.f32(1)),
}

/** High 12 bits of a float's fraction: products of two such parts are exact. */
const HIGH = 0xfffff000 | 0

/** Remainder and the mask of lanes whose divisor is infinite, the dividend finite. */
function floatRemainder(b: ProgramBuilder, x: Reg, y: Reg): { rem: Reg; infinite: Reg; opposite: Reg } {
  const q = b.v1('f.floor', b.v2('f.div', x, y))
  // x − q·y with the rounding error of the product: without it 6 mod 0.1 would be 0 and not 0.0999….
  const p = b.v2('f.mul', q, y)
  const [q1, y1] = [b.v2('and', q, b.i32(HIGH)), b.v2('and', y, b.i32(HIGH))]
  const [q2, y2] = [b.v2('f.sub', q, q1), b.v2('f.sub', y, y1)]
  const cross = b.v2('f.add', b.v2('f.mul', q1, y2), b.v2('f.mul', q2, y1))
  const error = b.v2('f.add', b.v2('f.add', b.v2('f.sub', b.v2('f.mul', q1, y1), p), cross), b.v2('f.mul', q2, y2))
  const r = b.v2('f.sub', b.v2('f.sub', x, p), error)
  // The quotient may have been rounded over an integer: one step back, towards the divisor's sign.
  const signs = b.shift('i.shr', b.v2('xor', r, y), 31)
  const wrong = b.v2('and', signs, b.v2('f.ne', r, zero(b)))
  const up = b.v2('f.add', r, b.v2('and', wrong, y))
  const tooFar = b.v2('f.le', b.v1('f.abs', y), b.v1('f.abs', up))
  const rem = b.v2('f.sub', up, b.v2('and', tooFar, y))
  const inf = b.f32(Number.POSITIVE_INFINITY)
  const finite = b.v2('f.lt', b.v1('f.abs', x), inf)
  const infinite = b.v2('and', b.v2('f.eq', b.v1('f.abs', y), inf), finite)
  const opposite = b.v2('and', b.shift('i.shr', b.v2('xor', x, y), 31), b.v2('f.ne', x, zero(b)))
  return { rem, infinite, opposite }
}

const floatBinary: Binary = {
  add: v2('f.add'),
  sub: v2('f.sub'),
  mul: v2('f.mul'),
  div: v2('f.div'),
  pow: math.pow,
  max: v2('f.max'),
  min: v2('f.min'),
  rem: (b, x, y) => {
    const { rem, infinite, opposite } = floatRemainder(b, x, y)
    return b.v3('select', infinite, b.v3('select', opposite, y, x), rem)
  },
  idiv: (b, x, y) => {
    const { rem, infinite, opposite } = floatRemainder(b, x, y)
    const whole = b.v1('f.nearest', b.v2('f.div', b.v2('f.sub', x, rem), y))
    const byZero = b.v2('f.eq', y, zero(b))
    const finite = b.v3('select', byZero, b.v2('f.div', x, y), whole)
    return b.v3('select', infinite, b.v2('and', opposite, b.f32(-1)), finite)
  },
  and: unsupported('and', 'float'),
  or: unsupported('or', 'float'),
  xor: unsupported('xor', 'float'),
  shl: unsupported('shl', 'float'),
  shr: unsupported('shr', 'float'),
  eq: v2('f.eq'),
  ne: v2('f.ne'),
  lt: v2('f.lt'),
  le: v2('f.le'),
}

// int32 --------------------------------------------------------------------------------------------------------------

const intUnary: Unary = {
  neg: v1('i.neg'),
  abs: v1('i.abs'),
  sign: (b, x) => b.v2('i.max', b.v2('i.min', x, b.i32(1)), b.i32(-1)),
  floor: same,
  ceil: same,
  round: same,
  trunc: same,
  exp: unsupported('exp', 'int'),
  expm1: unsupported('expm1', 'int'),
  log: unsupported('log', 'int'),
  log1p: unsupported('log1p', 'int'),
  sqrt: unsupported('sqrt', 'int'),
  sin: unsupported('sin', 'int'),
  cos: unsupported('cos', 'int'),
  atan: unsupported('atan', 'int'),
  tanh: unsupported('tanh', 'int'),
  erf: unsupported('erf', 'int'),
  sigmoid: unsupported('sigmoid', 'int'),
  not: v1('not'),
}

/** Lanes whose truncated quotient is one more than the floor, given the truncated remainder. */
function rounded(b: ProgramBuilder, rem: Reg, y: Reg): Reg {
  return b.v2('and', b.shift('i.shr', b.v2('xor', rem, y), 31), b.v2('i.ne', rem, zero(b)))
}

/** By squaring; a negative exponent gives the truncated inverse. */
function intPower(b: ProgramBuilder, x: Reg, y: Reg): Reg {
  const one = b.i32(1)
  let result = one
  let square = x
  for (let bit = 0; bit < 31; bit++) {
    const set = b.v2('i.ne', b.v2('and', y, b.i32(1 << bit)), zero(b))
    result = b.v3('select', set, b.v2('i.mul', result, square), result)
    if (bit < 30) square = b.v2('i.mul', square, square)
  }
  const odd = b.v2('i.ne', b.v2('and', y, one), zero(b))
  const minusOne = b.v3('select', odd, x, one)
  const unit = b.v2('i.eq', b.v1('i.abs', x), one)
  const plus = b.v2('i.eq', x, one)
  const inverse = b.v2('and', unit, b.v3('select', plus, one, minusOne))
  return b.v3('select', b.v2('i.lt', y, zero(b)), inverse, result)
}

const intBinary: Binary = {
  add: v2('i.add'),
  sub: v2('i.sub'),
  mul: v2('i.mul'),
  div: (b, x, y) => intBinary.idiv(b, x, y),
  pow: intPower,
  max: v2('i.max'),
  min: v2('i.min'),
  rem: (b, x, y) => {
    const r = b.v2('i.rem', x, y)
    return b.v2('i.add', r, b.v2('and', rounded(b, r, y), y))
  },
  idiv: (b, x, y) => b.v2('i.add', b.v2('i.div', x, y), rounded(b, b.v2('i.rem', x, y), y)),
  and: v2('and'),
  or: v2('or'),
  xor: v2('xor'),
  shl: v2('i.shl'),
  shr: v2('i.shr'),
  eq: v2('i.eq'),
  ne: v2('i.ne'),
  lt: v2('i.lt'),
  le: v2('i.le'),
}

// bool ---------------------------------------------------------------------------------------------------------------

const no = (name: string): (() => never) => unsupported(name, 'bool')

const boolUnary: Unary = {
  neg: no('neg'),
  abs: same,
  sign: same,
  floor: same,
  ceil: same,
  round: same,
  trunc: same,
  exp: no('exp'),
  expm1: no('expm1'),
  log: no('log'),
  log1p: no('log1p'),
  sqrt: no('sqrt'),
  sin: no('sin'),
  cos: no('cos'),
  atan: no('atan'),
  tanh: no('tanh'),
  erf: no('erf'),
  sigmoid: no('sigmoid'),
  not: v1('not'),
}

const boolBinary: Binary = {
  add: v2('or'),
  sub: v2('xor'),
  mul: v2('and'),
  div: no('div'),
  pow: no('pow'),
  max: v2('or'),
  min: v2('and'),
  rem: no('rem'),
  idiv: no('idiv'),
  and: v2('and'),
  or: v2('or'),
  xor: v2('xor'),
  shl: no('shl'),
  shr: no('shr'),
  eq: (b, x, y) => b.v1('not', b.v2('xor', x, y)),
  ne: v2('xor'),
  lt: (b, x, y) => b.v2('andNot', y, x),
  le: (b, x, y) => b.v2('or', y, b.v1('not', x)),
}

const classes = {
  float: { unary: floatUnary, binary: floatBinary },
  int: { unary: intUnary, binary: intBinary },
  byte: { unary: intUnary, binary: intBinary },
  bool: { unary: boolUnary, binary: boolBinary },
} as const

const classOf: { readonly [D in DType]: Class | null } = {
  float32: 'float',
  float64: null,
  int32: 'int',
  uint8: 'byte',
  bool: 'bool',
}

export function registerClass(dtype: DType): Class {
  const c = classOf[dtype]
  if (c === null) throw new Error(`${dtype} values have no vector registers`)
  return c
}

const comparisons: ReadonlySet<BinaryOp> = new Set(['eq', 'ne', 'lt', 'le'])

export function emitUnary(b: ProgramBuilder, fn: UnaryOp, dtype: DType, x: Reg): Reg {
  const c = registerClass(dtype)
  const d = classes[c].unary[fn](b, x)
  return c === 'byte' ? toByte(b, d) : d
}

/** `dtype` is that of the operands. */
export function emitBinary(b: ProgramBuilder, fn: BinaryOp, dtype: DType, x: Reg, y: Reg): Reg {
  const c = registerClass(dtype)
  const d = classes[c].binary[fn](b, x, y)
  return c === 'byte' && !comparisons.has(fn) ? toByte(b, d) : d
}

function toByte(b: ProgramBuilder, x: Reg): Reg {
  return b.v2('and', x, b.i32(255))
}

/** float → int truncates and saturates, NaN gives 0; → uint8 then keeps the low 8 bits; → bool is ≠ 0 (NaN is true). */
export function emitCast(b: ProgramBuilder, from: DType, to: DType, x: Reg): Reg {
  const [f, t] = [registerClass(from), registerClass(to)]
  if (f === t) return x
  if (t === 'bool') return b.v2(f === 'float' ? 'f.ne' : 'i.ne', x, zero(b))
  if (f === 'bool') return b.v2('and', x, t === 'float' ? b.f32(1) : b.i32(1))
  if (t === 'float') return b.v1('i.toFloat', x)
  const int = f === 'float' ? b.v1('f.toInt', x) : x
  return t === 'byte' ? toByte(b, int) : int
}

/** Powers with these constant exponents are a few multiplications, as in PyTorch. */
export const powers: ReadonlyMap<number, One> = new Map<number, One>([
  [1, same],
  [2, (b, x) => b.v2('f.mul', x, x)],
  [3, (b, x) => b.v2('f.mul', b.v2('f.mul', x, x), x)],
  [0.5, v1('f.sqrt')],
  [-0.5, (b, x) => b.v2('f.div', b.f32(1), b.v1('f.sqrt', x))],
  [-1, (b, x) => b.v2('f.div', b.f32(1), x)],
  [-2, (b, x) => b.v2('f.div', b.f32(1), b.v2('f.mul', x, x))],
])
