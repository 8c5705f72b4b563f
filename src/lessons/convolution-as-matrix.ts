/** @file Boudart's 2 × 2 convolution, written as one matrix: a convolution is a linear layer with shared weights. */
import { grad, tensor } from '../index.ts'
import { functional, Linear } from '../nn/index.ts'
import { applyKernel, flipped, type Kernel } from './filters.ts'
import type { Lesson } from './lesson.ts'

const X = [
  [4, 6, 3],
  [8, 5, 1],
  [2, 4, 6],
]
const U_KERNEL: Kernel = [
  [3, 2],
  [5, 1],
]
const U = [
  [3, 2, 0, 5, 1, 0, 0, 0, 0],
  [0, 3, 2, 0, 5, 1, 0, 0, 0],
  [0, 0, 0, 3, 2, 0, 5, 1, 0],
  [0, 0, 0, 0, 3, 2, 0, 5, 1],
]

/** Row r: the kernel laid on the r-th place of the picture, row by row. */
function matrixOf(kernel: Kernel, height: number, width: number): number[][] {
  const [h, w] = [kernel.length, kernel[0].length]
  const [rows, columns] = [height - h + 1, width - w + 1]
  return Array.from({ length: rows * columns }, (_, r) => {
    const [top, left] = [Math.floor(r / columns), r % columns]
    return Array.from(
      { length: height * width },
      (_, c) => kernel[Math.floor(c / width) - top]?.[(c % width) - left] ?? 0,
    )
  })
}

export const convolutionAsMatrix: Lesson = {
  name: 'convolution-as-matrix',
  title: 'A convolution is a matrix with few weights, shared',
  course: 'Boudart; de Mareuil',
  run(out) {
    const x = tensor(X, { requiresGrad: true })
    const h = applyKernel(x, U_KERNEL)
    out.check('x ⊛ u', h, [
      [69, 50],
      [48, 43],
    ])
    out.check('with the kernel turned, the convolution of mathematics', applyKernel(x, flipped(U_KERNEL)), [
      [65, 34],
      [49, 36],
    ])
    out.print('So the slide means what every framework computes: a correlation, the kernel as it stands.')

    const built = matrixOf(U_KERNEL, 3, 3)
    out.check('U, entry by entry', built, U)
    const vx = tensor(X.flat())
    out.check('U v(x)', tensor(U).matmul(vx), [69, 50, 48, 43])
    const layer = new Linear(9, 4, { bias: false })
    layer.weight.assign(tensor(U))
    out.check('a fully connected layer with weight U', layer.call(vx), [69, 50, 48, 43])

    // Backwards: the gradient takes Uᵀ, which is what a transposed convolution computes.
    const g = [
      [1, -2],
      [3, 0.5],
    ]
    const [dx] = grad(h.mul(tensor(g)).sum(), [x])
    const transposed = tensor(U).T.matmul(tensor(g.flat())).reshape([3, 3])
    out.check('∂L/∂x by autograd is Uᵀ ∂L/∂h', dx, transposed.arraySync() as number[][])
    const kernel = tensor(U_KERNEL).reshape([1, 1, 2, 2])
    const up = functional.convTranspose(tensor(g).reshape([1, 1, 2, 2]), kernel).reshape([3, 3])
    out.check('and the transposed convolution of ∂L/∂h', up, transposed.arraySync() as number[][])

    // Sparse: a weight is used at every place, an input reaches only the outputs around it.
    out.check('different weights in U', new Set(U.flat().filter((v) => v !== 0)).size, 4)
    const wide = matrixOf([[1, 2, 3]], 1, 9)
    const reached = (column: number): number => wide.filter((row) => row[column] !== 0).length
    out.check('a kernel of width 3: outputs that an input reaches', reached(4), 3)
    out.check('a full matrix: outputs that an input reaches', wide.length, 7)

    out.plot('matrices', {
      parts: [
        { title: 'x', entries: X },
        { title: 'u', entries: U_KERNEL },
        { title: 'h = x ⊛ u', entries: h.arraySync() as number[][] },
        { title: 'U: h = U x, rows of x one after another', entries: U },
      ],
    })
  },
}
