/** @file Nests as models need them, at sizes with and without remainders. */
import { describe, it } from 'vitest'
import type { Expr } from '../../../src/kernels/expr.ts'
import { add, constantIndex, div, indexOf, newVar, scale, type Var, zero } from '../../../src/kernels/index.ts'
import type { Nest } from '../../../src/kernels/kernel.ts'
import { binary, constant, floats, load, nest, pass, place, reduced, store, unary } from './build.ts'
import { checkNest, evaluating, machine, memoryFor } from './machine.ts'

const wave = (b: number, i: number): number => Math.fround(Math.sin(i * 12.9898 + b * 78.233) * 2)
const vars = (...shape: number[]): Var[] => shape.map((d) => newVar(d))
const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

function add2(shape: readonly number[]): Nest {
  const v = vars(...shape)
  const at = place(v, shape)
  const n = size(shape)
  return nest([floats(n), floats(n), floats(n)], v, [
    pass([], [], [store(2, at, binary('add', load(0, at), load(1, at)))]),
  ])
}

function softmax(rows: number, cols: number): Nest {
  const [r, a, b, c] = vars(rows, cols, cols, cols)
  const at = (v: Var) => place([r, v], [rows, cols])
  const e = (v: Var): Expr => unary('exp', binary('sub', load(0, at(v)), reduced(0)))
  return nest(
    [floats(rows * cols), floats(rows * cols)],
    [r],
    [
      pass([a], [{ id: 0, op: 'max', value: load(0, at(a)) }], []),
      pass([b], [{ id: 1, op: 'sum', value: e(b) }], []),
      pass([c], [], [store(1, at(c), binary('div', e(c), reduced(1)))]),
    ],
  )
}

function layerNorm(rows: number, cols: number): Nest {
  const [r, a, b, c] = vars(rows, cols, cols, cols)
  const at = (v: Var) => place([r, v], [rows, cols])
  const mean = binary('mul', reduced(0), constant(1 / cols))
  const d = (v: Var): Expr => binary('sub', load(0, at(v)), mean)
  const db = d(b)
  const variance = binary('add', binary('mul', reduced(1), constant(1 / cols)), constant(1e-5))
  const scaled = binary('mul', binary('div', d(c), unary('sqrt', variance)), load(1, indexOf(c)))
  return nest(
    [floats(rows * cols), floats(cols), floats(cols), floats(rows), floats(rows * cols)],
    [r],
    [
      pass([a], [{ id: 0, op: 'sum', value: load(0, at(a)) }], []),
      pass([b], [{ id: 1, op: 'sum', value: binary('mul', db, db) }], []),
      pass([], [], [store(3, indexOf(r), mean)]),
      pass([c], [], [store(4, at(c), binary('add', scaled, load(2, indexOf(c))))]),
    ],
  )
}

function columnSums(rows: number, cols: number): Nest {
  const [r, c] = vars(rows, cols)
  return nest(
    [floats(rows * cols), floats(cols)],
    [c],
    [
      pass([r], [{ id: 0, op: 'sum', value: load(0, place([r, c], [rows, cols])) }], []),
      pass([], [], [store(1, indexOf(c), reduced(0))]),
    ],
  )
}

function total(n: number): Nest {
  const r = newVar(n)
  return nest(
    [floats(n), floats(1)],
    [],
    [pass([r], [{ id: 0, op: 'sum', value: load(0, indexOf(r)) }], []), pass([], [], [store(1, zero, reduced(0))])],
  )
}

/** Stores the positions as well; windows overlap and hang over the edge. */
function maxPool(planes: number, h: number, w: number, window: number, stride: number, pad: number): Nest {
  const out = (d: number): number => Math.floor((d + 2 * pad - window) / stride) + 1
  const [oh, ow] = [out(h), out(w)]
  const [p, i, j, k, l] = vars(planes, oh, ow, window, window)
  const y = add(add(scale(indexOf(i), stride), indexOf(k)), -pad)
  const x = add(add(scale(indexOf(j), stride), indexOf(l)), -pad)
  const guards = [
    { index: y, lo: 0, hi: h },
    { index: x, lo: 0, hi: w },
  ]
  const value: Expr = {
    op: 'select',
    dtype: 'float32',
    condition: { op: 'inside', dtype: 'bool', guards },
    a: load(0, place([p, y, x], [planes, h, w]), guards),
    b: constant(Number.NEGATIVE_INFINITY),
  }
  const position: Expr = { op: 'index', dtype: 'int32', index: add(scale(y, w), x) }
  const at = place([p, i, j], [planes, oh, ow])
  const n = planes * oh * ow
  return nest(
    [floats(planes * h * w), floats(n), { dtype: 'int32', size: n }],
    [p, i, j],
    [
      pass(
        [k, l],
        [
          { id: 0, op: 'max', value },
          { id: 1, op: 'argmax', value, position },
        ],
        [],
      ),
      pass([], [], [store(1, at, reduced(0)), store(2, at, reduced(1, 'int32'))]),
    ],
  )
}

function averagePool(planes: number, h: number, w: number): Nest {
  const [p, i, j, k, l] = vars(planes, h / 2, w / 2, 2, 2)
  const y = add(scale(indexOf(i), 2), indexOf(k))
  const x = add(scale(indexOf(j), 2), indexOf(l))
  return nest(
    [floats(planes * h * w), floats((planes * h * w) / 4)],
    [p, i, j],
    [
      pass([k, l], [{ id: 0, op: 'sum', value: load(0, place([p, y, x], [planes, h, w])) }], []),
      pass([], [], [store(1, place([p, i, j], [planes, h / 2, w / 2]), binary('mul', reduced(0), constant(0.25)))]),
    ],
  )
}

function averagePoolGradient(planes: number, h: number, w: number): Nest {
  const [p, i, j] = vars(planes, h, w)
  const at = place([indexOf(p), div(indexOf(i), 2), div(indexOf(j), 2)], [planes, h / 2, w / 2])
  return nest(
    [floats((planes * h * w) / 4), floats(planes * h * w)],
    [p, i, j],
    [pass([], [], [store(1, place([p, i, j], [planes, h, w]), binary('mul', load(0, at), constant(0.25)))])],
  )
}

function padding(planes: number, h: number, w: number, by: number): Nest {
  const [p, i, j] = vars(planes, h + 2 * by, w + 2 * by)
  const [y, x] = [add(indexOf(i), -by), add(indexOf(j), -by)]
  const guards = [
    { index: y, lo: 0, hi: h },
    { index: x, lo: 0, hi: w },
  ]
  const shape = [planes, h + 2 * by, w + 2 * by]
  return nest(
    [floats(planes * h * w), floats(size(shape))],
    [p, i, j],
    [pass([], [], [store(1, place([p, i, j], shape), load(0, place([p, y, x], [planes, h, w]), guards))])],
  )
}

function transpose(rows: number, cols: number): Nest {
  const [r, c] = vars(rows, cols)
  const out = place([c, r], [cols, rows])
  const turned = load(0, place([r, c], [rows, cols]))
  return nest(
    [floats(rows * cols), floats(cols), floats(rows * cols)],
    [c, r],
    [pass([], [], [store(2, out, binary('add', turned, load(1, indexOf(c))))])],
  )
}

function cumulative(rows: number, cols: number, op: 'sum' | 'prod', backwards: boolean): Nest {
  const [r, c] = vars(rows, cols)
  const column = backwards ? add(scale(indexOf(c), -1), cols - 1) : indexOf(c)
  const at = place([indexOf(r), column], [rows, cols])
  return nest(
    [floats(rows * cols), floats(rows * cols)],
    [r],
    [pass([c], [{ id: 0, op, value: load(0, at), running: true }], [store(1, at, reduced(0))])],
  )
}

/** A row of a table for each index, scaled by an argument of the kernel. */
function embedding(positions: number, rows: number, width: number): Nest {
  const [p, c] = vars(positions, width)
  const x = load(0, indexOf(p), [], 'int32')
  const at: Expr = { op: 'bound', dtype: 'int32', x, size: rows, operation: 3, guards: [] }
  const value: Expr = { op: 'gather', dtype: 'float32', buffer: 1, index: indexOf(c), at, stride: width, guards: [] }
  const buffers = [
    { dtype: 'int32', size: positions } as const,
    floats(rows * width),
    floats(2),
    floats(positions * width),
  ]
  return nest(
    buffers,
    [p, c],
    [pass([], [], [store(3, place([p, c], [positions, width]), binary('mul', value, load(2, constantIndex(1))))])],
  )
}

/** More results than the emitter tells apart by bits. */
function manyReductions(rows: number, cols: number, count: number): Nest {
  const [r, c] = vars(rows, cols)
  const ids = Array.from({ length: count }, (_, id) => id)
  const x = load(0, place([r, c], [rows, cols]))
  const all = ids.map((id): Expr => reduced(id)).reduce((a, b) => binary('add', binary('mul', a, constant(0.5)), b))
  return nest(
    [floats(rows * cols), floats(rows)],
    [r],
    [
      pass(
        [c],
        ids.map((id) => ({ id, op: 'sum', value: binary('mul', x, constant(id)) })),
        [],
      ),
      pass([], [], [store(1, indexOf(r), binary('add', all, all))]),
    ],
  )
}

describe.each([4, 8, 16])('in %i lanes', (lanes) => {
  const fill = (n: Nest) => memoryFor(n.buffers, (b, i) => (n.buffers[b].dtype === 'int32' ? (i * 7) % 5 : wave(b, i)))
  const check = (n: Nest): void => {
    for (const parts of [1, 2, 3]) checkNest(n, fill(n), machine(lanes, parts > 1), evaluating(parts))
  }

  it.each([[[1]], [[3]], [[7, 5]], [[100, 33]], [[2, 3, 4]], [[1000]], [[]], [[0, 3]]])('adds %j', (shape) =>
    check(add2(shape)),
  )
  it.each([
    [3, 5],
    [1, 100],
    [20, 17],
    [70, 70],
    [2, 1],
  ])('takes softmax of %i × %i', (r, c) => check(softmax(r, c)))
  it.each([
    [3, 5],
    [1, 100],
    [20, 17],
    [33, 64],
  ])('normalises %i × %i', (r, c) => check(layerNorm(r, c)))
  it.each([
    [3, 5],
    [1, 100],
    [200, 17],
    [1500, 3],
    [600, 130],
  ])('sums columns of %i × %i', (r, c) => check(columnSums(r, c)))
  it.each([0, 1, 5, 100, 3000, 40000, 40001])('sums %i', (n) => check(total(n)))
  it.each([
    [3, 4, 4],
    [2, 6, 10],
    [5, 14, 14],
  ])('pools averages of %i planes %i × %i and back', (p, h, w) => {
    check(averagePool(p, h, w))
    check(averagePoolGradient(p, h, w))
  })
  it.each([
    [2, 7, 9, 3, 2, 1],
    [3, 12, 33, 2, 2, 0],
    [1, 5, 5, 5, 1, 2],
    [2, 40, 37, 3, 1, 1],
  ])('pools greatest of %i planes %i × %i by %i, stride %i, padding %i', (...shape) => check(maxPool(...shape)))
  it.each([
    [3, 5, 7, 1],
    [2, 9, 28, 2],
    [1, 3, 40, 3],
  ])('pads %i planes %i × %i by %i', (...shape) => check(padding(...shape)))
  it.each([
    [16, 16],
    [17, 33],
    [64, 40],
    [5, 70],
    [70, 3],
  ])('transposes %i × %i', (r, c) => check(transpose(r, c)))
  it.each([
    [5, 7],
    [1, 40],
    [33, 9],
  ])('accumulates along %i × %i', (r, c) => {
    check(cumulative(r, c, 'sum', false))
    check(cumulative(r, c, 'sum', true))
    check(cumulative(r, c, 'prod', false))
  })
  it.each([
    [9, 5, 7],
    [30, 5, 16],
    [4, 5, 1],
  ])('looks up %i rows of %i by %i', (p, r, w) => check(embedding(p, r, w)))
  it('keeps forty results apart', () => {
    check(manyReductions(3, 50, 40))
    check(manyReductions(40, 3, 40))
  })
  it('reports an index out of range', () => check(embedding(9, 3, 8)))
})
