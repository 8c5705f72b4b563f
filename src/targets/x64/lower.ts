/**
 * @file A vector program as machine code: a function that finds its parameters on the caller's stack and may change every
 * register. Integers and addresses are 64 bits wide.
 */
import { GliaError } from '../../core/errors.ts'
import type { Compare, Instr, Reg, VectorProgram } from '../../kernels/vector.ts'
import { innerBlocks } from '../liveness.ts'
import { applyRule, type Rules } from '../rules.ts'
import type { Assembler, Cond, Label } from './asm/assembler.ts'
import { type Analysis, analyse, Context, laneBits, RSP, type Wants } from './context.ts'
import { knownDemand } from './demand.ts'
import { compare, lowerI2, setInt } from './lower-ints.ts'
import { lowerFold, lowerShift, lowerV1, lowerV2, lowerV3 } from './lower-lanes.ts'
import { lowerLoad, lowerLoadSplat, lowerStore } from './lower-memory.ts'
import { lowerGather, lowerLoadLanes, lowerStoreLanes } from './lower-sparse.ts'
import { lowerTranspose } from './lower-transpose.ts'
import type { Pool } from './pool.ts'

/** Writes the code of a program; returns where to call it. */
export function lowerProgram(asm: Assembler, pool: Pool, program: VectorProgram): Label {
  const lanes = asm.evex ? 16 : 8
  if (program.lanes !== lanes) {
    throw new GliaError(
      `Kernel ${program.name} was written for ${program.lanes} lanes; this x64 target has ${lanes}. ` +
        'Lower kernels for the machine of the target that loads them.',
    )
  }
  const analysis = analyse(program, asm.evex)
  const wants: Wants = { demand: knownDemand(program), scratch: 0 }
  for (;;) {
    asm.align(64)
    const start = asm.size
    const entry = writeProgram(asm, pool, program, analysis, wants)
    if (entry !== null) return entry
    asm.rewind(start)
  }
}

/** One version of the code; null where it lacked something, which is then in `wants`. */
function writeProgram(
  asm: Assembler,
  pool: Pool,
  program: VectorProgram,
  analysis: Analysis,
  wants: Wants,
): Label | null {
  const c = new Context(asm, pool, program, analysis, wants)
  const [body, entry] = [asm.label(), asm.label()]
  asm.bind(body)
  new Lowering(c).block(program.body, 1)
  // Other threads learn that this one is done by ordinary stores, which would overtake those past the caches.
  if (c.streamed) asm.sfence()
  asm.addImm(RSP, c.frame)
  asm.ret()
  if (c.lacking) return null
  // The entry comes last, when it is known which masks the code wants.
  asm.bind(entry)
  asm.subImm(RSP, c.frame)
  c.enter()
  asm.jmp(body)
  return entry
}

/** All but loops and branches, whose blocks need positions. */
const rules: Rules<Context, Exclude<Instr['op'], 'loop' | 'if'>> = {
  int(c, { d, value }) {
    c.asm.movImm(c.di(d), value)
    c.finishInt(d)
  },
  i2: (c, { fn, d, a, b }) => lowerI2(c, fn, d, a, b),
  loadInt(c, { d, base, offset }) {
    const m = c.mem(base, offset)
    c.asm.load32s(c.di(d), m)
    c.finishInt(d)
  },
  storeInt(c, { base, offset, a }) {
    const m = c.mem(base, offset)
    c.asm.store32(m, c.i(a))
  },
  set: (c, { d, a }) => lowerSet(c, d, a),
  extract: lowerExtract,
  const: (c, { d, bits }) => lowerConstant(c, d, [bits]),
  lanes: (c, { d, bits }) => lowerConstant(c, d, laneBits(bits, c.program.lanes)),
  splat: lowerSplat,
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
  // There for compilers that move loads; this one leaves them where they are.
  pin() {},
}

class Lowering {
  readonly #c: Context

  constructor(c: Context) {
    this.#c = c
  }

  /** Lowers a block whose first instruction has position `first`; returns the position after it. */
  block(body: readonly Instr[], first: number): number {
    let at = first
    for (let n = 0; n < body.length; n++) {
      const instr = body[n]
      this.#c.at(at++)
      if (instr.op === 'loop') at = this.#loop(instr, at)
      else if (instr.op === 'if') at = this.#if(instr, at)
      else applyRule(rules, this.#c, instr)
    }
    return at
  }

  #loop(instr: Extract<Instr, { op: 'loop' }>, first: number): number {
    const c = this.#c
    const { asm } = c
    const { i, from, to, step, body } = instr
    const known = typeof from !== 'number' && typeof to !== 'number' ? Math.ceil((to.imm - from.imm) / step) : undefined
    if (known !== undefined && known <= 0) return skip(body, first) + 1
    setInt(c, i, from)
    const done = asm.label()
    const again = asm.label()
    if (known === undefined) {
      compare(c, i, to)
      asm.jcc('ge', done)
    }
    const innermost = body.every((inner) => innerBlocks(inner).length === 0)
    if (known !== 1 && innermost) asm.align(32)
    asm.bind(again)
    const end = this.block(body, first)
    c.at(end)
    if (known !== 1) {
      const counter = c.di(i)
      if (c.inMemory(i) !== undefined) asm.load64(counter, c.intSlot(i))
      asm.addImm(counter, step)
      c.finishInt(i)
      compare(c, i, to)
      asm.jcc('l', again)
    }
    asm.bind(done)
    return end + 1
  }

  #if(instr: Extract<Instr, { op: 'if' }>, first: number): number {
    const c = this.#c
    const { asm } = c
    const { a, cmp, b, yes, no } = instr
    if (yes.length === 0 && no.length === 0) return first + 1
    compare(c, a, b)
    const otherwise = asm.label()
    const end = asm.label()
    asm.jcc(opposite[cmp], otherwise)
    let at = this.block(yes, first)
    if (no.length > 0) asm.jmp(end)
    asm.bind(otherwise)
    at = this.block(no, at)
    asm.bind(end)
    c.at(at)
    return at + 1
  }
}

const skip = (body: readonly Instr[], first: number): number => {
  let at = first
  for (const instr of body) {
    at++
    const inner = innerBlocks(instr)
    if (inner.length === 0) continue
    for (const block of inner) at = skip(block, at)
    at++
  }
  return at
}

const opposite: Record<Compare, Cond> = { eq: 'ne', ne: 'e', lt: 'ge', le: 'g', gt: 'le', ge: 'l' }

function lowerSet(c: Context, d: Reg, a: Reg): void {
  if (a === d) return
  if (c.program.registers[d] === 'i') {
    setInt(c, d, a)
    return
  }
  c.copy(c.d(d), a)
  c.finish(d)
}

function lowerExtract(c: Context, { d, a, lane }: Extract<Instr, { op: 'extract' }>): void {
  const { asm } = c
  const to = c.di(d)
  let from = c.v(a)
  const part = lane >> 2
  if (part > 0) {
    const lanes = c.temp()
    asm.extract128(c.evex ? 512 : 256, lanes, from, part)
    from = lanes
  }
  if ((lane & 3) === 0) asm.toGpr(to, from)
  else asm.extractLane(to, from, lane & 3)
  asm.movsxd(to, to)
  c.finishInt(d)
}

/** @param written what the instruction says; where the whole program has one constant for the register, that counts */
function lowerConstant(c: Context, d: Reg, written: readonly number[]): void {
  const bits = c.constants.get(d)
  if (bits === undefined) {
    c.constant(c.d(d), written)
    c.finish(d)
  } else if (c.resident(d)) {
    c.constant(c.d(d), bits)
  }
}

function lowerSplat(c: Context, { d, a }: Extract<Instr, { op: 'splat' }>): void {
  const from = c.i(a)
  const to = c.d(d)
  if (c.evex) {
    c.asm.broadcastGpr(c.width, to, from)
  } else {
    c.asm.fromGpr(to, from)
    c.asm.v2('pbroadcastd', c.width, to, to)
  }
  c.finish(d)
}
