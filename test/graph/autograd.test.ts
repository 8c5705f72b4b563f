import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/graph/autograd.ts'
import { type Node, topological } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { f, makeLoop } from './samples/sample.ts'

const device = new InterpDevice()

function leaf(...values: readonly number[]): Node {
  return o.data(Float32Array.from(values), [values.length])
}

function random(shape: readonly number[], seed: number): Node {
  return o.data(f(shape, seed).data, shape)
}

function values(node: Node | null): number[] {
  if (!node) throw new Error('no gradient')
  device.realise([node])
  return Array.from(node.as('data').values)
}

const one = leaf(1, 1, 1)

describe('gradients', () => {
  it('add up over all uses of a node', () => {
    const x = leaf(1, 2, 3)
    const y = o.add(o.mul(x, x), o.mul(x, 5))
    expect(values(gradients(o, [{ node: y, g: one }], [x])[0])).toEqual([7, 9, 11])
  })

  it('add up over several outputs, one of them the node itself', () => {
    const x = leaf(1, 2, 3)
    const y = o.mul(x, 2)
    const seeds = [
      { node: y, g: one },
      { node: x, g: leaf(10, 20, 30) },
      { node: y, g: one },
    ]
    expect(values(gradients(o, seeds, [x])[0])).toEqual([14, 24, 34])
  })

  it('are given for nodes within the graph as for leaves', () => {
    const x = leaf(1, 2, 3)
    const y = o.mul(x, 2)
    const z = o.mul(y, y)
    const [gx, gy] = gradients(o, [{ node: z, g: one }], [x, y])
    expect(values(gy)).toEqual([4, 8, 12])
    expect(values(gx)).toEqual([8, 16, 24])
  })

  it('are null where there is no way, or none but through integers and steps', () => {
    const x = leaf(1, 2, 3)
    const other = leaf(4, 5, 6)
    const y = o.add(o.mul(other, 2), o.add(o.floor(x), o.cast(o.cast(x, 'int32'), 'float32')))
    const [gx, go] = gradients(o, [{ node: y, g: one }], [x, other])
    expect(gx).toBeNull()
    expect(values(go)).toEqual([2, 2, 2])
  })

  it('make no nodes for operands that nobody asked for', () => {
    const [x, w] = [random([2, 3], 1), random([3, 4], 2)]
    const [g] = gradients(o, [{ node: o.matmul(x, w), g: random([2, 4], 3) }], [w])
    expect(topological([g as Node]).filter((n) => n.op === 'matmul')).toHaveLength(1)
  })

  it('pass through the operand that is selected, even if the other is NaN', () => {
    const x = leaf(-1, 0, 4)
    const y = o.select(o.lt(0, x), o.sqrt(o.select(o.lt(0, x), x, 1)), 0)
    expect(values(gradients(o, [{ node: y, g: one }], [x])[0])).toEqual([0, 0, 0.25])
  })

  it('do not overflow the stack', () => {
    const x = leaf(1, 2, 3)
    let y = x
    for (let i = 0; i < 20_000; i++) y = o.add(y, 1)
    expect(values(gradients(o, [{ node: y, g: one }], [x])[0])).toEqual([1, 1, 1])
  })
})

describe('gradients of a loop', () => {
  const [h0, xs, u, b] = [random([2, 3], 1), random([5, 2, 3], 2), random([3, 3], 3), random([3], 4)]
  const recurrent = (): Node[] =>
    makeLoop(o, {
      carries: [h0],
      xs: [xs],
      invariants: [u, b],
      length: 5,
      body: ([h], [x], [w, bias]) => {
        const next = o.tanh(o.add(o.add(x, o.matmul(h, w)), bias))
        return { carries: [next], ys: [next] }
      },
    })

  const loops = (nodes: readonly (Node | null)[]): Node[] =>
    topological(nodes.filter((n) => n !== null)).filter((n) => n.op === 'loop')

  it('sum weight gradients after the loop, in one product', () => {
    const [last] = recurrent()
    const found = gradients(o, [{ node: last, g: random([2, 3], 5) }], [u, b])
    const [backward] = loops(found).filter((n) => n.as('loop').reverse)
    expect(backward.as('loop').carries).toBe(1)
    const products = topological(backward.as('loop').results).filter((n) => n.op === 'matmul')
    expect(products).toHaveLength(1)
  })

  it('take costly values from the forward loop', () => {
    const [last] = recurrent()
    const found = gradients(o, [{ node: last, g: random([2, 3], 5) }], [h0, xs, u])
    const [backward] = loops(found).filter((n) => n.as('loop').reverse)
    expect(topological(backward.as('loop').results).some((n) => n.op === 'tanh')).toBe(false)
  })

  it('extend one list of results, so that the forward loops of all gradients can be one', () => {
    const [last, all] = recurrent()
    const first = gradients(o, [{ node: last, g: random([2, 3], 5) }], [u])
    const second = gradients(o, [{ node: all, g: random([5, 2, 3], 6) }], [h0, xs, b])
    const results = loops([...first, ...second, last])
      .filter((n) => !n.as('loop').reverse)
      .map((n) => n.as('loop').results)
      .sort((a, c) => a.length - c.length)
    const longest = results[results.length - 1]
    for (const list of results) expect(longest.slice(0, list.length)).toEqual(list)
  })

  it('leave out carries through which nothing flows', () => {
    const [kept] = makeLoop(o, {
      carries: [random([3], 1), random([3], 2)],
      xs: [xs],
      length: 5,
      body: ([a, unused], [x]) => ({ carries: [o.add(a, o.reduceSum(x, [0])), o.mul(unused, 2)] }),
    })
    const found = gradients(o, [{ node: kept, g: one }], [xs])
    const [backward] = loops(found).filter((n) => n.as('loop').reverse)
    expect(backward.as('loop').carries).toBe(1)
    expect(values(found[0])).toEqual(new Array(30).fill(1))
  })
})
