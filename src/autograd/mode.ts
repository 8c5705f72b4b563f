/** @file Whether operations record where their result came from. */

import { GliaError } from '../core/errors.ts'

let enabled = true

/** Whether results of operations on tensors that require a gradient require one too. */
export function gradEnabled(): boolean {
  return enabled
}

/**
 * Runs `fn` without recording gradients: what it returns never requires one.
 *
 * Use it for evaluation, for updates of weights and for anything that a loss must not be differentiated through.
 */
export function noGrad<T>(fn: () => T): T {
  return withGradMode(false, fn)
}

/** Runs `fn` with recording switched on, also inside `noGrad`. */
export function enableGrad<T>(fn: () => T): T {
  return withGradMode(true, fn)
}

function withGradMode<T>(mode: boolean, fn: () => T): T {
  const outer = enabled
  enabled = mode
  try {
    const result = fn()
    if (result instanceof Promise) {
      throw new GliaError(
        'noGrad: takes a function that returns at once, not an async one: what follows its first await would run outside.',
      )
    }
    return result
  } finally {
    enabled = outer
  }
}
