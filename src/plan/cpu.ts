/**
 * @file The device for CPU targets that run vector programs (`wasm`; machine code the same way): caches plans by
 * structure, keeps cells of compiled steps in the target's memory, and runs plans.
 */

import { debugFlags } from '../core/debug.ts'
import { allocate, type DType, dtypes, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sizeOf } from '../core/shape.ts'
import type { Cell } from '../graph/cell.ts'
import type { HostArray, Node } from '../graph/node.ts'
import { rules } from '../graph/primitives/table.ts'
import { type Address, type LoadedPlan, type PlanCode, STATUS_BYTES, type Target } from '../targets/target.ts'
import { Block } from './arena.ts'
import { CpuStep } from './cpu-step.ts'
import { debugPlan } from './debug.ts'
import type { Device, MemoryReport, Step, StepGraph } from './device.ts'
import type { Destination } from './inplace.ts'
import { leafValues as valuesOf } from './leaves.ts'
import { ARENA_SLOT, atBlock, atSlot, FIRST_CELL, type Location, STATUS_SLOT } from './location.ts'
import { bufferBase } from './mark.ts'
import { must } from './must.ts'
import { buildGraph, type PGraph, type PNode } from './pgraph.ts'
import { Residents, uniformValue } from './residents.ts'
import {
  type HostStep,
  type KernelInfo,
  PlanBuilder,
  resolveAddress,
  resolveSteps,
  schedule,
  type Timed,
} from './schedule.ts'
import { Turns } from './turns.ts'

/** A plan without its code: everything needed to load and run it. */
export interface Plan {
  readonly name: string
  readonly code: PlanCode
  readonly segments: readonly (number | HostStep)[]
  readonly arenaBytes: number
  /** Slot of each cell that is a leaf, or the place of other leaves. */
  readonly leaves: readonly LeafPlace[]
  readonly constants: { readonly place: Address; readonly nodes: readonly PNode[] } | null
  /** Blocks with memory of their own, each with its slot. */
  readonly isolated: readonly Block[]
  readonly outputs: readonly { readonly location: Location; readonly dtype: DType; readonly size: number }[]
  readonly operations: readonly string[]
  readonly kernels: readonly KernelInfo[]
  readonly timed: ReadonlyMap<number, Timed>
  uses: number
}

type LeafPlace = { readonly slot: number } | { readonly place: Address } | null

const MAX_PLANS = 256
const MAX_CODE_BYTES = 256 << 20

export interface CpuOptions {
  /** Off: one operation a kernel, for debugging. */
  readonly fuse?: boolean
  /**
   * For tests: every value of a plan gets memory of its own, fresh for each run, instead of a place in the arena. Together
   * with a target that guards its blocks, any access outside a value ends the process.
   */
  readonly isolate?: boolean
}

export class CpuDevice implements Device {
  readonly name: string
  readonly threads: number
  readonly target: Target
  readonly fuse: boolean
  readonly turns: Turns
  readonly residents: Residents = new Residents(this)
  readonly #isolate: boolean
  readonly #cache = new Map<string, Plan>()
  /** Loaded code, least recently used first. */
  readonly #loaded = new Map<Plan, LoadedPlan>()
  readonly #status: number
  #arena = 0
  #arenaBytes = 0
  /** Memory of the isolated blocks of the last run. */
  #alone: readonly number[] = []
  /** The plan whose inputs lie in the arena, with their values. */
  #latest: { readonly plan: Plan; readonly values: readonly (TypedArray | null)[] } | null = null

  constructor(target: Target, options: CpuOptions = {}) {
    this.target = target
    this.name = target.name
    this.threads = target.threads
    this.turns = new Turns(target.name)
    this.fuse = options.fuse ?? !debugFlags().has('nofuse')
    this.#isolate = options.isolate ?? false
    this.#status = target.allocate(STATUS_BYTES)
  }

  realise(nodes: readonly Node[], into: readonly Cell[] = []): void {
    const wanted = [...new Set(nodes)].filter((n) => n.op !== 'data')
    this.turns.check('realise')
    const uniform = new Set(into.filter(({ value }) => uniformValue(value) !== null))
    for (const cell of uniform) this.residents.settle(cell)
    const homes = into.filter((cell) => !uniform.has(cell))
    if (wanted.length + homes.length === 0) return
    const graph = buildGraph([...wanted, ...homes.map((cell) => cell.value)], { bakeConstants: false })
    const places = graph.leaves.map(({ node }) => (node.op === 'cell' ? 'c' : 'd')).join('')
    const key = `${places} ${homes.length}\n${graph.key}`
    let plan = this.#cache.get(key)
    if (plan) {
      this.#cache.delete(key)
    } else {
      const writes = homes.map((_, i): Destination => {
        return { root: graph.roots[wanted.length + i], location: atSlot(FIRST_CELL + i), cell: null }
      })
      plan = this.#plan(graph, wanted, 'realise', writes)
    }
    this.#cache.set(key, plan)
    while (this.#cache.size > MAX_PLANS) this.#drop()
    const slots = this.#slots(plan)
    const values: (TypedArray | null)[] = graph.leaves.map(({ node }, i) => {
      if (node.op !== 'cell') return valuesOf(node)
      const place = plan.leaves[i]
      if (place && 'slot' in place) slots[place.slot] = this.residents.address(node)
      return null
    })
    const constants = graph.constants.map((c) => c.as('constant').value)
    const blocks = homes.map((cell) => this.residents.reserve(cell))
    for (const [i, { address }] of blocks.entries()) slots[FIRST_CELL + i] = address
    try {
      const results = this.#run(plan, slots, values, constants)
      for (const [i, n] of wanted.entries()) n.become(results[i])
    } catch (error) {
      for (const { address } of blocks) this.target.free(address)
      throw error
    }
    for (const [i, cell] of homes.entries()) this.residents.adopt(cell, blocks[i])
  }

  compile(graph: StepGraph): Step {
    return new CpuStep(this, graph)
  }

  memory(): MemoryReport {
    return {
      device: this.name,
      reserved: this.target.memory().reserved,
      arena: this.#arenaBytes,
      cells: this.residents.report(),
      plans: [...this.#loaded].map(([plan, l]) => ({ name: plan.name, codeBytes: l.codeBytes, uses: plan.uses })),
    }
  }

  /** Plans a graph. `cells` are the destinations of the roots after the outputs, in order. */
  plan(graph: PGraph, outputs: readonly Node[], name: string, writes: readonly Destination[], separate = false): Plan {
    return this.#plan(graph, outputs, name, writes, separate)
  }

  #plan(graph: PGraph, outputs: readonly Node[], name: string, writes: readonly Destination[], separate = false): Plan {
    const builder = new PlanBuilder(this.target.machine, { fuse: this.fuse, separate, isolate: this.#isolate })
    // Cells that are only read follow those that are written.
    let slots = writes.reduce((n, w) => Math.max(n, w.location.slot + 1), FIRST_CELL)
    const inputBlocks: Block[] = []
    const locationOf = new Map<PNode, Location>()
    const blockOf = new Map<PNode, Block>()
    for (const { node, pnode } of graph.leaves) {
      if (node.op === 'cell') {
        const write = writes.find((w) => w.cell === pnode)
        locationOf.set(pnode, write ? write.location : atSlot(slots++))
      } else {
        const block = new Block(sizeOf(pnode.shape) * dtypes[pnode.dtype].bytes, 0, 0)
        inputBlocks.push(block)
        blockOf.set(pnode, block)
        locationOf.set(pnode, atBlock(block))
      }
    }
    const constantBlock = graph.constants.length > 0 ? new Block(graph.constants.length * 4, 0, 0) : null
    // Inputs stand before the arena proper: they live through the whole run.
    let head = 0
    for (const b of constantBlock ? [...inputBlocks, constantBlock] : inputBlocks) {
      b.offset = head
      head += Math.ceil(Math.max(1, b.bytes) / 64) * 64
    }
    const proper = new Block(0, 0, 0)
    proper.offset = head
    const result = schedule(
      builder,
      {
        graph,
        leafLocation: (leaf) => must(locationOf.get(leaf)),
        constantLocation: constantBlock ? atBlock(constantBlock) : null,
        destinations: writes,
        kept: graph.roots.slice(0, outputs.length),
        nested: false,
      },
      proper,
    )
    debugPlan({
      name,
      graph,
      kernels: builder.kernels,
      descriptions: builder.descriptions,
      programs: builder.programs,
      arenaBytes: head + result.arenaBytes,
    })
    const isolated = builder.isolated
      ? [...inputBlocks, ...(constantBlock ? [constantBlock] : []), ...builder.isolated]
      : []
    for (const block of isolated) block.slot = slots++
    const codeSegments: PlanCode['segments'][number][] = []
    const segments = result.segments.map((s): number | HostStep =>
      'node' in s ? s : codeSegments.push(resolveSteps(s)) - 1,
    )
    return {
      name,
      code: { programs: builder.programs, segments: codeSegments, slots },
      segments,
      arenaBytes: builder.isolated ? 0 : head + result.arenaBytes,
      leaves: graph.leaves.map(({ pnode }) => {
        const block = blockOf.get(pnode)
        return block ? { place: resolveAddress(atBlock(block)) } : { slot: must(locationOf.get(pnode)).slot }
      }),
      constants: constantBlock ? { place: resolveAddress(atBlock(constantBlock)), nodes: graph.constants } : null,
      isolated,
      outputs: graph.roots.slice(0, outputs.length).map((r) => ({
        location: result.locationOf(bufferBase(r)),
        dtype: r.dtype,
        size: sizeOf(r.shape),
      })),
      operations: builder.operations,
      kernels: builder.kernels,
      timed: builder.timed,
      uses: 0,
    }
  }

  /** The address table for a run; the caller fills in slots of cells. */
  #slots(plan: Plan): number[] {
    if (plan.arenaBytes > this.#arenaBytes) {
      if (this.#arenaBytes > 0) this.target.free(this.#arena)
      this.#arenaBytes = 0
      this.#latest = null
      this.#arena = this.target.allocate(plan.arenaBytes)
      this.#arenaBytes = plan.arenaBytes
    }
    const slots = new Array<number>(plan.code.slots).fill(0)
    slots[STATUS_SLOT] = this.#status
    slots[ARENA_SLOT] = this.#arena
    for (const address of this.#alone) this.target.free(address)
    this.#alone = plan.isolated.map((b) => this.target.allocate(b.bytes))
    plan.isolated.forEach((b, i) => {
      slots[must(b.slot)] = this.#alone[i]
    })
    return slots
  }

  slots(plan: Plan): number[] {
    return this.#slots(plan)
  }

  /** `times` collects the milliseconds of each segment. */
  run(plan: Plan, slots: readonly number[], values: readonly (TypedArray | null)[], times?: number[]): TypedArray[] {
    return this.#run(plan, slots, values, [], times)
  }

  #run(
    plan: Plan,
    slots: readonly number[],
    values: readonly (TypedArray | null)[],
    constants: readonly number[],
    times?: number[],
  ): TypedArray[] {
    const loaded = this.#begin(plan, slots, values, constants)
    for (const segment of plan.segments) {
      const start = times ? performance.now() : 0
      if (typeof segment === 'number') {
        loaded.run(segment, slots)
        this.#checkStatus(plan)
      } else this.#host(segment, slots)
      times?.push(performance.now() - start)
    }
    return this.#finish(plan, slots, values)
  }

  /** As `run`, while the event loop goes on if the target has threads for it. To be called in a turn. */
  async runAsync(plan: Plan, slots: readonly number[], values: readonly (TypedArray | null)[]): Promise<TypedArray[]> {
    const loaded = this.#begin(plan, slots, values, [])
    for (const segment of plan.segments) {
      if (typeof segment === 'number') {
        if (loaded.runAsync) await loaded.runAsync(segment, slots)
        else loaded.run(segment, slots)
        this.#checkStatus(plan)
      } else this.#host(segment, slots)
    }
    return this.#finish(plan, slots, values)
  }

  #begin(
    plan: Plan,
    slots: readonly number[],
    values: readonly (TypedArray | null)[],
    constants: readonly number[],
  ): LoadedPlan {
    const { target } = this
    const loaded = this.#load(plan)
    // Values never change: what the last run of this very plan brought into the arena is still there.
    const present = this.#latest?.plan === plan && !this.#isolate ? this.#latest.values : []
    this.#latest = null
    plan.leaves.forEach((place, i) => {
      const v = values[i]
      if (!place || !('place' in place) || !v || v.byteLength === 0 || v === present[i]) return
      const bytes = new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
      target.view(slots[place.place.slot] + place.place.offset, bytes.length).set(bytes)
    })
    if (plan.constants) this.#writeConstants(plan.constants, slots, constants)
    target.view(this.#status, STATUS_BYTES).fill(0)
    return loaded
  }

  #finish(plan: Plan, slots: readonly number[], values: readonly (TypedArray | null)[]): TypedArray[] {
    plan.uses++
    this.#latest = { plan, values }
    return plan.outputs.map(({ location, dtype, size }) => this.#read(location, slots, dtype, size))
  }

  /** Size of a plan's code; 0 while it is not loaded. */
  codeBytes(plan: Plan): number {
    return this.#loaded.get(plan)?.codeBytes ?? 0
  }

  #writeConstants(
    { place, nodes }: NonNullable<Plan['constants']>,
    slots: readonly number[],
    values: readonly number[],
  ): void {
    const bytes = this.target.view(slots[place.slot] + place.offset, values.length * 4)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    nodes.forEach((n, i) => {
      const v = values[i]
      if (n.dtype === 'float32') view.setFloat32(i * 4, v, true)
      else view.setInt32(i * 4, v, true)
    })
  }

  #checkStatus(plan: Plan): void {
    const bytes = this.target.view(this.#status, STATUS_BYTES)
    const view = new DataView(bytes.buffer, bytes.byteOffset, STATUS_BYTES)
    if (view.getInt32(0, true) === 0) return
    const operation = plan.operations[view.getInt32(4, true)] ?? 'gather'
    const value = view.getInt32(8, true)
    const size = view.getInt32(12, true)
    throw new GliaError(`${operation}: index ${value} is out of range; it must be from ${-size} to ${size - 1}.`)
  }

  #host(step: HostStep, slots: readonly number[]): void {
    const { node } = step
    const inputs = node.inputs.map(
      (n, i): HostArray => ({
        data: this.#read(step.inputs[i], slots, n.dtype, sizeOf(n.shape)),
        shape: n.shape,
        dtype: n.dtype,
      }),
    )
    if (node.op === 'argsort') {
      this.#write(step.outputs[0], slots, rules.argsort.evaluate(inputs, node.as('argsort'), node))
      return
    }
    const { fn, outputs } = node.as('hostCall')
    const results = outputs.map(
      (o): HostArray => ({ data: allocate(o.dtype, sizeOf(o.shape)), shape: o.shape, dtype: o.dtype }),
    )
    fn.run(inputs, results)
    const used = node.users.filter((u) => u.op === 'output').map((u) => u.as('output').index)
    used.sort((a, b) => a - b)
    for (const [i, index] of used.entries()) this.#write(step.outputs[i], slots, results[index].data)
  }

  #read(location: Location, slots: readonly number[], dtype: DType, size: number): TypedArray {
    const out = allocate(dtype, size)
    if (size === 0) return out
    const { slot, offset } = resolveAddress(location)
    new Uint8Array(out.buffer).set(this.target.view(slots[slot] + offset, out.byteLength))
    return out
  }

  #write(location: Location, slots: readonly number[], values: TypedArray): void {
    const { slot, offset } = resolveAddress(location)
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    this.target.view(slots[slot] + offset, bytes.length).set(bytes)
  }

  #load(plan: Plan): LoadedPlan {
    let loaded = this.#loaded.get(plan)
    if (loaded) this.#loaded.delete(plan)
    else loaded = this.target.load(plan.code)
    this.#loaded.set(plan, loaded)
    let bytes = 0
    for (const l of this.#loaded.values()) bytes += l.codeBytes
    while (this.#loaded.size > MAX_PLANS || (bytes > MAX_CODE_BYTES && this.#loaded.size > 1)) {
      const [oldest, code] = must(this.#loaded.entries().next().value)
      bytes -= code.codeBytes
      code.unload()
      this.#loaded.delete(oldest)
    }
    return loaded
  }

  #drop(): void {
    const [key, plan] = must(this.#cache.entries().next().value)
    this.#cache.delete(key)
    this.#loaded.get(plan)?.unload()
    this.#loaded.delete(plan)
  }
}
