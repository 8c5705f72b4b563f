/** @file The general-register half of the assembler: integers, addresses, control, and what threads need. */

import { CONDITIONS, type Cond, checkRegister, type Gpr, type Mem, refuse } from './operands.ts'
import { Writer } from './writer.ts'

const RAX = 0
const RDX = 2

/** Integer instructions, 64 bits wide unless the name says otherwise. Destinations come first, as Intel writes them. */
export class Integers extends Writer {
  callReg(r: Gpr): void {
    this.plain('callReg', false, [0xff], 2, r)
  }

  jmpReg(r: Gpr): void {
    this.plain('jmpReg', false, [0xff], 4, r)
  }

  ret(): void {
    this.byte(0xc3)
  }

  push(r: Gpr): void {
    this.#short('push', 0x50, r, false)
  }

  pop(r: Gpr): void {
    this.#short('pop', 0x58, r, false)
  }

  mov(d: Gpr, a: Gpr): void {
    this.plain('mov', true, [0x89], a, d)
  }

  /** The low 32 bits of a; the upper half of d becomes 0. */
  mov32(d: Gpr, a: Gpr): void {
    this.plain('mov32', false, [0x89], a, d)
  }

  /**
   * d = value, in the shortest form. Zero is made with xor, which changes the flags.
   * @throws GliaError unless the value is an integer that fits 64 bits, signed or unsigned.
   */
  movImm(d: Gpr, value: number | bigint): void {
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      refuse('movImm', `${value} is not an integer that a number holds exactly; give a bigint`)
    const v = BigInt(value)
    if (v < -(1n << 63n) || v >= 1n << 64n) refuse('movImm', `${v} does not fit 64 bits; give −2^63 to 2^64 − 1`)
    const unsigned = BigInt.asUintN(64, v)
    const signed = BigInt.asIntN(64, v)
    if (v === 0n) this.zero(d)
    else if (unsigned < 1n << 32n) {
      this.#short('movImm', 0xb8, d, false)
      this.int32(Number(unsigned))
    } else if (signed === BigInt.asIntN(32, signed)) {
      this.plain('movImm', true, [0xc7], 0, d)
      this.int32(Number(signed))
    } else {
      this.#short('movImm', 0xb8, d, true)
      this.int32(Number(unsigned & 0xffffffffn))
      this.int32(Number(unsigned >> 32n))
    }
  }

  /** d = 0, by xor: changes the flags. */
  zero(d: Gpr): void {
    this.plain('zero', false, [0x31], d, d)
  }

  /** edx = 0, before an unsigned division of eax. */
  cdqZero(): void {
    this.zero(RDX)
  }

  load64(d: Gpr, m: Mem): void {
    this.plain('load64', true, [0x8b], d, m)
  }

  /** 32 bits; the upper half of d becomes 0. */
  load32(d: Gpr, m: Mem): void {
    this.plain('load32', false, [0x8b], d, m)
  }

  /** 32 bits, extended by their sign. */
  load32s(d: Gpr, m: Mem): void {
    this.plain('load32s', true, [0x63], d, m)
  }

  /** A byte, extended with zeros. */
  load8(d: Gpr, m: Mem): void {
    this.plain('load8', false, [0x0f, 0xb6], d, m)
  }

  store64(m: Mem, a: Gpr): void {
    this.plain('store64', true, [0x89], a, m)
  }

  store32(m: Mem, a: Gpr): void {
    this.plain('store32', false, [0x89], a, m)
  }

  store8(m: Mem, a: Gpr): void {
    this.plain('store8', false, [0x88], a, m, true)
  }

  /** imm: 32 bits, signed or unsigned. */
  store32Imm(m: Mem, imm: number): void {
    this.plain('store32Imm', false, [0xc7], 0, m)
    this.imm32('store32Imm', imm)
  }

  /** imm: signed 32 bits, extended to 64. */
  store64Imm(m: Mem, imm: number): void {
    this.plain('store64Imm', true, [0xc7], 0, m)
    this.immediate('store64Imm', imm)
  }

  lea(d: Gpr, m: Mem): void {
    this.plain('lea', true, [0x8d], d, m)
  }

  add(d: Gpr, a: Gpr): void {
    this.plain('add', true, [0x01], a, d)
  }

  sub(d: Gpr, a: Gpr): void {
    this.plain('sub', true, [0x29], a, d)
  }

  and(d: Gpr, a: Gpr): void {
    this.plain('and', true, [0x21], a, d)
  }

  or(d: Gpr, a: Gpr): void {
    this.plain('or', true, [0x09], a, d)
  }

  xor(d: Gpr, a: Gpr): void {
    this.plain('xor', true, [0x31], a, d)
  }

  cmp(d: Gpr, a: Gpr): void {
    this.plain('cmp', true, [0x39], a, d)
  }

  cmp32(d: Gpr, a: Gpr): void {
    this.plain('cmp32', false, [0x39], a, d)
  }

  test(a: Gpr, b: Gpr): void {
    this.plain('test', true, [0x85], b, a)
  }

  test32(a: Gpr, b: Gpr): void {
    this.plain('test32', false, [0x85], b, a)
  }

  addImm(d: Gpr, imm: number): void {
    this.#group1('addImm', true, 0, d, imm)
  }

  orImm(d: Gpr, imm: number): void {
    this.#group1('orImm', true, 1, d, imm)
  }

  andImm(d: Gpr, imm: number): void {
    this.#group1('andImm', true, 4, d, imm)
  }

  subImm(d: Gpr, imm: number): void {
    this.#group1('subImm', true, 5, d, imm)
  }

  xorImm(d: Gpr, imm: number): void {
    this.#group1('xorImm', true, 6, d, imm)
  }

  cmpImm(d: Gpr, imm: number): void {
    this.#group1('cmpImm', true, 7, d, imm)
  }

  cmp32Imm(d: Gpr, imm: number): void {
    this.#group1('cmp32Imm', false, 7, d, imm)
  }

  cmp32MemImm(m: Mem, imm: number): void {
    this.#group1('cmp32MemImm', false, 7, m, imm)
  }

  /** d += the 64 bits at m. */
  addMem(d: Gpr, m: Mem): void {
    this.plain('addMem', true, [0x03], d, m)
  }

  /** d −= the 64 bits at m. */
  subMem(d: Gpr, m: Mem): void {
    this.plain('subMem', true, [0x2b], d, m)
  }

  /** Compares d with the 64 bits at m. */
  cmpMem(d: Gpr, m: Mem): void {
    this.plain('cmpMem', true, [0x3b], d, m)
  }

  imul(d: Gpr, a: Gpr): void {
    this.plain('imul', true, [0x0f, 0xaf], d, a)
  }

  /** d = a · imm. */
  imulImm(d: Gpr, a: Gpr, imm: number): void {
    if (imm === (imm << 24) >> 24) {
      this.plain('imulImm', true, [0x6b], d, a)
      this.byte(imm)
    } else {
      this.plain('imulImm', true, [0x69], d, a)
      this.immediate('imulImm', imm)
    }
  }

  imulMem(d: Gpr, m: Mem): void {
    this.plain('imulMem', true, [0x0f, 0xaf], d, m)
  }

  /** Unsigned: eax = edx:eax / r, edx = the remainder; a quotient over 32 bits, or r = 0, is a fault. */
  div32(r: Gpr): void {
    this.plain('div32', false, [0xf7], 6, r)
  }

  neg(d: Gpr): void {
    this.plain('neg', true, [0xf7], 3, d)
  }

  not(d: Gpr): void {
    this.plain('not', true, [0xf7], 2, d)
  }

  shlImm(d: Gpr, n: number): void {
    this.#shift('shlImm', 4, d, n)
  }

  /** Shifts in zeros. */
  shrImm(d: Gpr, n: number): void {
    this.#shift('shrImm', 5, d, n)
  }

  /** Shifts in copies of the sign. */
  sarImm(d: Gpr, n: number): void {
    this.#shift('sarImm', 7, d, n)
  }

  /** Shifts by the low 6 bits of cl. */
  shlCl(d: Gpr): void {
    this.plain('shlCl', true, [0xd3], 4, d)
  }

  shrCl(d: Gpr): void {
    this.plain('shrCl', true, [0xd3], 5, d)
  }

  sarCl(d: Gpr): void {
    this.plain('sarCl', true, [0xd3], 7, d)
  }

  /** d = a if the condition holds. */
  cmov(cond: Cond, d: Gpr, a: Gpr): void {
    this.plain('cmov', true, [0x0f, 0x40 + CONDITIONS[cond]], d, a)
  }

  /** The low byte of d = 1 if the condition holds, else 0; the other bytes stay. */
  setcc(cond: Cond, d: Gpr): void {
    this.plain('setcc', false, [0x0f, 0x90 + CONDITIONS[cond]], 0, d, true)
  }

  /** d = the low 32 bits of a, extended by their sign. */
  movsxd(d: Gpr, a: Gpr): void {
    this.plain('movsxd', true, [0x63], d, a)
  }

  /** Adds r to the 32 bits at m, for all threads at once, and gives r what was there. */
  lockXadd32(m: Mem, r: Gpr): void {
    this.byte(0xf0)
    this.plain('lockXadd32', false, [0x0f, 0xc1], r, m)
  }

  /** Stores r if the 32 bits at m equal eax (then the flag e holds), else loads them into eax; for all threads at once. */
  lockCmpxchg32(m: Mem, r: Gpr): void {
    this.byte(0xf0)
    this.plain('lockCmpxchg32', false, [0x0f, 0xb1], r, m)
  }

  /** Exchanges r with the 32 bits at m, for all threads at once. */
  xchg32(m: Mem, r: Gpr): void {
    this.plain('xchg32', false, [0x87], r, m)
  }

  lockAdd32(m: Mem, r: Gpr): void {
    this.byte(0xf0)
    this.plain('lockAdd32', false, [0x01], r, m)
  }

  sfence(): void {
    this.#fixed(0x0f, 0xae, 0xf8)
  }

  pause(): void {
    this.#fixed(0xf3, 0x90)
  }

  syscall(): void {
    this.#fixed(0x0f, 0x05)
  }

  mfence(): void {
    this.#fixed(0x0f, 0xae, 0xf0)
  }

  cpuid(): void {
    this.#fixed(0x0f, 0xa2)
  }

  xgetbv(): void {
    this.#fixed(0x0f, 0x01, 0xd0)
  }

  rdtsc(): void {
    this.#fixed(0x0f, 0x31)
  }

  /** As rdtsc, and ecx = the number of the processor (its low 12 bits, on Linux). */
  rdtscp(): void {
    this.#fixed(0x0f, 0x01, 0xf9)
  }

  /** Faults: marks what is never reached. */
  ud2(): void {
    this.#fixed(0x0f, 0x0b)
  }

  /** Asks for the cache line at m in all caches. */
  prefetch(m: Mem): void {
    this.plain('prefetch', false, [0x0f, 0x18], 1, m)
  }

  /** Clears the upper halves of the vector registers, before code that uses SSE. */
  vzeroupper(): void {
    this.#fixed(0xc5, 0xf8, 0x77)
  }

  #fixed(...bytes: readonly number[]): void {
    for (const b of bytes) this.byte(b)
  }

  /** Instructions whose opcode holds the register. */
  #short(name: string, opcode: number, r: Gpr, wide: boolean): void {
    checkRegister(name, 'general', r, 16)
    const rex = (wide ? 8 : 0) | (r >> 3)
    if (rex !== 0) this.byte(0x40 | rex)
    this.byte(opcode | (r & 7))
  }

  /** add, or, and, sub, xor and cmp with an immediate: short for signed bytes, and a shorter form for rax. */
  #group1(name: string, wide: boolean, extension: number, d: Gpr | Mem, imm: number): void {
    if (imm === (imm << 24) >> 24) {
      this.plain(name, wide, [0x83], extension, d)
      this.imm8(name, imm)
      return
    }
    if (d === RAX) {
      if (wide) this.byte(0x48)
      this.byte((extension << 3) | 5)
    } else this.plain(name, wide, [0x81], extension, d)
    this.immediate(name, imm)
  }

  #shift(name: string, extension: number, d: Gpr, n: number): void {
    if (!Number.isInteger(n) || n < 0 || n > 63) refuse(name, `cannot shift 64 bits by ${n}; give 0 to 63`)
    this.plain(name, true, [n === 1 ? 0xd1 : 0xc1], extension, d)
    if (n !== 1) this.byte(n)
  }
}
