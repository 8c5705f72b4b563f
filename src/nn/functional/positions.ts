/** @file Where in a sequence something stands, as numbers that attention can use. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import { type TensorOptions, tensor } from '../../tensor/factories.ts'
import { cat, stack } from '../../tensor/movement.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/**
 * `P[t, 2i] = sin(t / base^(2i/D))`, `P[t, 2i + 1] = cos(t / base^(2i/D))` (Vaswani et al. 2017): `[length, dimensions]`.
 *
 * @param base default 10000
 */
export function sinusoidalPositions(
  length: number,
  dimensions: number,
  base = 10000,
  options: Pick<TensorOptions, 'device'> = {},
): Tensor {
  checkTable('sinusoidalPositions', length, dimensions, base)
  const values = new Float32Array(length * dimensions)
  for (let t = 0; t < length; t++) {
    for (let d = 0; d < dimensions; d++) {
      const angle = t / base ** ((d - (d % 2)) / dimensions)
      values[t * dimensions + d] = d % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
    }
  }
  return tensor(values, { ...options, shape: [length, dimensions] })
}

export interface RotaryOptions {
  /** Default 10000. */
  readonly base?: number
  /** Position of the first entry (default 0): how many came before, when they are processed bit by bit. */
  readonly offset?: number
  /**
   * Whether neighbours (2i, 2i + 1) turn together, as in the paper, rather than (i, i + D/2), as in most published
   * weights (default false).
   */
  readonly interleaved?: boolean
}

/**
 * Turns pairs of entries of `[…, T, D]` by angles that grow with the position t: `t / base^(2i/D)` for pair i. Products
 * of queries and keys turned so depend on their distance alone (Su et al. 2021).
 */
export function rotary(x: Tensor, options: RotaryOptions = {}): Tensor {
  const { base = 10000, offset = 0, interleaved = false } = options
  const [length, dimensions] = x.shape.slice(-2)
  if (x.rank < 2 || dimensions % 2 !== 0) {
    throw new GliaError(`rotary: expects […, T, D] with an even D; received ${showShape(x.shape)}.`)
  }
  checkTable('rotary', length, dimensions, base)
  const half = dimensions / 2
  const table = (f: (angle: number) => number): Tensor => {
    const at = (k: number): number => (offset + Math.floor(k / half)) / base ** ((k % half) / half)
    const values = Float32Array.from({ length: length * half }, (_, k) => f(at(k)))
    return tensor(values, { shape: [length, half], device: x.device })
  }
  const [cos, sin] = [table(Math.cos), table(Math.sin)]
  const pairs = interleaved ? x.reshape([...x.shape.slice(0, -1), half, 2]) : null
  const [a, b] = pairs ? [pairs.select(-1, 0), pairs.select(-1, 1)] : x.chunk(2, -1)
  const turned = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))]
  return interleaved ? stack(turned, -1).reshape(x.shape) : cat(turned, -1)
}

function checkTable(operation: string, length: number, dimensions: number, base: number): void {
  const counts = [length, dimensions].every((n) => Number.isInteger(n) && n >= 0)
  if (counts && base > 0) return
  throw new GliaError(
    `${operation}: needs whole extents and a positive base; received ${length}, ${dimensions} and base ${base}.`,
  )
}
