/**
 * @file Fourier transforms of tensors. A complex number is a pair along a last axis of extent 2, (real, imaginary): a
 * complex `[…, n]` is a tensor `[…, n, 2]`, and axes are counted without that pair. The adjoint of a transform is the
 * other one, so gradients of any order are transforms again.
 */
import { GliaError } from '../core/errors.ts'
import { broadcastShapes, normaliseAxis, showShape, sizeOf } from '../core/shape.ts'
import type { HostFunction, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { transform } from './transform.ts'

/** What the transforms are divided by: `backward`: the inverse by n; `forward`: the other by n; `ortho`: both by √n. */
export type FourierNorm = 'backward' | 'forward' | 'ortho'

export interface FourierOptions {
  /** Length of the transform; shorter signals get zeros at the end, longer ones are cut. */
  readonly n?: number
  /** Default: the last (before the pair). */
  readonly axis?: number
  /** Default `backward`. */
  readonly norm?: FourierNorm
}

function hostTransform(inverse: boolean): HostFunction {
  return {
    name: inverse ? 'ifft' : 'fft',
    run: ([x], [y]) => {
      const n = x.shape[x.shape.length - 2]
      const [re, im] = [new Float64Array(n), new Float64Array(n)]
      for (let start = 0; start < x.data.length; start += 2 * n) {
        for (let k = 0; k < n; k++) {
          re[k] = x.data[start + 2 * k]
          im[k] = x.data[start + 2 * k + 1]
        }
        transform(re, im, inverse)
        for (let k = 0; k < n; k++) {
          y.data[start + 2 * k] = re[k]
          y.data[start + 2 * k + 1] = im[k]
        }
      }
    },
    vjp: ([g]) => [g ? rawTransform(g, !inverse) : null],
  }
}

const forward = /* @__PURE__ */ hostTransform(false)
const backward = /* @__PURE__ */ hostTransform(true)

/** Along the last axis before the pair, not divided. */
function rawTransform(x: Node, inverse: boolean): Node {
  if (sizeOf(x.shape) === 0) return x
  return ops.hostCall([x], { fn: inverse ? backward : forward, outputs: [{ shape: x.shape, dtype: x.dtype }] })[0]
}

function scaleOf(n: number, inverse: boolean, norm: FourierNorm): number {
  if (norm === 'ortho') return 1 / Math.sqrt(n)
  return (norm === 'backward') === inverse ? 1 / n : 1
}

/** Cuts or fills with zeros so that `axis` has `n` entries. */
function resize(x: Node, axis: number, n: number): Node {
  const by = x.shape.map((_, i) => (i === axis ? n - x.shape[axis] : 0))
  return ops.pad(
    x,
    by.map(() => 0),
    by,
  )
}

/** The transform of complex nodes along one axis. */
function along(x: Node, axis: number, n: number, inverse: boolean, norm: FourierNorm): Node {
  const last = x.shape.length - 2
  const order = x.shape.map((_, i) => i)
  order[axis] = last
  order[last] = axis
  const y = ops.permute(rawTransform(ops.permute(resize(x, axis, n), order), inverse), order)
  const scale = scaleOf(n, inverse, norm)
  return scale === 1 ? y : ops.mul(y, scale)
}

/** @throws GliaError unless `x` is a complex tensor with an axis to transform */
export function checkComplex(operation: string, x: TensorBase, axes = 1): void {
  if (x.rank > axes && x.shape[x.rank - 1] === 2) return
  throw new GliaError(
    `${operation}: takes complex numbers as pairs along a last axis, ${axes === 2 ? '[…, n, m, 2]' : '[…, n, 2]'}; received ` +
      `shape ${showShape(x.shape)}. fft.complex(real, imaginary) makes them.`,
  )
}

function lengthOf(operation: string, n: number | undefined, extent: number): number {
  const length = n ?? extent
  if (Number.isInteger(length) && length >= 1) return length
  throw new GliaError(`${operation}: the length must be a whole number of at least 1; received ${length}.`)
}

function complexTransform(operation: 'fft' | 'ifft', x: TensorBase, options: FourierOptions): Tensor {
  checkComplex(operation, x)
  const axis = normaliseAxis(operation, options.axis ?? -1, x.rank - 1)
  const n = lengthOf(operation, options.n, x.shape[axis])
  return apply(operation, [x], (node) =>
    along(toFloat(node), axis, n, operation === 'ifft', options.norm ?? 'backward'),
  )
}

/** yⱼ = Σₖ xₖ e^(−2πijk/n): complex `[…, n, 2]` → `[…, n, 2]`. */
export function fft(x: TensorBase, options: FourierOptions = {}): Tensor {
  return complexTransform('fft', x, options)
}

/** xₖ = (1/n) Σⱼ yⱼ e^(2πijk/n), the inverse of `fft`: complex `[…, n, 2]` → `[…, n, 2]`. */
export function ifft(x: TensorBase, options: FourierOptions = {}): Tensor {
  return complexTransform('ifft', x, options)
}

/** The first ⌊n/2⌋ + 1 entries of the transform of real numbers, which determine the others: `[…, n]` → `[…, ⌊n/2⌋ + 1, 2]`. */
export function rfft(x: TensorBase, options: FourierOptions = {}): Tensor {
  if (x.rank === 0) throw new GliaError('rfft: takes a tensor with at least one axis; received a scalar.')
  const axis = normaliseAxis('rfft', options.axis ?? -1, x.rank)
  const n = lengthOf('rfft', options.n, x.shape[axis])
  return apply('rfft', [x], (node) => {
    const real = ops.reshape(toFloat(node), [...x.shape, 1])
    const pairs = ops.pad(
      real,
      real.shape.map(() => 0),
      real.shape.map((_, i) => (i === x.rank ? 1 : 0)),
    )
    return resize(along(pairs, axis, n, false, options.norm ?? 'backward'), axis, Math.floor(n / 2) + 1)
  })
}

/**
 * The real numbers whose `rfft` is `x`: complex `[…, m, 2]` → `[…, n]`, n = 2 (m − 1) unless given (odd lengths must be).
 * The imaginary parts of the first and, for even n, the last entry are not looked at.
 */
export function irfft(x: TensorBase, options: FourierOptions = {}): Tensor {
  checkComplex('irfft', x)
  const axis = normaliseAxis('irfft', options.axis ?? -1, x.rank - 1)
  const n = lengthOf('irfft', options.n, 2 * (x.shape[axis] - 1))
  return apply('irfft', [x], (node) => {
    const half = resize(toFloat(node), axis, Math.floor(n / 2) + 1)
    const mirrored = Math.ceil(n / 2) - 1
    const start = half.shape.map((_, i) => (i === axis ? 1 : 0))
    const middle = ops.slice(
      half,
      start,
      half.shape.map((d, i) => (i === axis ? mirrored : d)),
    )
    const whole = ops.concat([half, conjugate(ops.flip(middle, [axis]))], axis)
    const y = along(whole, axis, n, true, options.norm ?? 'backward')
    return part(y, 0)
  })
}

function conjugate(x: Node): Node {
  return ops.mul(x, ops.sub(1, ops.mul(ops.cast(ops.iota(2), x.dtype), 2)))
}

/** Real (0) or imaginary (1) parts. */
function part(x: Node, k: 0 | 1): Node {
  const shape = x.shape.slice(0, -1)
  return ops.reshape(ops.slice(x, [...shape.map(() => 0), k], [...shape, 1]), shape)
}

export interface Fourier2Options {
  /** Default: the last two (before the pair). */
  readonly axes?: readonly [number, number]
  /** Default `backward`. */
  readonly norm?: FourierNorm
}

function twice(operation: 'fft2' | 'ifft2', x: TensorBase, options: Fourier2Options): Tensor {
  checkComplex(operation, x, 2)
  const { axes = [-2, -1], norm = 'backward' } = options
  const list = axes.map((a) => normaliseAxis(operation, a, x.rank - 1))
  return apply(operation, [x], (node) =>
    list.reduce((y, axis) => along(y, axis, y.shape[axis], operation === 'ifft2', norm), toFloat(node)),
  )
}

/** `fft` along two axes: complex `[…, n, m, 2]`. */
export function fft2(x: TensorBase, options: Fourier2Options = {}): Tensor {
  return twice('fft2', x, options)
}

/** `ifft` along two axes: complex `[…, n, m, 2]`. */
export function ifft2(x: TensorBase, options: Fourier2Options = {}): Tensor {
  return twice('ifft2', x, options)
}

/** Complex numbers of real and imaginary parts (default 0), which broadcast: `[…]` → `[…, 2]`. */
export function complex(real: TensorBase, imaginary?: TensorBase): Tensor {
  return apply('complex', imaginary ? [real, imaginary] : [real], (re, im) => {
    const x = toFloat(re)
    const y = im ? toFloat(im) : ops.full(x.shape, 0, x.dtype)
    const shape = broadcastShapes('complex', x.shape, y.shape)
    const both = [ops.broadcastTo(x, shape), ops.broadcastTo(y, shape)]
    const pairs = both.map((n) => ops.reshape(n, [...n.shape, 1]))
    return ops.concat(pairs, pairs[0].shape.length - 1)
  })
}

/** Real parts: complex `[…, 2]` → `[…]`. */
export function real(x: TensorBase): Tensor {
  checkComplex('real', x, 0)
  return apply('real', [x], (n) => part(n, 0))
}

/** Imaginary parts: complex `[…, 2]` → `[…]`. */
export function imag(x: TensorBase): Tensor {
  checkComplex('imag', x, 0)
  return apply('imag', [x], (n) => part(n, 1))
}

/** Magnitudes √(re² + im²): complex `[…, 2]` → `[…]`. */
export function magnitude(x: TensorBase): Tensor {
  return real(x).hypot(imag(x))
}

/** Angles in (−π, π]: complex `[…, 2]` → `[…]`. */
export function phase(x: TensorBase): Tensor {
  return imag(x).atan2(real(x))
}

/** Products of complex numbers, which broadcast: `[…, 2]`, `[…, 2]` → `[…, 2]`. */
export function multiply(a: TensorBase, b: TensorBase): Tensor {
  checkComplex('multiply', a, 0)
  checkComplex('multiply', b, 0)
  return apply('multiply', [a, b], (x, y) => {
    const [p, q, r, s] = [part(x, 0), part(x, 1), part(y, 0), part(y, 1)]
    const pairs = [ops.sub(ops.mul(p, r), ops.mul(q, s)), ops.add(ops.mul(p, s), ops.mul(q, r))]
    const columns = pairs.map((n) => ops.reshape(n, [...n.shape, 1]))
    return ops.concat(columns, columns[0].shape.length - 1)
  })
}
