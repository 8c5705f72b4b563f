/**
 * @file Reads a directory of MNIST, Fashion-MNIST or anything in the same four IDX files, plain or gzipped.
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, gunzip } from 'node:zlib'
import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { type IdxHeader, parseIdx, parseIdxHeader } from '../data/idx.ts'

/** The classes of Fashion-MNIST, by class number. */
export const fashionClasses: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]

/** How to read an IDX directory. */
export interface IdxOptions {
  /** Class names by class number; there may be no other labels. '0' … '9' by default. */
  readonly classes?: readonly string[]
}

/** Deflate cannot shrink further than this, so a file can hold no more. */
const MAX_RATIO = 1032
/** No image set in this format comes near it, and one buffer has to hold it. */
const MAX_BYTES = 2 ** 31
/** Compressed bytes that surely hold a header, which has at most 1,024. */
const HEAD = 2048

interface Part {
  readonly set: string
  readonly kind: 'images' | 'labels'
  readonly what: string
  readonly pattern: RegExp
}

/** The four files. Between set and kind a mark of a shortened copy may stand, as in `train-first12k-images-idx3-ubyte`. */
const parts = (['train', 't10k'] as const).flatMap((set) =>
  (['images', 'labels'] as const).map((kind): Part => {
    const rank = kind === 'images' ? 3 : 1
    return {
      set: `${set}-${kind}[-.]idx${rank}-ubyte`,
      kind,
      what: `${set === 'train' ? 'training' : 'test'} ${kind}`,
      pattern: new RegExp(`^${set}(-[a-z0-9]+)?-${kind}[-.]idx${rank}-ubyte(\\.gz)?$`),
    }
  }),
)

/**
 * Reads the training and test set of a directory that holds, for example, `train-images-idx3-ubyte.gz`,
 * `train-labels-idx1-ubyte.gz`, `t10k-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte.gz`. The `.gz` may be missing, a
 * dot may stand for the dash before `idx`, and a shortened copy may be marked, as in `train-first12k-images-idx3-ubyte`;
 * of several, the full and the uncompressed one is taken.
 *
 * @returns `train` and `test`, each with `x` uint8 of shape `[1, H, W]` and `y` uint8 of shape `[]`
 * @throws GliaError, one sentence, if the directory or a file is missing, a file is no IDX file, damaged, cut short or too
 * long, images and labels do not match in number, or a label has no class
 */
export async function readIdxDirectory(
  directory: string,
  options: IdxOptions = {},
): Promise<{ readonly train: ArrayDataset; readonly test: ArrayDataset }> {
  const classes = options.classes ?? Array.from({ length: 10 }, (_, i) => String(i))
  const names = await list(directory)
  const files = parts.map((part) => ({ part, name: find(directory, names, part) }))
  const arrays: { path: string; shape: readonly number[]; data: Uint8Array }[] = []
  for (const { part, name } of files) arrays.push(await readPart(join(directory, name), part))
  const [trainImages, trainLabels, testImages, testLabels] = arrays
  const train = pair(trainImages, trainLabels, classes)
  const test = pair(testImages, testLabels, classes)
  if (train.x.shape.join() !== test.x.shape.join()) {
    const size = (set: ArrayDataset): string => set.x.shape.slice(1).join(' × ')
    throw new GliaError(`${directory}: training images are ${size(train)} pixels, test images ${size(test)}.`)
  }
  return { train, test }
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') throw new GliaError(`The data directory ${directory} does not exist.`)
    if (code === 'ENOTDIR') throw new GliaError(`The data directory ${directory} is a file, not a directory.`)
    throw new GliaError(`The data directory ${directory} cannot be read (${code}).`)
  }
}

function find(directory: string, names: readonly string[], part: Part): string {
  // The full set before a shortened one, the plain file before the compressed one, then by name.
  const rank = (name: string): number =>
    (part.pattern.exec(name)?.[1] === undefined ? 0 : 2) + (name.endsWith('.gz') ? 1 : 0)
  const [first] = names.filter((name) => part.pattern.test(name)).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  if (first !== undefined) return first
  const [dash, dot] = [part.set.replace('[-.]', '-'), part.set.replace('[-.]', '.')]
  throw new GliaError(`${directory} has no ${part.what}: looked for ${dash} and ${dot}, with and without .gz.`)
}

async function readPart(
  path: string,
  part: Part,
): Promise<{ path: string; shape: readonly number[]; data: Uint8Array }> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new GliaError(`${path} cannot be read (${codeOf(error)}).`)
  }
  if (path.endsWith('.gz')) bytes = await unpack(bytes, path, part)
  checkKind(parseIdxHeader(bytes, path), path, part)
  const { shape, data } = parseIdx(bytes, path)
  if (!(data instanceof Uint8Array)) throw new GliaError(`${path} holds no bytes.`)
  return { path, shape, data }
}

/** Refuses the right format with the wrong content, such as labels under the name of images. */
function checkKind({ type, shape }: IdxHeader, path: string, { kind }: Part): void {
  const rank = kind === 'images' ? 3 : 1
  if (type !== 8 || shape.length !== rank) {
    const magic = ((type << 8) | shape.length).toString(16).padStart(8, '0')
    throw new GliaError(
      `${path} has the magic number 0x${magic}; ${kind} of bytes have 0x0000080${rank}. Is it another file under this name?`,
    )
  }
}

/** Decompresses no more than the file's own header announces, and no more than the compressed bytes could hold. */
async function unpack(bytes: Uint8Array, path: string, part: Part): Promise<Uint8Array> {
  const inflate = promisify<Uint8Array, object, Uint8Array>(gunzip)
  try {
    const head = await inflate(bytes.subarray(0, HEAD), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: HEAD * MAX_RATIO,
    })
    const header = parseIdxHeader(head, path)
    checkKind(header, path, part)
    if (header.size > Math.min(MAX_BYTES, bytes.length * MAX_RATIO)) {
      throw new GliaError(
        `${path} announces ${header.shape.join(' × ')} values, more than its ${bytes.length} compressed bytes can hold.`,
      )
    }
    return await inflate(bytes, { maxOutputLength: header.size })
  } catch (error) {
    if (error instanceof GliaError) throw error
    const code = codeOf(error)
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new GliaError(`${path} is too long: it unpacks to more bytes than its header announces.`)
    }
    if (code === 'Z_BUF_ERROR') throw new GliaError(`${path} is truncated: its gzip data ends too early.`)
    throw new GliaError(`${path} is not a sound gzip file (${error instanceof Error ? error.message : code}).`)
  }
}

function pair(
  images: { path: string; shape: readonly number[]; data: Uint8Array },
  labels: { path: string; shape: readonly number[]; data: Uint8Array },
  classes: readonly string[],
): ArrayDataset {
  const [length, height, width] = images.shape
  if (length !== labels.shape[0]) {
    throw new GliaError(`${images.path} has ${length} images but ${labels.path} has ${labels.shape[0]} labels.`)
  }
  if (images.data.length === 0) throw new GliaError(`${images.path} holds no pixels (${images.shape.join(' × ')}).`)
  const wrong = labels.data.findIndex((label) => label >= classes.length)
  if (wrong >= 0) {
    throw new GliaError(
      `${labels.path}: label ${labels.data[wrong]} of example ${wrong} is out of range; labels run from 0 to ${classes.length - 1}.`,
    )
  }
  return {
    length,
    x: { data: images.data, shape: [1, height, width] },
    y: { data: labels.data, shape: [] },
    classes,
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
