/** @file Samples of leaves, custom gradients, loops and host functions. */
import { Cell } from '../../../src/graph/cell.ts'
import type { HostFunction, Node } from '../../../src/graph/node.ts'
import { ops } from '../../../src/graph/ops.ts'
import type { Ops } from '../../../src/graph/rule.ts'
import { bytes, f, i, list, makeLoop, type Sample, sample, special, specials, value } from './sample.ts'

/** h ← tanh(x·w + h·u + b), as in a recurrent layer; every h is kept. */
function recurrent(o: Ops, [h0, xs, w, u, b]: readonly Node[], reverse: boolean): Node[] {
  return makeLoop(o, {
    carries: [h0],
    xs: [xs],
    invariants: [w, u, b],
    length: xs.shape[0],
    reverse,
    body: ([h], [x], [wi, wh, bias]) => {
      const next = o.tanh(o.add(o.add(o.matmul(x, wi), o.matmul(h, wh)), bias))
      return { carries: [next], ys: [next] }
    },
  })
}

const weights = [f([3, 4], 2), f([4, 4], 3, 0.5), f([4], 4)]

/** Doubles the first input and adds up the second. */
const doubleAndSum: HostFunction = {
  name: 'doubleAndSum',
  run: ([x, y], [doubled, sum]) => {
    doubled.data.set(Array.from(x.data, (v) => 2 * v))
    let total = 0
    for (const v of y.data) total += v
    sum.data[0] = total
  },
  vjp: ([doubled, sum], node) => [
    doubled ? ops.mul(doubled, 2) : null,
    sum ? ops.broadcastTo(sum, node.inputs[1].shape) : null,
  ],
}

const square: HostFunction = {
  name: 'square',
  run: ([x], [y]) => y.data.set(Array.from(x.data, (v) => v * v)),
  vjp: ([g], node) => [g ? ops.mul(g, ops.mul(node.inputs[0], 2)) : null],
}

const squareOf = (o: Ops, x: Node): Node =>
  o.hostCall([x], { fn: square, outputs: [{ shape: x.shape, dtype: x.dtype }] })[0]

const loops: Sample[] = [
  sample('a recurrence', [f([2, 4], 0), f([5, 2, 3], 1), ...weights], (o, xs) => recurrent(o, xs, false)),
  sample('a recurrence, reversed', [f([2, 4], 0), f([5, 2, 3], 1), ...weights], (o, xs) => recurrent(o, xs, true)),
  sample('a recurrence of one step', [f([1, 4], 0), f([1, 1, 3], 1), ...weights], (o, xs) => recurrent(o, xs, false)),
  sample('a recurrence of no steps', [f([2, 4], 0), f([0, 2, 3], 1), ...weights], (o, xs) => recurrent(o, xs, false)),
  sample(
    'only the last carry is used',
    [f([2, 4], 0), f([5, 2, 3], 1), ...weights],
    (o, xs) => recurrent(o, xs, false)[0],
  ),
  sample('only the stack is used', [f([2, 4], 0), f([5, 2, 3], 1), ...weights], (o, xs) => recurrent(o, xs, true)[1]),
  sample('two carries that change places', [f([3]), f([3], 1)], (o, [a, b]) =>
    makeLoop(o, { carries: [a, b], length: 3, body: ([x, y]) => ({ carries: [y, o.mul(x, y)] }) }),
  ),
  sample('a carry that stays', [f([3]), f([4, 3], 1)], (o, [a, xs]) =>
    makeLoop(o, { carries: [a], xs: [xs], length: 4, body: ([c], [x]) => ({ carries: [c], ys: [o.mul(c, x)] }) }),
  ),
  sample('no carries', [f([4, 9]), f([9], 2)], (o, [xs, w]) =>
    makeLoop(o, {
      carries: [],
      xs: [xs],
      invariants: [w],
      length: 4,
      body: (_c, [x], [v]) => ({ carries: [], ys: [o.exp(o.mul(x, v)), o.reduceSum(o.mul(x, x), [0])] }),
    }),
  ),
  sample('an integer carry', [f([5, 3]), i([], 3)], (o, [xs, k]) =>
    makeLoop(o, {
      carries: [o.full([3], 0, xs.dtype), k],
      xs: [xs],
      length: 5,
      body: ([sum, n], [x]) => ({ carries: [o.add(sum, o.mul(x, o.cast(n, x.dtype))), o.add(n, 1)], ys: [n] }),
    }),
  ),
  sample('gathers with a slice of indices', [f([5, 3]), i([4, 2], 5)], (o, [table, ks]) =>
    makeLoop(o, {
      carries: [o.full([3], 1, table.dtype)],
      xs: [ks],
      invariants: [table],
      length: 4,
      body: ([c], [k], [t]) => ({ carries: [o.mul(c, o.add(o.reduceSum(o.gather(t, k, 0), [0]), 1))] }),
    }),
  ),
  sample('a loop in a loop', [f([3]), f([4, 3], 1), f([3], 2)], (o, [h0, xs, w]) =>
    makeLoop(o, {
      carries: [h0],
      xs: [xs],
      invariants: [w],
      length: 4,
      body: ([h], [x], [v]) => {
        const [inner, all] = makeLoop(o, {
          carries: [h],
          invariants: [x, v],
          length: 3,
          reverse: true,
          body: ([c], _s, [u, k]) => ({ carries: [o.sin(o.add(o.mul(c, k), u))], ys: [o.mul(c, c)] }),
        })
        return { carries: [inner], ys: [o.reduceSum(all, [0])] }
      },
    }),
  ),
  sample('after one another', [f([3]), f([4, 3], 1)], (o, [c0, xs]) => {
    const parts = (a: Node, b: Node): Node[] =>
      makeLoop(o, {
        carries: [a],
        xs: [b],
        length: 4,
        body: ([c], [x]) => ({ carries: [o.tanh(o.add(c, x))], ys: [o.mul(c, x)] }),
      })
    const [c, ys] = parts(c0, xs)
    return parts(o.mul(c, 2), o.exp(ys))
  }),
  sample('computed inputs', [f([2, 5]), f([3, 2, 5], 1)], (o, [a, xs]) =>
    makeLoop(o, {
      carries: [o.reduceSum(a, [1])],
      xs: [o.permute(xs, [0, 2, 1])],
      length: 3,
      body: ([c], [x]) => ({ carries: [o.add(c, o.reduceSum(o.mul(x, c), [0]))] }),
    }),
  ),
  special('special values', [list(specials), list([...specials, ...specials], [2, 12])], (o, [c, xs]) =>
    makeLoop(o, {
      carries: [c],
      xs: [xs],
      length: 2,
      body: ([a], [x]) => ({ carries: [o.max(a, x)], ys: [o.add(a, x)] }),
    }),
  ),
]

export const controlSamples = {
  data: [
    sample('floats', [f([3, 4])], (_o, [x]) => x),
    value('bool', [bytes([5], 2)], (_o, [x]) => x),
    sample('a step away', [f([3, 4])], (o, [x]) => o.mul(x, x)),
  ],
  constant: [
    value('everywhere', [], (o) => [o.full([3, 5], 2.5, 'float32'), o.full([4], -7, 'int32'), o.full([3], 1, 'bool')]),
    value('a scalar', [], (o) => o.constant(0.1, 'float32')),
    value('none', [], (o) => o.full([0, 2], 1, 'float32')),
    special('special values', [], (o) => specials.map((v) => o.full([2], v, 'float32'))),
    sample('beside a variable', [f([5])], (o, [x]) => o.add(o.mul(x, 3), o.full([5], 0.1, x.dtype))),
  ],
  cell: [
    value('on the host', [], (o) => o.mul(new Cell(Float32Array.of(1, 2, 3), [3], 'float32').read(), 2)),
    sample('whose value is a computation', [f([3])], (o, [x]) => o.exp(new Cell(o.mul(x, x), [3], x.dtype).read())),
  ],
  parameter: [
    sample('of a loop’s body', [f([3]), f([2, 3], 1)], (o, [c, xs]) =>
      makeLoop(o, { carries: [c], xs: [xs], length: 2, body: ([a], [x]) => ({ carries: [a], ys: [x, a] }) }),
    ),
  ],
  alias: [
    sample('no gradient of its own', [f([3, 4]), f([2], 1)], (o, [x, y]) =>
      o.alias([o.exp(x), y], { vjp: null, name: 'checkpoint' }),
    ),
    sample('a gradient of its own', [f([3, 4])], (o, [x]) =>
      o.alias([o.exp(x), x], { vjp: (g, node) => [o.mul(g, node)], name: 'exp' }),
    ),
    sample('two arguments', [f([5]), f([5], 1)], (o, [x, y]) =>
      o.alias([o.mul(x, y), x, y], {
        vjp: (g, node) => [o.mul(g, node.inputs[2]), o.mul(g, node.inputs[1])],
        name: 'product',
      }),
    ),
    sample('no gradient at all', [f([5])], (o, [x]) => o.alias([o.floor(x), x], { vjp: () => [null], name: 'floor' })),
    special('special values', [list(specials)], (o, [x]) => o.alias([x], { vjp: null, name: 'same' })),
  ],
  loop: loops,
  output: [
    sample('one of a loop’s', [f([3]), f([4, 3], 1)], (o, [c, xs]) => {
      const out = makeLoop(o, {
        carries: [c],
        xs: [xs],
        length: 4,
        body: ([a], [x]) => ({ carries: [o.add(a, x)], ys: [o.mul(a, x)] }),
      })
      return out[1]
    }),
    sample('one of a host function’s', [f([3]), f([2, 4], 1)], (o, [x, y]) => {
      const outputs = [
        { shape: x.shape, dtype: x.dtype },
        { shape: [], dtype: y.dtype },
      ]
      return o.hostCall([x, y], { fn: doubleAndSum, outputs })[1]
    }),
  ],
  hostCall: [
    sample('two results', [f([3]), f([2, 4], 1)], (o, [x, y]) => {
      const outputs = [
        { shape: x.shape, dtype: x.dtype },
        { shape: [], dtype: y.dtype },
      ]
      return o.hostCall([o.mul(x, x), y], { fn: doubleAndSum, outputs })
    }),
    sample('between computations', [f([3, 5])], (o, [x]) => o.mul(o.exp(squareOf(o, o.sin(x))), x)),
    sample('twice', [f([4])], (o, [x]) => squareOf(o, squareOf(o, x))),
    sample('nothing', [f([0])], (o, [x]) => squareOf(o, x)),
    special('special values', [list(specials)], (o, [x]) => squareOf(o, x)),
  ],
} satisfies Record<string, readonly Sample[]>
