/** @file Lane-wise operations and folds in AVX2 and AVX-512. */
import type { Horizontal, Instr, Reg, V2 } from '../../kernels/vector.ts'
import type { V3Op, Vec, Width } from './asm/assembler.ts'
import { type Context, MASK_TEMPORARY } from './context.ts'

type Of<K extends Instr['op']> = Extract<Instr, { op: K }>

const SIGN = -(2 ** 31)
const ALL = -1
const EXPONENT_31 = 0x4f000000

/** Rounding without exceptions: to nearest even, down, up, towards zero. */
const rounding = { 'f.nearest': 8, 'f.floor': 9, 'f.ceil': 10, 'f.trunc': 11 } as const

export function lowerV1(c: Context, { fn, a, d }: Of<'v1'>): void {
  const { asm } = c
  switch (fn) {
    case 'f.neg': {
      const x = c.v(a)
      c.op3Constant('pxor', c.d(d), x, SIGN)
      break
    }
    case 'f.abs': {
      const x = c.v(a)
      c.op3Constant('pand', c.d(d), x, ~SIGN)
      break
    }
    case 'f.sqrt':
      c.op2('sqrtps', c.d(d), a)
      break
    case 'f.floor':
    case 'f.ceil':
    case 'f.trunc':
    case 'f.nearest': {
      const x = c.v(a)
      asm.v2imm(c.evex ? 'rndscaleps' : 'roundps', c.width, c.d(d), x, rounding[fn])
      break
    }
    case 'i.neg': {
      const x = c.v(a)
      const zero = c.temp()
      c.zero(zero)
      asm.v3('psubd', c.width, c.d(d), zero, x)
      break
    }
    case 'i.abs':
      c.op2('pabsd', c.d(d), a)
      break
    case 'i.toFloat':
      c.op2('cvtdq2ps', c.d(d), a)
      break
    case 'f.toInt':
      truncate(c, c.v(a), c.d(d))
      break
    case 'not': {
      const x = c.v(a)
      c.op3Constant('pxor', c.d(d), x, ALL)
      break
    }
  }
  c.finish(d)
}

/** The conversion gives -2³¹ for what no int32 can hold: where the number was too great, all bits are flipped; NaN gives 0. */
function truncate(c: Context, x: Vec, d: Vec): void {
  const { asm, width } = c
  const great = c.temp()
  const integer = c.temp()
  asm.v2('cvttps2dq', width, integer, x)
  const limit = c.constantOperand([EXPONENT_31])
  if (c.evex) {
    asm.cmpMask(width, MASK_TEMPORARY, x, limit.at, GREATER_OR_EQUAL, { broadcast: true })
    asm.maskToVec(width, great, MASK_TEMPORARY)
    asm.v3('pxor', width, integer, integer, great)
    asm.cmpMask(width, MASK_TEMPORARY, x, x, ORDERED)
    asm.move(width, d, integer, { mask: MASK_TEMPORARY, zero: true })
    return
  }
  asm.v3imm('cmpps', width, great, x, limit.at, GREATER_OR_EQUAL)
  asm.v3('pxor', width, integer, integer, great)
  asm.v3imm('cmpps', width, great, x, x, ORDERED)
  asm.v3('pand', width, d, integer, great)
}

/** Predicates of cmpps, quiet. */
const ORDERED = 7
const GREATER_OR_EQUAL = 0x1d

type Direct = Extract<
  V2,
  'f.add' | 'f.sub' | 'f.mul' | 'f.div' | 'i.add' | 'i.sub' | 'i.mul' | 'i.min' | 'i.max' | 'and' | 'or' | 'xor'
>

const direct: Record<Direct, { readonly op: V3Op; readonly commutes: boolean }> = {
  'f.add': { op: 'addps', commutes: true },
  'f.sub': { op: 'subps', commutes: false },
  'f.mul': { op: 'mulps', commutes: true },
  'f.div': { op: 'divps', commutes: false },
  'i.add': { op: 'paddd', commutes: true },
  'i.sub': { op: 'psubd', commutes: false },
  'i.mul': { op: 'pmulld', commutes: true },
  'i.min': { op: 'pminsd', commutes: true },
  'i.max': { op: 'pmaxsd', commutes: true },
  and: { op: 'pand', commutes: true },
  or: { op: 'por', commutes: true },
  xor: { op: 'pxor', commutes: true },
}

/** Predicates of cmpps, quiet; of the comparisons of integers under AVX-512. */
const floatPredicates = { 'f.eq': 0, 'f.ne': 4, 'f.lt': 0x11, 'f.le': 0x12 } as const
const intPredicates = { 'i.eq': 0, 'i.ne': 4, 'i.lt': 1, 'i.le': 2 } as const
const shifts = { 'i.shl': 'psllvd', 'i.shr': 'psravd', 'i.shrU': 'psrlvd' } as const

export function lowerV2(c: Context, { fn, a, b, d }: Of<'v2'>): void {
  const { asm, width } = c
  switch (fn) {
    case 'f.min':
    case 'f.max': {
      const bound = c.constants.get(b) !== undefined ? b : a
      if (!boundByConstant(c, fn, bound === b ? a : b, bound, d)) {
        const [x, y] = [c.v(a), c.v(b)]
        extreme(c, fn, width, c.d(d), x, y)
      }
      break
    }
    // The instructions give their second operand where they cannot decide.
    case 'f.pmin':
    case 'f.pmax': {
      const y = c.v(b)
      const { at, broadcast } = c.operand(a)
      asm.v3(fn === 'f.pmin' ? 'minps' : 'maxps', width, c.d(d), y, at, broadcast ? { broadcast } : undefined)
      break
    }
    case 'f.eq':
    case 'f.ne':
    case 'f.lt':
    case 'f.le': {
      const x = c.v(a)
      const { at, broadcast } = c.operand(b)
      if (c.evex) {
        asm.cmpMask(width, MASK_TEMPORARY, x, at, floatPredicates[fn], broadcast ? { broadcast } : undefined)
        asm.maskToVec(width, c.d(d), MASK_TEMPORARY)
      } else {
        asm.v3imm('cmpps', width, c.d(d), x, at, floatPredicates[fn])
      }
      break
    }
    case 'i.eq':
    case 'i.ne':
    case 'i.lt':
    case 'i.le':
      compareIntegers(c, fn, a, b, d)
      break
    case 'i.div':
    case 'i.rem':
      divide(c, fn, a, b, d)
      break
    case 'i.shl':
    case 'i.shr':
    case 'i.shrU': {
      const [x, count] = [c.v(a), c.v(b)]
      const modulo = c.temp()
      c.op3Constant('pand', modulo, count, 31)
      asm.v3(shifts[fn], width, c.d(d), x, modulo)
      break
    }
    case 'andNot': {
      // The instruction complements its first operand.
      const y = c.v(b)
      const { at, broadcast } = c.operand(a)
      asm.v3('pandn', width, c.d(d), y, at, broadcast ? { broadcast } : undefined)
      break
    }
    default: {
      const { op, commutes } = direct[fn]
      // The operand that lies in memory goes last.
      const swap = commutes && !c.resident(a) && c.resident(b)
      const x = c.v(swap ? b : a)
      const { at, broadcast } = c.operand(swap ? a : b)
      asm.v3(op, width, c.d(d), x, at, broadcast ? { broadcast } : undefined)
    }
  }
  c.finish(d)
}

/**
 * NaN if either operand is NaN, and -0 < +0. The instructions give their second operand when undecided: taken both ways
 * round, minima that differ are combined by `or`; maxima, by or − xor.
 */
function extreme(c: Context, fn: 'f.min' | 'f.max', w: Width, d: Vec, x: Vec, y: Vec): void {
  const { asm } = c
  const one = c.temp()
  if (fn === 'f.min') {
    asm.v3('minps', w, one, x, y)
    asm.v3('minps', w, d, y, x)
    asm.v3('por', w, d, d, one)
    return
  }
  const other = c.temp()
  asm.v3('maxps', w, one, x, y)
  asm.v3('maxps', w, other, y, x)
  asm.v3('pxor', w, d, one, other)
  asm.v3('por', w, one, one, other)
  asm.v3('subps', w, d, one, d)
}

/**
 * The minimum or maximum of `x` and a constant that is no NaN, in one instruction: with `x` as its second operand it gives
 * NaN for NaN, and `x` where both are zeros. Whether that serves.
 */
function boundByConstant(c: Context, fn: 'f.min' | 'f.max', x: Reg, constant: Reg, d: Reg): boolean {
  const bits = c.constants.get(constant)
  if (bits === undefined || bits.some((lane) => (lane & ~SIGN) > 0x7f800000)) return false
  // Of zeros, x stays: wrong for max(-0, 0) and min(0, -0). The former is cured by adding 0.
  const zeros = bits.filter((lane) => lane === 0).length
  if (fn === 'f.min' ? bits.includes(SIGN) : zeros % bits.length !== 0) return false
  const y = c.v(constant)
  const { at, broadcast } = c.operand(x)
  const to = c.d(d)
  c.asm.v3(fn === 'f.min' ? 'minps' : 'maxps', c.width, to, y, at, broadcast ? { broadcast } : undefined)
  // The constant is 0: it need not be loaded again.
  if (fn === 'f.max' && zeros > 0) c.asm.v3('addps', c.width, to, to, to === y ? zeroIn(c) : y)
  return true
}

function zeroIn(c: Context): Vec {
  const zero = c.temp()
  c.zero(zero)
  return zero
}

function compareIntegers(c: Context, fn: keyof typeof intPredicates, a: Reg, b: Reg, d: Reg): void {
  const { asm, width } = c
  const [x, y] = [c.v(a), c.v(b)]
  const to = c.d(d)
  if (c.evex) {
    asm.cmpMaskInt(width, MASK_TEMPORARY, x, y, intPredicates[fn])
    asm.maskToVec(width, to, MASK_TEMPORARY)
    return
  }
  if (fn === 'i.eq' || fn === 'i.ne') asm.v3('pcmpeqd', width, to, x, y)
  else if (fn === 'i.lt') asm.v3('pcmpgtd', width, to, y, x)
  else asm.v3('pcmpgtd', width, to, x, y)
  if (fn === 'i.ne' || fn === 'i.le') c.op3Constant('pxor', to, to, ALL)
}

/**
 * Division through float64, where the quotient of two int32 truncates exactly, half of the lanes at a time. The one
 * quotient that is no int32, -2³¹ / -1, comes out as -2³¹, and a zero divisor is masked away.
 */
function divide(c: Context, fn: 'i.div' | 'i.rem', a: Reg, b: Reg, d: Reg): void {
  const { asm, width, evex } = c
  const [x, y] = [c.v(a), c.v(b)]
  const [low, high, divisor] = [c.temp(), c.temp(), c.temp()]
  const upper = (to: Vec, from: Vec): void => {
    if (evex) asm.extract256(to, from, 1)
    else asm.extract128(256, to, from, 1)
  }
  const quotient = (to: Vec, dividend: Vec, by: Vec): void => {
    asm.v2('cvtdq2pd', width, to, dividend)
    asm.v2('cvtdq2pd', width, divisor, by)
    asm.v3('divpd', width, to, to, divisor)
    asm.v2('cvttpd2dq', width, to, to)
  }
  quotient(low, x, y)
  upper(high, x)
  upper(divisor, y)
  quotient(high, high, divisor)
  if (evex) asm.insert256(low, low, high, 1)
  else asm.insert128(256, low, low, high, 1)
  if (fn === 'i.rem') {
    asm.v3('pmulld', width, low, low, y)
    asm.v3('psubd', width, low, x, low)
  }
  const to = c.d(d)
  if (evex) {
    asm.testMask(width, MASK_TEMPORARY, y, y)
    asm.move(width, to, low, { mask: MASK_TEMPORARY, zero: true })
    return
  }
  c.zero(high)
  asm.v3('pcmpeqd', width, high, high, y)
  asm.v3('pandn', width, to, high, low)
}

const constantShifts = { 'i.shl': 'pslld', 'i.shr': 'psrad', 'i.shrU': 'psrld' } as const

export function lowerShift(c: Context, { fn, a, by, d }: Of<'shift'>): void {
  const x = c.v(a)
  c.asm.v2imm(constantShifts[fn], c.width, c.d(d), x, by & 31)
  c.finish(d)
}

export function lowerV3(c: Context, { fn, a, b, c: addend, d }: Of<'v3'>): void {
  if (fn === 'select') select(c, a, b, addend, d)
  else multiplyAdd(c, fn === 'f.fma', a, b, addend, d)
  c.finish(d)
}

/** The three forms of a multiply-add differ in which operand the result replaces. */
function multiplyAdd(c: Context, plus: boolean, a: Reg, b: Reg, addend: Reg, d: Reg): void {
  const { asm, width } = c
  // A factor in memory goes last.
  const [p, q] = c.resident(a) || !c.resident(b) ? [a, b] : [b, a]
  const sum = addend === d || !c.resident(d) ? undefined : c.v(d)
  if (sum !== undefined && c.resident(p) && c.v(p) === sum && !same(c, addend, sum)) {
    // d = p: d ← q · d + addend.
    const y = c.v(q)
    const { at, broadcast } = c.operand(addend)
    asm.v3(plus ? 'fmadd213' : 'fnmadd213', width, sum, y, at, broadcast ? { broadcast } : undefined)
    return
  }
  const x = c.v(p)
  if (sum !== undefined && c.resident(q) && c.v(q) === sum && !same(c, addend, sum)) {
    const { at, broadcast } = c.operand(addend)
    asm.v3(plus ? 'fmadd213' : 'fnmadd213', width, sum, x, at, broadcast ? { broadcast } : undefined)
    return
  }
  if (addend !== d) c.copy(c.d(d), addend)
  const to = addend === d ? c.v(d) : c.d(d)
  const { at, broadcast } = c.operand(q)
  asm.v3(plus ? 'fmadd231' : 'fnmadd231', width, to, x, at, broadcast ? { broadcast } : undefined)
}

const same = (c: Context, reg: Reg, machine: Vec): boolean => c.resident(reg) && c.v(reg) === machine

function select(c: Context, mask: Reg, yes: Reg, no: Reg, d: Reg): void {
  const { asm, width } = c
  const [m, x, y] = [c.v(mask), c.v(yes), c.v(no)]
  const to = c.d(d)
  if (!c.evex) {
    asm.blendv(width, to, y, x, m)
    return
  }
  if (to === m || (to !== x && to !== y)) {
    if (to !== m) asm.move(width, to, m)
    // mask ? second : third
    asm.v3imm('pternlogd', width, to, x, y, 0xca)
  } else if (to === x) {
    // As bits of (first, second, third) = (yes, mask, no).
    asm.v3imm('pternlogd', width, to, m, y, 0xe2)
  } else {
    // (no, mask, yes)
    asm.v3imm('pternlogd', width, to, m, x, 0xb8)
  }
}

const foldOps: Record<Exclude<Horizontal, 'f.min' | 'f.max'>, V3Op> = {
  'f.add': 'addps',
  'f.mul': 'mulps',
  'i.add': 'paddd',
  'i.mul': 'pmulld',
  'i.min': 'pminsd',
  'i.max': 'pmaxsd',
}

/** Halves meet: lane l and lane l + n/2, then the halves of the half. */
export function lowerFold(c: Context, { fn, a, d }: Of<'fold'>): void {
  const { asm } = c
  const x = c.v(a)
  const [half, result] = [c.temp(), c.temp()]
  const meet = (w: Width, to: Vec, p: Vec, q: Vec): void => {
    if (fn === 'f.min' || fn === 'f.max') extreme(c, fn, w, to, p, q)
    else asm.v3(foldOps[fn], w, to, p, q)
  }
  let whole = x
  if (c.evex) {
    asm.extract256(half, whole, 1)
    meet(256, result, whole, half)
    whole = result
  }
  asm.extract128(256, half, whole, 1)
  meet(128, result, whole, half)
  asm.v2imm('pshufd', 128, half, result, 0b01_00_11_10)
  meet(128, result, result, half)
  asm.v2imm('pshufd', 128, half, result, 0b10_11_00_01)
  meet(128, result, result, half)
  asm.v2('broadcastss', c.width, c.d(d), result)
  c.finish(d)
}
