/**
 * @file A vector program as machine code: a function that finds its parameters on the caller's stack and may change every
 * register. Integers and addresses are 64 bits wide.
 */
import { GliaError } from '../../core/errors.ts'
import type { Compare, Instr, Reg, VectorProgram } from '../../kernels/vector.ts'
import { innerBlocks } from '../liveness.ts'
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
      else this.#simple(instr)
    }
    return at
  }

  #simple(instr: Exclude<Instr, { op: 'loop' | 'if' }>): void {
    const c = this.#c
    const { asm, program } = c
    switch (instr.op) {
      case 'int': {
        const d = c.di(instr.d)
        asm.movImm(d, instr.value)
        c.finishInt(instr.d)
        return
      }
      case 'i2':
        lowerI2(c, instr.fn, instr.d, instr.a, instr.b)
        return
      case 'loadInt': {
        const m = c.mem(instr.base, instr.offset)
        asm.load32s(c.di(instr.d), m)
        c.finishInt(instr.d)
        return
      }
      case 'storeInt': {
        const m = c.mem(instr.base, instr.offset)
        asm.store32(m, c.i(instr.a))
        return
      }
      case 'set':
        lowerSet(c, instr.d, instr.a)
        return
      case 'extract': {
        const d = c.di(instr.d)
        let a = c.v(instr.a)
        const part = instr.lane >> 2
        if (part > 0) {
          const lanes = c.temp()
          asm.extract128(c.evex ? 512 : 256, lanes, a, part)
          a = lanes
        }
        if ((instr.lane & 3) === 0) asm.toGpr(d, a)
        else asm.extractLane(d, a, instr.lane & 3)
        asm.movsxd(d, d)
        c.finishInt(instr.d)
        return
      }
      case 'const':
      case 'lanes': {
        const bits = c.constants.get(instr.d)
        if (bits === undefined) {
          const all = instr.op === 'const' ? [instr.bits] : laneBits(instr.bits, program.lanes)
          c.constant(c.d(instr.d), all)
          c.finish(instr.d)
        } else if (c.resident(instr.d)) {
          c.constant(c.d(instr.d), bits)
        }
        return
      }
      case 'splat': {
        const a = c.i(instr.a)
        const d = c.d(instr.d)
        if (c.evex) {
          asm.broadcastGpr(c.width, d, a)
        } else {
          asm.fromGpr(d, a)
          asm.v2('pbroadcastd', c.width, d, d)
        }
        c.finish(instr.d)
        return
      }
      case 'load':
        lowerLoad(c, instr)
        return
      case 'loadSplat':
        lowerLoadSplat(c, instr)
        return
      case 'loadLanes':
        lowerLoadLanes(c, instr)
        return
      case 'gather':
        lowerGather(c, instr)
        return
      case 'store':
        lowerStore(c, instr)
        return
      case 'storeLanes':
        lowerStoreLanes(c, instr)
        return
      case 'v1':
        lowerV1(c, instr)
        return
      case 'v2':
        lowerV2(c, instr)
        return
      case 'shift':
        lowerShift(c, instr)
        return
      case 'v3':
        lowerV3(c, instr)
        return
      case 'fold':
        lowerFold(c, instr)
        return
      case 'transpose':
        lowerTranspose(c, instr)
        return
      case 'pin':
        return
    }
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
