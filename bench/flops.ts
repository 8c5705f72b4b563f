/** @file The matrix products and convolutions in a recorded graph, and their arithmetic. */
import type { Node } from '../src/graph/node.ts'

export interface Product {
  /** `matmul` or `conv`. */
  readonly operation: string
  /** Of the result. */
  readonly shape: readonly number[]
  /** Floating-point operations: two for each product that is summed. */
  readonly flops: number
}

/**
 * All matrix products and convolutions that `roots` are computed from, gradients included. Whatever else a step does is
 * bound by memory rather than arithmetic.
 */
export function products(roots: readonly Node[]): Product[] {
  const seen = new Set<Node>()
  const open = [...roots]
  const found: Product[] = []
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    open.push(...node.inputs)
    if (node.op === 'matmul' || node.op === 'conv') {
      found.push({ operation: node.op, shape: node.shape, flops: flopsOf(node) })
    }
    if (node.op === 'loop') {
      const { length, results } = node.as('loop')
      found.push(...products(results).map((p) => ({ ...p, flops: p.flops * length })))
    }
  }
  return found
}

function flopsOf(node: Node): number {
  const size = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1)
  const [a, b] = node.inputs
  if (node.op === 'matmul') return 2 * size(node.shape) * a.shape[a.shape.length - 1]
  // The zeros between the elements of a dilated input are not multiplied.
  return (2 * size(node.shape) * size(b.shape.slice(1))) / size(node.as('conv').inputDilation)
}
