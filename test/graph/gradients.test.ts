import { describe, expect, it } from 'vitest'
import { isFloat } from '../../src/core/dtype.ts'
import { sizeOf } from '../../src/core/shape.ts'
import { gradients } from '../../src/graph/autograd.ts'
import { Node } from '../../src/graph/node.ts'
import { ops } from '../../src/graph/ops.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import type { Sample } from './samples/sample.ts'
import { primitives, samples } from './samples.ts'

const device = new InterpDevice()

/** A different number in (−1, 1) for every position. */
function weight(i: number, seed: number): number {
  return (((i * 7919 + seed * 104729) % 2003) + 0.5) / 1001.5 - 1
}

function weights(like: Node, seed: number): Node {
  const values = Float64Array.from({ length: sizeOf(like.shape) }, (_, i) => weight(i, seed))
  return ops.data(values, like.shape)
}

/** Σ of all elements, each times a weight of its own. */
function weighted(nodes: readonly Node[], seed: number): Node {
  let total = ops.constant(0, 'float64')
  nodes.forEach((n, k) => {
    if (!isFloat(n.dtype)) return
    const products = ops.mul(n, weights(n, seed + k))
    total = ops.add(
      total,
      ops.reduceSum(
        products,
        n.shape.map((_, i) => i),
      ),
    )
  })
  return total
}

interface Problem {
  readonly parameters: readonly Node[]
  readonly wrt: readonly Node[]
  readonly args: readonly (Float64Array | Int32Array | Uint8Array)[]
  readonly value: Node
}

/** A sample in float64, as one number that depends on all its results. */
function problemOf(sample: Sample): Problem {
  const owner = {}
  const parameters = sample.inputs.map((x, index) => {
    const dtype = isFloat(x.dtype) ? 'float64' : x.dtype
    return new Node('parameter', [], { owner, index }, { shape: x.shape, dtype })
  })
  const args = sample.inputs.map((x) => (x.data instanceof Float32Array ? Float64Array.from(x.data) : x.data))
  const wrt = sample.differentiable.map((k) => parameters[k])
  return { parameters, wrt, args, value: weighted(sample.build(ops, parameters), 1) }
}

function derivatives(p: Problem): (Node | null)[] {
  const found = gradients(ops, [{ node: p.value, g: ops.constant(1, 'float64') }], p.wrt)
  found.forEach((g, k) => {
    if (!g) return
    expect(g.shape).toEqual(p.wrt[k].shape)
    expect(g.dtype).toBe(p.wrt[k].dtype)
  })
  return found
}

/** Compares the gradients of `p.value` with central differences; returns the largest deviation. */
function check(p: Problem): number {
  const found = derivatives(p)
  const zeros = found.map((g, k) => g ?? ops.full(p.wrt[k].shape, 0, 'float64'))
  const graph = { parameters: p.parameters, writes: new Map(), reads: new Map(), name: 'gradients' }
  const analytic = device.compile({ ...graph, outputs: zeros }).run(p.args)
  const evaluate = device.compile({ ...graph, outputs: [p.value] })
  let worst = 0
  p.wrt.forEach((node, k) => {
    const values = p.args[p.parameters.indexOf(node)]
    for (const direction of directions(values.length)) {
      const h = 2e-5
      const start = values.slice()
      const at = (sign: number): number => {
        direction.forEach(([i, d]) => {
          values[i] = start[i] + sign * h * d
        })
        return evaluate.run(p.args)[0][0]
      }
      const difference = (at(1) - at(-1)) / (2 * h)
      values.set(start)
      let expected = 0
      let scale = 1
      for (const [i, d] of direction) {
        expected += analytic[k][i] * d
        scale += Math.abs(analytic[k][i] * d)
      }
      const deviation = Math.abs(difference - expected) / scale
      if (!(deviation <= worst)) worst = deviation
    }
  })
  return worst
}

/** Along each axis for few elements; for many along some of them and in slanting directions. */
function directions(size: number): (readonly (readonly [index: number, step: number])[])[] {
  const axes = Array.from(
    { length: Math.min(size, 12) },
    (_, j) => [[Math.floor((j * size) / Math.min(size, 12)), 1]] as const,
  )
  if (size <= 12) return axes
  const slanting = [3, 4].map((seed) => Array.from({ length: size }, (_, i) => [i, weight(i, seed)] as const))
  return [...axes, ...slanting]
}

const tolerance = 1e-6

for (const op of primitives) {
  const list = samples[op].filter((s) => s.differentiable.length > 0)
  const twice = list.filter((s) => s.second)
  if (list.length === 0) continue
  describe(op, () => {
    it.each(list)('has the gradient that differences show: $note', (sample) => {
      expect(check(problemOf(sample))).toBeLessThan(tolerance)
    })

    it.each(twice)('has the second derivative that differences show: $note', (sample) => {
      const first = problemOf(sample)
      const found = derivatives(first).filter((g) => g !== null)
      expect(check({ ...first, value: weighted(found, 5) })).toBeLessThan(tolerance * 3)
    })
  })
}
