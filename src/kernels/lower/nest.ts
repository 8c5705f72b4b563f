/**
 * @file Nests on a CPU: outer iterations are dealt out to the threads, one loop becomes the lanes of vectors, and the
 * passes of an outer iteration follow one another with the results of reductions in registers.
 */
import type { Var } from '../index.ts'
import type { Argument, Lowered, LoweredCall, Nest } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import { type Choice, choose } from './choose.ts'
import { ExprEmitter } from './emit.ts'
import { checkDTypes, normalise } from './normalise.ts'
import { PassWriter } from './pass.ts'
import { segments } from './segments.ts'
import { splitReduction } from './split.ts'
import { copiesOf, survey, workOf } from './survey.ts'
import { planTranspose, type TransposePlan, uVectors, writeTiles } from './transpose.ts'
import { type Copy, loopTiles, planVectors, type VectorPlan } from './vectors.ts'

/** Work units wanted: enough to balance 16 threads. */
const UNITS = 64
/** Instructions that a unit should at least be worth. */
const UNIT_WORK = 2048

interface Chunk {
  readonly index: Reg
  readonly of: number
}

export function lowerNest(nest: Nest, machine: Machine): Lowered {
  checkDTypes(nest)
  const simple = normalise(nest)
  if (simple === null) return { calls: [], scratch: [] }
  const split = splitReduction(simple, machine.lanes)
  const buffers: Argument[] = nest.buffers.map((_, buffer) => ({ buffer }))
  if (split === null) return { calls: [lowerOne(simple, machine, buffers, false)], scratch: [] }
  const args: Argument[] = [...buffers, ...split.scratch.map((_, scratch) => ({ scratch }))]
  const calls = split.nests.map((n, i) => lowerOne(n, machine, args, i > 0))
  return { calls, scratch: split.scratch }
}

function lowerOne(nest: Nest, on: Machine, buffers: readonly Argument[], after: boolean): LoweredCall {
  // V8's revectoriser searches the long chains of a random number generator for minutes: it must find no pairs there.
  const machine = on.pairs === true && nest.passes.some((p) => survey(p).random) ? { ...on, pairs: false } : on
  const args = nest.passes.some((p) => survey(p).checks) ? [...buffers, { status: true } as const] : buffers
  const b = new ProgramBuilder(nest.name, machine.lanes, args.length + 2)
  const written = new Set(nest.passes.flatMap((p) => p.stores.map((s) => s.buffer)))
  const status = args.length > buffers.length ? { status: buffers.length } : {}
  const e = new ExprEmitter(b, {
    buffers: nest.buffers,
    address: (buffer) => buffer,
    written,
    pairs: machine.pairs === true,
    ...status,
  })
  const units = new NestWriter(nest, machine, e).write(args.length, args.length + 1)
  return { program: b.finish(), args, units, after }
}

class NestWriter {
  readonly #nest: Nest
  readonly #machine: Machine
  readonly #choice: Choice
  readonly #e: ExprEmitter
  readonly #b: ProgramBuilder
  readonly #plan: VectorPlan | null
  readonly #turn: TransposePlan | null

  constructor(nest: Nest, machine: Machine, e: ExprEmitter) {
    this.#nest = nest
    this.#machine = machine
    this.#e = e
    this.#b = e.b
    this.#choice = choose(nest, machine.lanes)
    const vector = this.#choice.mode === 'outer' ? this.#choice.vector : null
    this.#turn = vector && planTranspose(nest, vector, machine.lanes)
    this.#plan = vector && this.#planOuter(vector, machine.lanes)
  }

  #planOuter(v: Var, width: number): VectorPlan {
    const { passes } = this.#nest
    const tile =
      this.#turn !== null ? 1 : copiesOf(passes, passes.some((p) => p.reductions.length > 0) ? 8 : 4, this.#machine)
    return planVectors(v, segments(v, passes, width), tile, width)
  }

  /** Writes the program for units `begin` … `end` − 1 and returns how many there are. */
  write(begin: Reg, end: Reg): number {
    const turn = this.#turn
    const scalars = this.#nest.outer.filter((v) => v !== this.#plan?.v && v !== turn?.u)
    if (turn !== null && turn.block.extent > 1) scalars.push(turn.block)
    const shared: Var[] = []
    let rows = 1
    while (scalars.length > 0 && rows < UNITS) {
      const v = scalars.shift() as Var
      shared.push(v)
      rows *= v.extent
    }
    const work = this.#work()
    const chunks = scalars.length === 0 ? this.#chunks(rows, work) : 1
    const count = rows * chunks
    const group = Math.min(count, Math.max(1, Math.ceil((UNIT_WORK * count) / work)))
    const s = this.#e.scopes
    const from = s.times(begin, group)
    const to = count % group === 0 ? s.times(end, group) : s.i2('min', s.times(end, group), { imm: count })
    this.#e.loop(from, to, 1, (unit) => {
      const row = chunks > 1 ? s.div(unit, chunks, 0) : unit
      this.#decode(shared, row)
      this.#loops(scalars, () => {
        const chunk = chunks > 1 ? { index: s.rem(unit, chunks, 0), of: chunks } : null
        if (turn === null) this.#row(chunk, (plan, copies) => this.#passes({ plan, copies }))
        else this.#turned(turn, chunk)
      })
    })
    return Math.ceil(count / group)
  }

  /** Parts into which the vectors of a row are cut, where there are few rows. */
  #chunks(rows: number, work: number): number {
    if (rows >= UNITS / 4) return 1
    const tiles = Math.max(1, ...(this.#plan?.runs.map((r) => r.tiles) ?? []))
    return Math.max(1, Math.min(Math.ceil(UNITS / rows), tiles, Math.floor(work / rows / UNIT_WORK)))
  }

  /** Instructions of the whole nest, roughly. */
  #work(): number {
    const outer = this.#nest.outer.reduce((n, v) => n * v.extent, 1)
    const work = this.#nest.passes.reduce((sum, p) => sum + workOf(p), 1)
    return (outer * work) / this.#b.lanes
  }

  #decode(vars: readonly Var[], row: Reg): void {
    const s = this.#e.scopes
    let rest = row
    for (let i = vars.length - 1; i >= 0; i--) {
      const v = vars[i]
      this.#e.bind(v, { reg: i === 0 ? rest : s.rem(rest, v.extent, 0), count: v.extent })
      if (i > 0) rest = s.div(rest, v.extent, 0)
    }
  }

  #loops(vars: readonly Var[], body: () => void): void {
    if (vars.length === 0) {
      body()
      return
    }
    const [v, ...others] = vars
    this.#e.loop({ imm: 0 }, { imm: v.extent }, 1, (reg) => {
      this.#e.bind(v, { reg, count: v.extent })
      this.#loops(others, body)
    })
  }

  // One outer iteration, or with lanes along an outer loop, a row of them --------------------------------------------

  #row(chunk: Chunk | null, write: (plan: VectorPlan, copies: readonly Copy[]) => void): void {
    const plan = this.#plan
    if (plan === null) {
      this.#passes(null)
      return
    }
    const s = this.#e.scopes
    for (const run of plan.runs) {
      const body = (copies: Copy[]): void => write(plan, copies)
      if (chunk === null) loopTiles(this.#e, plan, run, { imm: 0 }, { imm: run.tiles }, body)
      else {
        const part = Math.ceil(run.tiles / chunk.of) * plan.tile * plan.width
        const from = s.times(chunk.index, part)
        const to = s.i2('min', s.addImm(from, part), { imm: run.tiles * plan.tile * plan.width })
        loopTiles(this.#e, plan, run, from, to, body)
      }
    }
    const rest = (): void => {
      for (const copies of plan.rest) this.#e.scope(() => write(plan, copies))
    }
    if (chunk === null || plan.rest.length === 0) rest()
    else this.#b.if(chunk.index, 'eq', { imm: chunk.of - 1 }, () => this.#e.scope(rest))
  }

  /** A block of columns in square tiles; the last block may be narrower, its place is a constant. */
  #turned(turn: TransposePlan, chunk: Chunk | null): void {
    const width = this.#b.lanes
    const { block, length, u } = turn
    const write = (us: readonly Copy[]): void =>
      this.#row(chunk, (plan, copies) => {
        for (const v of copies) writeTiles(this.#e, turn, plan, us, v)
      })
    const { reg } = this.#e.scopes.of(block)
    if (reg === null || u.extent % length === 0) {
      write(uVectors(turn, width, reg === null ? null : this.#e.scopes.times(reg, length)))
      return
    }
    const full = (): void => this.#e.scope(() => write(uVectors(turn, width, this.#e.scopes.times(reg, length))))
    const last = (): void => this.#e.scope(() => write(uVectors(turn, width, null)))
    this.#b.if(reg, 'lt', { imm: block.extent - 1 }, full, last)
  }

  #passes(along: { plan: VectorPlan; copies: readonly Copy[] } | null): void {
    const writer = new PassWriter(this.#e, this.#machine, along)
    this.#nest.passes.forEach((pass, i) => {
      const vector = this.#choice.mode === 'inner' ? this.#choice.vectors[i] : null
      writer.write(pass, vector)
    })
  }
}
