/**
 * @file From groups to a plan: order by dependency into stages between which threads meet, memory by liveness, loops as
 * nested schedules, cells updated in place once nothing can fail any more.
 */
import { dtypes } from '../core/dtype.ts'
import { sizeOf } from '../core/shape.ts'
import type { LoopAttrs } from '../graph/node.ts'
import type { Kernel, Lowered } from '../kernels/kernel.ts'
import { kernelKey } from '../kernels/key.ts'
import { lowerKernel } from '../kernels/lower/index.ts'
import type { Machine, VectorProgram } from '../kernels/vector.ts'
import type { Address, LoopStep, Step } from '../targets/target.ts'
import { Block, layOut } from './arena.ts'
import { copyKernel } from './copy.ts'
import { emitGroup } from './emit.ts'
import type { EmitContext, Emitted } from './emit-scope.ts'
import { type Group, type Grouping, makeGroups, storedMembers } from './groups.ts'
import { assignDestinations, buffersOf, type Destination, readAtEnd, type Work } from './inplace.ts'
import { atBlock, atSlot, type Location, STATUS_SLOT } from './location.ts'
import { bufferBase, markBuffers } from './mark.ts'
import { must } from './must.ts'
import type { PGraph, PNode } from './pgraph.ts'
import { NeedsBuffer } from './pull.ts'
import { inStages } from './stages.ts'
import { withStreams } from './streams.ts'
import { type KernelWork, kernelWork, sumOfWork } from './work.ts'

type AbstractStep =
  | { op: 'kernel'; program: number; args: readonly Location[]; units: number }
  | { op: 'barrier' }
  | { op: 'loop'; id: number; length: number; reverse: boolean; body: AbstractStep[] }

/** A step that the host does between two segments. */
export interface HostStep {
  readonly node: PNode
  readonly inputs: readonly Location[]
  readonly outputs: readonly Location[]
}

/** A kernel as `explain` lists it. */
export interface KernelInfo {
  readonly name: string
  readonly kind: string
  readonly stage: number
  readonly operations: readonly string[]
  readonly modules: readonly string[]
  readonly sites: readonly string[]
  readonly shape: readonly number[]
  /** How much it has to do, which only the plan of a profile knows. */
  readonly work: KernelWork | null
}

/** A part of a kernel that runs between two barriers. */
export interface Timed {
  readonly kernel: KernelInfo
  readonly programs: readonly string[]
}

export interface PlanOptions {
  readonly fuse: boolean
  readonly separate: boolean
  readonly isolate: boolean
}

/** What all schedules of one plan share. */
export class PlanBuilder {
  readonly machine: Machine
  readonly fuse: boolean
  /** Every kernel in a segment of its own, so that a profile can time it. */
  readonly separate: boolean
  readonly programs: VectorProgram[] = []
  readonly operations: string[] = []
  readonly kernels: KernelInfo[] = []
  /** In a profile: what each segment times, by its position. */
  readonly timed = new Map<number, Timed>()
  readonly descriptions: Kernel[] = []
  readonly #lowered = new Map<string, Lowered>()
  readonly #positions = new Map<VectorProgram, number>()
  /** Blocks that get memory of their own rather than a place in an arena, for tests; null: none do. */
  readonly isolated: Block[] | null
  loops = 0

  constructor(machine: Machine, { fuse, separate, isolate }: PlanOptions) {
    this.machine = machine
    this.fuse = fuse
    this.separate = separate
    this.isolated = isolate ? [] : null
  }

  /** Kernels that differ in their addresses alone are lowered once. */
  lower(kernel: Kernel): Lowered {
    const key = kernelKey(kernel)
    const lowered = this.#lowered.get(key) ?? lowerKernel(kernel, this.machine)
    this.#lowered.set(key, lowered)
    return lowered
  }

  /** The position of a program among the plan's. */
  program(program: VectorProgram): number {
    const position = this.#positions.get(program) ?? this.programs.push(program) - 1
    this.#positions.set(program, position)
    return position
  }

  operation(name: string): number {
    const i = this.operations.indexOf(name)
    return i >= 0 ? i : this.operations.push(name) - 1
  }
}

export interface ScheduleInput {
  readonly graph: PGraph
  readonly leafLocation: (leaf: PNode) => Location
  readonly constantLocation: Location | null
  readonly destinations: readonly Destination[]
  /** Roots whose values are read after the plan. */
  readonly kept: readonly PNode[]
  /** Whether this is the body of a loop. */
  readonly nested: boolean
}

export interface Schedule {
  readonly segments: readonly (readonly AbstractStep[] | HostStep)[]
  readonly arenaBytes: number
  /** All kernels' together, in the plan of a profile. */
  readonly work: KernelWork
  /** Where each kept root's values lie after a run. */
  readonly locationOf: (root: PNode) => Location
}

export function schedule(plan: PlanBuilder, input: ScheduleInput, parent: Block | null = null): Schedule {
  const { graph } = input
  const constants = new Map(graph.constants.map((c, i) => [c, i]))
  const { grouping, emit, marked } = group(plan, graph, constants)
  const works = grouping.groups.map((g): Work => ({ group: g, emitted: emit(g), after: new Set(), stage: 0 }))
  const workOf = new Map<PNode, Work>()
  for (const w of works) for (const m of w.group.memberSet) workOf.set(m, w)
  const producer = (n: PNode): Work | undefined => workOf.get(n.op === 'output' ? n.inputs[0] : n)
  for (const w of works) {
    for (const m of w.group.members) for (const r of grouping.reads(m)) addEdge(w, producer(r))
  }

  const locations = new Map<PNode, Location>()
  const late = readAtEnd(input.destinations, input.kept)
  const copies = assignDestinations(works, input.destinations, workOf, locations, late)
  const order = inStages(works)
  const last = Math.max(0, ...order.map((w) => w.stage)) + 1

  // Memory: every stored node gets a block, alive from its kernel to its last reader.
  const blocks: Block[] = []
  const newBlock = (bytes: number, from: number, to: number): Block => {
    const b = new Block(bytes, from, to, parent)
    blocks.push(b)
    return b
  }
  const blockOf = new Map<PNode, Block>()
  const touch = (n: PNode, stage: number): void => blockOf.get(n)?.keep(stage)
  const place = (n: PNode, stage: number): void => {
    if (locations.has(n)) return
    const block = newBlock(sizeOf(n.shape) * dtypes[n.dtype].bytes, stage, stage)
    blockOf.set(n, block)
    locations.set(n, atBlock(block))
  }
  const locate = (n: PNode): Location => locations.get(n) ?? input.leafLocation(n)
  // Old values of cells that are read after the cells have changed.
  const saved = new Map(
    [...late].map((n) => [n, atBlock(newBlock(sizeOf(n.shape) * dtypes[n.dtype].bytes, last, last))]),
  )
  const locateAtEnd = (n: PNode): Location => saved.get(n) ?? locate(n)
  for (const w of order) {
    for (const n of producedBy(w, marked)) place(n, w.stage)
    for (const b of buffersOf(w)) if (b !== 'constants') touch(b, w.stage)
  }
  for (const w of order) for (const b of buffersOf(w)) if (b !== 'constants') touch(b, w.stage)
  for (const root of input.kept) touch(bufferBase(root), last)
  for (const c of copies) touch(bufferBase(c.root), last)

  // Code
  const segments: (AbstractStep[] | HostStep)[] = []
  const work: KernelWork[] = []
  let steps: AbstractStep[] = []
  const flush = (): void => {
    if (steps.length > 0) segments.push(steps)
    steps = []
  }
  const argument = (b: PNode | 'constants'): Location => (b === 'constants' ? must(input.constantLocation) : locate(b))
  for (let stage = 0; stage <= last; stage++) {
    const here = order.filter((w) => w.stage === stage)
    const lowered: ToEmit[] = []
    const lower = (kernel: Kernel, args: readonly Location[], info: KernelInfo | null): void => {
      const l = plan.lower(withStreams(kernel, args))
      const scratch = l.scratch.map((bytes: number) => atBlock(newBlock(bytes, stage, stage)))
      lowered.push({ lowered: l, args, scratch, info })
    }
    for (const w of here) {
      if (!w.emitted) continue
      const info = describe(w, stage, plan.separate ? kernelWork(w.emitted.kernel) : null)
      if (info.work !== null) work.push(info.work)
      lower(w.emitted.kernel, w.emitted.buffers.map(argument), info)
      plan.kernels.push(info)
      plan.descriptions.push(w.emitted.kernel)
    }
    if (stage === last) {
      for (const [n, location] of saved) lower(copyKernel(n), [locate(n), location], null)
      emitPhases(plan, lowered.splice(0), steps)
      for (const c of copies) lower(copyKernel(c.root), [locateAtEnd(bufferBase(c.root)), c.location], null)
    }
    if (plan.separate && !input.nested) {
      for (const l of lowered) {
        flush()
        for (const phase of phasesOf(plan, [l])) {
          if (l.info !== null) plan.timed.set(segments.length, { kernel: l.info, programs: phase.names })
          steps.push(...phase.steps, { op: 'barrier' })
          flush()
        }
      }
    } else emitPhases(plan, lowered, steps)
    for (const w of here) {
      if (w.group.kind === 'loop') {
        const loop = scheduleLoop(plan, w, input, locate, newBlock)
        const alone = plan.separate && !input.nested
        work.push(loop.work)
        if (alone) flush()
        if (alone) plan.timed.set(segments.length, { kernel: describe(w, stage, loop.work), programs: ['loop'] })
        steps.push(...loop.steps)
        if (alone) flush()
      }
      if (w.group.kind === 'host') {
        flush()
        segments.push(hostStep(w, locate, marked))
      }
    }
  }
  flush()
  plan.isolated?.push(...blocks)
  const arenaBytes = plan.isolated ? 0 : layOut(blocks)
  return { segments, arenaBytes, work: sumOfWork(work), locationOf: (root) => locateAtEnd(bufferBase(root)) }
}

function addEdge(w: Work, p: Work | undefined): void {
  if (p && p !== w) w.after.add(p)
}

/** Groups the nodes; an inlined node that turns out to need a buffer gets one, and grouping starts again. */
function group(
  plan: PlanBuilder,
  graph: PGraph,
  constants: ReadonlyMap<PNode, number>,
): { grouping: Grouping; emit: (g: Group) => Emitted | null; marked: ReadonlySet<PNode> } {
  const forced = new Set<PNode>()
  const roots = new Set(graph.roots.map(bufferBase))
  for (;;) {
    const marked = markBuffers(graph.nodes, graph.roots, { fuse: plan.fuse, forced })
    const context: EmitContext = {
      marked,
      constantSlot: (n) => constants.get(n) ?? -1,
      operation: (name) => plan.operation(name),
    }
    try {
      const grouping = makeGroups(graph.nodes, marked, context, roots, plan.fuse)
      const emitted = new Map<Group, Emitted | null>()
      for (const g of grouping.groups) {
        const simple = g.kind === 'host' || g.kind === 'loop'
        const known = grouping.emitted.get(g)
        emitted.set(g, simple ? null : (known ?? emitGroup(g, storedMembers(g, marked, roots), context)))
      }
      return { grouping, emit: (g) => emitted.get(g) ?? null, marked }
    } catch (error) {
      if (!(error instanceof NeedsBuffer) || forced.has(error.node)) throw error
      forced.add(error.node)
    }
  }
}

function producedBy(w: Work, marked: ReadonlySet<PNode>): PNode[] {
  if (w.emitted) return [...w.emitted.stored]
  const node = w.group.members[0]
  if (node.op === 'argsort') return [node]
  return node.users.filter((u) => u.op === 'output' && marked.has(u))
}

interface ToEmit {
  readonly lowered: Lowered
  readonly args: readonly Location[]
  readonly scratch: readonly Location[]
  /** The kernel, unless this is a copy that the schedule itself makes. */
  readonly info: KernelInfo | null
}

/** Calls between two barriers. */
interface Phase {
  readonly steps: AbstractStep[]
  readonly names: string[]
}

/** Calls of independent kernels, phase by phase, so that they share barriers. */
function phasesOf(plan: PlanBuilder, kernels: readonly ToEmit[]): Phase[] {
  const phases: Phase[] = []
  for (const { lowered, args, scratch } of kernels) {
    let phase = 0
    for (const call of lowered.calls) {
      if (call.after) phase++
      if (call.units === 0) continue
      const locations = call.args.map((a) =>
        'buffer' in a ? args[a.buffer] : 'scratch' in a ? scratch[a.scratch] : atSlot(STATUS_SLOT),
      )
      const program = plan.program(call.program)
      phases[phase] ??= { steps: [], names: [] }
      phases[phase].steps.push({ op: 'kernel', program, args: locations, units: call.units })
      phases[phase].names.push(call.program.name)
    }
  }
  return phases.filter((p) => p !== undefined)
}

function emitPhases(plan: PlanBuilder, kernels: readonly ToEmit[], steps: AbstractStep[]): void {
  for (const phase of phasesOf(plan, kernels)) steps.push(...phase.steps, { op: 'barrier' })
}

function hostStep(w: Work, locate: (n: PNode) => Location, marked: ReadonlySet<PNode>): HostStep {
  const node = w.group.members[0]
  const outputs =
    node.op === 'argsort' ? [node] : producedBy(w, marked).sort((a, b) => a.as('output').index - b.as('output').index)
  return { node, inputs: node.inputs.map((i) => locate(bufferBase(i))), outputs: outputs.map(locate) }
}

// Loops -------------------------------------------------------------------------------------------------------------

/**
 * The body is a schedule of its own. A carry has two places that alternate; slices of xs and ys are reached by adding
 * the iteration's offset; the body's temporaries lie in a block of the outer arena.
 */
function scheduleLoop(
  plan: PlanBuilder,
  w: Work,
  input: ScheduleInput,
  locate: (n: PNode) => Location,
  newBlock: (bytes: number, from: number, to: number) => Block,
): { steps: AbstractStep[]; work: KernelWork } {
  const node = w.group.members[0]
  const body = must(node.body)
  const { length, reverse, carries, scanned, params } = node.attrs as LoopAttrs
  const id = plan.loops++
  const bytesOf = (n: PNode): number => sizeOf(n.shape) * dtypes[n.dtype].bytes
  const results = body.roots
  const carryBlocks = results.slice(0, carries).map((r) => {
    const half = Math.ceil(bytesOf(r) / 64) * 64
    return { half, block: newBlock(2 * half, w.stage, w.stage) }
  })
  const moving = (l: Location, bytes: number): Location => ({
    ...l,
    steps: [...l.steps, { loop: id, bytes, by: 'index' }],
  })
  const carryAt = (k: number, by: LoopStep['by']): Location => ({
    ...atBlock(carryBlocks[k].block),
    steps: [{ loop: id, bytes: carryBlocks[k].half, by }],
  })
  const parameterOf = new Map(body.leaves.map((l) => [l.pnode, params.indexOf(l.node)]))
  const leafLocation = (leaf: PNode): Location => {
    const k = must(parameterOf.get(leaf))
    if (k < carries) return carryAt(k, 'alternate')
    const outer = locate(bufferBase(node.inputs[k]))
    return k < carries + scanned ? moving(outer, bytesOf(leaf)) : outer
  }
  const outputs = new Map(node.users.filter((u) => u.op === 'output').map((u) => [u.as('output').index, u]))
  const destinations: Destination[] = results.flatMap((root, k) => {
    if (k < carries) return [{ root, location: carryAt(k, 'alternateNext'), cell: null }]
    const output = outputs.get(k)
    return output ? [{ root, location: moving(locate(output), bytesOf(root)), cell: null }] : []
  })
  const bodyBlock = newBlock(0, w.stage, w.stage)
  const inner = schedule(
    plan,
    { graph: body, leafLocation, constantLocation: input.constantLocation, destinations, kept: [], nested: true },
    bodyBlock,
  )
  bodyBlock.bytes = inner.arenaBytes
  const copyStep = (root: PNode, from: Location, to: Location): AbstractStep[] => {
    const out: AbstractStep[] = []
    emitPhases(plan, [{ lowered: plan.lower(copyKernel(root)), args: [from, to], scratch: [], info: null }], out)
    return out.filter((s) => s.op !== 'barrier')
  }
  const steps: AbstractStep[] = []
  results.slice(0, carries).forEach((r, k) => {
    steps.push(...copyStep(r, locate(bufferBase(node.inputs[k])), atBlock(carryBlocks[k].block)))
  })
  steps.push({ op: 'barrier' })
  if (length > 0)
    steps.push({
      op: 'loop',
      id,
      length,
      reverse,
      body: inner.segments.flatMap((s) => (Array.isArray(s) ? s : hostInLoop())),
    })
  results.slice(0, carries).forEach((r, k) => {
    const output = outputs.get(k)
    if (!output) return
    const { block, half } = carryBlocks[k]
    steps.push(...copyStep(r, { ...atBlock(block), offset: (length % 2) * half }, locate(output)))
  })
  steps.push({ op: 'barrier' })
  return { steps, work: sumOfWork([inner.work], length) }
}

function hostInLoop(): never {
  throw new Error('sort and host functions cannot run inside a loop on this device; compute them before the loop')
}

function describe(w: Work, stage: number, work: KernelWork | null): KernelInfo {
  const { members, kind } = w.group
  const texts = (f: (m: PNode) => string | undefined): string[] => [...new Set(members.flatMap((m) => f(m) || []))]
  return {
    name: w.emitted?.kernel.name ?? kind,
    kind,
    stage,
    operations: members.map((m) => m.op),
    modules: texts((m) => m.origin?.module),
    sites: texts((m) => m.origin?.site),
    shape: must(members.at(-1)).shape,
    work,
  }
}

/** The steps with every address final. */
export function resolveSteps(steps: readonly AbstractStep[]): Step[] {
  return steps.map((s): Step => {
    if (s.op === 'kernel') return { ...s, args: s.args.map(resolveAddress) }
    if (s.op === 'loop') return { ...s, body: resolveSteps(s.body) }
    return s
  })
}

export function resolveAddress(l: Location): Address {
  const alone = l.block?.slot ?? null
  const slot = alone ?? l.slot
  const offset = l.offset + (alone === null ? (l.block?.absolute() ?? 0) : 0)
  return l.steps.length > 0 ? { slot, offset, steps: l.steps } : { slot, offset }
}
