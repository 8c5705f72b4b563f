/**
 * @file An x86-64 assembler for AVX2 and AVX-512 machines: one method writes one instruction. Vector instructions come from
 * the table in `table.ts`; {@link Integers} has the general registers, {@link Writer} labels and encodings.
 */

import { Integers } from './integers.ts'
import {
  checkRegister,
  type Gpr,
  type Mask,
  type Mem,
  refuse,
  type Vec,
  type VecOptions,
  type Width,
} from './operands.ts'
import {
  both,
  evexOnly,
  M0F,
  M3A,
  M38,
  NARROW,
  type NarrowOp,
  NP,
  P66,
  PF2,
  PF3,
  type Row,
  V2,
  V2_IMM,
  type V2ImmOp,
  type V2Op,
  V3,
  V3_IMM,
  type V3ImmOp,
  type V3Op,
  vexOnly,
} from './table.ts'

export type { Cond, Gpr, Mask, Mem, Vec, VecOptions, Width } from './operands.ts'
export type { NarrowOp, V2ImmOp, V2Op, V3ImmOp, V3Op } from './table.ts'
export { Label } from './writer.ts'

/** Moves and other instructions that have a method of their own. */
const MOVE = {
  loadUnaligned: both(NP, M0F, 0x10, 'whole'),
  storeUnaligned: both(NP, M0F, 0x11, 'whole', { destination: true }),
  loadAligned: both(NP, M0F, 0x28, 'whole'),
  storeAligned: both(NP, M0F, 0x29, 'whole'),
  storeNt: both(NP, M0F, 0x2b, 'whole', { operand: 'memory', masking: 'none' }),
  loadScalar: both(PF3, M0F, 0x10, 4, { max: 128, operand: 'memory' }),
  storeScalar: both(PF3, M0F, 0x11, 4, { max: 128, operand: 'memory', destination: true }),
  load64v: both(PF2, M0F, 0x10, 8, { max: 128, evexW: 1, operand: 'memory' }),
  store64v: both(PF2, M0F, 0x11, 8, { max: 128, evexW: 1, operand: 'memory', destination: true }),
  maskLoad: vexOnly(P66, M38, 0x2c, { operand: 'memory' }),
  maskStore: vexOnly(P66, M38, 0x2e, { operand: 'memory' }),
  fromGpr: both(P66, M0F, 0x6e, 4, { max: 128, masking: 'none' }),
  toGpr: both(P66, M0F, 0x7e, 4, { max: 128, masking: 'none' }),
  extractLane: both(P66, M3A, 0x16, 4, { max: 128, masking: 'none' }),
  insertLane: both(P66, M3A, 0x22, 4, { max: 128, masking: 'none' }),
  extractByte: both(P66, M3A, 0x14, 1, { max: 128, masking: 'none' }),
  insertByte: both(P66, M3A, 0x20, 1, { max: 128, masking: 'none' }),
  broadcastGpr: evexOnly(P66, M38, 0x7c, 4, { operand: 'register' }),
  blendv: vexOnly(P66, M3A, 0x4a),
  movmsk: vexOnly(NP, M0F, 0x50, { operand: 'register' }),
  testps: vexOnly(P66, M38, 0x0e),
  gather: both(P66, M38, 0x92, 'sparse', { operand: 'memory', masking: 'merge' }),
  scatter: evexOnly(P66, M38, 0xa2, 'sparse', { operand: 'memory', masking: 'merge' }),
  extract128: both(P66, M3A, 0x19, 16, { min: 256, destination: true }),
  insert128: both(P66, M3A, 0x18, 16, { min: 256 }),
  extract256: evexOnly(P66, M3A, 0x1b, 32, { min: 512, evexW: 1, destination: true }),
  insert256: evexOnly(P66, M3A, 0x1a, 32, { min: 512, evexW: 1 }),
} satisfies Record<string, Row>

/** Instructions on mask registers; those of AVX-512 F work on 16 bits. */
const MASK = {
  load: vexOnly(NP, M0F, 0x92),
  store: vexOnly(NP, M0F, 0x93),
  copy: vexOnly(NP, M0F, 0x90),
  not: vexOnly(NP, M0F, 0x44),
  and: vexOnly(NP, M0F, 0x41),
  andn: vexOnly(NP, M0F, 0x42),
  or: vexOnly(NP, M0F, 0x45),
  xor: vexOnly(NP, M0F, 0x47),
  test: vexOnly(NP, M0F, 0x98),
  compare: evexOnly(NP, M0F, 0xc2, 'full', { masking: 'merge' }),
  /** Equal and greater have instructions of their own, a byte shorter. */
  equalInt: evexOnly(P66, M0F, 0x76, 'full', { masking: 'merge' }),
  greaterInt: evexOnly(P66, M0F, 0x66, 'full', { masking: 'merge' }),
  compareInt: evexOnly(P66, M3A, 0x1f, 'full', { masking: 'merge' }),
  compareUint: evexOnly(P66, M3A, 0x1e, 'full', { masking: 'merge' }),
  testBits: evexOnly(P66, M38, 0x27, 'full', { masking: 'merge' }),
  toVec: evexOnly(PF3, M38, 0x38, 'full', { masking: 'none' }),
  fromVec: evexOnly(PF3, M38, 0x39, 'full', { masking: 'none' }),
} satisfies Record<string, Row>

/**
 * Writes machine code. With `evex: true` (AVX-512 F, BW, DQ and VL) an instruction takes the EVEX encoding when it needs it:
 * 512 bits, registers from 16, masks, broadcasts; else always the shorter VEX encoding.
 * Every method throws a GliaError for operands that no encoding can express.
 */
export class Assembler extends Integers {
  /** d = a op b. */
  v3(op: V3Op, w: Width, d: Vec, a: Vec, b: Vec | Mem, o?: VecOptions): void {
    this.vector(op, V3[op], w, d, a, b, o)
  }

  /** d = a op b with an immediate. */
  v3imm(op: V3ImmOp, w: Width, d: Vec, a: Vec, b: Vec | Mem, imm: number, o?: VecOptions): void {
    this.vector(op, V3_IMM[op], w, d, a, b, o)
    this.imm8(op, imm)
  }

  /** d = op a. */
  v2(op: V2Op, w: Width, d: Vec, a: Vec | Mem, o?: VecOptions): void {
    this.vector(op, V2[op], w, d, 0, a, o)
  }

  /** d = op a with an immediate. */
  v2imm(op: V2ImmOp, w: Width, d: Vec, a: Vec | Mem, imm: number, o?: VecOptions): void {
    const row: Row = V2_IMM[op]
    if (SHIFTS.has(op)) this.vector(op, typeof a === 'number' ? row : { ...row, vex: false }, w, row.extension, d, a, o)
    else this.vector(op, row, w, d, 0, a, o)
    this.imm8(op, imm)
  }

  /** d = the vector at m, which need not be aligned. */
  load(w: Width, d: Vec, m: Mem, o?: VecOptions): void {
    this.vector('load', MOVE.loadUnaligned, w, d, 0, m, o)
  }

  /** Stores a vector to m, which need not be aligned. */
  store(w: Width, m: Mem, a: Vec, o?: VecOptions): void {
    this.vector('store', MOVE.storeUnaligned, w, a, 0, m, o)
  }

  /** Stores past the caches to m, aligned to the vector's bytes. */
  storeNt(w: Width, m: Mem, a: Vec): void {
    this.vector('storeNt', MOVE.storeNt, w, a, 0, m)
  }

  /** d = a. */
  move(w: Width, d: Vec, a: Vec, o?: VecOptions): void {
    // The store's encoding names the registers the other way round: a source from 8 then needs no third prefix byte.
    const plain = w !== 512 && o?.mask === undefined
    if (plain && a > 7 && a < 16 && d < 8) this.vector('move', MOVE.storeAligned, w, a, 0, d, o)
    else this.vector('move', MOVE.loadAligned, w, d, 0, a, o)
  }

  /** Lane 0 = the 32 bits at m, the rest 0. */
  loadScalar(d: Vec, m: Mem, o?: VecOptions): void {
    this.vector('loadScalar', MOVE.loadScalar, 128, d, 0, m, o)
  }

  storeScalar(m: Mem, a: Vec, o?: VecOptions): void {
    this.vector('storeScalar', MOVE.storeScalar, 128, a, 0, m, o)
  }

  /** Lanes 0 and 1 = the 64 bits at m, the rest 0. */
  load64v(d: Vec, m: Mem): void {
    this.vector('load64v', MOVE.load64v, 128, d, 0, m)
  }

  store64v(m: Mem, a: Vec): void {
    this.vector('store64v', MOVE.store64v, 128, a, 0, m)
  }

  /** Loads lanes whose sign bit is set in maskVec, the others become 0; memory of the others is not touched. */
  maskLoad(w: Width, d: Vec, maskVec: Vec, m: Mem): void {
    this.vector('maskLoad', MOVE.maskLoad, w, d, maskVec, m)
  }

  /** Stores the lanes whose sign bit is set in maskVec. */
  maskStore(w: Width, m: Mem, maskVec: Vec, a: Vec): void {
    this.vector('maskStore', MOVE.maskStore, w, a, maskVec, m)
  }

  /** d = lane 0 of a; the upper half of d becomes 0. */
  toGpr(d: Gpr, a: Vec): void {
    checkRegister('toGpr', 'general', d, 16)
    this.vector('toGpr', MOVE.toGpr, 128, a, 0, d)
  }

  /** Lane 0 of d = the low 32 bits of a, the rest 0. */
  fromGpr(d: Vec, a: Gpr): void {
    checkRegister('fromGpr', 'general', a, 16)
    this.vector('fromGpr', MOVE.fromGpr, 128, d, 0, a)
  }

  /** d = lane 0 … 3 of a. */
  extractLane(d: Gpr | Mem, a: Vec, lane: number): void {
    this.#laned('extractLane', MOVE.extractLane, a, 0, d, lane, 4)
  }

  /** d = a with lane 0 … 3 replaced by 32 bits. */
  insertLane(d: Vec, a: Vec, m: Mem | Gpr, lane: number): void {
    this.#laned('insertLane', MOVE.insertLane, d, a, m, lane, 4)
  }

  /** Stores byte 0 … 15 of a. */
  extractByteTo(m: Mem, a: Vec, lane: number): void {
    this.#laned('extractByteTo', MOVE.extractByte, a, 0, m, lane, 16)
  }

  /** d = a with byte 0 … 15 replaced. */
  insertByte(d: Vec, a: Vec, m: Mem | Gpr, lane: number): void {
    this.#laned('insertByte', MOVE.insertByte, d, a, m, lane, 16)
  }

  /** Every lane of d = the low 32 bits of a (AVX-512). */
  broadcastGpr(w: Width, d: Vec, a: Gpr, o?: VecOptions): void {
    checkRegister('broadcastGpr', 'general', a, 16)
    this.vector('broadcastGpr', MOVE.broadcastGpr, w, d, 0, a, o)
  }

  /** Lanes of b where the sign bit of maskVec is set, else of a. */
  blendv(w: Width, d: Vec, a: Vec, b: Vec | Mem, maskVec: Vec): void {
    checkRegister('blendv', 'mask vector', maskVec, 16)
    this.vector('blendv', MOVE.blendv, w, d, a, b)
    this.imm8('blendv', maskVec << 4)
  }

  /** d = the sign bits of a's lanes. */
  movmskps(w: Width, d: Gpr, a: Vec): void {
    checkRegister('movmskps', 'general', d, 16)
    this.vector('movmskps', MOVE.movmsk, w, d, 0, a)
  }

  /** Sets e if no sign bit of a ∧ b is set, b if none of ¬a ∧ b is. */
  testps(w: Width, a: Vec, b: Vec | Mem): void {
    this.vector('testps', MOVE.testps, w, a, 0, b)
  }

  /**
   * d = 32-bit elements at m.base + index lane · scale + offset, for the lanes that the mask names; the mask is 0 afterwards.
   * On an AVX-512 assembler the mask is k1 … k7, else a vector whose sign bits count, different from d and the index.
   */
  gather(w: Width, d: Vec, m: Mem, mask: Vec | Mask): void {
    if (d === m.index) refuse('gather', `vector ${d} is both result and index; use two registers`)
    if (this.evex) {
      this.vector('gather', { ...MOVE.gather, vex: false }, w, d, 0, m, { mask })
      return
    }
    if (mask === d || mask === m.index)
      refuse('gather', `the mask's vector ${mask} has another use; use three registers`)
    this.vector('gather', MOVE.gather, w, d, mask, m)
  }

  /** Stores a's lanes that k names to m.base + index lane · scale + offset, in order; k is 0 afterwards (AVX-512). */
  scatter(w: Width, m: Mem, a: Vec, k: Mask): void {
    this.vector('scatter', MOVE.scatter, w, a, 0, m, { mask: k })
  }

  /** k = the low 16 bits of r. */
  kmov(k: Mask, r: Gpr): void {
    checkRegister('kmov', 'general', r, 16)
    this.#mask('kmov', MASK.load, 128, k, 0, r)
  }

  /** r = the 16 bits of k. */
  kmovTo(r: Gpr, k: Mask): void {
    checkRegister('kmovTo', 'mask', k, 8)
    checkRegister('kmovTo', 'general', r, 16)
    this.#needs('kmovTo')
    this.vector('kmovTo', MASK.store, 128, r, 0, k)
  }

  /** d = a. */
  kcopy(d: Mask, a: Mask): void {
    this.#masks('kcopy', MASK.copy, 128, d, 0, a)
  }

  knot(d: Mask, a: Mask): void {
    this.#masks('knot', MASK.not, 128, d, 0, a)
  }

  kand(d: Mask, a: Mask, b: Mask): void {
    this.#masks('kand', MASK.and, 256, d, a, b)
  }

  /** d = ¬a ∧ b. */
  kandn(d: Mask, a: Mask, b: Mask): void {
    this.#masks('kandn', MASK.andn, 256, d, a, b)
  }

  kor(d: Mask, a: Mask, b: Mask): void {
    this.#masks('kor', MASK.or, 256, d, a, b)
  }

  kxor(d: Mask, a: Mask, b: Mask): void {
    this.#masks('kxor', MASK.xor, 256, d, a, b)
  }

  /** Sets e if a ∨ b is 0, b if all its 16 bits are set. */
  kortest(a: Mask, b: Mask): void {
    this.#masks('kortest', MASK.test, 128, a, 0, b)
  }

  /** k = comparisons of floats; predicates are those of cmpps (0 equal, 1 less, 2 less or equal, 4 not equal, …, 31). */
  cmpMask(w: Width, k: Mask, a: Vec, b: Vec | Mem, predicate: number, o?: VecOptions): void {
    this.#mask('cmpMask', MASK.compare, w, k, a, b, o)
    this.imm8('cmpMask', predicate)
  }

  /** k = comparisons of signed integers: 0 equal, 1 less, 2 less or equal, 4 not equal, 5 not less, 6 greater. */
  cmpMaskInt(w: Width, k: Mask, a: Vec, b: Vec | Mem, predicate: number, o?: VecOptions): void {
    if (predicate === 0 || predicate === 6) {
      this.#mask('cmpMaskInt', predicate === 0 ? MASK.equalInt : MASK.greaterInt, w, k, a, b, o)
      return
    }
    this.#mask('cmpMaskInt', MASK.compareInt, w, k, a, b, o)
    this.imm8('cmpMaskInt', predicate)
  }

  /** As cmpMaskInt, on unsigned integers. */
  cmpMaskUint(w: Width, k: Mask, a: Vec, b: Vec | Mem, predicate: number, o?: VecOptions): void {
    this.#mask('cmpMaskUint', MASK.compareUint, w, k, a, b, o)
    this.imm8('cmpMaskUint', predicate)
  }

  /** k = lanes in which a ∧ b is not 0. */
  testMask(w: Width, k: Mask, a: Vec, b: Vec | Mem, o?: VecOptions): void {
    this.#mask('testMask', MASK.testBits, w, k, a, b, o)
  }

  /** Lanes of d are all ones where k is set, else 0. */
  maskToVec(w: Width, d: Vec, k: Mask): void {
    checkRegister('maskToVec', 'mask', k, 8)
    this.vector('maskToVec', MASK.toVec, w, d, 0, k)
  }

  /** k = the sign bits of a's lanes. */
  vecToMask(w: Width, k: Mask, a: Vec): void {
    this.#mask('vecToMask', MASK.fromVec, w, k, 0, a)
  }

  /** d = a's lanes cut to bytes or words, in a register's low part or in memory; see {@link NarrowOp} (AVX-512). */
  narrow(op: NarrowOp, w: Width, d: Vec | Mem, a: Vec, o?: VecOptions): void {
    this.vector(op, NARROW[op], w, a, 0, d, o)
  }

  /** Stores the low byte of each lane. */
  storeBytes(w: Width, m: Mem, a: Vec, o?: VecOptions): void {
    this.narrow('pmovdb', w, m, a, o)
  }

  /** d = 128 bits of a, a vector of `w` bits, counted from part 0. */
  extract128(w: 256 | 512, d: Vec | Mem, a: Vec, part: number, o?: VecOptions): void {
    this.#part('extract128', MOVE.extract128, w, a, 0, d, part, w / 128, o)
  }

  /** d = a, a vector of `w` bits, with 128 bits replaced by b. */
  insert128(w: 256 | 512, d: Vec, a: Vec, b: Vec | Mem, part: number, o?: VecOptions): void {
    this.#part('insert128', MOVE.insert128, w, d, a, b, part, w / 128, o)
  }

  /** d = the lower or upper half (part 0 or 1) of a, of 512 bits. */
  extract256(d: Vec | Mem, a: Vec, part: number, o?: VecOptions): void {
    this.#part('extract256', MOVE.extract256, 512, a, 0, d, part, 2, o)
  }

  /** d = a, of 512 bits, with its lower or upper half replaced by b. */
  insert256(d: Vec, a: Vec, b: Vec | Mem, part: number, o?: VecOptions): void {
    this.#part('insert256', MOVE.insert256, 512, d, a, b, part, 2, o)
  }

  #part(
    name: string,
    row: Row,
    w: Width,
    reg: Vec,
    second: Vec,
    rm: Vec | Mem,
    part: number,
    parts: number,
    o?: VecOptions,
  ): void {
    if (!Number.isInteger(part) || part < 0 || part >= parts)
      refuse(name, `there is no part ${part}; the parts are 0 to ${parts - 1}`)
    this.vector(name, row, w, reg, second, rm, o)
    this.imm8(name, part)
  }

  #laned(name: string, row: Row, reg: Vec, second: Vec, rm: Gpr | Mem, lane: number, lanes: number): void {
    if (typeof rm === 'number') checkRegister(name, 'general', rm, 16)
    this.#part(name, row, 128, reg, second, rm, lane, lanes)
  }

  /** An instruction whose register field is a mask. */
  #mask(name: string, row: Row, w: Width, k: Mask, second: number, rm: number | Mem, o?: VecOptions): void {
    checkRegister(name, 'mask', k, 8)
    this.#needs(name)
    this.vector(name, row, w, k, second, rm, o)
  }

  /** An instruction on masks alone; `w` is its L bit. */
  #masks(name: string, row: Row, w: Width, d: Mask, a: Mask, b: Mask): void {
    checkRegister(name, 'mask', a, 8)
    checkRegister(name, 'mask', b, 8)
    this.#mask(name, row, w, d, a, b)
  }

  /** Mask registers exist with AVX-512 alone, though their instructions are VEX encoded. */
  #needs(name: string): void {
    if (!this.evex) refuse(name, 'mask registers need AVX-512, which this assembler was made without; pass evex: true')
  }
}

const SHIFTS: ReadonlySet<V2ImmOp> = new Set<V2ImmOp>(['pslld', 'psrld', 'psrad', 'prold', 'prord'])
