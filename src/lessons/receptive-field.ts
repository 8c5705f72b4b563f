/** @file What a neuron sees of the picture: its receptive field, by arithmetic and by gradients. */
import { grad, ones, type Tensor } from '../index.ts'
import { AvgPool2d, Conv2d, type Layer, Sequential } from '../nn/index.ts'
import type { Chart } from './figure.ts'
import type { Lesson } from './lesson.ts'

interface Window {
  readonly kernel: number
  readonly stride?: number
  readonly dilation?: number
  readonly pool?: boolean
}

/** `r ← r + dilation (kernel − 1) · jump`, `jump ← jump · stride`, layer by layer. */
function fields(layers: readonly Window[]): number[] {
  let [r, jump] = [1, 1]
  return layers.map(({ kernel, stride = 1, dilation = 1 }) => {
    r += dilation * (kernel - 1) * jump
    jump *= stride
    return r
  })
}

/** Convolutions with all weights 1, so that whatever can be seen is. */
function build(layers: readonly Window[]): Sequential {
  return new Sequential(
    ...layers.map(({ kernel, stride = 1, dilation = 1, pool }): Layer => {
      if (pool) return new AvgPool2d(kernel, { stride })
      const layer = new Conv2d(1, 1, kernel, { stride, dilation, bias: false })
      layer.weight.assign(ones(layer.weight.shape))
      return layer
    }),
  )
}

/** How strongly each pixel acts on one neuron in the middle: its gradient, `[side, side]`. */
function seen(layers: readonly Window[], side: number): Tensor {
  const x = ones([1, 1, side, side], { requiresGrad: true })
  const y = build(layers).call(x)
  const middle = Math.floor(y.shape[2] / 2)
  return grad(y.select(3, middle).select(2, middle).sum(), [x])[0].reshape([side, side])
}

/** Columns with a pixel that acts at all. */
const extent = (map: Tensor): number => {
  const columns = Array.from(map.abs().sum(0).dataSync())
  const hit = columns.flatMap((v, i) => (v > 0 ? [i] : []))
  return hit[hit.length - 1] - hit[0] + 1
}

const LENET: readonly Window[] = [
  { kernel: 5 },
  { kernel: 2, stride: 2, pool: true },
  { kernel: 5 },
  { kernel: 2, stride: 2, pool: true },
  { kernel: 5 },
]
const SIDE = 48

export const receptiveField: Lesson = {
  name: 'receptive-field',
  title: 'The receptive field: what a neuron sees',
  course: 'Fromont; Boudart',
  run(out) {
    const byArithmetic = fields(LENET)
    const maps = LENET.map((_, i) => seen(LENET.slice(0, i + 1), SIDE))
    const byGradient = maps.map(extent)
    const names = ['C1', 'S2', 'C3', 'S4', 'C5']
    out.table(
      ['LeNet-5', 'receptive field', 'by gradients'],
      names.map((n, i) => [n, byArithmetic[i], byGradient[i]]),
    )
    out.check('receptive fields of LeNet-5, the last the whole picture', byArithmetic, [5, 6, 14, 16, 32])
    out.check('the same by gradients', byGradient, byArithmetic)
    out.check('a 3 × 3 kernel sees', extent(seen([{ kernel: 3 }], SIDE)), 3)
    out.check('two of them, what a 5 × 5 does', extent(seen([{ kernel: 3 }, { kernel: 3 }], SIDE)), 5)

    const dilated = [1, 2, 4].map((dilation) => ({ kernel: 3, dilation }))
    const plain = dilated.map(() => ({ kernel: 3 }))
    out.check('three 3 × 3 layers', [extent(seen(plain, SIDE)), build(plain).parameterCount()], [7, 27])
    out.check(
      'with dilation 1, 2, 4: a wider field, as many parameters',
      [extent(seen(dilated, SIDE)), build(dilated).parameterCount()],
      [15, 27],
    )

    const view = (title: string, map: Tensor): Chart => {
      const peak = map.abs().max().itemSync()
      return {
        title,
        x: { title: 'column' },
        y: { title: 'row' },
        width: 170,
        height: 170,
        marks: [
          {
            mark: 'heat',
            x: [0, SIDE],
            y: [0, SIDE],
            rows: map.div(-peak).arraySync() as number[][],
          },
        ],
      }
    }
    out.plot('lenet', {
      title: 'Pixels that one neuron in the middle sees (darker: more strongly)',
      columns: 4,
      parts: [
        view('C1: 5 × 5', maps[0]),
        view('C3: 14 × 14', maps[2]),
        view('C5: 32 × 32', maps[4]),
        view('dilation 1, 2, 4: 15 × 15', seen(dilated, SIDE)),
      ],
    })
  },
}
