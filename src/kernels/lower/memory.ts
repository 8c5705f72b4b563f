/** @file Loads, gathers and stores: no access leaves its buffer, whatever guards and tails leave out. */
import type { DType } from '../../core/dtype.ts'
import type { Guard } from '../expr.ts'
import type { Index } from '../index.ts'
import type { BufferInfo } from '../kernel.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { MemType, Reg } from '../vector.ts'
import type { Lanes, Mask, Places } from './places.ts'
import type { Scopes } from './scopes.ts'

interface Element {
  readonly type: MemType
  readonly bytes: number
}

const elements: { readonly [D in DType]: Element | null } = {
  float32: { type: 'f32', bytes: 4 },
  float64: null,
  int32: { type: 'i32', bytes: 4 },
  uint8: { type: 'u8', bytes: 1 },
  bool: { type: 'u8', bytes: 1 },
}

export function element(dtype: DType): Element {
  const e = elements[dtype]
  if (e === null) throw new Error(`vector programs cannot hold ${dtype} values`)
  return e
}

/** A lane's element beside what the index says: `stride × reg`. */
export interface Extra {
  readonly reg: Reg
  readonly stride: number
  /** Whether `reg` is an integer register (the same for all lanes) or a vector. */
  readonly uniform: boolean
}

export class Memory {
  readonly #b: ProgramBuilder
  readonly #scopes: Scopes
  readonly #places: Places
  readonly #buffers: readonly BufferInfo[]
  readonly #address: (buffer: number) => Reg

  constructor(scopes: Scopes, places: Places, buffers: readonly BufferInfo[], address: (buffer: number) => Reg) {
    this.#b = scopes.b
    this.#scopes = scopes
    this.#places = places
    this.#buffers = buffers
    this.#address = address
  }

  /** The raw lanes of elements `index` (plus `extra`), zero bits where a guard fails. */
  load(buffer: number, index: Index, guards: readonly Guard[], extra: Extra | null): Reg {
    const { dtype, size } = this.#buffers[buffer]
    const scalar = extra === null || extra.uniform
    const row = scalar && guards.length === 0 ? this.#row(buffer, this.#places.lanes(index), extra) : null
    if (row !== null) return row
    const mask = this.#places.mask(guards)
    if (size === 0 || !mask.open.includes(true)) return this.#b.i32(0)
    const lanes = scalar ? this.#places.lanes(index) : null
    if (lanes === null) return this.#gather(buffer, dtype, index, mask, extra)
    const reach = reachOf(lanes, mask)
    const inside = extra === null && reach.lo >= 0 && reach.hi < size
    if (mask.vector !== null && !inside) return this.#gather(buffer, dtype, index, mask, extra)
    // Guards that open lanes further apart than the buffer is long never hold for all of them.
    if (reach.span >= size) return this.#b.i32(0)
    return this.#static(buffer, dtype, lanes, mask, extra, inside)
  }

  /** Neighbours, or one element in all lanes: most loads are such. Null where the lanes lie otherwise. */
  #row(buffer: number, lanes: Lanes | null, extra: Extra | null): Reg | null {
    const { dtype, size } = this.#buffers[buffer]
    if (lanes === null || lanes.pattern.length > size) return null
    const { stride, pattern } = lanes
    const same = stride === 0 || pattern.length === 1
    if (!same && stride !== 1) return null
    const { type, bytes } = element(dtype)
    const { base, offset } = this.#base(buffer, lanes, bytes, null, extra)
    return same ? this.#b.loadSplat(base, offset, type) : this.#b.load(base, offset, type, pattern.length)
  }

  /** Lanes at static distances from one address. */
  #static(buffer: number, dtype: DType, lanes: Lanes, mask: Mask, extra: Extra | null, inside: boolean): Reg {
    const { type, bytes } = element(dtype)
    const { base, offset } = this.#base(buffer, lanes, bytes, inside ? null : mask, extra)
    const pattern = closed(lanes.pattern, mask).map((p) => p * bytes)
    const first = pattern[0]
    if (pattern.every((p) => p === first)) return this.#masked(this.#b.loadSplat(base, offset + first, type), mask)
    // Lanes that guards close at the end are left out.
    const part = pattern.slice(0, mask.open.lastIndexOf(true) + 1)
    const row = part.every((p, l) => p === first + l * bytes)
    const value = row
      ? this.#b.load(base, offset + first, type, part.length)
      : this.#b.loadLanes(base, offset, part, type)
    return this.#masked(value, mask, true)
  }

  /** The register and the byte offset from which a pattern's element 0 is reached. */
  #base(
    buffer: number,
    lanes: Lanes,
    bytes: number,
    mask: Mask | null,
    extra: Extra | null,
  ): { base: Reg; offset: number } {
    const s = this.#scopes
    const { at } = lanes
    const address = this.#address(buffer)
    const margin = mask?.margin ?? null
    const more = extra === null ? [] : [{ reg: extra.reg, factor: extra.stride, lo: 0, hi: 0 }]
    if (margin === null || mask === null) {
      const base = this.#places.sum([...at.terms, ...more], bytes, address)
      return { base, offset: at.constant * bytes }
    }
    // Where the guards fail, the part of the index that they decide about becomes 0; what varies further in stays
    // small, so that the elements are in the buffer all the same.
    const flag = this.#places.flag(margin)
    const scope = s.scopeOf(margin)
    const { least, most } = openRange(lanes.pattern, mask)
    let deep = extra === null ? at.terms.filter((t) => s.scopeOf(t.reg) > scope) : []
    let [lo, hi] = [0, 0]
    for (const t of deep) {
      lo += t.lo
      hi += t.hi
    }
    if (hi - lo + most - least >= this.#buffers[buffer].size) {
      deep = []
      lo = 0
    }
    const decided = [...at.terms.filter((t) => !deep.includes(t)), ...more]
    const start = s.addImm(this.#places.sum(decided, 1, null), at.constant + lo + least)
    const kept = s.i2('mul', start, flag)
    const row = s.i2('add', address, s.times(kept, bytes))
    return { base: this.#places.sum(deep, bytes, row), offset: -(lo + least) * bytes }
  }

  /** `x` with zero bits in closed lanes. `zeroed`: the lanes behind the last open one are 0 already. */
  #masked(x: Reg, mask: Mask, zeroed = false): Reg {
    const b = this.#b
    let result = x
    const closed = mask.open.indexOf(false)
    if (closed >= 0 && !(zeroed && closed > mask.open.lastIndexOf(true)))
      result = b.v2('and', result, this.#openLanes(mask))
    if (mask.margin !== null) result = b.v2('andNot', result, this.#places.outside(mask.margin))
    if (mask.vector !== null) result = b.v2('and', result, mask.vector)
    return result
  }

  #openLanes(mask: Mask): Reg {
    return this.#scopes.lanes(Array.from({ length: this.#b.lanes }, (_, l) => (mask.open[l] === true ? -1 : 0)))
  }

  #gather(buffer: number, dtype: DType, index: Index, mask: Mask, extra: Extra | null): Reg {
    const b = this.#b
    const { type, bytes } = element(dtype)
    let at = this.#places.vectorOf(index)
    if (extra !== null) {
      const step = extra.uniform ? this.#scopes.splat(extra.reg) : extra.reg
      at = b.v2('i.add', at, extra.stride === 1 ? step : b.v2('i.mul', step, b.i32(extra.stride)))
    }
    // Closed lanes read element 0.
    return this.#masked(
      b.gather(this.#address(buffer), 0, this.#masked(at, mask), bytes, type, this.#places.active),
      mask,
    )
  }

  /** Stores the active lanes; `bits` as they shall lie in memory. */
  store(buffer: number, index: Index, bits: Reg): void {
    const { dtype, streamed } = this.#buffers[buffer]
    const { type, bytes } = element(dtype)
    const lanes = this.#places.lanes(index)
    if (lanes === null) {
      this.#scatter(buffer, this.#places.vectorOf(index), bits, type, bytes)
      return
    }
    const { base, offset } = this.#base(buffer, lanes, bytes, null, null)
    const pattern = lanes.pattern.map((p) => p * bytes)
    if (pattern.every((p) => p === 0)) this.#b.store(base, offset, bits, type, 1)
    else if (pattern.every((p, l) => p === l * bytes)) this.#b.store(base, offset, bits, type, pattern.length, streamed)
    else this.#b.storeLanes(base, offset, pattern, bits, type)
  }

  #scatter(buffer: number, at: Reg, bits: Reg, type: MemType, bytes: number): void {
    const b = this.#b
    for (let l = 0; l < this.#places.active; l++) {
      const place = b.i2('add', this.#address(buffer), b.i2('mul', b.extract(at, l), { imm: bytes }))
      b.store(place, 0, b.splat(b.extract(bits, l)), type, 1)
    }
  }
}

/** Closed lanes take the place of an open neighbour, so that a pattern stays short. */
function closed(pattern: readonly number[], mask: Mask): number[] {
  let last = pattern[mask.open.indexOf(true)]
  return pattern.map((p, l) => {
    if (mask.open[l]) last = p
    return last
  })
}

function openRange(pattern: readonly number[], mask: Mask): { least: number; most: number } {
  const open = pattern.filter((_, l) => mask.open[l])
  return { least: Math.min(...open), most: Math.max(...open) }
}

/** Bounds of the elements that open lanes read. */
function reachOf({ at, pattern }: Lanes, mask: Mask): { lo: number; hi: number; span: number } {
  const { least, most } = openRange(pattern, mask)
  return { lo: at.lo + least, hi: at.hi + most, span: most - least }
}
