/** @file Every primitive's batching rule, on the samples of the primitives: a batch gives what its examples give one by one. */
import { describe, expect, it } from 'vitest'
import type { Known } from '../../src/autograd/batching/rule.ts'
import { createScope } from '../../src/autograd/batching/scope.ts'
import { allocate, isFloat, type TypedArray } from '../../src/core/dtype.ts'
import { sizeOf } from '../../src/core/shape.ts'
import { gradients } from '../../src/graph/autograd.ts'
import { type HostArray, Node } from '../../src/graph/node.ts'
import { ops } from '../../src/graph/ops.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { f, type Sample } from '../graph/samples/sample.ts'
import { allSamples, build } from '../graph/samples.ts'

const size = 3
const device = new InterpDevice()

/** Example `e` of an input: its values, moved along. */
function exampleOf(x: HostArray, e: number): TypedArray {
  return x.data.map((_, i) => x.data[(i + e) % x.data.length]) as TypedArray
}

function batchOf(x: HostArray): Node {
  const n = sizeOf(x.shape)
  const all = allocate(x.dtype, size * n)
  for (let e = 0; e < size; e++) all.set(exampleOf(x, e), e * n)
  return ops.data(all, [size, ...x.shape], x.dtype)
}

const seedOf = (node: Node, k: number): Node => ops.data(f(node.shape, 40 + k).data, node.shape)

interface Graph {
  readonly results: readonly Node[]
  readonly found: readonly (Node | null)[]
}

/** Results of a sample, and gradients of its float results with fixed weights. */
function graphOf(sample: Sample, inputs: readonly Node[]): Graph {
  const results = build(sample, inputs)
  const seeds = results.flatMap((node, k) => (isFloat(node.dtype) ? [{ node, g: seedOf(node, k) }] : []))
  const wrt = sample.differentiable.map((k) => inputs[k])
  return { results, found: gradients(ops, seeds, wrt) }
}

function values(nodes: readonly Node[]): number[][] {
  const fresh = nodes.map((n) => ops.alias([n], { vjp: null, name: 'read' }))
  device.realise(fresh)
  return fresh.map((n) => [...n.as('data').values])
}

const present = <T>(list: readonly (T | null)[]): T[] => list.filter((x) => x !== null)

function expectClose(got: readonly number[], want: readonly number[], what: string): void {
  expect(got.length, what).toBe(want.length)
  want.forEach((w, i) => {
    const same = got[i] === w || (Number.isNaN(got[i]) && Number.isNaN(w))
    if (!same && !(Math.abs(got[i] - w) <= 1e-5 + 1e-4 * Math.abs(w))) {
      expect.fail(`${what}: element ${i} is ${got[i]}, not ${w}`)
    }
  })
}

/** Which inputs are batches: all of them, and each alone. */
function patterns(count: number): boolean[][] {
  const alone = Array.from({ length: count }, (_, k) => Array.from({ length: count }, (__, i) => i === k))
  return count > 1 ? [new Array<boolean>(count).fill(true), ...alone] : alone
}

function check(sample: Sample, pattern: readonly boolean[]): void {
  const shared = sample.inputs.map((x) => ops.data(x.data.slice() as TypedArray, x.shape, x.dtype))
  const batches = sample.inputs.map((x, k) => (pattern[k] ? batchOf(x) : shared[k]))
  const single = Array.from({ length: size }, (_, e) =>
    graphOf(
      sample,
      sample.inputs.map((x, k) => (pattern[k] ? ops.data(exampleOf(x, e), x.shape, x.dtype) : shared[k])),
    ),
  )
  const expected = single.map(({ results, found }) => values([...results, ...present(found)]))

  // Gradients taken of each example …
  const owner = {}
  const known = new Map<Node, Known>()
  const inputs = sample.inputs.map((x, index) => {
    if (!pattern[index]) return shared[index]
    const leaf = new Node('parameter', [], { owner, index }, x)
    known.set(leaf, { node: batches[index], batched: true })
    return leaf
  })
  const inner = graphOf(sample, inputs)
  const scope = createScope(size, known)
  const batched = scope.batch([...inner.results, ...present(inner.found)], new Map()).map(scope.lead)
  values(batched).forEach((got, k) => {
    const want = expected.flatMap((e) => e[k])
    expectClose(got, want, `result ${k} of a batch`)
  })

  // … and of the batch as a whole.
  const outputs = batched.slice(0, inner.results.length)
  const seeds = outputs.flatMap((node, k) => {
    if (!isFloat(node.dtype)) return []
    const one = seedOf(inner.results[k], k)
    return [{ node, g: ops.broadcastTo(ops.reshape(one, [1, ...one.shape]), node.shape) }]
  })
  const wrt = sample.differentiable.map((k) => batches[k])
  const outer = gradients(ops, seeds, wrt)
  let at = 0
  inner.found.forEach((g, k) => {
    if (g === null) return
    const each = expected.map((e) => e[inner.results.length + at])
    at++
    const whole = outer[k]
    if (!whole) {
      expect(each.flat().every((v) => v === 0)).toBe(true)
      return
    }
    const sum = each[0].map((_, i) => each.reduce((s, e) => s + e[i], 0))
    const want = pattern[sample.differentiable[k]] ? each.flat() : sum
    expectClose(values([whole])[0], want, `gradient ${k} of the batch`)
  })
}

describe('batches agree with their examples', () => {
  const cases = allSamples().filter(({ sample }) => sample.inputs.length > 0 && !sample.special)
  it.each(cases)('$op: $sample.note', ({ sample }) => {
    for (const pattern of patterns(sample.inputs.length)) check(sample, pattern)
  })
})
