/**
 * @file Decides which nodes get a value of their own (a buffer, hence a kernel that writes it) and which are computed
 * inline by whoever uses them.
 */
import { sizeOf } from '../core/shape.ts'
import type { Primitive } from '../graph/node.ts'
import { longFunctions } from '../kernels/names.ts'
import { must } from './must.ts'
import { isLeaf, type PNode } from './pgraph.ts'

const viewOps = new Set<Primitive>([
  'reshape',
  'permute',
  'expand',
  'slice',
  'pad',
  'concat',
  'flip',
  'iota',
  'alias',
  'constant',
])
/** Views that keep an affine address, so that a contraction can read through them. */
const affineViews = new Set<Primitive>(['reshape', 'permute', 'expand', 'slice', 'flip', 'alias'])
const contractions = new Set<Primitive>(['matmul', 'conv'])
const windows = new Set<Primitive>(['windowSum', 'windowMax', 'windowArgmax'])
const reductions = new Set<Primitive>(['reduceSum', 'reduceProd', 'reduceMax', 'reduceMin', 'argmax', 'argmin'])
const cumulative = new Set<Primitive>(['cumsum', 'cumprod'])
/** Operations that read their operands as whole arrays. */
const wholeArray = new Set<Primitive>(['scatterAdd', 'argsort', 'hostCall', 'loop'])

export type Category =
  | 'leaf'
  | 'view'
  | 'pointwise'
  | 'reduce'
  | 'cumulative'
  | 'window'
  | 'contraction'
  | 'scatter'
  | 'host'
  | 'loop'
  | 'output'

export function categoryOf(n: PNode): Category {
  if (isLeaf(n)) return 'leaf'
  if (viewOps.has(n.op)) return 'view'
  if (reductions.has(n.op)) return 'reduce'
  if (contractions.has(n.op)) return 'contraction'
  if (windows.has(n.op)) return 'window'
  if (cumulative.has(n.op)) return 'cumulative'
  if (n.op === 'scatterAdd') return 'scatter'
  if (n.op === 'argsort' || n.op === 'hostCall') return 'host'
  if (n.op === 'loop') return 'loop'
  if (n.op === 'output') return 'output'
  return 'pointwise'
}

/** The node whose buffer holds the elements of `n` in order: reshapes (and dependencies) share their operand's. */
export function bufferBase(n: PNode): PNode {
  let x = n
  while (x.op === 'reshape' || x.op === 'alias') x = x.inputs[0]
  return x
}

export interface MarkOptions {
  readonly fuse: boolean
  /** Nodes that turned out to need a buffer in an earlier attempt. */
  readonly forced: ReadonlySet<PNode>
}

/** The nodes with buffers of their own, leaves included (constants are not). */
export function markBuffers(nodes: readonly PNode[], roots: readonly PNode[], options: MarkOptions): Set<PNode> {
  const marked = new Set<PNode>(options.forced)
  const whole = (n: PNode): void => {
    marked.add(bufferBase(n))
  }
  for (const n of nodes) {
    const category = categoryOf(n)
    if (category !== 'view' && category !== 'pointwise') marked.add(n)
    if (!options.fuse && n.op !== 'constant' && n.op !== 'reshape') marked.add(n)
    if (category === 'contraction') for (const x of n.inputs) marked.add(affineBase(x))
    if (n.op === 'gather') marked.add(affineBase(n.inputs[0]))
    if (wholeArray.has(n.op)) n.inputs.forEach(whole)
    if (category === 'window' && overlaps(n)) {
      const x = throughViews(n.inputs[0])
      if (categoryOf(x) === 'pointwise') marked.add(x)
    }
  }
  roots.forEach(whole)
  if (options.fuse) markShared(nodes, marked)
  return marked
}

/** The node below affine views: the one to materialise so that an operand can be read in place. */
function affineBase(n: PNode): PNode {
  let x = n
  while (affineViews.has(x.op)) x = x.inputs[0]
  // A constant seen through an expand has nothing to materialise below it.
  return x.op === 'constant' || x.op === 'iota' ? n : x
}

function throughViews(n: PNode): PNode {
  let x = n
  while (viewOps.has(x.op) && x.inputs.length === 1) x = x.inputs[0]
  return x
}

function overlaps(n: PNode): boolean {
  const { window, stride } = n.as('windowSum')
  return window.some((w, i) => w > stride[i])
}

/** What computing one element inline costs: loads, expensive functions, plain operations. */
interface Cost {
  readonly loads: number
  readonly heavy: number
  readonly plain: number
}

const middling = new Set<Primitive>(['div', 'sqrt', 'gather'])

/** Marks what is used several times and costs more to compute again than to store and read back. */
function markShared(nodes: readonly PNode[], marked: Set<PNode>): void {
  const costs = new Map<PNode, Cost>()
  for (const n of nodes) {
    const category = categoryOf(n)
    if (category === 'leaf' || marked.has(n)) {
      costs.set(n, { loads: 1, heavy: 0, plain: 0 })
      continue
    }
    const size = sizeOf(n.shape)
    let loads = 0
    let heavy = longFunctions.has(n.op) ? 1 : n.op === 'random' ? 6 : 0
    let plain = middling.has(n.op) ? 2 : category === 'pointwise' ? 1 : 0.1
    for (const x of n.inputs) {
      const c = must(costs.get(x))
      // A broadcast operand is computed (or loaded) once for many elements.
      const share = size > 0 ? Math.min(1, sizeOf(x.shape) / size) : 1
      const weight = n.op === 'expand' || share < 1 ? Math.max(share, 0.05) : 1
      loads += c.loads * weight
      heavy += c.heavy * weight
      plain += c.plain * weight
    }
    const cost: Cost = { loads, heavy, plain }
    costs.set(n, cost)
    if (category !== 'pointwise' && !(n.op === 'concat' || n.op === 'pad')) continue
    const uses = realUses(n)
    const once = cost.loads + 3 * cost.heavy + 0.25 * cost.plain
    const worth = uses > 1 && uses * once > once + 1 + uses
    const repeated = size > 1 && cost.heavy + cost.plain / 8 >= 1 && spreadOverRows(n)
    if (worth || repeated || cost.plain > 150 || cost.loads > 16) {
      marked.add(n)
      costs.set(n, { loads: 1, heavy: 0, plain: 0 })
    }
  }
}

/** How many kernels would compute `n` inline: its users, looking through views. */
function realUses(n: PNode): number {
  let uses = 0
  const seen = new Set<PNode>()
  const stack = [...n.users]
  while (stack.length > 0) {
    const u = must(stack.pop())
    if (seen.has(u)) continue
    seen.add(u)
    if (viewOps.has(u.op) && u.op !== 'concat' && u.op !== 'pad') stack.push(...u.users)
    else uses++
  }
  return uses
}

/** Whether an expand repeats `n` along an axis that is not among the last ones, so that no row loop can hoist it. */
function spreadOverRows(n: PNode): boolean {
  return n.users.some((u) => {
    const e =
      u.op === 'reshape' && u.users.length > 0
        ? u.users.find((w) => w.op === 'expand')
        : u.op === 'expand'
          ? u
          : undefined
    if (!e) return false
    const x = e.inputs[0]
    const grown = e.shape.map((d, i) => d !== x.shape[i])
    // Repeated axes all behind the kept ones: a row's value is computed once.
    const lastKept = x.shape.findLastIndex((d) => d !== 1)
    return grown.some((g, i) => g && i < lastKept)
  })
}
