/** @file What a worker thread does for `inThreads`. */

import { Random, type RandomState } from '../data/random.ts'
import { imageTransform } from '../data/transforms/saved.ts'
import type { TransformSpec } from '../data/transforms/scene.ts'

/** What is to be done with every example: an image transform, or what a module's default export does. */
export type Change = { readonly spec: TransformSpec } | { readonly module: string }

/** An example, and where its random numbers stand. */
export interface Changed<T> {
  readonly example: T
  readonly random: RandomState
}

type Transform = (example: never, random: Random) => unknown

let transform: Promise<Transform> | undefined

/** The example, transformed. `change` is the same at every call. */
export default async function work({ example, random }: Changed<never>, change: Change): Promise<unknown> {
  transform ??= load(change)
  return (await transform)(example, Random.at(random))
}

async function load(change: Change): Promise<Transform> {
  if ('spec' in change) return imageTransform(change.spec)
  const { default: loaded } = (await import(change.module)) as { default?: unknown }
  if (typeof loaded === 'function') return loaded as Transform
  throw new TypeError(`inThreads: ${change.module} has no function as its default export.`)
}
