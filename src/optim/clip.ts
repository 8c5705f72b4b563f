/** @file Keeping gradients small (Pascanu et al. 2013). */
import { noGrad } from '../autograd/mode.ts'
import { full } from '../tensor/factories.ts'
import type { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * Scales the gradients of `params` so that their common 2-norm is at most `most`. Call it between `backward` and `step`.
 * @returns the norm before, `[]`
 */
export function clipGradNorm(params: readonly Parameter[], most: number): Tensor {
  return noGrad(() => {
    const grads = params.flatMap((p) => (p.grad ? [p.grad.square().sum()] : []))
    if (grads.length === 0) return full([], 0)
    const norm = grads.reduce((a, b) => a.add(b)).sqrt()
    const scale = norm.add(1e-6).reciprocal().mul(most).clamp(undefined, 1)
    for (const p of params) if (p.grad) p.grad = p.grad.mul(scale)
    return norm
  })
}

/** Limits every element of the gradients of `params` to [−most, most]. */
export function clipGradValue(params: readonly Parameter[], most: number): void {
  noGrad(() => {
    for (const p of params) if (p.grad) p.grad = p.grad.clamp(-most, most)
  })
}
