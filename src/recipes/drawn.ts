/** @file The pictures that recipes for colour images train on where no data are given. */

import type { ArrayDataset } from '../data/dataset.ts'
import { shapes } from '../data/generated/shapes.ts'
import type { SetSizes } from './recipe.ts'

const SIZE = 32
/** Seeds that keep the two sets apart. */
const TRAIN = 1
const TEST = 2
/** Pictures drawn between two yields to the event loop. */
const YIELD_EVERY = 500

/** One shape a picture: its colour and whether it is round. */
const CLASSES = ['circle', 'square'].flatMap((shape) =>
  ['red', 'green', 'blue', 'yellow', 'white'].map((colour) => `${colour} ${shape}`),
)

/**
 * 5,000 training and 1,000 test pictures of one circle or square in one of five colours, or the first of them: ten
 * classes. `x` uint8 `[3, 32, 32]`, `y` uint8 `[]`.
 */
export async function drawnShapes({
  train = Number.POSITIVE_INFINITY,
  test = Number.POSITIVE_INFINITY,
}: SetSizes = {}): Promise<{ readonly train: ArrayDataset; readonly test: ArrayDataset }> {
  return { train: await draw(Math.min(5_000, train), TRAIN), test: await draw(Math.min(1_000, test), TEST) }
}

async function draw(count: number, seed: number): Promise<ArrayDataset> {
  const source = shapes({ count: Number.MAX_SAFE_INTEGER, size: SIZE, most: 1, seed })
  const area = 3 * SIZE * SIZE
  const x = new Uint8Array(count * area)
  const y = new Uint8Array(count)
  for (let i = 0, found = 0; found < count; i++) {
    if (i % YIELD_EVERY === YIELD_EVERY - 1) await new Promise((resolve) => setTimeout(resolve))
    const picture = await source.get(i)
    // Triangles would make fifteen classes.
    const label = CLASSES.indexOf(picture.caption.replace(/^a /, ''))
    if (label < 0) continue
    x.set(picture.x.data, found * area)
    y[found++] = label
  }
  return { length: count, x: { data: x, shape: [3, SIZE, SIZE] }, y: { data: y, shape: [] }, classes: CLASSES }
}
