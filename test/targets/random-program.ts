/** @file Random vector programs, drawn from a list of numbers so that a failing one shrinks. */
import { ProgramBuilder } from '../../src/kernels/program-builder.ts'
import type { Compare, Horizontal, I2, MemType, Reg, V1, V2, V3, VectorProgram } from '../../src/kernels/vector.ts'
import { bits, specialFloats, specialInts } from './wasm/harness.ts'

/** Bytes of each of the two buffers: the first is read, the second read and written. */
export const bufferBytes = (lanes: number): number => 64 * lanes

const v1: V1[] = ['f.neg', 'f.abs', 'f.sqrt', 'f.floor', 'f.ceil', 'f.trunc', 'f.nearest', 'i.neg', 'i.abs', 'not']
const v1Mixed: V1[] = ['i.toFloat', 'f.toInt']
const v2: V2[] = ['f.add', 'f.sub', 'f.mul', 'f.div', 'f.min', 'f.max', 'f.pmin', 'f.pmax', 'f.eq', 'f.ne', 'f.lt']
const v2Int: V2[] = ['i.add', 'i.sub', 'i.mul', 'i.min', 'i.max', 'i.eq', 'i.ne', 'i.lt', 'i.le', 'i.div', 'i.rem']
const v2Bits: V2[] = ['i.shl', 'i.shr', 'i.shrU', 'and', 'or', 'xor', 'andNot', 'f.le']
const v3: V3[] = ['f.fma', 'f.fnma', 'select']
const folds: Horizontal[] = ['f.add', 'f.mul', 'f.min', 'f.max', 'i.add', 'i.mul', 'i.min', 'i.max']
const compares: Compare[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge']
const types: MemType[] = ['f32', 'i32', 'u8']
const constants = [...specialFloats.map(bits), ...specialInts]

/** A program of two buffers and a range. `draws` decides everything; when they run out, it ends. */
export function randomProgram(draws: readonly number[], lanes: number): VectorProgram {
  return new Writer(draws, lanes).write()
}

class Writer {
  readonly #draws: readonly number[]
  #at = 0
  readonly #lanes: number
  readonly #b: ProgramBuilder
  /** Integers small enough to index, masked to 0–7; vectors that hold something. Inner blocks forget theirs. */
  #ints: Reg[] = [2, 3]
  #vectors: Reg[] = []
  #variables: Reg[] = []
  #depth = 0

  constructor(draws: readonly number[], lanes: number) {
    this.#draws = draws
    this.#lanes = lanes
    this.#b = new ProgramBuilder('random', lanes, 4)
  }

  #below(bound: number): number {
    return (this.#draws[this.#at++] ?? 0) % bound
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]
  }

  write(): VectorProgram {
    const b = this.#b
    for (let i = 0; i < 3; i++) this.#vectors.push(b.load(0, 4 * this.#lanes * i))
    for (let i = 0; i < 2; i++) this.#variables.push(b.variable(this.#vectors[i]))
    this.#vectors.push(...this.#variables)
    while (this.#at < this.#draws.length) this.#instruction()
    for (const [i, v] of this.#vectors.slice(-8).entries())
      b.store(1, 4 * this.#lanes * i, v, 'f32', this.#lanes, i % 2 === 0)
    return b.finish()
  }

  #vector(): Reg {
    return this.#pick(this.#vectors)
  }

  /** Any NaN becomes the one NaN: their bits are nobody's promise. */
  #keepFloat(v: Reg): void {
    const b = this.#b
    this.#vectors.push(b.v3('select', b.v2('f.eq', v, v), v, b.f32(Number.NaN)))
  }

  #keep(fn: string, v: Reg): void {
    if (fn.startsWith('f.')) this.#keepFloat(v)
    else this.#vectors.push(v)
  }

  /** An address register and a constant such that `reach` bytes from there lie inside the buffer. */
  #address(buffer: 0 | 1, reach: number): [Reg, number] {
    const b = this.#b
    const index = b.i2('and', this.#pick(this.#ints), { imm: 7 })
    const base = b.i2('add', buffer, b.i2('mul', index, { imm: 4 }))
    const shift = this.#below(3) - 1
    return [b.addImm(base, -64 * shift), 64 * shift + 4 * this.#below((bufferBytes(this.#lanes) - 28 - reach) / 4)]
  }

  #instruction(): void {
    const b = this.#b
    switch (this.#below(16)) {
      case 0: {
        const fn = this.#pick(v1)
        this.#keep(fn, b.v1(fn, this.#vector()))
        return
      }
      case 1: {
        const fn = this.#pick(v1Mixed)
        return void this.#vectors.push(b.v1(fn, this.#vector()))
      }
      case 2:
      case 3: {
        const fn = this.#pick([...v2, ...v2Int, ...v2Bits])
        this.#keep(fn, b.v2(fn, this.#vector(), this.#vector()))
        return
      }
      case 4: {
        const fn = this.#pick(v3)
        // What a mask of anything but all ones and all zeros selects is left to the machine.
        const first = fn === 'select' ? b.v2('i.lt', this.#vector(), this.#vector()) : this.#vector()
        this.#keep(fn, b.v3(fn, first, this.#vector(), this.#vector()))
        return
      }
      case 5: {
        const fn = this.#pick(folds)
        this.#keep(fn, b.fold(fn, this.#vector()))
        return
      }
      case 6:
        return void this.#vectors.push(
          b.shift(this.#pick(['i.shl', 'i.shr', 'i.shrU']), this.#vector(), this.#below(32)),
        )
      case 7:
        return void this.#vectors.push(b.i32(this.#pick(constants)))
      case 8:
        this.#load()
        return
      case 9:
        this.#store()
        return
      case 10:
        this.#integer()
        return
      case 11:
        return void b.set(this.#pick(this.#variables), this.#vector())
      case 12:
        this.#block()
        return
      case 13:
        return void this.#vectors.push(...b.transpose(Array.from({ length: this.#lanes }, () => this.#vector())))
      case 14:
        b.pin()
        return
      default:
        b.accumulate(this.#pick(this.#variables), b.i32(0), this.#load())
        return
    }
  }

  #load(): Reg {
    const b = this.#b
    const type = this.#pick(types)
    const buffer = this.#below(2) as 0 | 1
    const size = type === 'u8' ? 1 : 4
    const count = 1 + this.#below(this.#lanes)
    const [base, offset] = this.#address(buffer, 32 + 16 * this.#lanes)
    const kind = this.#below(4)
    let v: Reg
    if (kind === 0) v = b.load(base, offset, type, count)
    else if (kind === 1) v = b.loadSplat(base, offset, type)
    else if (kind === 2) {
      const spread = this.#pick([8, 2 * this.#lanes, 4 * this.#lanes])
      const pattern = Array.from({ length: count }, () => size * this.#below(spread))
      v = b.loadLanes(base, offset, pattern, type)
    } else {
      const index = b.v2('and', this.#vector(), b.i32(7))
      v = b.gather(base, offset, index, this.#pick([1, 2, 4]), type, count)
    }
    this.#vectors.push(v)
    return b.v2('and', v, b.i32(0))
  }

  #store(): void {
    const b = this.#b
    const type = this.#pick(types)
    const size = type === 'u8' ? 1 : 4
    const count = 1 + this.#below(this.#lanes)
    const [base, offset] = this.#address(1, 32 + 4 * this.#lanes)
    if (this.#below(2) === 0) {
      b.store(base, offset, this.#vector(), type, count, this.#below(3) === 0)
      return
    }
    const pattern = Array.from({ length: count }, () => size * this.#below(8))
    b.storeLanes(base, offset, pattern, this.#vector(), type)
  }

  #integer(): void {
    const b = this.#b
    switch (this.#below(4)) {
      case 0: {
        const fn: I2 = this.#pick(['add', 'sub', 'min', 'max'])
        const small = b.i2(fn, this.#pick(this.#ints), this.#below(2) === 0 ? this.#pick(this.#ints) : { imm: 3 })
        return void this.#ints.push(b.i2('and', small, { imm: 0xffff }))
      }
      case 1: {
        const fn: I2 = this.#pick(['div', 'rem', 'shr', 'and', 'mul'])
        return void this.#ints.push(
          b.i2('and', b.i2(fn, this.#pick(this.#ints), { imm: 1 + this.#below(5) }), { imm: 255 }),
        )
      }
      case 2:
        return void this.#ints.push(b.i2('and', b.extract(this.#vector(), this.#below(this.#lanes)), { imm: 0xffff }))
      default:
        return void this.#vectors.push(b.splat(this.#pick(this.#ints)))
    }
  }

  #block(): void {
    if (this.#depth >= 3) return
    const b = this.#b
    const [ints, vectors] = [this.#ints, this.#vectors]
    const inside = (): void => {
      this.#depth++
      this.#ints = [...ints]
      this.#vectors = [...vectors]
      for (let n = this.#below(6); n >= 0; n--) this.#instruction()
      this.#ints = ints
      this.#vectors = vectors
      this.#depth--
    }
    if (this.#below(2) === 0) {
      b.if(this.#pick(ints), this.#pick(compares), { imm: this.#below(4) }, inside, inside)
    } else {
      const from = this.#below(3)
      b.loop({ imm: from }, this.#below(2) === 0 ? 3 : { imm: from + this.#below(4) }, 1 + this.#below(2), (i) => {
        ints.push(i)
        inside()
        ints.pop()
      })
    }
  }
}
