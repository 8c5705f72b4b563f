/** @file Pictures from a file, as a model takes them. */

import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { GliaError } from '../core/errors.ts'
import type { Column } from '../data/dataset.ts'
import { parseIdx } from '../data/idx.ts'
import { grayInput } from '../data/image.ts'
import { fromPicture } from '../data/picture-item.ts'
import { parseCifar } from '../data/readers/cifar.ts'
import type { Item } from '../data/source.ts'
import { resizeItem } from '../data/transforms/spatial.ts'
import { decodeImage } from '../node/decode.ts'

export interface InputOptions {
  /** Of one picture as the model takes it: `[1, H, W]` grey, `[3, H, W]` in colour. */
  readonly shape: readonly number[]
  /** For grey pictures: cut drawings out and centre them, as was done for MNIST. */
  readonly fit: boolean
  /** At most so many pictures. */
  readonly limit?: number
}

/** No compressed picture file unpacks to more. */
const MAX_UNPACKED = 2 ** 30

/**
 * The picture of a PNG or JPEG file, or all of an IDX file (for grey models) or one of CIFAR-10's (for those in colour),
 * these two plain or gzipped: `[N, C, H, W]`. Grey pictures are scaled to the size wanted; of pictures in colour it is the
 * largest part in the middle that has the same proportions.
 *
 * @throws GliaError, one sentence, if the file is missing, damaged or something else
 */
export async function readInputs(path: string, options: InputOptions): Promise<Column> {
  const { shape } = options
  const [channels, height, width] = shape
  let bytes = await read(path)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await unpack(bytes, path)
  if (bytes[0] === 0x89 || (bytes[0] === 0xff && bytes[1] === 0xd8)) {
    const picture = await decodeImage(bytes, path)
    if (channels === 1) return { data: grayInput(picture, { ...options, height, width }).data, shape }
    return { data: middle(fromPicture(picture), [height, width]), shape }
  }
  if (channels === 3 && /\.bin(\.gz)?$/.test(path)) return fromCifar(bytes, path, options)
  if (channels === 1 && bytes[0] === 0 && bytes[1] === 0) return { data: fromIdx(bytes, path, options), shape }
  throw new GliaError(`${path} is neither a PNG, a JPEG nor ${channels === 1 ? 'an IDX file' : 'a file of CIFAR-10'}.`)
}

/** The largest part of these proportions in the middle of a picture, resized. */
function middle(item: Item, [height, width]: readonly [number, number]): Uint8Array {
  const [channels, rows, columns] = item.shape
  const scale = Math.min(rows / height, columns / width)
  const [h, w] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))]
  const [top, left] = [(rows - h) >> 1, (columns - w) >> 1]
  const part = new Uint8Array(channels * h * w)
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const start = (c * rows + top + y) * columns + left
      for (let x = 0; x < w; x++) part[(c * h + y) * w + x] = item.data[start + x]
    }
  }
  return Uint8Array.from(resizeItem({ data: part, shape: [channels, h, w] }, [height, width]).data)
}

function fromCifar(bytes: Uint8Array, path: string, { shape, limit = Number.POSITIVE_INFINITY }: InputOptions): Column {
  const { x, length } = parseCifar(bytes, { name: path })
  if (x.shape.join() !== shape.join()) {
    throw new GliaError(`${path} has pictures of shape [${x.shape.join(', ')}]; the model takes [${shape.join(', ')}].`)
  }
  return { data: x.data.subarray(0, Math.min(length, limit) * (x.data.length / length)), shape }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'ENOENT') throw new GliaError(`The file ${path} does not exist.`)
    throw new GliaError(
      code === 'EISDIR' ? `${path} is a directory; name a file.` : `${path} cannot be read (${code}).`,
    )
  }
}

async function unpack(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  const inflate = promisify<Uint8Array, object, Uint8Array>(gunzip)
  try {
    return await inflate(bytes, { maxOutputLength: MAX_UNPACKED })
  } catch (error) {
    throw new GliaError(`${path} is not a sound gzip file (${error instanceof Error ? error.message : error}).`)
  }
}

function fromIdx(
  bytes: Uint8Array,
  path: string,
  { shape: [, height, width], limit = Number.POSITIVE_INFINITY }: InputOptions,
): Uint8Array {
  const { data, shape } = parseIdx(bytes, path)
  const [count, rows, columns] = shape
  if (shape.length !== 3 || !(data instanceof Uint8Array)) {
    throw new GliaError(
      `${path} holds no pictures: its values have the shape [${shape.join(', ')}], pictures [N, H, W].`,
    )
  }
  if (rows !== height || columns !== width) {
    throw new GliaError(`${path} has pictures of ${rows} × ${columns} pixels; the model takes ${height} × ${width}.`)
  }
  if (count === 0) throw new GliaError(`${path} holds no pictures.`)
  return data.subarray(0, Math.min(count, limit) * rows * columns)
}
