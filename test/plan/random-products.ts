/**
 * @file Random convolutions and matrix products, large enough for tiles, panels, chunks and Winograd's algorithm, with their
 * gradients and something behind them. The same seed gives the same graph.
 */
import { gradients } from '../../src/graph/autograd.ts'
import type { Node } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import { Dice } from './random-graphs.ts'

/** Multiplications of a product at most: the interpreter takes its time. */
const MOST = 1.5e6

const sizeOf = (s: readonly number[]): number => s.reduce((a, b) => a * b, 1)

/** Multiples of 1/8: products and sums of them are exact where they are not transformed. */
function leaf(d: Dice, shape: readonly number[]): Node {
  return o.data(
    Float32Array.from({ length: sizeOf(shape) }, () => (d.int(17) - 8) / 8),
    shape,
  )
}

interface Made {
  readonly inputs: readonly Node[]
  readonly result: Node
}

function product(d: Dice): Made {
  const sizes = [1, 2, 7, 16, 31, 33, 64, 100, 129, 255]
  for (;;) {
    const [m, k, n] = [d.of(sizes), d.of([...sizes, 700, 4100]), d.of(sizes)]
    const batch = d.of([[], [], [2], [3, 2]])
    if (sizeOf([...batch, m, k, n]) > MOST) continue
    const [turnA, turnB] = [d.int(2) === 1, d.int(2) === 1]
    const a = leaf(d, [...batch, ...(turnA ? [k, m] : [m, k])])
    const b = leaf(d, [...batch, ...(turnB ? [n, k] : [k, n])])
    return { inputs: [a, b], result: o.matmul(turnA ? o.transpose(a) : a, turnB ? o.transpose(b) : b) }
  }
}

function convolution(d: Dice): Made {
  for (;;) {
    const groups = d.of([1, 1, 1, 2, 4])
    const [c, out] = [groups * d.of([1, 2, 3, 5, 8, 16, 20]), groups * d.of([1, 3, 6, 8, 16, 33])]
    const kernel = d.of([
      [3, 3],
      [3, 3],
      [3, 3],
      [1, 1],
      [5, 5],
      [2, 2],
      [4, 4],
      [1, 7],
      [3, 2],
    ])
    const image = [1 + d.int(30), 1 + d.int(30)]
    const stride = d.of([
      [1, 1],
      [1, 1],
      [2, 2],
      [3, 1],
    ])
    const inputDilation = d.of([
      [1, 1],
      [1, 1],
      [2, 2],
      [3, 2],
    ])
    const kernelDilation = d.of([
      [1, 1],
      [1, 1],
      [1, 1],
      [2, 2],
    ])
    const padLo = kernel.map((n) => d.int(n))
    const padHi = kernel.map((n) => d.int(n))
    const places = image.map((n, i) => {
      const spread = (n - 1) * inputDilation[i] + 1 + padLo[i] + padHi[i]
      return Math.floor((spread - (kernel[i] - 1) * kernelDilation[i] - 1) / stride[i]) + 1
    })
    const images = d.of([1, 1, 2, 5])
    if (places.some((n) => n < 1)) continue
    if (sizeOf([images, c / groups, out, ...places, ...kernel]) > MOST) continue
    const x = leaf(d, [images, c, ...image])
    const w = leaf(d, [out, c / groups, ...kernel])
    const attrs = { stride, padLo, padHi, inputDilation, kernelDilation, groups }
    return { inputs: [x, w], result: o.conv(x, w, attrs) }
  }
}

/** A 3 × 3 convolution of enough channels for Winograd's algorithm to be worth while. */
function wideConvolution(d: Dice): Made {
  const [c, out] = [d.of([32, 48, 64, 65]), d.of([32, 37, 64, 70])]
  const x = leaf(d, [d.of([1, 2]), c, 8 + d.int(13), 8 + d.int(13)])
  const w = leaf(d, [out, c, 3, 3])
  const [padLo, padHi] = [0, 1].map(() => [d.int(2), d.int(2)])
  const ones = [1, 1]
  const attrs = { stride: ones, padLo, padHi, inputDilation: ones, kernelDilation: ones, groups: 1 }
  return { inputs: [x, w], result: o.conv(x, w, attrs) }
}

/** What may be fused behind a product. */
function behind(d: Dice, x: Node): Node {
  const channel = x.shape.length === 4 ? [x.shape[1], 1, 1] : [x.shape[x.shape.length - 1]]
  switch (d.int(4)) {
    case 0:
      return o.add(x, leaf(d, channel))
    case 1:
      return o.tanh(o.mul(o.add(x, leaf(d, channel)), 1 / 16))
    case 2:
      return o.mul(x, leaf(d, x.shape))
    default:
      return x
  }
}

/** A product, something behind it, and its gradients. */
export function randomProduct(seed: number): Node[] {
  const d = new Dice(seed)
  const { inputs, result } = d.of([product, product, convolution, convolution, convolution, wideConvolution])(d)
  const end = behind(d, result)
  const found = gradients(o, [{ node: end, g: leaf(d, end.shape) }], [...inputs])
  return [end, ...found.filter((g) => g !== null)]
}
