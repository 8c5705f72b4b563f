/**
 * @file Scatter-add on a CPU: every thread owns a range of the result, sets it to zero and walks all positions in
 * order, adding the updates that fall into its range. The order of additions does not depend on the threads.
 */
import { GliaError } from '../../core/errors.ts'
import type { Argument, Lowered, Scatter } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { IntOperand, Machine, Reg } from '../vector.ts'
import { registerClass } from './functions.ts'
import { element } from './memory.ts'

/** Ranges wanted: enough to balance 16 threads. */
const RANGES = 64
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

  /**
   * Units: outer iterations times cuts of the columns or rows. Cuts of columns share the additions evenly whatever the
   * indices are; rows are cut where columns are few. A thread walks the positions once for all cuts that it has.
   */
  write(begin: Reg, end: Reg): number {
    const b = this.#b
    const { outer, rows, inner, positions } = this.#s
    const tiles = Math.floor(inner / (TILE * b.lanes))
    const byColumns = tiles >= 4
    const small = (positions + rows) * inner < 4096
    const wanted = small ? 1 : Math.ceil(RANGES / outer)
    const per = Math.ceil((byColumns ? tiles : rows) / wanted)
    const cuts = Math.ceil((byColumns ? tiles : rows) / per)
    const range = (batch: Reg, from: Reg, to: Reg): void => {
      if (byColumns) this.#columns(batch, from, to, cuts, per)
      else this.#rows(batch, from, to, per)
    }
    if (outer === 1) {
      b.if(begin, 'lt', end, () => range(b.int(0), begin, end))
      return cuts
    }
    b.loop(begin, end, 1, (unit) => {
      const cut = b.i2('rem', unit, { imm: cuts })
      range(b.i2('div', unit, { imm: cuts }), cut, b.addImm(cut, 1))
    })
    return outer * cuts
  }

  #rows(batch: Reg, from: Reg, to: Reg, per: number): void {
    const b = this.#b
    const { rows, inner } = this.#s
    const row = inner * this.#bytes
    const first = b.i2('mul', from, { imm: per })
    const last = b.i2('min', b.i2('mul', to, { imm: per }), { imm: rows })
    const out = this.#outOf(batch)
    this.#zero(b.i2('add', out, b.i2('mul', first, { imm: row })), b.i2('mul', b.i2('sub', last, first), { imm: row }))
    this.#positions(batch, (index, update) => {
      const add = (): void => this.#add(b.i2('add', out, b.i2('mul', index, { imm: row })), update)
      b.if(index, 'ge', first, () => b.if(index, 'lt', last, add))
    })
  }

  /** The tiles from × per … to × per of every row; the last cut has the columns that are left as well. */
  #columns(batch: Reg, from: Reg, to: Reg, cuts: number, per: number): void {
    const b = this.#b
    const { rows, inner } = this.#s
    const vector = b.lanes * this.#bytes
    const tile = TILE * vector
    const tiles = Math.floor(inner / (TILE * b.lanes))
    const first = b.i2('mul', from, { imm: per * tile })
    const last = b.i2('min', b.i2('mul', to, { imm: per * tile }), { imm: tiles * tile })
    const out = this.#outOf(batch)
    const each = (row: Reg, write: (base: Reg, offset: number, lanes: number) => void): void => {
      b.loop(first, last, tile, (at) => {
        const base = b.i2('add', row, at)
        for (let t = 0; t < TILE; t++) write(base, t * vector, b.lanes)
      })
      if (inner > tiles * TILE * b.lanes) {
        b.if(to, 'eq', { imm: cuts }, () => this.#each(row, tiles * TILE * b.lanes, write))
      }
    }
    b.loop({ imm: 0 }, { imm: rows * inner * this.#bytes }, inner * this.#bytes, (row) =>
      each(b.i2('add', out, row), (base, offset, lanes) => b.store(base, offset, b.i32(0), this.#type, lanes)),
    )
    this.#positions(batch, (index, update) => {
      const row = b.i2('add', out, b.i2('mul', index, { imm: inner * this.#bytes }))
      const distance = b.i2('sub', update, row)
      each(row, (base, offset, lanes) => this.#addVector(base, b.i2('add', base, distance), offset, lanes))
    })
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

  /** Adds a whole row. */
  #add(to: Reg, from: Reg): void {
    const b = this.#b
    const vector = b.lanes * this.#bytes
    const tiles = Math.floor(this.#s.inner / (TILE * b.lanes))
    const looped = tiles > 1 ? tiles * TILE : 0
    if (looped > 0) {
      b.loop({ imm: 0 }, { imm: looped * vector }, TILE * vector, (at) => {
        const [base, source] = [b.i2('add', to, at), b.i2('add', from, at)]
        for (let t = 0; t < TILE; t++) this.#addVector(base, source, t * vector, b.lanes)
      })
    }
    this.#each(to, looped * b.lanes, (base, offset, lanes) => this.#addVector(base, from, offset, lanes))
  }

  #addVector(to: Reg, from: Reg, offset: number, lanes: number): void {
    const b = this.#b
    const what = registerClass(this.#s.buffers[this.#s.out].dtype)
    const fn = what === 'float' ? 'f.add' : what === 'bool' ? 'or' : 'i.add'
    const sum = b.v2(fn, b.load(to, offset, this.#type, lanes), b.load(from, offset, this.#type, lanes))
    b.store(to, offset, sum, this.#type, lanes)
  }

  /** Calls `write` for the vectors of a row from element `start` to its end. */
  #each(row: Reg, start: number, write: (base: Reg, offset: number, lanes: number) => void): void {
    const { lanes } = this.#b
    const { inner } = this.#s
    for (let i = start; i < inner; i += lanes) write(row, i * this.#bytes, Math.min(lanes, inner - i))
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
