/** @file Integers and addresses: 64-bit arithmetic in general registers. */
import type { I2, IntOperand, Reg } from '../../kernels/vector.ts'
import type { Gpr } from './asm/assembler.ts'
import type { Context } from './context.ts'

/** Sets the flags of a − b. */
export function compare(c: Context, a: Reg, b: IntOperand): void {
  const x = c.i(a)
  if (typeof b !== 'number') {
    c.asm.cmpImm(x, b.imm)
    return
  }
  const memory = c.inMemory(b)
  if (memory === undefined) c.asm.cmp(x, c.i(b))
  else c.asm.cmpMem(x, memory)
}

export function setInt(c: Context, d: Reg, a: IntOperand): void {
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

export function lowerI2(c: Context, fn: I2, d: Reg, a: Reg, b: IntOperand): void {
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
