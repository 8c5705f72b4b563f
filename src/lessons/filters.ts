/** @file The courses' kernels as they print them, and their application to a grey picture. */
import { type Tensor, tensor } from '../index.ts'
import { functional, ReplicationPad2d } from '../nn/index.ts'

export type Kernel = readonly (readonly number[])[]

/** Châtel's pair; de Mareuil's "vertical" one has a misprint in its last row. */
export const SOBEL_X: Kernel = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
]
export const SOBEL_Y: Kernel = [
  [-1, -2, -1],
  [0, 0, 0],
  [1, 2, 1],
]
/** Boudart's, a true convolution's kernel: the other way round, and divided by four. */
export const SOBEL_BOUDART: Kernel = [
  [1 / 4, 0, -1 / 4],
  [2 / 4, 0, -2 / 4],
  [1 / 4, 0, -1 / 4],
]
export const EMBOSS: Kernel = [
  [2, 0, 0],
  [0, -1, 0],
  [0, 0, -1],
]
export const LAPLACIAN_OF_GAUSSIAN: Kernel = [
  [0, 0, -1, 0, 0],
  [0, -1, -2, -1, 0],
  [-1, -2, 16, -2, -1],
  [0, -1, -2, -1, 0],
  [0, 0, -1, 0, 0],
]
/** Fromont's, but for its last row, which is misprinted there. */
export const GAUSSIAN: Kernel = [
  [0, 0, 0, 5, 0, 0, 0],
  [0, 5, 18, 32, 18, 5, 0],
  [0, 18, 64, 100, 64, 18, 0],
  [5, 32, 100, 100, 100, 32, 5],
  [0, 18, 64, 100, 64, 18, 0],
  [0, 5, 18, 32, 18, 5, 0],
  [0, 0, 0, 5, 0, 0, 0],
]
export const EDGE_DETECTION: Kernel = [
  [0, 1, 0],
  [1, -4, 1],
  [0, 1, 0],
]
export const EDGE_ENHANCE_RIGHT: Kernel = [
  [0, 0, 0],
  [-1, 1, 0],
  [0, 0, 0],
]

/** n × n times 1 / n². */
export const meanFilter = (n: number): Kernel => Array.from({ length: n }, () => new Array<number>(n).fill(1 / n ** 2))

/** exp(−r² / 2σ²), 1 in the middle. */
export const gaussian = (n: number, sigma: number): Kernel => {
  const half = (n - 1) / 2
  return Array.from({ length: n }, (_, j) =>
    Array.from({ length: n }, (_, i) => Math.exp(-((i - half) ** 2 + (j - half) ** 2) / (2 * sigma ** 2))),
  )
}

export const total = (kernel: Kernel): number => kernel.flat().reduce((a, b) => a + b, 0)

/** The kernel with its entries' sum made 1, so that brightness stays. */
export const normalised = (kernel: Kernel): Kernel => kernel.map((row) => row.map((v) => v / total(kernel)))

/** The kernel turned by 180°: what tells a convolution from a correlation. */
export const flipped = (kernel: Kernel): Kernel => kernel.toReversed().map((row) => row.toReversed())

/**
 * The kernel laid on every place of a picture where it fits, products summed (a correlation): `[H, W] → [H′, W′]`; with
 * `same`, the picture's border is repeated outwards so that the size stays.
 */
export function applyKernel(image: Tensor, kernel: Kernel, same = false): Tensor {
  const [h, w] = [kernel.length, kernel[0].length]
  const x = image.reshape([1, 1, ...image.shape])
  const around = [(w - 1) / 2, w / 2, (h - 1) / 2, h / 2].map(Math.floor)
  const padded = same ? new ReplicationPad2d(around).call(x) : x
  return functional.conv(padded, tensor(kernel).reshape([1, 1, h, w])).squeeze([0, 1])
}
