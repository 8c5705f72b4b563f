/** @file Which nodes stand for one example while a function runs inside `vmap`. */
import { GliaError } from '../../core/errors.ts'
import { type Node, topological } from '../../graph/node.ts'

const stack: ReadonlySet<Node>[] = []

/** Runs `fn`; the placeholders have no values. */
export function whileBatching<T>(placeholders: ReadonlySet<Node>, fn: () => T): T {
  stack.push(placeholders)
  try {
    return fn()
  } finally {
    stack.pop()
  }
}

/** @throws GliaError with `problem` if the node depends on one example of a batch */
export function checkOutside(node: Node, problem: string): void {
  if (stack.length === 0) return
  if (topological([node]).some((n) => stack.some((placeholders) => placeholders.has(n)))) throw new GliaError(problem)
}
