/** @file Keeping gradients small (Pascanu et al. 2013). */
import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { full } from '../tensor/factories.ts'
import { stack } from '../tensor/movement.ts'
import type { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface ClipOptions {
  /** Which norm (default 2); Infinity is the greatest magnitude. */
  readonly normType?: number
}

/**
 * Scales the gradients of `params` so that their common norm is at most `most`. Call it between `backward` and `step`.
 * @returns the norm before, `[]`
 */
export function clipGradNorm(params: readonly Parameter[], most: number, options: ClipOptions = {}): Tensor {
  const { normType = 2 } = options
  checkMost('clipGradNorm', 'most', most)
  checkMost('clipGradNorm', 'normType', normType)
  return noGrad(() => {
    const norm = normOf(params, normType)
    if (norm === null) return full([], 0)
    const scale = norm.add(1e-6).reciprocal().mul(most).clamp(undefined, 1)
    for (const p of params) if (p.grad) p.grad = p.grad.mul(scale)
    return norm
  })
}

function normOf(params: readonly Parameter[], p: number): Tensor | null {
  const grads = params.flatMap(({ grad }) => (grad && grad.size > 0 ? [grad] : []))
  if (grads.length === 0) return null
  if (p === Infinity) return stack(grads.map((g) => g.abs().max())).max()
  const powers = grads.map((g) => (p === 2 ? g.square() : p === 1 ? g.abs() : g.abs().pow(p)).sum())
  const sum = powers.reduce((a, b) => a.add(b))
  return p === 2 ? sum.sqrt() : p === 1 ? sum : sum.pow(1 / p)
}

/** Limits every element of the gradients of `params` to [−most, most]. */
export function clipGradValue(params: readonly Parameter[], most: number): void {
  checkMost('clipGradValue', 'most', most)
  noGrad(() => {
    for (const p of params) if (p.grad) p.grad = p.grad.clamp(-most, most)
  })
}

function checkMost(operation: string, name: string, value: number): void {
  if (!(value > 0)) throw new GliaError(`${operation}: ${name} must be positive; received ${value}.`)
}
