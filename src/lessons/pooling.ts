/** @file Pooling: the greatest, the mean, the sum, or one of them by chance. */
import { ones, tensor } from '../index.ts'
import { AvgPool2d, MaxPool2d, StochasticPool2d, SumPool2d } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'
import { picture, scene } from './scene.ts'

const TABLE = [
  [2, 3, 2, 0],
  [5, -2, 2, 8],
  [-1, -6, 7, 3],
  [-4, -5, 4, 2],
]

export const pooling: Lesson = {
  name: 'pooling',
  title: 'Pooling: smaller pictures that keep what matters',
  course: 'Boudart; Fromont; de Mareuil',
  run(out) {
    const x = tensor(TABLE).reshape([1, 1, 4, 4])
    const pools = { maximum: new MaxPool2d(2), average: new AvgPool2d(2), sum: new SumPool2d(2) }
    const [max, mean, sum] = Object.values(pools).map((pool) => pool.call(x).reshape([2, 2]))
    out.check('maximum pooling of the table', max, [
      [5, 8],
      [-1, 7],
    ])
    out.check('average pooling', mean, [
      [2, 3],
      [-4, 4],
    ])
    out.check('sum pooling', sum, [
      [8, 12],
      [-16, 16],
    ])
    out.check('parameters of a pooling layer', pools.maximum.parameterCount(), 0)

    // Zeiler & Fergus 2013: an element is drawn with a probability in proportion to it.
    const window = tensor([
      [1, 2],
      [3, 4],
    ]).reshape([1, 1, 2, 2])
    const stochastic = new StochasticPool2d(2)
    const draws = 2000
    const drawn = Array.from(stochastic.call(ones([draws, 1, 1, 1]).mul(window)).dataSync())
    const shares = [1, 2, 3, 4].map((v) => drawn.filter((d) => d === v).length / draws)
    out.check('stochastic pooling of 1 2 3 4: how often each', shares, [0.1, 0.2, 0.3, 0.4], 0.05)
    stochastic.eval()
    out.check(
      'in evaluation, the mean with those probabilities: Σ a² / Σ a',
      stochastic.call(window).itemSync(),
      30 / 10,
      1e-6,
    )

    // A shift by a pixel changes pooled maxima less than the picture.
    const image = scene()
    const moved = image.roll(1, 1)
    const pool = (t: typeof image): typeof image => new MaxPool2d(4).call(t.reshape([1, 1, 128, 128])).reshape([32, 32])
    const [before, after] = [
      image.sub(moved).abs().mean().itemSync(),
      pool(image).sub(pool(moved)).abs().mean().itemSync(),
    ]
    out.check('mean change under a shift of one pixel, after 4 × 4 maximum pooling / before', after / before, {
      below: 1,
    })

    const entries = (t: typeof max): number[][] => t.arraySync() as number[][]
    out.plot('tables', {
      parts: [
        { title: 'input', entries: TABLE },
        { title: 'maximum', entries: entries(max) },
        { title: 'average', entries: entries(mean) },
        { title: 'sum', entries: entries(sum) },
      ],
    })
    const pooled = (n: number, kind: 'max' | 'mean') => {
      const layer = kind === 'max' ? new MaxPool2d(n) : new AvgPool2d(n)
      const small = layer.call(image.reshape([1, 1, 128, 128])).squeeze([0, 1])
      // Enlarged again by repeating pixels, to be seen beside the picture.
      const side = 128 / n
      return picture(small.reshape([side, 1, side, 1]).expand([side, n, side, n]).reshape([128, 128]), 0, 1)
    }
    out.picture('pooled', {
      title: 'Pooled by 2, 4 and 8, shown at the same size',
      columns: 4,
      scale: 1.6,
      panels: [
        { caption: 'the picture, 128 × 128', picture: picture(image, 0, 1) },
        ...[2, 4, 8].map((n) => ({ caption: `maximum, ${128 / n} × ${128 / n}`, picture: pooled(n, 'max') })),
        { caption: 'the picture', picture: picture(image, 0, 1) },
        ...[2, 4, 8].map((n) => ({ caption: `average, ${128 / n} × ${128 / n}`, picture: pooled(n, 'mean') })),
      ],
    })
  },
}
