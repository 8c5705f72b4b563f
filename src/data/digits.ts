/**
 * @file Handwritten-looking digits, written on demand: a data set with nothing to download.
 */

import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from './dataset.ts'
import { glyphs, type Style } from './digits/glyphs.ts'
import { write } from './digits/hand.ts'
import { Pen } from './digits/pen.ts'
import { permutation, Random } from './random.ts'

const SIDE = 28
/** Stream numbers that keep the two sets apart. */
const TRAIN = 1
const TEST = 2
/** Images written between two yields to the event loop, some tens of milliseconds' worth. */
const YIELD_EVERY = 500

/** How many digits to write, and which. */
export interface DigitsOptions {
  /** Number of training images, 10,000 by default. */
  readonly train?: number
  /** Number of test images, 2,000 by default. */
  readonly test?: number
  /** Safe integer; the same seed gives the same bytes on every engine. 0 by default. */
  readonly seed?: number
}

/**
 * Writes digits in the manner of MNIST: 28 × 28 grey images, white on black, fitted and centred the same way.
 *
 * Each image is drawn from strokes: one of several styles of its digit, with trembling control points, a smooth
 * deformation, slant, stretch, pen width, blur and grain of its own. Image `i` depends on the seed and `i` alone, so a
 * smaller set is the beginning of a larger one; training and test images come from separate random streams. Every ten
 * consecutive labels are the ten digits in random order. Yields to the event loop as it goes.
 *
 * @returns `train` and `test`, each with `x` uint8 of shape `[1, 28, 28]`, `y` uint8 of shape `[]` (0 … 9), and `classes`
 * @throws GliaError if a count is not a whole number of at least 0, or the seed is not a safe integer
 */
export async function digits(
  options: DigitsOptions = {},
): Promise<{ readonly train: ArrayDataset; readonly test: ArrayDataset }> {
  const { train = 10_000, test = 2_000, seed = 0 } = options
  for (const [name, count] of Object.entries({ train, test })) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new GliaError(`digits: ${name} must be a whole number of at least 0; received ${count}.`)
    }
  }
  return { train: await writeSet(train, seed, TRAIN), test: await writeSet(test, seed, TEST) }
}

async function writeSet(length: number, seed: number, stream: number): Promise<ArrayDataset> {
  const styles = glyphs()
  const pen = new Pen(SIDE)
  const x = new Uint8Array(length * SIDE * SIDE)
  const y = new Uint8Array(length)
  let order: Int32Array = new Int32Array(0)
  for (let i = 0; i < length; i++) {
    if (i % 10 === 0) order = permutation(10, seed, stream, 0, i)
    if (i % YIELD_EVERY === YIELD_EVERY - 1) await new Promise((resolve) => setTimeout(resolve))
    const random = new Random(seed, stream, 1, i)
    y[i] = order[i % 10]
    pen.draw(write(choose(styles[y[i]], random), random, SIDE), random, x, i * SIDE * SIDE)
  }
  return {
    length,
    x: { data: x, shape: [1, SIDE, SIDE] },
    y: { data: y, shape: [] },
    classes: styles.map((_, digit) => String(digit)),
  }
}

function choose(styles: readonly Style[], random: Random): Style {
  let left = random.uniform(
    0,
    styles.reduce((sum, style) => sum + style.weight, 0),
  )
  for (const style of styles) {
    left -= style.weight
    if (left < 0) return style
  }
  return styles[styles.length - 1]
}
