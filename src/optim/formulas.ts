/** @file What several update rules have in common, and the checks of their options. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import type { Operand } from '../tensor/apply.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** 1 − x. */
export function complement(x: Operand): Operand {
  return typeof x === 'number' ? 1 - x : (x as Tensor).neg().add(1)
}

/** keep · old + (1 − keep) · fresh: a running mean. */
export function mix(old: Tensor, fresh: Tensor, keep: Operand): Tensor {
  return old.mul(keep).add(fresh.mul(complement(keep)))
}

/** 1 − βᵗ, exact for β near 1 where a float32 power is not. */
export function correction(beta: Operand, step: Tensor): Tensor {
  return step
    .mul(typeof beta === 'number' ? Math.log(beta) : (beta as Tensor).log())
    .expm1()
    .neg()
}

/** g + decay · w: the gradient with an L2 penalty. */
export function withDecay(g: Tensor, w: Tensor, decay: number): Tensor {
  return decay === 0 ? g : g.add(w.mul(decay))
}

/** w − lr · decay · w: decay apart from the gradient (Loshchilov & Hutter 2019). */
export function decayed(w: Tensor, lr: Tensor, decay: number): Tensor {
  return decay === 0 ? w : w.sub(w.mul(lr.mul(decay)))
}

/** @throws GliaError unless both are at least 0 and below 1 */
export function checkBetas(operation: string, betas: readonly [number, number]): void {
  if (betas.length !== 2) throw new GliaError(`${operation}: betas must be two numbers; received [${betas}].`)
  betas.forEach((beta, i) => {
    checkNumber(operation, `betas[${i}]`, beta, { min: 0, below: 1 })
  })
}
