/** @file Activations that look at several elements, have parameters or draw random numbers, as plain functions. */
import { GliaError } from '../../core/errors.ts'
import { normaliseAxis, showShape } from '../../core/shape.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { where } from '../../tensor/elementwise.ts'
import { chunk, reshape } from '../../tensor/movement.ts'
import { type RandomOptions, rand } from '../../tensor/random.ts'
import { logSoftmax as logSoftmaxOf, softmax as softmaxOf } from '../../tensor/reduce.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** eˣ / Σ eˣ along `axis` (default the last). */
export function softmax(x: TensorBase, axis = -1): Tensor {
  return softmaxOf(x, axis)
}

/** log of `softmax`, without loss of digits. */
export function logSoftmax(x: TensorBase, axis = -1): Tensor {
  return logSoftmaxOf(x, axis)
}

/** e⁻ˣ / Σ e⁻ˣ along `axis` (default the last). */
export function softmin(x: Tensor, axis = -1): Tensor {
  return softmaxOf(x.neg(), axis)
}

/** a σ(b), where a and b are the halves of x along `axis` (default the last): `[…, 2n] → […, n]` (Dauphin et al. 2017). */
export function glu(x: TensorBase, axis = -1): Tensor {
  const a = normaliseAxis('glu', axis, x.rank)
  if (x.shape[a] % 2 !== 0) {
    throw new GliaError(`glu: needs an even extent along axis ${axis} to halve; received ${showShape(x.shape)}.`)
  }
  const [value, gate] = chunk(x, 2, a)
  return value.mul(gate.sigmoid())
}

/**
 * Greatest of each `pieces` neighbours along `axis` (default the last): `[…, n · pieces] → […, n]` (Goodfellow et al.
 * 2013). Gradients go to the greatest.
 */
export function maxout(x: TensorBase, pieces = 2, axis = -1): Tensor {
  const a = normaliseAxis('maxout', axis, x.rank)
  if (!Number.isInteger(pieces) || pieces < 1 || x.shape[a] % pieces !== 0) {
    throw new GliaError(
      `maxout: pieces must divide the extent of axis ${axis}; received ${pieces} pieces for ${showShape(x.shape)}.`,
    )
  }
  const groups = [...x.shape.slice(0, a), x.shape[a] / pieces, pieces, ...x.shape.slice(a + 1)]
  return reshape(x, groups).max(a + 1)
}

/**
 * x where positive, else weight · x (He et al. 2015).
 *
 * @param weight `[1]`, or `[C]` for one slope per channel (axis 1; the only axis of a vector)
 */
export function prelu(x: Tensor, weight: TensorBase): Tensor {
  const axis = Math.min(1, x.rank - 1)
  if (weight.rank !== 1 || (weight.size !== 1 && weight.size !== x.shape[axis])) {
    throw new GliaError(
      `prelu: the weight must be [1] or have one slope per channel; received weight ${showShape(weight.shape)}, input ` +
        `${showShape(x.shape)}.`,
    )
  }
  const slopes = reshape(
    weight,
    x.shape.map((_, i) => (i === axis ? weight.size : 1)),
  )
  return where(x.gt(0), x, x.mul(slopes))
}

/**
 * x where positive, else slope · x, with a slope per element drawn from [lower, upper) in training and their mean
 * otherwise (Xu et al. 2015).
 */
export function rrelu(
  x: Tensor,
  lower = 1 / 8,
  upper = 1 / 3,
  options: RandomOptions & { readonly training?: boolean } = {},
): Tensor {
  if (!(lower <= upper)) {
    throw new GliaError(`rrelu: lower must be at most upper; received ${lower} and ${upper}.`)
  }
  const { training = false, ...random } = options
  if (!training) return x.leakyRelu((lower + upper) / 2)
  const slopes = rand(x.shape, { ...random, device: x.device })
    .mul(upper - lower)
    .add(lower)
  return where(x.gt(0), x, x.mul(slopes))
}
