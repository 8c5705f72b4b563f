/**
 * @file Bytes of machine code: a growing buffer, labels, and the prefixes and operand bytes that all x86-64 instructions
 * share (Intel SDM volume 2, chapter 2). Which instruction has which opcode is the business of the classes above.
 */

import {
  CONDITIONS,
  type Cond,
  checkBits,
  checkInt32,
  checkMem,
  checkRegister,
  type Gpr,
  type Mem,
  refuse,
  type Vec,
  type VecOptions,
  type Width,
} from './operands.ts'
import type { Row } from './table.ts'

/** A place in the code, made by {@link Writer.label}; it may be jumped to before it is bound. */
export class Label {
  readonly owner: Writer
  readonly id: number

  constructor(owner: Writer, id: number) {
    this.owner = owner
    this.id = id
  }
}

const NO_OPTIONS: VecOptions = {}

/** Recommended nops of 1 to 9 bytes. */
const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
]

/** A distance of 32 bits to be filled in, measured from the end of its instruction. */
interface Fixup {
  readonly at: number
  /** The label's id. */
  readonly label: number
  readonly offset: number
  /** Bytes of the instruction that follow the distance. */
  after: number
}

/** Writes bytes, labels and jumps; the base of the assembler. */
export class Writer {
  /** Whether EVEX encodings (AVX-512 F, BW, DQ, VL) may be used. */
  readonly evex: boolean
  #bytes = new Uint8Array(1024)
  #size = 0
  /** The offset at which each label is bound, or -1. */
  readonly #bound: number[] = []
  /** Where 32-bit distances are missing. */
  readonly #fixups: Fixup[] = []

  constructor(options: { evex: boolean }) {
    this.evex = options.evex
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size
  }

  /** Forgets everything written from byte `size` on; labels bound there must not be used any more. */
  rewind(size: number): void {
    this.#size = size
    while ((this.#fixups.at(-1)?.at ?? -1) >= size) this.#fixups.pop()
  }

  /** The code, with all jumps resolved. @throws GliaError when a label that is used was never bound. */
  finish(): Uint8Array {
    const code = this.#bytes.slice(0, this.#size)
    const view = new DataView(code.buffer)
    for (const { at, label, offset, after } of this.#fixups) {
      const target = this.#bound[label]
      if (target < 0)
        refuse(
          'finish',
          `the code at byte ${at} refers to a label that is bound nowhere; call bind(label) where it belongs`,
        )
      view.setInt32(at, target + offset - (at + 4 + after), true)
    }
    return code
  }

  /** A new label, to be bound once. */
  label(): Label {
    this.#bound.push(-1)
    return new Label(this, this.#bound.length - 1)
  }

  /** Puts the label here. */
  bind(l: Label): void {
    this.#check('bind', l)
    if (this.#bound[l.id] >= 0)
      refuse('bind', `the label is already bound, at byte ${this.#bound[l.id]}; use a label once`)
    this.#bound[l.id] = this.#size
  }

  /** Bytes from the start of the code to a bound label, to find an entry point once the code is loaded. */
  offsetOf(l: Label): number {
    this.#check('offsetOf', l)
    const offset = this.#bound[l.id]
    if (offset < 0) refuse('offsetOf', 'the label is not bound yet; call bind(label) first')
    return offset
  }

  jmp(l: Label): void {
    this.#jump('jmp', l, 0xeb, [0xe9])
  }

  /** Jumps when the flags of the last comparison fulfil the condition. */
  jcc(cond: Cond, l: Label): void {
    const code = CONDITIONS[cond]
    this.#jump(`j${cond}`, l, 0x70 + code, [0x0f, 0x80 + code])
  }

  call(l: Label): void {
    this.#check('call', l)
    this.byte(0xe8)
    this.#reference(l)
  }

  /** d = the address of the label: lea d, [rip + label]. */
  leaLabel(d: Gpr, l: Label): void {
    this.#check('leaLabel', l)
    checkRegister('leaLabel', 'general', d, 16)
    this.byte(0x48 | ((d >> 3) << 2))
    this.byte(0x8d)
    this.byte(((d & 7) << 3) | 5)
    this.#reference(l)
  }

  /** Fills up with nops until the size is a multiple of n, a power of two. */
  align(n: number): void {
    if (!Number.isInteger(n) || n < 1 || (n & (n - 1)) !== 0)
      refuse('align', `${n} is not a power of two; align to 1, 2, 4, 8, …`)
    for (let missing = -this.#size & (n - 1); missing > 0; ) {
      const length = Math.min(missing, 9)
      for (const b of NOPS[length]) this.byte(b)
      missing -= length
    }
  }

  /** Data among the code, such as a table of constants behind a label. */
  data(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }

  /** One byte; the low eight bits of the value. */
  protected byte(value: number): void {
    if (this.#size === this.#bytes.length) this.#room(1)
    this.#bytes[this.#size++] = value
  }

  protected int32(value: number): void {
    this.byte(value)
    this.byte(value >> 8)
    this.byte(value >> 16)
    this.byte(value >> 24)
  }

  protected imm8(name: string, value: number): void {
    checkBits(name, 'immediate', value, 8)
    this.#after(1)
    this.byte(value)
  }

  /**
   * A general-register instruction: [REX] opcode bytes, ModRM. `reg` is the register field or the opcode's extension; `wide`
   * gives 64-bit operands; `bytes` says that `reg` is a byte register, of which spl … dil need a REX prefix to be named.
   */
  protected plain(
    name: string,
    wide: boolean,
    opcode: readonly number[],
    reg: number,
    rm: Gpr | Mem,
    bytes = false,
  ): void {
    checkRegister(name, 'general', reg, 16)
    let rex = (wide ? 8 : 0) | ((reg >> 3) << 2)
    if (typeof rm === 'number') {
      checkRegister(name, 'general', rm, 16)
      rex |= rm >> 3
    } else {
      checkMem(name, rm)
      rex |= (((rm.index ?? 0) >> 3) << 1) | (rm.base >> 3)
    }
    if (rex !== 0 || (bytes && (reg >= 4 || (typeof rm === 'number' && rm >= 4)))) this.byte(0x40 | rex)
    for (const b of opcode) this.byte(b)
    this.#operand(reg, rm, 1)
  }

  /**
   * A vector or mask instruction of the table: VEX where it can say everything, else EVEX, then opcode and ModRM.
   * `reg` is the register field or extension, `second` the register of the vvvv field (0 when unused), `rm` the last operand.
   */
  protected vector(
    name: string,
    row: Row,
    w: Width,
    reg: number,
    second: number,
    rm: Vec | Mem,
    o: VecOptions = NO_OPTIONS,
  ): void {
    const inMemory = typeof rm !== 'number'
    const sparse = row.tuple === 'sparse'
    checkRegister(name, 'vector', reg, 32)
    checkRegister(name, 'vector', second, 32)
    if (inMemory) checkMem(name, rm, sparse)
    else checkRegister(name, 'vector', rm, 32)
    if (w < row.min || w > row.max)
      refuse(
        name,
        `there is no form of ${w} bits; it works on ${row.min === row.max ? row.min : `${row.min} to ${row.max}`}`,
      )
    if (row.operand === 'memory' && !inMemory) refuse(name, `the operand ${rm} is a register; it takes memory only`)
    if (row.operand === 'register' && inMemory)
      refuse(name, 'the operand is in memory; it takes registers only, load it first')

    const index = inMemory ? (rm.index ?? 0) : 0
    const high = reg > 15 || second > 15 || (inMemory ? index > 15 : rm > 15)
    if (row.vex && w !== 512 && !high && o.mask === undefined && !o.zero && !o.broadcast) {
      const r = (~reg << 4) & 0x80
      const last = ((~second & 15) << 3) | (w === 256 ? 4 : 0) | row.prefix
      const b = inMemory ? rm.base : rm
      if (row.map === 1 && row.vexW === 0 && b < 8 && index < 8) {
        this.byte(0xc5)
        this.byte(r | last)
      } else {
        this.byte(0xc4)
        this.byte(r | (index < 8 ? 0x40 : 0) | (b < 8 ? 0x20 : 0) | row.map)
        this.byte((row.vexW << 7) | last)
      }
      this.byte(row.op)
      this.#operand(reg, rm, 1)
      return
    }

    if (!row.evex)
      refuse(name, 'has no AVX-512 form; use registers 0 to 15, at most 256 bits, no mask and no broadcast')
    if (!this.evex)
      refuse(name, 'this form needs AVX-512, which this assembler was made without; pass evex: true, or avoid it')
    this.#checkOptions(name, row, rm, o)
    const five = inMemory ? (sparse ? second | (index & 16) : second) : second
    const x = inMemory ? index & 8 : (rm >> 1) & 8
    const b = (inMemory ? rm.base : rm) & 8
    this.byte(0x62)
    this.byte((reg & 8 ? 0 : 0x80) | (x ? 0 : 0x40) | (b ? 0 : 0x20) | (reg & 16 ? 0 : 0x10) | row.map)
    this.byte((row.evexW << 7) | ((~second & 15) << 3) | 4 | row.prefix)
    const length = w === 512 ? 0x40 : w === 256 ? 0x20 : 0
    this.byte((o.zero ? 0x80 : 0) | length | (o.broadcast ? 0x10 : 0) | (five & 16 ? 0 : 8) | (o.mask ?? 0))
    this.byte(row.op)
    this.#operand(reg, rm, o.broadcast ? 4 << row.evexW : disp8Scale(row, w))
  }

  #checkOptions(name: string, row: Row, rm: Vec | Mem, o: VecOptions): void {
    if (o.mask !== undefined) {
      checkRegister(name, 'mask', o.mask, 8)
      if (o.mask === 0) refuse(name, 'k0 cannot be a write mask; use k1 to k7, or no mask to write all lanes')
      if (row.masking === 'none') refuse(name, 'its result cannot be masked; leave out the mask')
    } else if (o.zero) refuse(name, 'zero says what happens to lanes that a mask leaves out; give a mask')
    if (o.zero && (row.masking === 'merge' || (row.destination && typeof rm !== 'number')))
      refuse(name, 'lanes that the mask leaves out cannot be set to 0 in memory or in a mask register; leave out zero')
    if (!o.broadcast) return
    if (typeof rm === 'number') refuse(name, `the operand ${rm} is a register; only memory can be broadcast`)
    if (row.tuple !== 'full') refuse(name, 'cannot broadcast its memory operand; broadcast into a register first')
  }

  /** ModRM, SIB and displacement; an 8-bit displacement counts units of `unit` bytes (1 but for EVEX). */
  #operand(reg: number, rm: number | Mem, unit: number): void {
    const field = (reg & 7) << 3
    if (typeof rm === 'number') {
      this.byte(0xc0 | field | (rm & 7))
      return
    }
    if (rm.label !== undefined) {
      this.#check('operand', rm.label)
      this.byte(field | 5)
      this.#reference(rm.label, rm.offset)
      return
    }
    const base = rm.base & 7
    const units = rm.offset / unit
    const short = Number.isInteger(units) && units >= -128 && units <= 127
    // Without displacement, the code of rbp and r13 means something else: they take a displacement of 0.
    const mode = rm.offset === 0 && base !== 5 ? 0 : short ? 0x40 : 0x80
    if (rm.index === undefined && base !== 4) this.byte(mode | field | base)
    else {
      const scale = Math.log2(rm.scale ?? 1)
      this.byte(mode | field | 4)
      this.byte((scale << 6) | (((rm.index ?? 4) & 7) << 3) | base)
    }
    if (mode === 0x40) this.byte(units)
    else if (mode === 0x80) this.int32(rm.offset)
  }

  #jump(name: string, l: Label, short: number, long: readonly number[]): void {
    this.#check(name, l)
    const distance = this.#bound[l.id] - (this.#size + 2)
    if (this.#bound[l.id] >= 0 && distance >= -128) {
      this.byte(short)
      this.byte(distance)
      return
    }
    for (const b of long) this.byte(b)
    this.#reference(l)
  }

  #reference(l: Label, offset = 0): void {
    this.#fixups.push({ at: this.#size, label: l.id, offset, after: 0 })
    this.int32(0)
  }

  #check(name: string, l: Label): void {
    if (l.owner !== this) refuse(name, 'the label belongs to another assembler; make it with label() of this one')
  }

  #room(bytes: number): void {
    if (this.#size + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + bytes))
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  /** Bytes of an immediate follow: where a distance to a label ends right here, it counts from behind them. */
  #after(bytes: number): void {
    const fixup = this.#fixups.at(-1)
    if (fixup !== undefined && fixup.at === this.#size - 4) fixup.after = bytes
  }

  /** 32 bits, signed or unsigned. */
  protected imm32(name: string, value: number): void {
    checkBits(name, 'immediate', value, 32)
    this.#after(4)
    this.int32(value)
  }

  /** A signed 32-bit immediate of a 64-bit instruction. */
  protected immediate(name: string, value: number): void {
    checkInt32(name, 'immediate', value)
    this.#after(4)
    this.int32(value)
  }
}

/** Bytes that one step of an EVEX 8-bit displacement counts (SDM volume 2, 2.7.5). */
function disp8Scale(row: Row, w: Width): number {
  switch (row.tuple) {
    case 'full':
    case 'whole':
      return w / 8
    case 'half':
      return w / 16
    case 'quarter':
      return w / 32
    case 'duplicate':
      return w === 128 ? 8 : w / 8
    case 'sparse':
      return 4
    default:
      return row.tuple
  }
}
