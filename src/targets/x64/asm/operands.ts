/** @file What x86-64 instructions work on: register numbers, memory operands, widths and conditions, and their checks. */

import { GliaError } from '../../../core/errors.ts'
import type { Label } from './writer.ts'

/** A general register by its hardware number: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 … r15. */
export type Gpr = number

/** A vector register, 0 … 31; those from 16 exist only in EVEX encodings (AVX-512). */
export type Vec = number

/** A mask register k0 … k7 (AVX-512). As a write mask, k0 cannot be named: its encoding means "no mask". */
export type Mask = number

/** Bits of a vector register that an instruction works on: xmm, ymm or zmm. */
export type Width = 128 | 256 | 512

/**
 * The memory at base + index · scale + offset, in bytes, or with `label`, offset bytes past that place in the code (the base
 * then does not count, and there is no index). The index is a general register, or a vector for gathers.
 */
export interface Mem {
  readonly base: Gpr
  readonly offset: number
  readonly label?: Label
  /** A general register other than rsp; for gather and scatter a vector register. */
  readonly index?: number
  /** Default 1. */
  readonly scale?: 1 | 2 | 4 | 8
}

/** Conditions of jumps and conditional moves: a, b compare unsigned, g, l signed; p (parity) means unordered floats. */
export type Cond = 'o' | 'no' | 'b' | 'ae' | 'e' | 'ne' | 'be' | 'a' | 's' | 'ns' | 'p' | 'np' | 'l' | 'ge' | 'le' | 'g'

/** The four bits by which instructions name a condition. */
export const CONDITIONS: Readonly<Record<Cond, number>> = {
  o: 0,
  no: 1,
  b: 2,
  ae: 3,
  e: 4,
  ne: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  p: 10,
  np: 11,
  l: 12,
  ge: 13,
  le: 14,
  g: 15,
}

/** How a vector instruction writes its lanes and reads memory; everything here needs AVX-512. */
export interface VecOptions {
  /** Only lanes whose bit is set in k1 … k7 are written. */
  readonly mask?: Mask
  /** Lanes that the mask leaves out become 0; by default they keep their value. */
  readonly zero?: boolean
  /** The memory operand is one element (32 bits; 64 for the pd and q instructions), repeated in every lane. */
  readonly broadcast?: boolean
}

/** Throws a GliaError that names the instruction. */
export function refuse(name: string, problem: string): never {
  throw new GliaError(`x64 ${name}: ${problem}`)
}

export function checkRegister(name: string, kind: string, value: number, count: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= count)
    refuse(name, `${value} is not a ${kind} register; their numbers are 0 to ${count - 1}`)
}

/** A signed 32-bit immediate or displacement. */
export function checkInt32(name: string, what: string, value: number): void {
  if (value !== (value | 0))
    refuse(name, `the ${what} ${value} is not a signed 32-bit integer; put it into a register with movImm`)
}

/** An immediate of `bits` bits, given as signed or as unsigned. */
export function checkBits(name: string, what: string, value: number, bits: number): void {
  if (!Number.isInteger(value) || value < -(2 ** (bits - 1)) || value >= 2 ** bits)
    refuse(
      name,
      `the ${what} ${value} does not fit ${bits} bits; it must be an integer from ${-(2 ** (bits - 1))} to ${2 ** bits - 1}`,
    )
}

/** `vector` says that the index is a vector register (gather and scatter). */
export function checkMem(name: string, m: Mem, vector = false): void {
  checkRegister(name, 'base', m.base, 16)
  checkInt32(name, 'offset', m.offset)
  if (m.label !== undefined && (m.index !== undefined || vector))
    refuse(name, 'memory at a label takes no index; load its address with leaLabel first')
  if (m.index !== undefined) {
    checkRegister(name, 'index', m.index, vector ? 32 : 16)
    if (m.index === 4 && !vector)
      refuse(name, 'rsp cannot be an index; exchange base and index, or use another register')
    const scale = m.scale ?? 1
    if (scale !== 1 && scale !== 2 && scale !== 4 && scale !== 8)
      refuse(name, `an index cannot be scaled by ${scale}; the scale is 1, 2, 4 or 8`)
  } else if (vector) refuse(name, 'the memory operand has no index; give the vector register that holds the indices')
}
