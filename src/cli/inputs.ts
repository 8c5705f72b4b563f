/** @file Pictures from a file, as a model takes them. */

import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { GliaError } from '../core/errors.ts'
import type { Column } from '../data/dataset.ts'
import { parseIdx } from '../data/idx.ts'
import { grayInput } from '../data/image.ts'

export interface InputOptions {
  readonly height: number
  readonly width: number
  /** Cut drawings out and centre them, as was done for MNIST. */
  readonly fit: boolean
  /** At most so many pictures. */
  readonly limit?: number
}

/** No compressed picture file unpacks to more. */
const MAX_UNPACKED = 2 ** 30

/**
 * The pictures of an IDX file (plain or gzipped), or the one of a PNG file, scaled to the size wanted: `[N, 1, H, W]`.
 *
 * @throws GliaError, one sentence, if the file is missing, damaged or something else
 */
export async function readInputs(path: string, options: InputOptions): Promise<Column> {
  const shape = [1, options.height, options.width]
  let bytes = await read(path)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await unpack(bytes, path)
  if (bytes[0] === 0 && bytes[1] === 0) return { data: fromIdx(bytes, path, options), shape }
  if (bytes[0] !== 0x89) throw new GliaError(`${path} is neither a PNG nor an IDX file.`)
  const { decodePng } = await import('../node/image.ts')
  return { data: grayInput(decodePng(bytes, path), options).data, shape }
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
  { height, width, limit = Number.POSITIVE_INFINITY }: InputOptions,
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
