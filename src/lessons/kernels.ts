/** @file Kernels on pictures: edges, blur, relief; and the small examples that the courses work out. */
import { tensor } from '../index.ts'
import * as k from './filters.ts'
import type { Lesson } from './lesson.ts'
import { picture, scene } from './scene.ts'

const transpose = (kernel: k.Kernel): number[][] => kernel[0].map((_, i) => kernel.map((row) => row[i]))

export const kernels: Lesson = {
  name: 'kernels',
  title: 'Kernels on a picture: edges, blur, relief',
  course: 'Châtel; de Mareuil; Fromont; AFI; Boudart',
  run(out) {
    // Worked examples.
    const corner = tensor([
      [0, 0, 0],
      [0, 1, 1],
      [0, 1, 2],
    ])
    out.check(
      "Châtel's kernel (4 … −4) on its nine pixels",
      k.applyKernel(corner, [
        [4, 0, 0],
        [0, 0, 0],
        [0, 0, -4],
      ]),
      [[-8]],
    )
    const grid = tensor([
      [35, 40, 41, 45, 50],
      [40, 40, 42, 46, 52],
      [42, 46, 50, 55, 55],
      [48, 52, 56, 58, 60],
      [56, 60, 65, 70, 75],
    ])
    const above: k.Kernel = [
      [0, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]
    out.check(
      "AFI's kernel takes the pixel above: the middle of its 5 × 5 grid",
      k.applyKernel(grid, above).select(0, 1).select(0, 1).itemSync(),
      42,
    )
    out.check(
      'a true convolution, kernel turned, would take the one below',
      k.applyKernel(grid, k.flipped(above)).select(0, 1).select(0, 1).itemSync(),
      56,
    )

    // What the kernels add up to: 0 where they look for differences, 1 where they average.
    const sums = {
      'Sobel, horizontal': k.SOBEL_X,
      'Sobel, vertical': k.SOBEL_Y,
      emboss: k.EMBOSS,
      'Laplacian of Gaussian': k.LAPLACIAN_OF_GAUSSIAN,
      'edge detection': k.EDGE_DETECTION,
      'edge enhance': k.EDGE_ENHANCE_RIGHT,
    }
    out.check(`sums of ${Object.keys(sums).join(', ')}`, Object.values(sums).map(k.total), [0, 0, 0, 0, 0, 0])
    out.check('sum of the blur, nine times 1/9', k.total(k.meanFilter(3)), 1, 1e-12)

    out.print(
      "De Mareuil's vertical Sobel ends in −1 −2 −1: it would not sum to 0, and answer to even grey. Châtel's ends in 1 2 1,",
    )
    out.print(
      "and is the horizontal one turned. Fromont's Gaussian ends in 0 0 0 5 0 01 70; only 0 0 0 5 0 0 0 makes it symmetric.",
    )
    out.check(
      'sum of the vertical Sobel as de Mareuil prints it',
      k.total([
        [-1, -2, -1],
        [0, 0, 0],
        [-1, -2, -1],
      ]),
      -8,
    )
    out.check('the vertical Sobel is the horizontal one transposed', transpose(k.SOBEL_X), k.SOBEL_Y)
    out.check('the 7 × 7 Gaussian is its own transpose', transpose(k.GAUSSIAN), k.GAUSSIAN)
    out.check('and its own mirror image, top to bottom', k.GAUSSIAN.toReversed(), k.GAUSSIAN)
    // A correlation with Boudart's kernel has the other sign; as the convolution that he writes, it agrees with the others.
    out.check(
      "four times Boudart's, turned, is Châtel's horizontal Sobel",
      k.flipped(k.SOBEL_BOUDART).map((row) => row.map((v) => 4 * v)),
      k.SOBEL_X,
    )
    const tenths = k.gaussian(3, 2).map((row) => row.map((v) => Math.floor(10 * v) / 10))
    out.check("Fromont's 3 × 3 Gaussian, σ = 2, cut after one decimal", tenths, [
      [0.7, 0.8, 0.7],
      [0.8, 1, 0.8],
      [0.7, 0.8, 0.7],
    ])

    // An upright edge: only the horizontal Sobel sees it, 1 + 2 + 1 times its height.
    const edge = tensor(Array.from({ length: 5 }, () => [0, 0, 0, 1, 1, 1]))
    out.check('horizontal Sobel across an upright edge', k.applyKernel(edge, k.SOBEL_X).select(0, 0), [0, 4, 4, 0])
    out.check('vertical Sobel there', k.applyKernel(edge, k.SOBEL_Y).abs().max().itemSync(), 0)

    const image = scene()
    const spread = (kernel: k.Kernel): number => k.applyKernel(image, k.normalised(kernel)).std().itemSync()
    const means = [3, 5, 7].map((n) => spread(k.meanFilter(n)))
    const gaussians = [3, 5, 7].map((n) => spread(k.gaussian(n, 2)))
    out.table(
      ['filter', '3 × 3', '5 × 5', '7 × 7'],
      [
        ['mean: contrast left', ...means],
        ['Gaussian, σ = 2', ...gaussians],
      ],
    )
    out.check('wider means leave less contrast', means[0] > means[1] && means[1] > means[2], true)
    out.check(
      'a Gaussian of the same size leaves more',
      gaussians.every((g, i) => g > means[i]),
      true,
    )

    const apply = (caption: string, kernel: k.Kernel, [low, high]: readonly [number, number]) => ({
      caption,
      picture: picture(k.applyKernel(image, kernel, true), low, high),
    })
    const [gx, gy] = [k.applyKernel(image, k.SOBEL_X, true), k.applyKernel(image, k.SOBEL_Y, true)]
    out.picture('kernels', {
      title: 'Kernels on a picture',
      columns: 4,
      scale: 1.6,
      panels: [
        { caption: 'the picture', picture: picture(image, 0, 1) },
        apply('Sobel, horizontal', k.SOBEL_X, [-1.5, 1.5]),
        apply('Sobel, vertical', k.SOBEL_Y, [-1.5, 1.5]),
        { caption: 'length of the Sobel gradient', picture: picture(gx.hypot(gy), 0, 1.5) },
        apply('blur, 3 × 3 mean', k.meanFilter(3), [0, 1]),
        apply('Gaussian, 7 × 7', k.normalised(k.GAUSSIAN), [0, 1]),
        apply('emboss', k.EMBOSS, [-0.6, 0.6]),
        apply('Laplacian of Gaussian', k.LAPLACIAN_OF_GAUSSIAN, [-2.5, 2.5]),
        apply('edge detection', k.EDGE_DETECTION, [-0.5, 0.5]),
        apply('edge enhance', k.EDGE_ENHANCE_RIGHT, [-0.3, 0.3]),
      ],
    })
    out.picture('averages', {
      title: 'Means and Gaussians (σ = 2) of 3, 5 and 7 pixels',
      columns: 3,
      scale: 1.6,
      panels: [3, 5, 7]
        .map((n) => apply(`mean, ${n} × ${n}`, k.meanFilter(n), [0, 1]))
        .concat([3, 5, 7].map((n) => apply(`Gaussian, ${n} × ${n}`, k.normalised(k.gaussian(n, 2)), [0, 1]))),
    })
  },
}
