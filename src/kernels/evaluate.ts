/**
 * @file What a vector program means, executed plainly: one lane after another, every access checked. Tests hold
 * lowerings (do they compute the right thing, inside their buffers?) and targets (do they agree?) against it.
 */
import { compare, fold, integer2, type Lanes, lanewise1, lanewise2, lanewise3, makeLanes } from './lanewise.ts'
import type { Instr, IntOperand, MemType, Reg, VectorProgram } from './vector.ts'

/** A range of memory that a program may touch. */
export interface BufferRange {
  readonly address: number
  readonly bytes: number
}

export interface EvaluateOptions {
  /** Whether `f.fma` and `f.fnma` round once. Default: they round twice. */
  readonly fused?: boolean
  /** When given, every access must lie inside one of these ranges. */
  readonly buffers?: readonly BufferRange[]
  /** Instructions to run before giving up on a program that does not end. Default 1e9. */
  readonly limit?: number
}

/** Runs `program` with the integer arguments `args` on `memory`. @throws Error naming the program and what it did wrong. */
export function evaluateProgram(
  program: VectorProgram,
  memory: ArrayBuffer,
  args: readonly number[],
  options: EvaluateOptions = {},
): void {
  if (args.length !== program.params) {
    throw new Error(`${program.name}: takes ${program.params} arguments, got ${args.length}`)
  }
  new Evaluation(program, memory, options).run(args)
}

type VectorOp =
  | 'const'
  | 'lanes'
  | 'splat'
  | 'load'
  | 'loadSplat'
  | 'loadLanes'
  | 'gather'
  | 'v1'
  | 'v2'
  | 'shift'
  | 'v3'
  | 'fold'
type VectorInstr = Extract<Instr, { readonly op: VectorOp }>

class Evaluation {
  readonly #program: VectorProgram
  readonly #lanes: number
  readonly #memory: DataView
  readonly #buffers: readonly BufferRange[] | undefined
  readonly #fused: boolean
  /** Integer registers by number; NaN until written. */
  readonly #ints: Float64Array
  readonly #vectors: (Lanes | undefined)[]
  #left: number

  constructor(program: VectorProgram, memory: ArrayBuffer, options: EvaluateOptions) {
    this.#program = program
    this.#lanes = program.lanes
    this.#memory = new DataView(memory)
    this.#buffers = options.buffers
    this.#fused = options.fused ?? false
    this.#left = options.limit ?? 1e9
    this.#ints = new Float64Array(program.registers.length).fill(Number.NaN)
    this.#vectors = new Array(program.registers.length)
  }

  run(args: readonly number[]): void {
    args.forEach((value, i) => {
      this.#setInt(i, value)
    })
    this.#block(this.#program.body)
  }

  #fail(what: string): never {
    throw new Error(`${this.#program.name}: ${what}`)
  }

  #block(body: readonly Instr[]): void {
    for (const instr of body) this.#step(instr)
  }

  // Registers ------------------------------------------------------------------------------------------------------

  #int(r: Reg): number {
    const value = this.#ints[r]
    if (Number.isNaN(value)) this.#fail(`integer register ${r} is read before it is written`)
    return value
  }

  #operand(x: IntOperand): number {
    return typeof x === 'number' ? this.#int(x) : x.imm
  }

  /** Integers must fit 32 bits, signed or unsigned: a wasm target keeps no more. */
  #setInt(d: Reg, value: number): void {
    if (this.#program.registers[d] !== 'i') this.#fail(`register ${d} is not an integer register`)
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) {
      this.#fail(`integer register ${d} would hold ${value}, which is no 32-bit integer`)
    }
    this.#ints[d] = value
  }

  #vector(r: Reg): Lanes {
    const value = this.#vectors[r]
    if (value === undefined) this.#fail(`vector register ${r} is read before it is written`)
    return value
  }

  #setVector(d: Reg, value: Lanes): void {
    if (this.#program.registers[d] !== 'v') this.#fail(`register ${d} is not a vector register`)
    this.#vectors[d] = value
  }

  #make(bits: (lane: number) => number): Lanes {
    const value = makeLanes(this.#lanes)
    for (let l = 0; l < this.#lanes; l++) value.i[l] = bits(l)
    return value
  }

  #lane(l: number): number {
    if (!Number.isInteger(l) || l < 0 || l >= this.#lanes) this.#fail(`there is no lane ${l}`)
    return l
  }

  #count(lanes: number): void {
    if (!(lanes >= 1 && lanes <= this.#lanes)) this.#fail(`cannot access ${lanes} lanes`)
  }

  // Memory ---------------------------------------------------------------------------------------------------------

  #check(address: number, bytes: number): number {
    if (address < 0 || address + bytes > this.#memory.byteLength) {
      this.#fail(`access to ${bytes} bytes at ${address} is outside the memory of ${this.#memory.byteLength} bytes`)
    }
    const within = (b: BufferRange) => address >= b.address && address + bytes <= b.address + b.bytes
    if (this.#buffers !== undefined && !this.#buffers.some(within)) {
      this.#fail(`access to ${bytes} bytes at ${address} is outside every buffer`)
    }
    return address
  }

  #read(address: number, type: MemType): number {
    if (type === 'u8') return this.#memory.getUint8(this.#check(address, 1))
    return this.#memory.getInt32(this.#check(address, 4), true)
  }

  #write(address: number, type: MemType, bits: number): void {
    if (type === 'u8') this.#memory.setUint8(this.#check(address, 1), bits)
    else this.#memory.setInt32(this.#check(address, 4), bits, true)
  }

  // Instructions ---------------------------------------------------------------------------------------------------

  #step(x: Instr): void {
    if (this.#left-- <= 0) this.#fail('ran longer than its limit')
    switch (x.op) {
      case 'int':
        this.#setInt(x.d, x.value)
        break
      case 'i2':
        this.#setInt(x.d, this.#i2(x))
        break
      case 'loadInt':
        this.#setInt(x.d, this.#read(this.#int(x.base) + x.offset, 'i32'))
        break
      case 'storeInt':
        this.#write(this.#int(x.base) + x.offset, 'i32', this.#int(x.a))
        break
      case 'set':
        if (this.#program.registers[x.a] === 'i') this.#setInt(x.d, this.#int(x.a))
        else this.#setVector(x.d, this.#vector(x.a))
        break
      case 'extract':
        this.#setInt(x.d, this.#vector(x.a).i[this.#lane(x.lane)])
        break
      case 'loop':
        this.#loop(x.i, this.#operand(x.from), this.#operand(x.to), x.step, x.body)
        break
      case 'if':
        this.#block(compare(x.cmp, this.#int(x.a), this.#operand(x.b)) ? x.yes : x.no)
        break
      case 'store':
        this.#store(x.base, x.offset, contiguous(x.lanes, x.type), x.type, x.a)
        break
      case 'storeLanes':
        this.#store(x.base, x.offset, x.pattern, x.type, x.a)
        break
      case 'transpose': {
        if (x.a.length !== this.#lanes || x.d.length !== this.#lanes) this.#fail(`transpose needs ${this.#lanes} rows`)
        const rows = x.a.map((r) => this.#vector(r))
        x.d.forEach((d, i) => {
          this.#setVector(
            d,
            this.#make((j) => rows[j].i[i]),
          )
        })
        break
      }
      case 'pin':
        break
      default:
        this.#setVector(x.d, this.#value(x))
    }
  }

  /** The result of an instruction that writes one vector register. */
  #value(x: VectorInstr): Lanes {
    switch (x.op) {
      case 'const':
        return this.#make(() => x.bits)
      case 'lanes':
        if (x.bits.length !== this.#lanes) this.#fail(`${x.bits.length} constants for ${this.#lanes} lanes`)
        return this.#make((l) => x.bits[l])
      case 'splat': {
        const value = this.#int(x.a)
        return this.#make(() => value)
      }
      case 'load':
        return this.#load(x.base, x.offset, contiguous(x.lanes, x.type), x.type)
      case 'loadSplat': {
        const value = this.#read(this.#int(x.base) + x.offset, x.type)
        return this.#make(() => value)
      }
      case 'loadLanes':
        return this.#load(x.base, x.offset, x.pattern, x.type)
      case 'gather': {
        const index = this.#vector(x.index).i.subarray(0, x.lanes)
        return this.#load(
          x.base,
          x.offset,
          Array.from(index, (i) => i * x.scale),
          x.type,
        )
      }
      case 'v1':
        return lanewise1(x.fn, this.#vector(x.a))
      case 'v2':
        return lanewise2(x.fn, this.#vector(x.a), this.#vector(x.b))
      case 'shift':
        if (!(x.by >= 0 && x.by < 32)) this.#fail(`cannot shift by the constant ${x.by}`)
        return lanewise2(
          x.fn,
          this.#vector(x.a),
          this.#make(() => x.by),
        )
      case 'v3':
        return lanewise3(x.fn, this.#vector(x.a), this.#vector(x.b), this.#vector(x.c), this.#fused)
      case 'fold':
        return fold(x.fn, this.#vector(x.a))
    }
  }

  #i2({ fn, a, b }: Extract<Instr, { readonly op: 'i2' }>): number {
    const [left, right] = [this.#int(a), this.#operand(b)]
    if ((fn === 'div' || fn === 'rem') && (left < 0 || right <= 0)) this.#fail(`${fn} of ${left} and ${right}`)
    return integer2(fn, left, right)
  }

  #loop(i: Reg, from: number, to: number, step: number, body: readonly Instr[]): void {
    if (!(step > 0)) this.#fail(`a loop's step must be positive, not ${step}`)
    for (let value = from; value < to; value += step) {
      this.#setInt(i, value)
      this.#block(body)
    }
  }

  #load(base: Reg, offset: number, pattern: readonly number[], type: MemType): Lanes {
    this.#count(pattern.length)
    const address = this.#int(base) + offset
    return this.#make((l) => (l < pattern.length ? this.#read(address + pattern[l], type) : 0))
  }

  #store(base: Reg, offset: number, pattern: readonly number[], type: MemType, a: Reg): void {
    this.#count(pattern.length)
    const address = this.#int(base) + offset
    const value = this.#vector(a).i
    pattern.forEach((p, l) => {
      this.#write(address + p, type, value[l])
    })
  }
}

/** Byte offsets of the first `lanes` elements of an array. */
function contiguous(lanes: number, type: MemType): number[] {
  return Array.from({ length: lanes }, (_, l) => (type === 'u8' ? l : 4 * l))
}
