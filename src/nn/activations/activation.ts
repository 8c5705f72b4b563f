/** @file What an elementwise activation is: one formula, from which its layer and its function follow. */
import { GliaError } from '../../core/errors.ts'
import { zeros } from '../../tensor/factories.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { Module } from '../module.ts'

/** A layer that applies a formula to every element: `[…] → […]`. */
export interface Activation<A extends unknown[]> extends Module {
  /** The formula's arguments after x, as given. */
  readonly args: A
  forward(x: Tensor): Tensor
}

/** The class of an activation's layers, with the formula itself. */
export interface ActivationClass<Name extends string, A extends unknown[]> {
  new (...args: A): Activation<A>
  /** Its name in `functional`. */
  readonly functionName: Name
  /** The formula, as a plain function. */
  readonly fn: (x: Tensor, ...args: A) => Tensor
}

/**
 * The base class of an activation's layers, which take the formula's arguments after x, with its defaults:
 *
 * ```ts
 * export class LeakyReLU extends activation('leakyRelu', (x: Tensor, slope: number = 0.01) => where(x.gt(0), x, x.mul(slope))) {}
 *
 * new LeakyReLU(0.2)
 * functional.leakyRelu(x, 0.2)
 * ```
 *
 * @param functionName name in `functional`
 * @param formula throws GliaError for arguments outside its domain; the constructor finds out by applying it
 */
export function activation<const Name extends string, A extends unknown[]>(
  functionName: Name,
  formula: (x: Tensor, ...args: A) => Tensor,
): ActivationClass<Name, A> {
  return class extends Module {
    static readonly functionName = functionName
    static readonly fn = formula
    readonly args: A

    constructor(...args: A) {
      super()
      // A function's length is that of its parameters without defaults.
      const missing = args.length < formula.length - 1
      if (missing || args.some((a) => Number.isNaN(a) || a === null)) {
        throw new GliaError(
          `${functionName}: needs at least ${formula.length - 1} arguments, which must be numbers; received ${args.join(', ') || 'none'}.`,
        )
      }
      // Nothing is computed, but arguments that the formula refuses are refused here.
      formula(zeros([1]), ...args)
      this.args = args
    }

    forward(x: Tensor): Tensor {
      return formula(x, ...this.args)
    }
  }
}
