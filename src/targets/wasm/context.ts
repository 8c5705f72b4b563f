/** @file What lowering one vector program needs to know while it writes: where registers live, and what is allowed. */
import type { Reg, VectorProgram } from '../../kernels/vector.ts'
import { survey, type Usage } from '../liveness.ts'
import { FunctionWriter } from './encoder.ts'
import { I32, Op, Simd, V128 } from './opcodes.ts'
import { assign } from './registers.ts'

export interface LowerOptions {
  /** Emit relaxed SIMD's fused multiply-add. */
  readonly relaxed: boolean
  /** Emit code for `pin`: only some engines need it, and the others lose by it. */
  readonly pins: boolean
}

export class Context {
  readonly f: FunctionWriter
  readonly program: VectorProgram
  readonly relaxed: boolean
  /** Pins written so far; undefined where pins are not wanted. */
  pins: number | undefined
  /** The depth of the block around the innermost loop, to which pins lead (0: none). */
  exit = 0
  /** Bit patterns of the registers that are the same constant throughout, by register. */
  readonly constants = new Map<Reg, readonly number[]>()
  readonly #usage: Usage
  /** The local of every register. */
  readonly #locals: Int32Array
  /** Whether a register is read once and written once, so that its local may never come to be. */
  readonly #once: Uint8Array
  readonly #scratchInt: number[] = []
  readonly #scratchVector: number[] = []

  constructor(program: VectorProgram, options: LowerOptions) {
    this.program = program
    this.relaxed = options.relaxed
    this.pins = options.pins ? 0 : undefined
    this.f = new FunctionWriter(program.params)
    this.#usage = survey(program)
    this.#findConstants()
    const { slot, ints, vectors } = assign(program, this.#usage, (reg) => this.constants.has(reg))
    const first = { i: this.f.locals(I32, ints), v: this.f.locals(V128, vectors) }
    const { reads, writes } = this.#usage
    this.#locals = slot.map((at, reg) => (reg < program.params ? reg : first[program.registers[reg]] + at))
    this.#once = Uint8Array.from(reads, (count, reg) => {
      return count === 1 && writes[reg] === 1 && reg >= program.params && !this.constants.has(reg) ? 1 : 0
    })
    this.#placeConstants()
  }

  /** Registers written once, by a constant, need no code where they stand: their value is set on entry. */
  #findConstants(): void {
    const { writes } = this.#usage
    const visit = (body: VectorProgram['body']): void => {
      for (const instr of body) {
        if (instr.op === 'const' && writes[instr.d] === 1) {
          this.constants.set(instr.d, [instr.bits, instr.bits, instr.bits, instr.bits])
        } else if (instr.op === 'lanes' && writes[instr.d] === 1) {
          this.constants.set(
            instr.d,
            [0, 1, 2, 3].map((lane) => instr.bits[lane] ?? 0),
          )
        } else if (instr.op === 'loop') {
          visit(instr.body)
        } else if (instr.op === 'if') {
          visit(instr.yes)
          visit(instr.no)
        }
      }
    }
    visit(this.program.body)
  }

  /** One local for every distinct constant that is read, set on entry: a `v128.const` inside a loop is slow in V8. */
  #placeConstants(): void {
    const placed = new Map<number | string, number>()
    for (const [reg, bits] of this.constants) {
      if (this.#usage.reads[reg] === 0 || isZero(bits)) continue
      const key = isSplat(bits) ? bits[0] : bits.join()
      let local = placed.get(key)
      if (local === undefined) {
        local = this.f.locals(V128)
        placed.set(key, local)
        this.pushConstant(bits)
        this.f.set(local)
      }
      this.#locals[reg] = local
    }
  }

  /** Pushes a vector constant: a splat where the lanes agree. */
  pushConstant(bits: readonly number[]): void {
    if (isSplat(bits) && !isZero(bits)) {
      this.f.i32(bits[0])
      this.f.simd(Simd.i32x4Splat)
    } else {
      this.f.v128(bits[0], bits[1], bits[2], bits[3])
    }
  }

  local(reg: Reg): number {
    return this.#locals[reg]
  }

  /** Pushes a register that the instruction being lowered reads once. */
  push(reg: Reg): void {
    if (this.#pushZero(reg)) return
    if (this.#once[reg] === 1) this.f.take(this.#locals[reg])
    else this.f.get(this.#locals[reg])
  }

  /** Pushes a register that the instruction being lowered reads several times. */
  pushAgain(reg: Reg): void {
    if (!this.#pushZero(reg)) this.f.get(this.local(reg))
  }

  /** Zero is made where it is needed: it costs one instruction, and a local would hold a register in every loop. */
  #pushZero(reg: Reg): boolean {
    const bits = this.constants.get(reg)
    if (bits === undefined || !isZero(bits)) return false
    this.f.v128(0, 0, 0, 0)
    return true
  }

  pop(reg: Reg): void {
    this.f.set(this.local(reg))
  }

  /** Whether `reg` is on its way out of the instruction before, so that pushing it first is free. */
  fresh(reg: Reg): boolean {
    return this.f.justSet(this.local(reg))
  }

  /** The n-th scratch local of a kind: holds nothing from one instruction to the next. */
  scratch(kind: 'i' | 'v', n: number): number {
    const list = kind === 'i' ? this.#scratchInt : this.#scratchVector
    while (list.length <= n) list.push(this.f.locals(kind === 'i' ? I32 : V128))
    return list[n]
  }

  /** Pushes the address in `base` plus `offset`'s negative part; returns what is left for the instruction to add. */
  pushAddress(base: Reg, offset: number): number {
    this.push(base)
    return this.#split(offset)
  }

  /** As `pushAddress`, for an instruction lowered to several accesses. */
  pushAddressAgain(base: Reg, offset: number): number {
    this.pushAgain(base)
    return this.#split(offset)
  }

  #split(offset: number): number {
    if (offset >= 0) return offset
    this.f.i32(offset)
    this.f.op(Op.i32Add)
    return 0
  }
}

function isSplat(bits: readonly number[]): boolean {
  return bits[0] === bits[1] && bits[1] === bits[2] && bits[2] === bits[3]
}

function isZero(bits: readonly number[]): boolean {
  return bits[0] === 0 && isSplat(bits)
}
