/** @file Reads a directory of CIFAR-10 or CIFAR-100 in the binary version. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { type CifarOptions, parseCifar } from '../data/readers/cifar.ts'
import { linesOf } from '../data/readers/text.ts'
import { readBytes, readText, unreadable } from './read.ts'

/** Records of the largest file: 50,000 of CIFAR-100. */
const MAX_BYTES = 50_000 * 3074

/**
 * Reads training and test set: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` (CIFAR-10), or `train.bin`
 * and `test.bin` (CIFAR-100), gzipped or not; as many training batches as there are. Shortened copies may be marked, as in
 * `data_batch_1-first8000.bin`. Class names come from `batches.meta.txt` or `fine_label_names.txt` if they are there.
 *
 * @returns `train` and `test`, each with `x` uint8 of shape `[3, 32, 32]` and `y` uint8 of shape `[]`
 * @throws GliaError if a set is missing or a file is damaged
 */
export async function readCifarDirectory(
  directory: string,
  options: Pick<CifarOptions, 'labels'> = {},
): Promise<{ readonly train: ArrayDataset; readonly test: ArrayDataset }> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw unreadable(directory, error)
  })
  const matching = (pattern: RegExp): string[] => names.filter((name) => pattern.test(name)).sort()
  const ten = {
    train: matching(/^data_batch_\d+(-\w+)?\.bin(\.gz)?$/),
    test: matching(/^test_batch(-\w+)?\.bin(\.gz)?$/),
  }
  const hundred = { train: matching(/^train(-\w+)?\.bin(\.gz)?$/), test: matching(/^test(-\w+)?\.bin(\.gz)?$/) }
  const kind = ten.train.length > 0 ? 10 : 100
  const files = kind === 10 ? ten : hundred
  for (const set of ['train', 'test'] as const) {
    if (files[set].length > 0) continue
    throw new GliaError(
      `${directory} has no ${set === 'train' ? 'training' : 'test'} set: looked for ` +
        `${set === 'train' ? 'data_batch_1.bin … and train.bin' : 'test_batch.bin and test.bin'}, with and without .gz.`,
    )
  }
  const meta = kind === 10 ? 'batches.meta.txt' : `${options.labels ?? 'fine'}_label_names.txt`
  const classes = names.includes(meta)
    ? linesOf(await readText(join(directory, meta))).filter((l) => l !== '')
    : undefined
  const read = async (list: readonly string[]): Promise<ArrayDataset> => {
    const parts: ArrayDataset[] = []
    for (const name of list) {
      const path = join(directory, name)
      const bytes = await readBytes(path, MAX_BYTES)
      parts.push(parseCifar(bytes, { kind, name: path, ...options, ...(classes ? { classes } : {}) }))
    }
    return joined(parts)
  }
  return { train: await read(files.train), test: await read(files.test) }
}

function joined(parts: readonly ArrayDataset[]): ArrayDataset {
  if (parts.length === 1) return parts[0]
  const join = (key: 'x' | 'y'): ArrayDataset['x'] => {
    const data = new Uint8Array(parts.reduce((sum, part) => sum + part[key].data.length, 0))
    let at = 0
    for (const part of parts) {
      data.set(part[key].data, at)
      at += part[key].data.length
    }
    return { data, shape: parts[0][key].shape }
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return { ...parts[0], length, x: join('x'), y: join('y') }
}
