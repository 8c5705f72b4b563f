/**
 * @file One pass over its inner loops. Long sums are added up in blocks, each into fresh accumulators that are then
 * added to those of the level above, so that the error grows like that of a tree.
 */
import type { Var } from '../index.ts'
import type { Pass } from '../kernel.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import { Accumulators } from './accumulators.ts'
import type { ExprEmitter } from './emit.ts'
import { combinations, segments } from './segments.ts'
import { specialise } from './specialise.ts'
import { copiesOf, survey } from './survey.ts'
import { type Copy, coverage, loopTiles, planVectors, type Run, type VectorPlan } from './vectors.ts'

/** Steps that one accumulator takes before it is emptied into the next level. */
const BLOCK = 512
/** Inner loops at the innermost end with no more iterations than this together are written out. */
const UNROLL = 4

interface Along {
  readonly v: Var
  readonly copies: readonly Copy[]
}

export class PassWriter {
  readonly #e: ExprEmitter
  readonly #b: ProgramBuilder
  readonly #machine: Machine
  readonly #along: Along | null
  /** Results of reductions by copy. */
  readonly #reduced: Map<number, Reg>[]

  /** `along`: lanes lie along an outer loop; the copies of its vectors are written side by side. */
  constructor(e: ExprEmitter, machine: Machine, along: { plan: VectorPlan; copies: readonly Copy[] } | null) {
    this.#e = e
    this.#b = e.b
    this.#machine = machine
    this.#along = along && { v: along.plan.v, copies: along.copies }
    this.#reduced = (along?.copies ?? [null]).map(() => new Map())
  }

  /** `vector`: the inner loop that becomes lanes, null for none. */
  write(pass: Pass, vector: Var | null): void {
    this.#e.forget()
    if (this.#along !== null) this.#eachForItself(pass, this.#along)
    else this.#together(pass, vector)
  }

  // Lanes along an outer loop ----------------------------------------------------------------------------------------

  #eachForItself(pass: Pass, along: Along): void {
    const copies = this.#reduced.length
    const { v, copies: at } = along
    const special = at.map((c) => specialise(pass, v, ...coverage(c)))
    const accumulators = new Accumulators(this.#b, pass.reductions, copies)
    this.#loops(pass, pass.inner, accumulators, 1, (into) => {
      this.#tile(
        copies,
        (copy) => this.#bindCopy(copy),
        (copy) => this.#iteration(special[copy], into, copy, this.#b.lanes),
      )
    })
    pass.reductions.forEach((r, k) => {
      for (let copy = 0; copy < copies; copy++) this.#reduced[copy].set(r.id, accumulators.result(copy, k))
    })
  }

  #bindCopy(copy: number): void {
    if (this.#along === null) return
    const { at, lanes } = this.#along.copies[copy]
    this.#e.bindVector(this.#along.v, at, lanes)
    for (const [id, reg] of this.#reduced[copy]) this.#e.setReduced(id, reg, true)
  }

  // Lanes along an inner loop ----------------------------------------------------------------------------------------

  #together(pass: Pass, vector: Var | null): void {
    if (vector === null) {
      const accumulators = new Accumulators(this.#b, pass.reductions, 1)
      this.#loops(pass, pass.inner, accumulators, 1, (into) => this.#iteration(pass, into, 0, this.#b.lanes)())
      pass.reductions.forEach((r, k) => {
        this.#e.setReduced(r.id, accumulators.result(0, k), false)
      })
      return
    }
    const width = this.#b.lanes
    const plan = planVectors(vector, segments(vector, [pass], width), copiesOf([pass], 4, this.#machine), width)
    const accumulators = new Accumulators(this.#b, pass.reductions, plan.tile)
    const others = pass.inner.filter((v) => v !== vector)
    const steps = plan.runs.reduce((n, r) => n + r.tiles, plan.rest.length)
    this.#loops(pass, others, accumulators, steps, (into) => this.#vectors(pass, plan, into))
    pass.reductions.forEach((r, k) => {
      this.#e.setReduced(r.id, accumulators.folded(k), false)
    })
  }

  #vectors(pass: Pass, plan: VectorPlan, into: Accumulators): void {
    const tile = (copies: readonly Copy[], acc: Accumulators): void => {
      this.#tile(
        copies.length,
        (copy) => this.#e.bindVector(plan.v, copies[copy].at, copies[copy].lanes),
        (copy) => {
          const c = copies[copy]
          return this.#iteration(specialise(pass, plan.v, ...coverage(c)), acc, copy, c.lanes)
        },
      )
    }
    if (plan.runs.length > 0) into.open()
    for (const run of plan.runs) this.#run(pass, plan, run, into, tile)
    for (const copies of plan.rest) this.#e.scope(() => tile(copies, into))
  }

  #run(
    pass: Pass,
    plan: VectorPlan,
    run: Run,
    into: Accumulators,
    tile: (copies: readonly Copy[], acc: Accumulators) => void,
  ): void {
    const { scopes } = this.#e
    if (!inBlocks(pass) || run.tiles <= 2 * BLOCK) {
      loopTiles(this.#e, plan, run, { imm: 0 }, { imm: run.tiles }, (copies) => tile(copies, into))
      return
    }
    const step = plan.tile * plan.width
    this.#e.loop({ imm: 0 }, { imm: run.tiles * step }, BLOCK * step, (from) => {
      const block = into.fresh()
      block.open()
      const to = scopes.i2('min', scopes.addImm(from, BLOCK * step), { imm: run.tiles * step })
      loopTiles(this.#e, plan, run, from, to, (copies) => tile(copies, block))
      into.take(block)
    })
  }

  // Loops ------------------------------------------------------------------------------------------------------------

  /** Loops over `vars` around `body`, which takes `steps` steps of every accumulator. */
  #loops(
    pass: Pass,
    vars: readonly Var[],
    into: Accumulators,
    steps: number,
    body: (into: Accumulators) => void,
  ): void {
    const looped = unrolledFrom(pass, vars)
    const written = combinations(vars.slice(looped))
    const inner = (acc: Accumulators): void => {
      for (const values of written) {
        for (const [v, value] of values) this.#e.bind(v, value)
        body(acc)
      }
    }
    if (looped > 0) into.open()
    // Blocks are cut where the loops inside no longer fill one.
    let size = steps * written.length
    let cut = looped
    while (cut > 0 && size * vars[cut - 1].extent <= BLOCK) size *= vars[--cut].extent
    const blocked = inBlocks(pass) && cut > 0 && size * vars[cut - 1].extent > 2 * BLOCK
    const length = Math.max(1, Math.floor(BLOCK / size))
    const go = (i: number, acc: Accumulators): void => {
      if (i === looped) {
        inner(acc)
        return
      }
      const v = vars[i]
      const count = v.extent
      const each = (from: Reg | null, to: Reg | null, target: Accumulators): void =>
        this.#e.loop(from ?? { imm: 0 }, to ?? { imm: count }, 1, (reg) => {
          this.#e.bind(v, { reg, count })
          go(i + 1, target)
        })
      if (!blocked || i !== cut - 1) {
        each(null, null, acc)
        return
      }
      this.#e.loop({ imm: 0 }, { imm: count }, length, (from) => {
        const { scopes } = this.#e
        const block = acc.fresh()
        block.open()
        each(from, scopes.i2('min', scopes.addImm(from, length), { imm: count }), block)
        acc.take(block)
      })
    }
    go(0, into)
  }

  /** All copies are computed before any is stored: a store between two loads keeps engines from pairing them. */
  #tile(copies: number, bind: (copy: number) => void, compute: (copy: number) => () => void): void {
    const stores: (() => void)[] = []
    for (let copy = 0; copy < copies; copy++) {
      bind(copy)
      stores.push(compute(copy))
    }
    stores.forEach((store, copy) => {
      bind(copy)
      store()
    })
  }

  /** Computes one iteration for one vector; the result stores it. */
  #iteration(pass: Pass, into: Accumulators, copy: number, lanes: number): () => void {
    const e = this.#e
    const whole = lanes === this.#b.lanes
    pass.reductions.forEach((r, k) => {
      const { value } = r
      if (r.op === 'sum' && whole && value.op === 'binary' && value.fn === 'mul' && value.dtype === 'float32') {
        into.addProduct(copy, k, e.value(value.a), e.value(value.b))
      } else {
        const { element, only } = into.reducers[k]
        const part = element(e.value(value), r.position ? e.value(r.position) : null)
        into.add(copy, k, whole ? part : only(this.#mask(lanes), part))
      }
      if (r.running) e.setReduced(r.id, into.current(copy, k), true)
    })
    const values = pass.stores.map((s) => e.value(s.value))
    return () => {
      pass.stores.forEach((s, i) => {
        e.storeValue(s, values[i])
      })
    }
  }

  #mask(lanes: number): Reg {
    return this.#e.scopes.lanes(Array.from({ length: this.#b.lanes }, (_, l) => (l < lanes ? -1 : 0)))
  }
}

/** Whether a pass has sums of floats, whose error depends on the order. */
function inBlocks(pass: Pass): boolean {
  return pass.reductions.some((r) => r.op === 'sum' && r.value.dtype === 'float32') && !survey(pass).running
}

/** Loops from this position on are written out. */
function unrolledFrom(pass: Pass, vars: readonly Var[]): number {
  const { running, window } = survey(pass)
  if (running) return vars.length
  if (window) return 0
  let from = vars.length
  let product = 1
  while (from > 0 && product * vars[from - 1].extent <= UNROLL) product *= vars[--from].extent
  return from
}
