/**
 * @file A vector program as machine code: a function that finds its parameters on the caller's stack and may change every
 * register. Integers and addresses are 64 bits wide.
 */
import { GliaError } from '../../core/errors.ts'
import type { Compare, I2, Instr, IntOperand, Reg, VectorProgram } from '../../kernels/vector.ts'
import { innerBlocks, survey } from '../liveness.ts'
import type { Assembler, Cond, Gpr, Label } from './asm/assembler.ts'
import { type Analysis, analyse, Context, RSP, type Wants } from './context.ts'
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
  const analysis = analyse(program, survey(program), asm.evex)
  const wants: Wants = { demand: new Map(), masks: new Map(), scratch: 0 }
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
  const entry = asm.label()
  asm.bind(entry)
  asm.subImm(RSP, c.frame)
  c.enter()
  new Lowering(c).block(program.body, 1)
  asm.addImm(RSP, c.frame)
  asm.ret()
  return c.lacking ? null : entry
}

class Lowering {
  readonly #c: Context

  constructor(c: Context) {
    this.#c = c
  }

  /** Lowers a block whose first instruction has position `first`; returns the position after it. */
  block(body: readonly Instr[], first: number): number {
    let at = first
    for (const instr of body) {
      this.#c.at(at++)
      if (instr.op === 'loop') at = this.#loop(instr, at)
      else if (instr.op === 'if') at = this.#if(instr, at)
      else this.#simple(instr)
    }
    return at
  }

  #simple(instr: Exclude<Instr, { op: 'loop' | 'if' }>): void {
    const c = this.#c
    const { asm } = c
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
          const all = instr.op === 'const' ? c.splatBits(instr.bits) : c.laneBits(instr.bits)
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

/** Sets the flags of a − b. */
function compare(c: Context, a: Reg, b: IntOperand): void {
  const x = c.i(a)
  if (typeof b !== 'number') {
    c.asm.cmpImm(x, b.imm)
    return
  }
  const memory = c.inMemory(b)
  if (memory === undefined) c.asm.cmp(x, c.i(b))
  else c.asm.cmpMem(x, memory)
}

function setInt(c: Context, d: Reg, a: IntOperand): void {
  const at = c.di(d)
  if (typeof a !== 'number') c.asm.movImm(at, a.imm)
  else moveInt(c, at, a)
  c.finishInt(d)
}

/** machine register ← integer. */
function moveInt(c: Context, d: Gpr, a: Reg): void {
  const memory = c.inMemory(a)
  if (memory !== undefined) c.asm.load64(d, memory)
  else if (c.i(a) !== d) c.asm.mov(d, c.i(a))
}

function lowerSet(c: Context, d: Reg, a: Reg): void {
  if (a === d) return
  if (c.program.registers[d] === 'i') {
    setInt(c, d, a)
    return
  }
  c.copy(c.d(d), a)
  c.finish(d)
}

function lowerI2(c: Context, fn: I2, d: Reg, a: Reg, b: IntOperand): void {
  const { asm } = c
  if (typeof b !== 'number') {
    lowerI2Immediate(c, fn, d, a, b.imm)
    return
  }
  switch (fn) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'and':
    case 'min':
    case 'max': {
      // The result may be where b is: compute it aside.
      const x = c.i(b)
      const to = c.di(d)
      const work = x === to && a !== b ? c.tempInt() : to
      moveInt(c, work, a)
      if (fn === 'add') asm.add(work, x)
      else if (fn === 'sub') asm.sub(work, x)
      else if (fn === 'mul') asm.imul(work, x)
      else if (fn === 'and') asm.and(work, x)
      else {
        asm.cmp(work, x)
        asm.cmov(fn === 'min' ? 'g' : 'l', work, x)
      }
      if (work !== to) asm.mov(to, work)
      c.finishInt(d)
      return
    }
    case 'div':
    case 'rem':
      divide(c, fn, d, a, b)
      return
    case 'shl':
    case 'shr': {
      const [rax, rcx] = c.tempInts()
      moveInt(c, rax, a)
      moveInt(c, rcx, b)
      if (fn === 'shl') asm.shlCl(rax)
      else asm.sarCl(rax)
      c.setFrom(d, rax)
      return
    }
  }
}

/** Both fit 31 bits. */
function divide(c: Context, fn: 'div' | 'rem', d: Reg, a: Reg, b: Reg): void {
  const { asm } = c
  const [rax, rcx, rdx] = c.tempInts()
  moveInt(c, rax, a)
  moveInt(c, rcx, b)
  asm.zero(rdx)
  asm.div32(rcx)
  c.setFrom(d, fn === 'div' ? rax : rdx)
}

function lowerI2Immediate(c: Context, fn: I2, d: Reg, a: Reg, imm: number): void {
  const { asm } = c
  const memory = c.inMemory(a)
  const to = c.di(d)
  const shift = Math.log2(imm)
  switch (fn) {
    case 'add':
      // Into another register: one instruction.
      if (memory === undefined && c.i(a) !== to && fits(imm)) asm.lea(to, { base: c.i(a), offset: imm })
      else {
        moveInt(c, to, a)
        if (imm !== 0)
          withImmediate(
            c,
            imm,
            (n) => asm.addImm(to, n),
            (x) => asm.add(to, x),
          )
      }
      break
    case 'sub':
      moveInt(c, to, a)
      withImmediate(
        c,
        imm,
        (n) => asm.subImm(to, n),
        (x) => asm.sub(to, x),
      )
      break
    case 'mul':
      if (imm === 0) asm.movImm(to, 0)
      else if (Number.isInteger(shift)) {
        moveInt(c, to, a)
        if (shift > 0) asm.shlImm(to, shift)
      } else if (memory === undefined && fits(imm)) asm.imulImm(to, c.i(a), imm)
      else {
        moveInt(c, to, a)
        withImmediate(
          c,
          imm,
          (n) => asm.imulImm(to, to, n),
          (x) => asm.imul(to, x),
        )
      }
      break
    case 'and':
      moveInt(c, to, a)
      withImmediate(
        c,
        imm,
        (n) => asm.andImm(to, n),
        (x) => asm.and(to, x),
      )
      break
    case 'shl':
      moveInt(c, to, a)
      if (imm > 0) asm.shlImm(to, imm)
      break
    case 'shr':
      moveInt(c, to, a)
      if (imm > 0) asm.sarImm(to, imm)
      break
    case 'min':
    case 'max': {
      const x = c.tempInt()
      asm.movImm(x, imm)
      moveInt(c, to, a)
      asm.cmp(to, x)
      asm.cmov(fn === 'min' ? 'g' : 'l', to, x)
      break
    }
    case 'div':
    case 'rem':
      divideBy(c, fn, to, a, imm)
      break
  }
  c.finishInt(d)
}

/** Division of a number below 2³¹ by a constant: by shifting, or by multiplying with its inverse. */
function divideBy(c: Context, fn: 'div' | 'rem', to: Gpr, a: Reg, imm: number): void {
  const { asm } = c
  const shift = Math.log2(imm)
  if (Number.isInteger(shift)) {
    moveInt(c, to, a)
    if (fn === 'rem') asm.andImm(to, imm - 1)
    else if (shift > 0) asm.sarImm(to, shift)
    return
  }
  // floor(a · ceil(2^s / imm) / 2^s) is exact for a < 2^31 with s = 31 + bits of imm; the product stays below 2^63.
  const bits = 31 + Math.ceil(shift)
  const inverse = (2n ** BigInt(bits) + BigInt(imm) - 1n) / BigInt(imm)
  const quotient = fn === 'div' ? to : c.tempInt()
  const factor = c.tempInt()
  asm.movImm(factor, inverse)
  if (fn === 'div') {
    moveInt(c, to, a)
    asm.imul(to, factor)
    asm.shrImm(to, bits)
    return
  }
  moveInt(c, quotient, a)
  asm.imul(quotient, factor)
  asm.shrImm(quotient, bits)
  asm.imulImm(quotient, quotient, imm)
  moveInt(c, to, a)
  asm.sub(to, quotient)
}

const fits = (imm: number): boolean => imm === (imm | 0)

function withImmediate(c: Context, imm: number, small: (n: number) => void, large: (x: Gpr) => void): void {
  if (fits(imm)) {
    small(imm)
    return
  }
  const x = c.tempInt()
  c.asm.movImm(x, imm)
  large(x)
}
