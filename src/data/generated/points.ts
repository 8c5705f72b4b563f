/** @file Points in the plane in two or more classes, and points along a curve: nothing to download, easy to draw. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../dataset.ts'
import { Random } from '../random.ts'

/** What all of them take. Point `i` depends on the seed and `i` alone, and classes take turns. */
export interface PointOptions {
  /** Number of points, 300 by default. */
  readonly count?: number
  /** Standard deviation of the bell-shaped noise on each coordinate. */
  readonly noise?: number
  /** Safe integer, 0 by default. */
  readonly seed?: number
}

/** @throws GliaError unless `value` is a whole number of at least `least` */
export function checkCount(operation: string, name: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new GliaError(`${operation}: ${name} must be a whole number of at least ${least}; received ${value}.`)
}

function classified(
  operation: string,
  classes: number,
  { count = 300, seed = 0 }: PointOptions,
  features: number,
  point: (kind: number, random: Random) => readonly number[],
): ArrayDataset {
  checkCount(operation, 'count', count)
  checkCount(operation, 'classes', classes, 2)
  const x = new Float32Array(features * count)
  const y = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    y[i] = i % classes
    x.set(point(y[i], new Random(seed, i)), features * i)
  }
  const names = Array.from({ length: classes }, (_, c) => String(c))
  return arrayDataset({ x: { data: x, shape: [features] }, y: { data: y, shape: [] }, classes: names })
}

/**
 * Arms of a spiral, one per class, from the middle to radius 1.
 *
 * @param options.classes 3 by default
 * @param options.turns of each arm, 0.65 by default; noise 0.02
 * @returns `x` float32 `[2]`, `y` int32 `[]`
 */
export function spirals(
  options: PointOptions & { readonly classes?: number; readonly turns?: number } = {},
): ArrayDataset {
  const { classes = 3, turns = 0.65, noise = 0.02 } = options
  return classified('spirals', classes, options, 2, (kind, random) => {
    const radius = random.uniform()
    const angle = 2 * Math.PI * (kind / classes + turns * radius)
    return [radius * Math.sin(angle) + noise * random.bell(), radius * Math.cos(angle) + noise * random.bell()]
  })
}

/** Two half circles of radius 1 that reach into each other; noise 0.1 by default. `x` float32 `[2]`, `y` int32 `[]`. */
export function moons(options: PointOptions = {}): ArrayDataset {
  const { noise = 0.1 } = options
  return classified('moons', 2, options, 2, (kind, random) => {
    const angle = Math.PI * random.uniform()
    const [x, y] = [Math.cos(angle), Math.sin(angle)]
    const place = kind === 0 ? [x, y] : [1 - x, 0.5 - y]
    return place.map((value) => value + noise * random.bell())
  })
}

/** A ring of radius 1 and one of `inner` (0.5) within it; noise 0.1 by default. `x` float32 `[2]`, `y` int32 `[]`. */
export function rings(options: PointOptions & { readonly inner?: number } = {}): ArrayDataset {
  const { noise = 0.1, inner = 0.5 } = options
  return classified('rings', 2, options, 2, (kind, random) => {
    const [angle, radius] = [2 * Math.PI * random.uniform(), kind === 0 ? 1 : inner]
    return [radius * Math.cos(angle) + noise * random.bell(), radius * Math.sin(angle) + noise * random.bell()]
  })
}

/**
 * Clouds around centres that lie anywhere in `[−1, 1]` per feature; noise 0.15 by default.
 *
 * @param options.classes number of clouds, 3 by default
 * @param options.features 2 by default
 * @returns `x` float32 `[features]`, `y` int32 `[]`
 */
export function blobs(
  options: PointOptions & { readonly classes?: number; readonly features?: number } = {},
): ArrayDataset {
  const { classes = 3, features = 2, noise = 0.15, seed = 0 } = options
  checkCount('blobs', 'features', features)
  const place = new Random(seed, -1)
  const centres = Array.from({ length: classes }, () => Array.from({ length: features }, () => place.uniform(-1, 1)))
  return classified('blobs', classes, options, features, (kind, random) =>
    centres[kind].map((value) => value + noise * random.bell()),
  )
}

/**
 * Points on `y = c₀ + c₁ x + c₂ x² + …` with noise on y (0.1 by default).
 *
 * @param options.coefficients from the constant on; `[1, −2, 0, 1]` by default
 * @param options.range of x, evenly random; [−2, 2] by default
 * @returns `x` float32 `[1]`, `y` float32 `[1]`
 */
export function polynomial(
  options: PointOptions & {
    readonly coefficients?: readonly number[]
    readonly range?: readonly [number, number]
  } = {},
): ArrayDataset {
  const { count = 300, noise = 0.1, seed = 0, coefficients = [1, -2, 0, 1], range = [-2, 2] } = options
  checkCount('polynomial', 'count', count)
  const x = new Float32Array(count)
  const y = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, i)
    x[i] = random.uniform(...range)
    y[i] = coefficients.reduceRight((sum, c) => sum * x[i] + c, 0) + noise * random.bell()
  }
  return arrayDataset({ x: { data: x, shape: [1] }, y: { data: y, shape: [1] } })
}
