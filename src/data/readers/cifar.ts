/**
 * @file The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one or two label bytes and 3,072 bytes
 * of a 32 × 32 picture, all red ones first.
 */

import { GliaError } from '../../core/errors.ts'
import type { ArrayDataset } from '../dataset.ts'

const PIXELS = 3 * 32 * 32

/** The classes of CIFAR-10, by class number. */
export const cifar10Classes: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
]

export interface CifarOptions {
  /** CIFAR-10 (default) or CIFAR-100. */
  readonly kind?: 10 | 100
  /** For CIFAR-100: the 100 fine classes (default) or the 20 coarse ones. */
  readonly labels?: 'fine' | 'coarse'
  /** Class names by class number. */
  readonly classes?: readonly string[]
  /** The file's name, for messages. */
  readonly name?: string
}

/**
 * Reads a whole file of records.
 *
 * @returns `x` uint8 of shape `[3, 32, 32]`, `y` uint8 of shape `[]`
 * @throws GliaError if the bytes are no whole number of records, there are none, or a label is out of range
 */
export function parseCifar(bytes: Uint8Array, options: CifarOptions = {}): ArrayDataset {
  const { kind = 10, labels = 'fine', name = 'The file' } = options
  const classes = options.classes ?? (kind === 10 ? cifar10Classes : undefined)
  const count = kind === 10 ? 10 : labels === 'fine' ? 100 : 20
  const head = kind === 10 ? 1 : 2
  const record = head + PIXELS
  const length = bytes.length / record
  if (!Number.isInteger(length) || length === 0) {
    throw new GliaError(
      `${name} is no CIFAR-${kind} file: its ${bytes.length} bytes are not a whole number of records of ${record}.`,
    )
  }
  const x = new Uint8Array(length * PIXELS)
  const y = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const at = i * record
    y[i] = bytes[at + (kind === 100 && labels === 'fine' ? 1 : 0)]
    if (y[i] >= count)
      throw new GliaError(`${name}: label ${y[i]} of record ${i} is out of range; there are ${count} classes.`)
    x.set(bytes.subarray(at + head, at + record), i * PIXELS)
  }
  return {
    length,
    x: { data: x, shape: [3, 32, 32] },
    y: { data: y, shape: [] },
    ...(classes ? { classes } : {}),
  }
}
