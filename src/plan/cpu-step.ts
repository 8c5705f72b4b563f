/** @file A compiled step on a CPU device: one plan whose cells stay in the device's memory between runs. */
import type { TypedArray } from '../core/dtype.ts'
import type { Cell } from '../graph/cell.ts'
import type { Node } from '../graph/node.ts'
import type { CpuDevice, Plan } from './cpu.ts'
import type { KernelTime, Step, StepGraph } from './device.ts'
import { explainPlan } from './explain.ts'
import type { Destination } from './inplace.ts'
import { leafValues } from './leaves.ts'
import { atSlot, FIRST_CELL } from './location.ts'
import { must } from './must.ts'
import { buildGraph } from './pgraph.ts'
import type { KernelInfo } from './schedule.ts'

export class CpuStep implements Step {
  readonly cells: ReadonlySet<Cell>
  readonly #device: CpuDevice
  readonly #graph: StepGraph
  readonly #plan: Plan
  readonly #leaves: readonly Node[]
  /** Address table entry of every cell that the plan reads or writes. */
  readonly #cells = new Map<Cell, number>()
  #separate: Plan | null = null

  constructor(device: CpuDevice, graph: StepGraph) {
    this.#device = device
    this.#graph = graph
    const { plan, leaves } = this.#make(false)
    this.#plan = plan
    this.#leaves = leaves
    const cellOfLeaf = new Map([...graph.reads].map(([cell, leaf]) => [leaf, cell]))
    ;[...graph.writes.keys()].forEach((cell, i) => {
      this.#cells.set(cell, FIRST_CELL + i)
    })
    leaves.forEach((leaf, i) => {
      const place = plan.leaves[i]
      const cell = cellOfLeaf.get(leaf)
      if (cell && place && 'slot' in place) this.#cells.set(cell, place.slot)
    })
    this.cells = new Set(this.#cells.keys())
  }

  #make(separate: boolean): { plan: Plan; leaves: Node[] } {
    const { outputs, writes, reads, name } = this.#graph
    const written = [...writes]
    const pgraph = buildGraph([...outputs, ...written.map(([, value]) => value)], { bakeConstants: true })
    const pnodeOf = new Map(pgraph.leaves.map((l) => [l.node, l.pnode]))
    const destinations = written.map(([cell], i): Destination => {
      const leaf = reads.get(cell)
      return {
        root: pgraph.roots[outputs.length + i],
        location: atSlot(FIRST_CELL + i),
        cell: (leaf && pnodeOf.get(leaf)) ?? null,
      }
    })
    const plan = this.#device.plan(pgraph, outputs, name, destinations, separate)
    return { plan, leaves: pgraph.leaves.map((l) => l.node) }
  }

  get codeBytes(): number {
    return this.#device.codeBytes(this.#plan)
  }

  run(args: readonly TypedArray[]): TypedArray[] {
    return this.#run(this.#plan, args)
  }

  profile(args: readonly TypedArray[], runs: number): KernelTime[] {
    this.#separate ??= this.#make(true).plan
    const plan = this.#separate
    const fastest: number[] = []
    // The first runs compile and warm up.
    for (let r = -3; r < runs; r++) {
      const times: number[] = []
      this.#run(plan, args, times)
      if (r < 0) continue
      times.forEach((t, i) => {
        fastest[i] = Math.min(fastest[i] ?? t, t)
      })
    }
    return timesOf(plan, fastest)
  }

  async runAsync(args: readonly TypedArray[]): Promise<TypedArray[]> {
    const device = this.#device
    const { slots, values } = this.#prepare(this.#plan, args)
    const results = await device.runAsync(this.#plan, slots, values)
    device.turns.inside(() => this.#finish())
    return results
  }

  #run(plan: Plan, args: readonly TypedArray[], times?: number[]): TypedArray[] {
    const { slots, values } = this.#prepare(plan, args)
    const results = this.#device.run(plan, slots, values, times)
    this.#finish()
    return results
  }

  #prepare(plan: Plan, args: readonly TypedArray[]): { slots: number[]; values: (TypedArray | null)[] } {
    const device = this.#device
    device.turns.check(this.#graph.name)
    // Cells first: computing the value of one is a run of its own, which may move the arena.
    const addresses = [...this.#cells].map(([cell, slot]) => [slot, device.residents.settle(cell)])
    const slots = device.slots(plan)
    for (const [slot, address] of addresses) slots[slot] = address
    const values = this.#leaves.map((leaf): TypedArray | null => {
      if (leaf.op === 'cell') return null
      const position = this.#graph.parameters.indexOf(leaf)
      return position >= 0 ? args[position] : leafValues(leaf)
    })
    return { slots, values }
  }

  /** The cells hold new versions of their values. */
  #finish(): void {
    for (const cell of this.#graph.writes.keys()) cell.settle(must(cell.residence))
    this.#device.residents.trim(this.cells)
  }

  explain(): string {
    return explainPlan(this.#plan.name, this.#plan.kernels, this.#plan.arenaBytes)
  }
}

/** Gathers the times of a plan's segments by kernel. */
function timesOf(plan: Plan, segments: readonly number[]): KernelTime[] {
  const found: KernelTime[] = []
  let last: KernelInfo | null = null
  segments.forEach((ms, i) => {
    const timed = plan.timed.get(i)
    if (timed === undefined) {
      const segment = plan.segments[i]
      const operation = typeof segment === 'number' ? 'copy' : segment.node.op
      found.push({ operations: [operation], shape: [], modules: [], programs: [], ms, flops: 0, bytes: 0 })
      last = null
      return
    }
    const { kernel } = timed
    const name = timed.programs.map((p) => p.replace(kernel.name, '').trim()).join(', ')
    const { operations, shape, modules } = kernel
    const { flops, bytes } = must(kernel.work)
    const same = kernel === last ? found.pop() : undefined
    const programs = [...(same?.programs ?? []), { name, ms }]
    found.push({ operations, shape, modules, programs, ms: ms + (same?.ms ?? 0), flops, bytes })
    last = kernel
  })
  return found
}
