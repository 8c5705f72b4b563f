/**
 * @file Sums over a loop's iterations that need no carry: Σₜ AₜBₜ is one product of the stacked factors, Σₜ of a sum is
 * one sum of the stack. The gradient of a recurrent weight becomes one large matrix product in place of many small ones.
 */
import { sizeOf } from '../core/shape.ts'
import type { Node, Primitive } from './node.ts'
import type { Ops } from './rule.ts'

/** A sum over iterations that is computed afterwards from the stacked `values` of all iterations. */
export interface Deferred {
  readonly values: readonly Node[]
  /** From the stacks `[length, …]` of `values`. */
  readonly sum: (stacks: readonly Node[]) => Node
}

/** What of a sum can wait, and what must be carried. */
export interface Split {
  readonly parts: readonly Deferred[]
  readonly rest: Node | null
}

/** Splits values of which the sums over all iterations are asked for. `stacked`: values that are stacked anyway. */
export function deferred(o: Ops, values: readonly Node[], stacked: readonly Node[]): Split[] {
  const terms = values.map((g) => termsOf(g).map((term) => ({ term, product: productOf(o, term) })))
  const all = new Set([...stacked, ...terms.flat().flatMap((t) => t.product?.values ?? [])])
  return terms.map((list) => {
    const parts: Deferred[] = []
    const rest: Node[] = []
    for (const { term, product } of list) {
      const part = product ?? sumOf(o, term, all)
      if (part) parts.push(part)
      else rest.push(term)
    }
    return { parts, rest: rest.length === 0 ? null : rest.reduce((a, b) => o.add(a, b)) }
  })
}

/** The terms of a sum, as long as they are few. */
function termsOf(g: Node): Node[] {
  const terms = [g]
  for (let i = 0; i < terms.length && terms.length < 16; ) {
    if (terms[i].op === 'add') terms.splice(i, 1, ...terms[i].inputs)
    else i++
  }
  return terms
}

/** Views that can as well be taken of the sum. */
const views: ReadonlySet<Primitive> = new Set<Primitive>(['reshape', 'permute', 'flip'])

/** The value below the views on top of `n`, and a function that takes these views of another value of its shape. */
function below(o: Ops, n: Node): { value: Node; view: (x: Node) => Node } {
  if (!views.has(n.op)) return { value: n, view: (x) => x }
  const { value, view } = below(o, n.inputs[0])
  if (n.op === 'reshape') return { value, view: (x) => o.reshape(view(x), n.shape) }
  if (n.op === 'permute') return { value, view: (x) => o.permute(view(x), n.as('permute').order) }
  return { value, view: (x) => o.flip(view(x), n.as('flip').axes) }
}

/** A matrix product whose factors together are smaller than reading and writing the sum at every iteration. */
function productOf(o: Ops, term: Node): Deferred | null {
  const { value, view } = below(o, term)
  if (value.op !== 'matmul' || value.shape.length !== 2) return null
  const [a, b] = value.inputs
  if (sizeOf(a.shape) + sizeOf(b.shape) > 2 * sizeOf(value.shape)) return null
  // Stacked as [length, K, M] and [length, K, N], the factors join along K without moving.
  const across = a.op === 'permute' ? a.inputs[0] : o.transpose(a)
  const join = (x: Node): Node => o.reshape(x, [x.shape[0] * x.shape[1], x.shape[2]])
  return { values: [across, b], sum: ([x, y]) => view(o.matmul(o.transpose(join(x)), join(y))) }
}

/** A sum of something that is stacked anyway. */
function sumOf(o: Ops, term: Node, stacked: ReadonlySet<Node>): Deferred | null {
  const { value, view } = below(o, term)
  if (value.op !== 'reduceSum' || !stacked.has(value.inputs[0])) return null
  const { axes } = value.as('reduceSum')
  return { values: [value.inputs[0]], sum: ([x]) => view(o.reduceSum(x, [0, ...axes.map((a) => a + 1)])) }
}
