/**
 * @file Random graphs for comparing devices: every primitive, random shapes (0, 1, odd, larger than a few vectors), views
 * of views, loops, gradients, several results. The same seed gives the same graph.
 */
import { gradients } from '../../src/graph/autograd.ts'
import type { Node } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import { makeLoop } from '../graph/samples/sample.ts'

/** A small deterministic generator (mulberry32). */
export class Dice {
  /** Float leaves made so far. */
  readonly leaves: Node[] = []
  /** Nothing but smooth functions of what was computed: where a choice could flip, gradients would jump. */
  smooth = false
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  int(n: number): number {
    return Math.floor(this.next() * n)
  }

  of<T>(list: readonly T[]): T {
    return list[this.int(list.length)]
  }
}

const extents = [1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17]

function randomShape(d: Dice, rank = d.int(5)): number[] {
  const shape: number[] = []
  for (let i = 0; i < rank; i++) {
    const size = shape.reduce((a, b) => a * b, 1)
    const e = d.int(40) === 0 ? 0 : d.of(extents)
    shape.push(size * e > 3000 ? 1 : e)
  }
  return shape
}

const sizeOf = (s: readonly number[]): number => s.reduce((a, b) => a * b, 1)

/** Values that float32 holds exactly and whose sums and products stay exact for a while. */
function leaf(d: Dice, shape: readonly number[], dtype: 'float32' | 'int32' | 'bool' = 'float32'): Node {
  const n = sizeOf(shape)
  if (dtype === 'bool')
    return o.data(
      Uint8Array.from({ length: n }, () => d.int(2)),
      shape,
      'bool',
    )
  if (dtype === 'int32')
    return o.data(
      Int32Array.from({ length: n }, () => d.int(11) - 5),
      shape,
    )
  const made = o.data(
    Float32Array.from({ length: n }, () => (d.int(33) - 16) / 8),
    shape,
  )
  d.leaves.push(made)
  return made
}

const functions = ['exp', 'tanh', 'sigmoid', 'sin', 'cos', 'erf', 'atan', 'neg', 'expm1'] as const

/** Keeps magnitudes small, so that errors do. */
function tame(x: Node): Node {
  return o.tanh(x)
}

function step(d: Dice, pool: Node[]): Node {
  const floats = pool.filter((n) => n.dtype === 'float32')
  const x = d.of(floats)
  const rank = x.shape.length
  const axis = rank > 0 ? d.int(rank) : 0
  switch (d.int(28)) {
    case 0:
      return o[d.of(functions)](tame(x))
    case 1:
    case 2: {
      const y = d.of(floats)
      const other = compatible(d, x, y)
      const name = d.of(['add', 'sub', 'mul', 'max', 'min'] as const)
      if (d.smooth && (name === 'max' || name === 'min')) return o.mul(x, o[name](leaf(d, other.shape), leaf(d, [])))
      return o[name](x, other)
    }
    case 3:
      return o.div(tame(x), o.add(o.mul(x, x), 1))
    case 4:
      return o.select(o.lt(exact(d, x.shape), exact(d, x.shape)), x, o.neg(x))
    case 5:
      return o.reshape(x, factor(d, sizeOf(x.shape)))
    case 6: {
      const order = x.shape.map((_, i) => i).sort(() => d.next() - 0.5)
      return o.permute(x, order)
    }
    case 7: {
      const wide = [d.of([1, 2, 3, 5]), ...x.shape.map((e) => (e === 1 ? d.of(extents) : e))]
      return sizeOf(wide) > 4000 ? x : o.broadcastTo(x, wide)
    }
    case 8: {
      const start = x.shape.map((e) => d.int(Math.max(1, e)))
      const stride = x.shape.map(() => 1 + d.int(3))
      const size = x.shape.map((e, i) => (e === 0 ? 0 : 1 + d.int(Math.floor((e - 1 - start[i]) / stride[i]) + 1)))
      return o.slice(
        x,
        start.map((s, i) => (x.shape[i] === 0 ? 0 : s)),
        size,
        stride,
      )
    }
    case 9: {
      const lo = x.shape.map((e) => d.int(4) - (e > 3 ? 1 : 0))
      const hi = x.shape.map((e) => d.int(4) - (e > 3 ? 1 : 0))
      const interior = x.shape.map(() => d.of([0, 0, 0, 1, 2]))
      const shape = x.shape.map((e, i) => lo[i] + hi[i] + e + Math.max(0, e - 1) * interior[i])
      return sizeOf(shape) > 6000 ? x : o.pad(x, lo, hi, interior, d.of([0, 0, 1.5]))
    }
    case 10: {
      if (rank === 0) return x
      const y = o.slice(
        x,
        x.shape.map(() => 0),
        x.shape.map((e, i) => (i === axis ? Math.ceil(e / 2) : e)),
      )
      return o.concat([x, y, o.neg(x)], axis)
    }
    case 11:
      return rank === 0 ? x : o.flip(x, [axis])
    case 12:
    case 13: {
      if (rank === 0) return x
      const axes = x.shape.map((_, i) => i).filter(() => d.int(2) === 0)
      const name = d.of(['reduceSum', 'reduceMax', 'reduceMin', 'reduceProd'] as const)
      const of = d.smooth && name !== 'reduceSum' && name !== 'reduceProd' ? leaf(d, x.shape) : tame(x)
      return o[name](of, axes, d.int(2) === 0)
    }
    case 14: {
      if (rank === 0 || x.shape[axis] === 0) return x
      const s = o.sub(x, o.reduceMax(x, [axis], true))
      const e = o.exp(s)
      return o.div(e, o.reduceSum(e, [axis], true))
    }
    case 15:
      return rank === 0 ? x : o[d.of(['cumsum', 'cumsum', 'cumprod'] as const)](tame(x), axis, d.int(2) === 0)
    case 16: {
      if (rank === 0 || x.shape[axis] === 0) return x
      const position = o[d.of(['argmax', 'argmin'] as const)](exact(d, x.shape), axis)
      return o.cast(position, 'float32')
    }
    case 17:
    case 18: {
      const k = d.of(extents)
      const a =
        rank >= 2
          ? x
          : o.data(
              Float32Array.from({ length: 6 * k }, () => d.int(9) / 8),
              [6, k],
            )
      const b = leaf(d, [...a.shape.slice(0, -2), a.shape[a.shape.length - 1], d.of(extents)], 'float32')
      return tame(o.matmul(a, d.int(2) === 0 ? b : o.transpose(o.add(o.transpose(b), 0.5))))
    }
    case 19:
    case 20:
      return convolution(d)
    case 21: {
      if (rank < 2 || x.shape[rank - 1] < 2 || x.shape[rank - 2] < 2) return x
      const w = [1 + d.int(2), 1 + d.int(2)]
      const attrs = {
        window: w,
        stride: [1 + d.int(2), 1 + d.int(2)],
        padLo: [d.int(w[0]), d.int(w[1])],
        padHi: [d.int(w[0]), 0],
        dilation: [1, 1],
      }
      const name = d.of(['windowSum', 'windowMax'] as const)
      return o[name](d.smooth && name === 'windowMax' ? leaf(d, x.shape) : x, attrs)
    }
    case 22: {
      if (rank === 0 || x.shape[axis] === 0) return x
      const indices = leaf(d, randomShape(d, d.int(2)), 'int32')
      const n = x.shape[axis]
      const inside = o.bound(o.rem(indices, n), n, 'gather')
      return o.gather(x, inside, axis)
    }
    case 23: {
      if (rank === 0) return x
      const n = x.shape[axis]
      const size = 1 + d.int(9)
      const indices = o.bound(o.rem(leaf(d, [n], 'int32'), size), size, 'scatter')
      return tame(o.scatterAdd(indices, x, axis, size))
    }
    case 24: {
      const n = sizeOf(x.shape)
      const bits = o.random(o.data(Int32Array.of(7, 9), [2]), o.iota(n))
      const uniform = o.mul(o.cast(o.and(o.shr(bits, 8), 0xffffff), 'float32'), 2 ** -24)
      return o.select(o.lt(o.reshape(uniform, x.shape), 0.5), x, 0)
    }
    case 25:
    case 26:
      return loop(d, x)
    default: {
      const i = leaf(d, x.shape, 'int32')
      const j = leaf(d, x.shape, 'int32')
      return o.cast(o[d.of(['add', 'mul', 'rem', 'idiv', 'max', 'and'] as const)](i, j), 'float32')
    }
  }
}

/** Values on which comparisons cannot flip. */
function exact(d: Dice, shape: readonly number[]): Node {
  return leaf(d, shape, d.of(['float32', 'int32']) as 'float32')
}

function compatible(d: Dice, x: Node, y: Node): Node {
  if (sizeOf(x.shape) === sizeOf(y.shape)) return o.reshape(y, x.shape)
  const shape = x.shape.map((e) => (d.int(3) === 0 ? 1 : e)).slice(d.int(x.shape.length + 1))
  return leaf(d, shape, 'float32')
}

function factor(d: Dice, n: number): number[] {
  if (n === 0) return [0, 1 + d.int(3)]
  const out: number[] = []
  let rest = n
  for (let i = 0; i < 3; i++) {
    const divisors = extents.filter((e) => rest % e === 0)
    const e = d.of(divisors)
    out.push(e)
    rest /= e
  }
  out.splice(d.int(4), 0, rest)
  return out
}

function convolution(d: Dice): Node {
  const groups = d.of([1, 1, 2])
  const [c, out] = [groups * (1 + d.int(3)), groups * (1 + d.int(5))]
  const x = leaf(d, [1 + d.int(3), c, 3 + d.int(9), 3 + d.int(9)], 'float32')
  const w = leaf(d, [out, c / groups, 1 + d.int(3), 1 + d.int(3)], 'float32')
  return tame(
    o.conv(d.int(2) === 0 ? x : tame(x), w, {
      stride: [1 + d.int(2), 1 + d.int(2)],
      padLo: [d.int(3), d.int(3)],
      padHi: [d.int(3), d.int(3)],
      inputDilation: [1 + d.int(2), 1],
      kernelDilation: [1, d.of([1, 1, 1])],
      groups,
    }),
  )
}

/**
 * A loop over the first axis of `x`, forwards or backwards, with one or two carries; its carry or what it stacks. Its map
 * contracts, so that rounding errors do not grow.
 */
function loop(d: Dice, x: Node): Node {
  if (x.shape.length === 0 || x.shape[0] > 9) return x
  const [length, ...shape] = x.shape
  const n = shape.at(-1)
  const kind = n !== undefined && n <= 17 && shape.length >= 2 ? d.int(4) : d.int(3)
  const carries = [leaf(d, shape), ...(d.int(2) === 0 ? [leaf(d, [])] : [])]
  const w = kind === 3 ? leaf(d, [...shape.slice(0, -2), n ?? 1, n ?? 1]) : leaf(d, d.int(2) === 0 ? shape : [])
  const [carry, ...rest] = makeLoop(o, {
    carries,
    xs: [x],
    invariants: [w],
    length,
    reverse: d.int(2) === 0,
    body: ([c, second], [slice], [v]) => {
      const moved =
        kind === 3 ? o.matmul(c, o.mul(v, 1 / 8)) : kind === 2 ? o.reduceSum(o.mul(c, v), last(c), true) : o.mul(c, v)
      const next = tame(o.add(moved, kind === 0 ? slice : o.mul(slice, 0.5)))
      const ys = [kind === 1 ? o.mul(next, slice) : next]
      if (!second) return { carries: [next], ys }
      const total = o.reduceSum(
        o.mul(next, next),
        next.shape.map((_, i) => i),
      )
      return { carries: [next, tame(o.add(second, o.mul(total, 1 / 16)))], ys }
    },
  })
  return d.of([carry, ...rest])
}

function last(x: Node): number[] {
  return x.shape.length === 0 ? [] : [x.shape.length - 1]
}

/** Gradients of a weighted sum of some roots with respect to some leaves. */
function backward(d: Dice, roots: readonly Node[]): Node[] {
  const seeds = roots.map((r) => ({ node: tame(r), g: o.mul(leaf(d, r.shape), 1 / 8) }))
  const wrt = d.leaves.filter(() => d.int(2) === 0)
  return gradients(o, seeds, wrt).filter((g) => g !== null)
}

/** Roots of a random graph: some of its nodes, and the gradients of some. */
export function randomGraph(seed: number): Node[] {
  const d = new Dice(seed)
  d.smooth = d.int(3) === 0
  const pool: Node[] = [
    leaf(d, randomShape(d), 'float32'),
    leaf(d, randomShape(d, 2), 'float32'),
    leaf(d, randomShape(d, 4), 'float32'),
  ]
  const steps = 3 + d.int(14)
  for (let i = 0; i < steps; i++) {
    const n = step(d, pool)
    if (sizeOf(n.shape) <= 20_000) pool.push(n)
  }
  const made = pool.slice(3)
  const roots = made.filter((_, i) => i === made.length - 1 || d.int(5) === 0)
  return d.smooth ? [...roots, ...backward(d, roots)] : roots
}
