/** @file Reading files, gzipped or not, whole or as a stream, with errors that name them. */

import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createGunzip, gunzip } from 'node:zlib'
import { GliaError } from '../core/errors.ts'
import { decodeText, type Line, streamLines, type TextOptions } from '../data/readers/text.ts'

/** One buffer has to hold a file that is read whole. */
const MAX_BYTES = 2 ** 31

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'permission is denied',
  Z_BUF_ERROR: 'its gzip data ends too early',
  Z_DATA_ERROR: 'its gzip data is damaged',
  ERR_BUFFER_TOO_LARGE: 'it unpacks to too many bytes',
  ERR_FS_FILE_TOO_LARGE: 'it is too large to be read whole; read it as a stream',
}

/** What the system said, as a sentence about the file. */
export function unreadable(path: string, error: unknown): GliaError {
  if (error instanceof GliaError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
  return new GliaError(`${path} cannot be read: ${reason}.`, { cause: error })
}

/**
 * The bytes of a file; one whose name ends in `.gz` is unpacked.
 *
 * @param maxBytes most bytes that it may unpack to, 2 GiB by default
 * @throws GliaError naming the path and the reason
 */
export async function readBytes(path: string, maxBytes: number = MAX_BYTES): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path)
    if (!path.endsWith('.gz')) return bytes
    return await promisify<Uint8Array, object, Uint8Array>(gunzip)(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    throw unreadable(path, error)
  }
}

/**
 * The text of a file, unpacked if it ends in `.gz`.
 *
 * @throws GliaError if it cannot be read, or its bytes are not in the encoding, naming the line
 */
export async function readText(path: string, options: TextOptions = {}): Promise<string> {
  return decodeText(await readBytes(path), { name: path, ...options })
}

/**
 * The bytes of a file piece by piece, unpacked if it ends in `.gz`.
 *
 * @throws GliaError naming the path and the reason
 */
export async function* streamBytes(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = createReadStream(path)
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  file.on('error', (error) => bytes.destroy(error))
  try {
    for await (const chunk of bytes) yield chunk
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    file.destroy()
  }
}

/** The lines of a file of any size, see `streamLines`. */
export function streamTextLines(path: string, options: TextOptions = {}): AsyncGenerator<Line, void, undefined> {
  return streamLines(streamBytes(path), { name: path, ...options })
}
