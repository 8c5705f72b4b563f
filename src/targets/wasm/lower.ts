/**
 * @file A vector program as one WebAssembly function: `i` registers are i32 locals, `v` registers v128 locals. Integer
 * comparisons are signed, so addresses are never compared.
 */
import { GliaError } from '../../core/errors.ts'
import type { Compare, I2, Instr, IntOperand, Reg, VectorProgram } from '../../kernels/vector.ts'
import { applyRule, type Rules } from '../rules.ts'
import { Context, type LowerOptions } from './context.ts'
import type { FunctionWriter } from './encoder.ts'
import { lowerFold, lowerShift, lowerTranspose, lowerV1, lowerV2, lowerV3 } from './lower-lanes.ts'
import { lowerGather, lowerLoad, lowerLoadLanes, lowerLoadSplat, lowerStore, lowerStoreLanes } from './lower-memory.ts'
import { Op, Simd } from './opcodes.ts'

const LANES = 4

/** The body of a function of `program.params` i32 parameters and no result. */
export function lowerProgram(program: VectorProgram, options: LowerOptions): FunctionWriter {
  if (program.lanes !== LANES) {
    throw new GliaError(
      `Kernel ${program.name} was written for ${program.lanes} lanes; the wasm target has ${LANES}. ` +
        'Lower kernels for the machine of the target that loads them.',
    )
  }
  const c = new Context(program, options)
  lowerBlock(c, program.body)
  return c.f
}

const rules: Rules<Context> = {
  int(c, { d, value }) {
    c.f.i32(value)
    c.pop(d)
  },
  i2(c, { fn, d, a, b }) {
    lowerI2(c, fn, a, b)
    c.pop(d)
  },
  loadInt(c, { d, base, offset }) {
    c.f.memory(Op.i32Load, c.pushAddress(base, offset))
    c.pop(d)
  },
  storeInt(c, { base, offset, a }) {
    const at = c.pushAddressAgain(base, offset)
    c.pushAgain(a)
    c.f.memory(Op.i32Store, at)
  },
  set(c, { d, a }) {
    if (a === d) return
    c.push(a)
    c.pop(d)
  },
  extract(c, { d, a, lane }) {
    c.push(a)
    c.f.lane(Simd.i32x4ExtractLane, lane)
    c.pop(d)
  },
  const(c, { d, bits }) {
    if (c.constants.has(d)) return
    c.pushConstant([bits, bits, bits, bits])
    c.pop(d)
  },
  lanes(c, { d, bits }) {
    if (c.constants.has(d)) return
    c.pushConstant([0, 1, 2, 3].map((lane) => bits[lane] ?? 0))
    c.pop(d)
  },
  splat(c, { d, a }) {
    c.push(a)
    c.f.simd(Simd.i32x4Splat)
    c.pop(d)
  },
  loop: lowerLoop,
  if: lowerIf,
  load: lowerLoad,
  loadSplat: lowerLoadSplat,
  loadLanes: lowerLoadLanes,
  gather: lowerGather,
  store: lowerStore,
  storeLanes: lowerStoreLanes,
  v1: lowerV1,
  v2: lowerV2,
  shift: lowerShift,
  v3: lowerV3,
  fold: lowerFold,
  transpose: lowerTranspose,
  pin: lowerPin,
}

function lowerBlock(c: Context, body: readonly Instr[]): void {
  for (const instr of body) applyRule(rules, c, instr)
}

const arithmetic: Record<Exclude<I2, 'min' | 'max'>, number> = {
  add: Op.i32Add,
  sub: Op.i32Sub,
  mul: Op.i32Mul,
  div: Op.i32DivU,
  rem: Op.i32RemU,
  and: Op.i32And,
  shl: Op.i32Shl,
  shr: Op.i32ShrS,
}

const comparisons: Record<Compare, number> = {
  eq: Op.i32Eq,
  ne: Op.i32Ne,
  lt: Op.i32LtS,
  le: Op.i32LeS,
  gt: Op.i32GtS,
  ge: Op.i32GeS,
}

/** Pushes an operand that its instruction may read several times. */
function pushOperand(c: Context, operand: IntOperand): void {
  if (typeof operand === 'number') c.pushAgain(operand)
  else c.f.i32(operand.imm)
}

function lowerI2(c: Context, fn: I2, a: Reg, b: IntOperand): void {
  if (fn === 'min' || fn === 'max') {
    c.pushAgain(a)
    pushOperand(c, b)
    c.pushAgain(a)
    pushOperand(c, b)
    c.f.op(fn === 'min' ? Op.i32LtS : Op.i32GtS)
    c.f.op(Op.select)
    return
  }
  if (a === b) c.pushAgain(a)
  else c.push(a)
  pushOperand(c, b)
  c.f.op(arithmetic[fn])
}

function lowerLoop(c: Context, { i, from, to, step, body }: Extract<Instr, { op: 'loop' }>): void {
  const { f } = c
  const counter = c.local(i)
  const known = typeof from !== 'number' && typeof to !== 'number' ? Math.ceil((to.imm - from.imm) / step) : undefined
  if (known !== undefined && known <= 0) return
  const pinned = c.pins !== undefined && body.some((instr) => instr.op === 'pin')
  const outer = c.exit
  pushOperand(c, from)
  f.set(counter)
  // Pins leave the loop: there must be something around it to leave.
  if (known !== undefined && pinned) f.block()
  c.exit = f.depth
  if (known === 1) {
    lowerBlock(c, body)
    c.exit = outer
    if (pinned) f.end()
    return
  }
  if (known === undefined) {
    f.get(counter)
    pushOperand(c, to)
    f.op(Op.i32LtS)
    f.if()
    c.exit = f.depth
  }
  f.loop()
  lowerBlock(c, body)
  f.get(counter)
  f.i32(step)
  f.op(Op.i32Add)
  f.tee(counter)
  pushOperand(c, to)
  f.op(Op.i32LtS)
  f.brIf(0)
  f.end()
  if (known === undefined || pinned) f.end()
  c.exit = outer
}

function lowerIf(c: Context, instr: Extract<Instr, { op: 'if' }>): void {
  const { f } = c
  if (instr.yes.length === 0 && instr.no.length === 0) return
  if (instr.a === instr.b) c.pushAgain(instr.a)
  else c.push(instr.a)
  pushOperand(c, instr.b)
  f.op(comparisons[instr.cmp])
  f.if()
  lowerBlock(c, instr.yes)
  if (instr.no.length > 0) {
    f.else()
    lowerBlock(c, instr.no)
  }
  f.end()
}

/**
 * An exit of the loop that is never taken, because no address of 32-bit elements is odd (and no buffer begins among the
 * last bytes of memory). V8 moves no load over the end of a basic block; without such ends it hoists all loads of a tile
 * above its arithmetic, and spills. The exit leads to code that reads the accumulators, or V8 would put the arithmetic
 * off until the loop's end, and spill too. Every pin compares with another number, since V8 removes a branch whose
 * condition an earlier one has decided.
 */
function lowerPin(c: Context, { at }: Extract<Instr, { op: 'pin' }>): void {
  const { f } = c
  if (c.pins === undefined || c.program.params < 3 || c.exit === 0) return
  if (at === undefined) f.get(0)
  else c.pushAgain(at)
  f.i32(-1 - 2 * c.pins++)
  f.op(Op.i32Eq)
  f.brIf(f.depth - c.exit)
}
