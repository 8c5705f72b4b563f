/** @file Reading back what a task was saved as. */

import { GliaError } from '../../core/errors.ts'

/**
 * A saved task as the type that it was saved from, if it has that type's keys.
 *
 * @throws GliaError otherwise
 */
export function specOf<T extends object>(recipe: string, spec: unknown, keys: readonly (keyof T & string)[]): T {
  const sound = typeof spec === 'object' && spec !== null && keys.every((key) => Object.hasOwn(spec, key))
  if (!sound) throw new GliaError(`The record of this run does not describe a task of the recipe ${recipe}.`)
  return spec as T
}
