/** @file Activations: those of the table, and those with axes, parameters or random numbers. */
import { GliaError } from '../../core/errors.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import * as rows from './elementwise.ts'

export type { Activation, ActivationClass } from './activation.ts'
export * from './elementwise.ts'
export { GLU, LogSoftmax, Maxout, type MaxoutOptions, PReLU, RReLU, Softmax, Softmin } from './layers.ts'

type Rows = typeof rows

/** The functions of the table, by name. */
export type ElementwiseFunctions = {
  readonly [K in keyof Rows as Rows[K]['functionName']]: Rows[K]['fn']
}

/** The functions of the table: `elementwise.leakyRelu(x, 0.1)`. */
export const elementwise: ElementwiseFunctions = /* @__PURE__ */ Object.fromEntries(
  /* @__PURE__ */ Object.values(rows).map((row) => [row.functionName, row.fn]),
) as ElementwiseFunctions

/** An activation of the table that needs no arguments, by name, or a function of one's own. */
export type ActivationChoice = keyof ElementwiseFunctions | ((x: Tensor) => Tensor)

/** The function of that name. @throws GliaError if there is none */
export function activationOf(operation: string, choice: ActivationChoice): (x: Tensor) => Tensor {
  if (typeof choice === 'function') return choice
  const fn = Object.hasOwn(elementwise, choice) ? elementwise[choice] : undefined
  if (!fn || fn === elementwise.threshold) {
    throw new GliaError(
      `${operation}: there is no activation '${choice}'; choose among ${Object.keys(elementwise).join(', ')}, or give a function.`,
    )
  }
  return fn as (x: Tensor) => Tensor
}
