/**
 * @file What image transforms act on, and how they are chained and saved.
 *
 * A transform of the geometry moves everything that belongs to the picture: boxes, masks and keypoints.
 */

import { GliaError } from '../../core/errors.ts'
import type { Random } from '../random.ts'
import { type Item, kindOf } from '../source.ts'

/** A picture and what is known about it; other fields pass through. */
export interface Scene {
  /** `[C, H, W]`, uint8 or float32 in [0, 1]. */
  readonly x: Item
  /** float32 `[N, 4]`: left, top, right, bottom in pixels. */
  readonly boxes?: Item
  /** `[N]` or `[N, …]`: kept in step with the boxes. */
  readonly labels?: Item
  /** uint8 or int32 `[H, W]` (a class per pixel) or `[N, H, W]` (one per box). */
  readonly masks?: Item
  /** float32 `[N, K, 3]`: x, y, visibility. */
  readonly keypoints?: Item
}

/** A transform of one example. Its settings are plain JSON: `JSON.stringify(transform)`, and back with `imageTransform`. */
export interface ImageTransform {
  <S extends Scene>(scene: S, random: Random): S
  toJSON(): TransformSpec
}

/** A transform as JSON: its name and its options; `chain` holds others. */
export interface TransformSpec {
  readonly op: string
  readonly options?: unknown
}

type Apply = (scene: Scene, random: Random) => Scene

/** A kind of transform: `make` checks the options and returns what is done to a scene. */
export function defineTransform<O>(op: string, make: (options: O) => Apply): (options: O) => ImageTransform {
  return (options) => {
    const apply = make(options)
    const run = <S extends Scene>(scene: S, random: Random): S => ({ ...scene, ...apply(checked(op, scene), random) })
    return Object.assign(run, { toJSON: (): TransformSpec => ({ op, options }) })
  }
}

function checked(op: string, scene: Scene): Scene {
  if (scene.x.shape.length === 3) return scene
  throw new GliaError(`${op}: x must be a picture [C, H, W]; received ${kindOf(scene.x)}.`)
}

/** Applies transforms one after the other. */
export function chain(...transforms: readonly ImageTransform[]): ImageTransform {
  const run = <S extends Scene>(scene: S, random: Random): S =>
    transforms.reduce((current, transform) => transform(current, random), scene)
  return Object.assign(run, {
    toJSON: (): TransformSpec => ({ op: 'chain', options: transforms.map((t) => t.toJSON()) }),
  })
}

/** Applies a transform with this probability. */
export function sometimes(p: number, transform: ImageTransform): ImageTransform {
  if (!(p >= 0 && p <= 1)) throw new GliaError(`sometimes: p must lie between 0 and 1; received ${p}.`)
  const run = <S extends Scene>(scene: S, random: Random): S =>
    random.uniform() < p ? transform(scene, random) : scene
  return Object.assign(run, {
    toJSON: (): TransformSpec => ({ op: 'sometimes', options: { p, transform: transform.toJSON() } }),
  })
}

/** Height and width of a scene's picture. */
export function sizeOfScene({ x }: Scene): readonly [height: number, width: number] {
  return [x.shape[1], x.shape[2]]
}

/** @throws GliaError unless it is a pair of whole numbers of at least 1 */
export function checkSize(op: string, size: readonly number[]): void {
  if (Array.isArray(size) && size.length === 2 && size.every((n) => Number.isInteger(n) && n >= 1)) return
  throw new GliaError(
    `${op}: size must be [height, width], whole numbers of at least 1; received ${JSON.stringify(size)}.`,
  )
}

/** @throws GliaError unless `low ≤ value ≤ high` */
export function checkRange(op: string, name: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return
  throw new GliaError(`${op}: ${name} must lie between ${low} and ${high}; received ${value}.`)
}
