/** @file Einstein's summation: products of tensors over named axes, as matrix products wherever two of them share axes. */
import { promote } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { showShape, sizeOf } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, toNumber } from './apply.ts'
import type { TensorBase } from './base.ts'
import type { Tensor } from './tensor.ts'

/** A node whose axes have names. */
interface Named {
  readonly node: Node
  readonly labels: readonly string[]
}

/**
 * Sums of products by NumPy's and PyTorch's notation: `einsum('ij,jk->ik', a, b)` is a matrix product. Letters name axes;
 * those that the result lacks are summed over; one letter twice in an operand is its diagonal; `...` stands for leading
 * axes, which broadcast. Without `->` the result has `...`, then every letter that occurs once, in the order of the alphabet.
 * Of more than two operands, the pair with the smallest product comes first.
 *
 * @throws GliaError if the equation does not fit the operands, with the letter and the extents that disagree
 */
export function einsum(equation: string, ...operands: readonly TensorBase[]): Tensor {
  const { inputs, output, extents } = parse(equation, operands)
  return apply('einsum', operands, (...nodes) => {
    const dtype = nodes.map((n) => toNumber(n).dtype).reduce(promote)
    const terms = nodes.map((n, k) => diagonals(ops.cast(n, dtype), inputs[k], extents))
    return contractAll(terms, output, extents)
  })
}

interface Equation {
  readonly inputs: readonly (readonly string[])[]
  readonly output: readonly string[]
  readonly extents: ReadonlyMap<string, number>
}

function parse(equation: string, operands: readonly TensorBase[]): Equation {
  const fail = (why: string): never => {
    const shapes = operands.map((t) => showShape(t.shape)).join(', ')
    throw new GliaError(`einsum: '${equation}' with ${operands.length} operands (${shapes}): ${why}`)
  }
  const text = equation.replaceAll(' ', '')
  const [left, right, more] = text.split('->')
  const terms = left.split(',')
  if (more !== undefined || operands.length === 0 || terms.length !== operands.length) {
    fail(`it names ${terms.length} operands; give one list of letters for each, and at most one ->.`)
  }
  const check = (term: string): void => {
    if (!/^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term)) fail(`'${term}' is not made of letters and at most one '...'.`)
  }
  terms.forEach(check)
  // The axes that … stands for are counted from the last: '.0' is the last one.
  const dots = terms.map((term, k) => operands[k].rank - term.replace('...', '').length)
  const most = Math.max(0, ...terms.map((term, k) => (term.includes('...') ? dots[k] : 0)))
  const spell = (term: string, count: number): string[] => {
    const at = term.indexOf('...')
    if (at < 0) return [...term]
    const names = Array.from({ length: count }, (_, i) => `.${count - 1 - i}`)
    return [...term.slice(0, at), ...names, ...term.slice(at + 3)]
  }
  const inputs = terms.map((term, k) => {
    if (dots[k] < 0 || (dots[k] > 0 && !term.includes('...'))) {
      fail(`'${term}' does not name the ${operands[k].rank} axes of operand ${k}.`)
    }
    return spell(term, dots[k])
  })
  const extents = new Map<string, number>()
  inputs.forEach((labels, k) => {
    labels.forEach((label, axis) => {
      const d = operands[k].shape[axis]
      const known = extents.get(label) ?? 1
      if (known !== d && known !== 1 && d !== 1) {
        fail(`${label.startsWith('.') ? 'an axis of ...' : `'${label}'`} has extents ${known} and ${d}.`)
      }
      extents.set(label, known === 1 ? d : known)
    })
  })
  const all = inputs.flat()
  const once = [...new Set(all)].filter((l) => !l.startsWith('.') && all.filter((m) => m === l).length === 1).sort()
  if (right !== undefined) check(right)
  const output = right === undefined ? [...spell('...', most), ...once] : spell(right, most)
  for (const label of output) {
    if (!extents.has(label)) fail(`the result has '${label}', which no operand has.`)
    if (output.indexOf(label) !== output.lastIndexOf(label)) fail(`the result has '${label}' twice.`)
  }
  return { inputs, output, extents }
}

/** Every letter once: repeated ones become the diagonal of their axes. */
function diagonals(x: Node, labels: readonly string[], extents: ReadonlyMap<string, number>): Named {
  let term: Named = { node: x, labels }
  for (const label of new Set(labels)) {
    for (;;) {
      const a = term.labels.indexOf(label)
      const b = term.labels.lastIndexOf(label)
      if (a === b) break
      term = diagonalOf(term, a, b, extents.get(label) ?? 1)
    }
  }
  return term
}

function diagonalOf({ node, labels }: Named, a: number, b: number, extent: number): Named {
  const rest = labels.map((_, i) => i).filter((i) => i !== a && i !== b)
  const outer = rest.map((i) => node.shape[i])
  const square = ops.broadcastTo(ops.permute(node, [...rest, a, b]), [...outer, extent, extent])
  const rows = ops.reshape(square, [...outer, extent * extent])
  const diagonal = ops.slice(
    rows,
    rows.shape.map(() => 0),
    [...outer, extent],
    [...outer.map(() => 1), extent + 1],
  )
  return { node: diagonal, labels: [...rest.map((i) => labels[i]), labels[a]] }
}

function contractAll(all: readonly Named[], output: readonly string[], extents: ReadonlyMap<string, number>): Node {
  const terms = all.map((t, k) => summed(t, [output, ...all.filter((_, i) => i !== k).map((o) => o.labels)].flat()))
  while (terms.length > 1) {
    const [i, j] = cheapest(terms, output, extents)
    const others = terms.filter((_, k) => k !== i && k !== j)
    const kept = new Set([...output, ...others.flatMap((t) => t.labels)])
    const product = contract(terms[i], terms[j], kept, extents)
    terms.splice(0, terms.length, ...others, product)
  }
  const [{ node, labels }] = terms
  const order = output.filter((l) => labels.includes(l)).map((l) => labels.indexOf(l))
  const turned = ops.permute(node, order)
  return ops.broadcastTo(
    turned,
    output.map((l) => extents.get(l) ?? 1),
  )
}

/** Summed over the axes that nobody else names. */
function summed({ node, labels }: Named, kept: readonly string[]): Named {
  const axes = labels.flatMap((l, i) => (kept.includes(l) ? [] : [i]))
  return { node: ops.reduceSum(node, axes), labels: labels.filter((l) => kept.includes(l)) }
}

/** The pair whose product has the fewest elements; the first of equals. */
function cheapest(
  terms: readonly Named[],
  output: readonly string[],
  extents: ReadonlyMap<string, number>,
): [number, number] {
  let best: [number, number] = [0, 1]
  let least = Infinity
  for (let i = 0; i < terms.length; i++) {
    for (let j = i + 1; j < terms.length; j++) {
      const others = new Set([...output, ...terms.flatMap((t, k) => (k === i || k === j ? [] : t.labels))])
      const labels = new Set([...terms[i].labels, ...terms[j].labels].filter((l) => others.has(l)))
      const size = sizeOf([...labels].map((l) => extents.get(l) ?? 1))
      if (size < least) {
        least = size
        best = [i, j]
      }
    }
  }
  return best
}

/** The product of two terms, summed over the axes that are not kept: a batched matrix product where floats are summed. */
function contract(a: Named, b: Named, kept: ReadonlySet<string>, extents: ReadonlyMap<string, number>): Named {
  const shared = a.labels.filter((l) => b.labels.includes(l))
  const batch = shared.filter((l) => kept.has(l))
  const inner = shared.filter((l) => !kept.has(l))
  const rows = a.labels.filter((l) => !b.labels.includes(l))
  const columns = b.labels.filter((l) => !a.labels.includes(l))
  const size = (labels: readonly string[]): number => sizeOf(labels.map((l) => extents.get(l) ?? 1))
  const arrange = ({ node, labels }: Named, order: readonly string[]): Node =>
    ops.broadcastTo(
      ops.permute(
        node,
        order.map((l) => labels.indexOf(l)),
      ),
      order.map((l) => (shared.includes(l) ? (extents.get(l) ?? 1) : node.shape[labels.indexOf(l)])),
    )
  const labels = [...batch, ...rows, ...columns]
  const [m, n] = [a, b].map((t, k) => sizeOf((k === 0 ? rows : columns).map((l) => t.node.shape[t.labels.indexOf(l)])))
  const [g, k] = [size(batch), size(inner)]
  const left = ops.reshape(arrange(a, [...batch, ...rows, ...inner]), [g, m, k])
  const right = ops.reshape(arrange(b, [...batch, ...inner, ...columns]), [g, k, n])
  const shape = labels.map((l) => {
    if (shared.includes(l)) return extents.get(l) ?? 1
    const t = a.labels.includes(l) ? a : b
    return t.node.shape[t.labels.indexOf(l)]
  })
  return { node: ops.reshape(product(left, right, inner.length > 0), shape), labels }
}

/** `[g, m, k] × [g, k, n]`; elementwise where nothing is summed, and for integers, which matrix products do not take. */
function product(a: Node, b: Node, sums: boolean): Node {
  if (sums && a.dtype.startsWith('float')) return ops.matmul(a, b)
  const [g, m, k] = a.shape
  const n = b.shape[2]
  if (!sums) return ops.mul(a, b)
  return ops.reduceSum(ops.mul(ops.reshape(a, [g, m, k, 1]), ops.reshape(b, [g, 1, k, n])), [2])
}
