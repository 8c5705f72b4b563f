/**
 * @file Long sums in chunks: where a result has few tiles but each a long sum, or a sum is too long for the caches, its
 * chunks are summed separately into scratch, and a second program adds them up in order. How many there are never
 * depends on the number of threads.
 */
import { add, indexOf, newVar, scale, type Var } from '../index.ts'
import type { BufferInfo, LoweredCall } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import { Arguments } from './contraction-arguments.ts'
import { Epilogue, epilogueArguments, type Vector } from './contraction-epilogue.ts'
import { countUnits, emitLoops, type Level, tileLevel, UNITS, unitLevels } from './contraction-loops.ts'
import { type Loop, type Plan, type Problem, product } from './contraction-plan.ts'
import type { Binding } from './emit.ts'

export interface Chunks {
  /** The summed loop that is divided, elements of a chunk, and how many there are; the last may be shorter. */
  readonly loop: Loop
  readonly each: number
  readonly count: number
  readonly v: Var
}

/** A sum this long no longer leaves room for tiles in the caches. */
const LONG = 4096
const CHUNK = 2048
/** Cycles that a work unit should take at least, and elements that the partial sums may take up at most. */
const WORTH = 20_000
const MOST = 1 << 22

export function chooseChunks(plan: Plan, { lanes }: Machine): Chunks | null {
  const { problem, lane, form } = plan
  const summed = problem.loops.filter((l) => l.role === 'k')
  const loop = summed[0]
  if (loop === undefined || product(summed) === 0) return null
  const results = product(problem.loops.filter((l) => l.role !== 'k'))
  const rows = plan.rowTile?.size ?? 1
  const columns = plan.vectors * (plan.colTile?.size ?? 1) * (form === 'splat' ? lanes : 1)
  const tiles = Math.ceil(results / (rows * columns))
  const length = product(summed)
  const forCaches = length > LONG ? length / CHUNK : 1
  const forThreads = tiles < UNITS ? Math.min(UNITS / tiles, plan.cost / WORTH) : 1
  const count = Math.min(loop.extent, MOST / results, Math.ceil(Math.max(forCaches, forThreads)))
  if (count < 2) return null
  const each = chunkSize(loop.extent, Math.ceil(loop.extent / count), form === 'dot' && loop === lane)
  const chunks = Math.ceil(loop.extent / each)
  return chunks < 2 ? null : { loop, each, count: chunks, v: newVar(chunks) }
}

/** About `wanted`, a divisor if there is one near; the loop of a dot product's lanes takes nothing else. */
function chunkSize(extent: number, wanted: number, exact: boolean): number {
  for (let d = 0; d <= wanted; d++) {
    for (const each of [wanted + d, wanted - d]) {
      if (each > wanted / 2 && each <= extent && extent % each === 0) return each
    }
    if (!exact && d > wanted / 2) break
  }
  return exact ? extent : wanted
}

/** The divided loop as the plan's tiles see it, and the problem whose results are the chunks' partial sums. */
export function partialPlan(plan: Plan, chunks: Chunks, buffer: number): Plan {
  const { problem } = plan
  const results = resultLoops(plan)
  let index = scale(indexOf(chunks.v), product(results))
  let stride = 1
  const out = new Map<Loop, number>()
  for (const l of [...results].reverse()) {
    index = add(index, scale(indexOf(l.v), stride))
    out.set(l, stride)
    stride *= l.extent
  }
  const loops = problem.loops.map((l) => replaced(l, { out: out.get(l) ?? null }, chunks))
  const find = (l: Loop): Loop => loops[problem.loops.indexOf(l)]
  const tile = (t: Plan['rowTile']): Plan['rowTile'] => t && { loop: find(t.loop), size: t.size }
  const partial: Problem = {
    ...problem,
    loops,
    stores: [{ buffer, index, value: { op: 'accumulator', dtype: 'float32' } }],
  }
  return {
    ...plan,
    problem: partial,
    lane: plan.lane && find(plan.lane),
    rowTile: tile(plan.rowTile),
    colTile: tile(plan.colTile),
  }
}

function replaced(l: Loop, by: Partial<Loop>, chunks: Chunks): Loop {
  return l === chunks.loop ? { ...l, ...by, extent: chunks.each } : { ...l, ...by }
}

/** The result's loops as partial sums are laid out: the lanes innermost. */
function resultLoops(plan: Plan): Loop[] {
  const inner = plan.form === 'splat' ? plan.lane : (plan.colTile?.loop ?? null)
  const results = plan.problem.loops.filter((l) => l.role !== 'k' && l !== inner)
  return inner ? [...results, inner] : results
}

/** Vectors that the adding program sums side by side. */
const ABREAST = 4

/** Adds the chunks' partial sums and runs the epilogue. */
export function sumCall(
  name: string,
  plan: Plan,
  chunks: Chunks,
  scratch: number,
  buffers: readonly BufferInfo[],
  machine: Machine,
): LoweredCall {
  const results = resultLoops(plan)
  const args = new Arguments(buffers.length)
  const base = args.of({ scratch })
  for (const x of epilogueArguments(plan.problem.stores)) args.of(x)
  const b = new ProgramBuilder(`${name} add ${chunks.count} chunks`, machine.lanes, args.list.length + 2)
  const epilogue = new Epilogue(b, plan.problem.stores, buffers, (x) => args.of(x))
  const lane = results.at(-1) ?? null
  const W = machine.lanes
  const levels: Level[] = []
  let stride = 4
  for (const l of [...results].reverse()) {
    const step = l === lane ? ABREAST * W : 1
    levels.unshift(tileLevel(l, step, 0, stride * step))
    stride *= l.extent
  }
  const units = unitLevels(levels, UNITS)
  const place = { row: base, col: base, starts: new Map(), sizes: new Map(), blocks: new Map() }
  emitLoops(b, levels, units, { begin: args.list.length, end: args.list.length + 1 }, place, (at) => {
    const filled = lane ? (at.sizes.get(lane) ?? 1) : 1
    const lanes = Array.from({ length: Math.ceil(filled / W) }, (_, x) => Math.min(W, filled - x * W))
    const load = (from: Reg, x: number): Reg => b.load(from, x * W * 4, 'f32', lanes[x])
    const sums = lanes.map((_, x) => b.variable(load(at.col, x)))
    const pointer = b.variable(at.col)
    b.loop({ imm: 1 }, { imm: chunks.count }, 1, () => {
      b.bump(pointer, stride)
      sums.forEach((sum, x) => {
        b.set(sum, b.v2('f.add', sum, load(pointer, x)))
      })
    })
    const vectors = sums.map((value, x): Vector => {
      const where = new Map<Var, Binding>()
      for (const l of results) where.set(l.v, { reg: at.starts.get(l.v) ?? null, offset: l === lane ? x * W : 0 })
      return { value, at: where, lane: lane?.v ?? null, lanes: lanes[x] }
    })
    epilogue.store(vectors)
  })
  return { program: b.finish(), args: args.list, units: countUnits(levels.slice(0, units)), after: true }
}
