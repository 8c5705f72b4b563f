/**
 * @file Scatter-add on a CPU: every thread owns a range of the result, sets it to zero and walks all positions in
 * order, adding the updates that fall into its range. The order of additions does not depend on the threads.
 */
import { GliaError } from '../../core/errors.ts'
import type { Argument, Lowered, Scatter } from '../kernel.ts'
import { type IntOperand, type Machine, ProgramBuilder, type Reg } from '../vector.ts'
import { registerClass } from './functions.ts'
import { element } from './memory.ts'

/** Ranges of rows wanted: each costs a walk over the positions, so no more than there may be threads. */
const RANGES = 16
/** Vectors of a row that are added at a time. */
const TILE = 4

export function lowerScatter(s: Scatter, machine: Machine): Lowered {
  if (s.outer === 0 || s.rows === 0 || s.inner === 0) return { calls: [], scratch: [] }
  if (s.buffers[s.out].dtype === 'float64') {
    throw new GliaError(`Kernel ${s.name} uses float64, which only the interp target has.`)
  }
  const args: Argument[] = [{ buffer: s.indices }, { buffer: s.updates }, { buffer: s.out }]
  const b = new ProgramBuilder(s.name, machine.lanes, args.length + 2)
  const units = new ScatterWriter(s, b).write(3, 4)
  return { calls: [{ program: b.finish(), args, units, after: false }], scratch: [] }
}

class ScatterWriter {
  readonly #s: Scatter
  readonly #b: ProgramBuilder

  constructor(s: Scatter, b: ProgramBuilder) {
    this.#s = s
    this.#b = b
  }

  /** Units: outer iterations times ranges of columns or rows. */
  write(begin: Reg, end: Reg): number {
    const b = this.#b
    const { outer, rows, inner, positions } = this.#s
    const wanted = Math.ceil(RANGES / outer)
    const perColumn = TILE * b.lanes
    const columns = Math.max(1, Math.min(wanted, Math.floor(inner / perColumn)))
    // Cutting columns shares the additions without walking positions in vain; rows are cut where columns are few.
    const small = positions * inner < 4096
    const cuts = small ? 1 : columns >= Math.min(4, wanted) ? columns : Math.min(wanted, rows)
    const byColumns = cuts > 1 && cuts === columns
    b.loop(begin, end, 1, (unit) => {
      const batch = cuts === 1 ? unit : b.i2('div', unit, { imm: cuts })
      const part = cuts === 1 ? null : b.i2('rem', unit, { imm: cuts })
      if (part === null || !byColumns) this.#rows(batch, part, cuts)
      else this.#columns(batch, part, cuts)
    })
    return outer * cuts
  }

  #rows(batch: Reg, part: Reg | null, cuts: number): void {
    const b = this.#b
    const { rows, inner } = this.#s
    const bytes = this.#bytes
    const per = Math.ceil(rows / cuts)
    const first = part === null ? b.int(0) : b.i2('mul', part, { imm: per })
    const count = part === null ? b.int(rows) : b.i2('min', b.int(per), b.i2('sub', b.int(rows), first))
    const out = this.#outOf(batch)
    const start = b.i2('add', out, b.i2('mul', first, { imm: inner * bytes }))
    this.#zero(start, b.i2('mul', b.i2('max', count, { imm: 0 }), { imm: inner * bytes }))
    this.#positions(batch, (index, update) => {
      const row = b.i2('sub', index, first)
      const add = (): void => this.#add(b.i2('add', out, b.i2('mul', index, { imm: inner * bytes })), update, inner)
      if (part === null) add()
      else b.if(row, 'ge', { imm: 0 }, () => b.if(row, 'lt', count, add))
    })
  }

  /** The part takes the same columns of every row. */
  #columns(batch: Reg, part: Reg, cuts: number): void {
    const b = this.#b
    const { rows, inner } = this.#s
    const bytes = this.#bytes
    const per = Math.floor(inner / cuts / b.lanes) * b.lanes
    const last = inner - per * (cuts - 1)
    const shift = b.i2('mul', part, { imm: per * bytes })
    const out = b.i2('add', this.#outOf(batch), shift)
    const both = (width: number): void => {
      b.loop({ imm: 0 }, { imm: rows * inner * bytes }, inner * bytes, (row) =>
        this.#each(b.i2('add', out, row), width, (base, offset, lanes) =>
          b.store(base, offset, b.i32(0), this.#type, lanes),
        ),
      )
      this.#positions(batch, (index, update) => {
        const to = b.i2('add', out, b.i2('mul', index, { imm: inner * bytes }))
        this.#add(to, b.i2('add', update, shift), width)
      })
    }
    if (last === per) both(per)
    else
      b.if(
        part,
        'lt',
        { imm: cuts - 1 },
        () => both(per),
        () => both(last),
      )
  }

  get #bytes(): number {
    return element(this.#s.buffers[this.#s.out].dtype).bytes
  }

  get #type(): 'f32' | 'i32' | 'u8' {
    return element(this.#s.buffers[this.#s.out].dtype).type
  }

  #outOf(batch: Reg): Reg {
    const { rows, inner } = this.#s
    return this.#b.i2('add', 2, this.#b.i2('mul', batch, { imm: rows * inner * this.#bytes }))
  }

  /** Calls `each` at every position with the row's number and the address of its update. */
  #positions(batch: Reg, each: (index: Reg, update: Reg) => void): void {
    const b = this.#b
    const { positions, inner } = this.#s
    const updates = b.i2('add', 1, b.i2('mul', batch, { imm: positions * inner * this.#bytes }))
    b.loop({ imm: 0 }, { imm: positions }, 1, (p) => {
      const index = b.loadInt(b.i2('add', 0, b.i2('shl', p, { imm: 2 })))
      each(index, b.i2('add', updates, b.i2('mul', p, { imm: inner * this.#bytes })))
    })
  }

  #add(to: Reg, from: Reg, width: number): void {
    const b = this.#b
    const what = registerClass(this.#s.buffers[this.#s.out].dtype)
    const fn = what === 'float' ? 'f.add' : what === 'bool' ? 'or' : 'i.add'
    const distance = b.i2('sub', from, to)
    this.#each(to, width, (base, offset, lanes, moved) => {
      const source = moved === null ? from : b.i2('add', base, distance)
      const sum = b.v2(fn, b.load(base, offset, this.#type, lanes), b.load(source, offset, this.#type, lanes))
      b.store(base, offset, sum, this.#type, lanes)
    })
  }

  /** Calls `each` for all vectors of `width` elements at `start`; `moved` is not null inside a loop. */
  #each(start: Reg, width: number, each: (base: Reg, offset: number, lanes: number, moved: Reg | null) => void): void {
    const b = this.#b
    const vector = b.lanes * this.#bytes
    const whole = Math.floor(width / b.lanes)
    const tiles = Math.floor(whole / TILE)
    if (tiles > 1) {
      b.loop({ imm: 0 }, { imm: tiles * TILE * vector }, TILE * vector, (at) => {
        const base = b.i2('add', start, at)
        for (let t = 0; t < TILE; t++) each(base, t * vector, b.lanes, at)
      })
    }
    for (let q = tiles > 1 ? tiles * TILE : 0; q < whole; q++) each(start, q * vector, b.lanes, null)
    const rest = width - whole * b.lanes
    if (rest > 0) each(start, whole * vector, rest, null)
  }

  /** Sets `bytes` (a register) bytes from `start` to zero; whole elements. */
  #zero(start: Reg, bytes: Reg): void {
    const b = this.#b
    const vector = b.lanes * this.#bytes
    const zero = b.i32(0)
    const whole = b.i2('mul', b.i2('div', bytes, { imm: vector }), { imm: vector })
    const fill = (from: IntOperand, to: Reg, step: number, lanes: number): void =>
      b.loop(from, to, step, (at) => b.store(b.i2('add', start, at), 0, zero, this.#type, lanes))
    fill({ imm: 0 }, whole, vector, b.lanes)
    fill(whole, bytes, this.#bytes, 1)
  }
}
