/**
 * @file The IDX format of MNIST: a magic number (element type, number of dimensions), the dimensions, the values, all
 * big-endian. Described at the end of http://yann.lecun.com/exdb/mnist.
 */

import { GliaError } from '../core/errors.ts'

/** The values of one IDX file. */
export interface IdxArray {
  /** As announced by the header: `[N, H, W]` for images, `[N]` for labels. */
  readonly shape: readonly number[]
  /** Unsigned bytes stay bytes (a view into the file); other integers become int32, floats float32. */
  readonly data: Uint8Array | Int32Array | Float32Array
}

/** What an IDX header announces. */
export interface IdxHeader {
  /** Element type code, third byte of the file. */
  readonly type: number
  readonly shape: readonly number[]
  /** Bytes before the values. */
  readonly start: number
  /** Bytes of the whole uncompressed file; more than 2⁵³ comes out inexact, never wrapped round. */
  readonly size: number
}

const BYTES: Readonly<Record<number, number>> = { 8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 }

/**
 * Reads the header, which may be followed by nothing.
 *
 * @param bytes at least the first `4 + 4 · dimensions` bytes of the file
 * @param name the file's name, for messages
 * @throws GliaError if the magic number is wrong or the header is cut short
 */
export function parseIdxHeader(bytes: Uint8Array, name: string): IdxHeader {
  if (bytes.length < 4) {
    throw new GliaError(`${name} is truncated: ${bytes.length} bytes do not hold an IDX header.`)
  }
  const [zero, zeroToo, type, rank] = bytes
  if (zero !== 0 || zeroToo !== 0 || BYTES[type] === undefined || rank === 0) {
    const magic = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('')
    throw new GliaError(
      `${name} is not an IDX file: its magic number is 0x${magic}; images begin with 0x00000803, labels with 0x00000801.`,
    )
  }
  const start = 4 + 4 * rank
  if (bytes.length < start) {
    throw new GliaError(`${name} is truncated: its IDX header takes ${start} bytes and ${bytes.length} are there.`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  return { type, shape, start, size: shape.reduce((size, d) => size * d, BYTES[type]) + start }
}

/**
 * Reads a whole uncompressed IDX file.
 *
 * @param name the file's name, for messages
 * @throws GliaError if the magic number is wrong, or there are fewer or more bytes than the header announces
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const { type, shape, start, size } = parseIdxHeader(bytes, name)
  if (bytes.length !== size) {
    const what = bytes.length < size ? 'truncated' : 'too long'
    throw new GliaError(
      `${name} is ${what}: its header announces ${shape.join(' × ')} values, so ${size} bytes, but it has ${bytes.length}.`,
    )
  }
  if (type === 8) return { shape, data: bytes.subarray(start) }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start)
  const data =
    type >= 13 ? new Float32Array((size - start) / BYTES[type]) : new Int32Array((size - start) / BYTES[type])
  for (let i = 0; i < data.length; i++) data[i] = readValue(view, type, i)
  return { shape, data }
}

function readValue(view: DataView, type: number, i: number): number {
  switch (type) {
    case 9:
      return view.getInt8(i)
    case 11:
      return view.getInt16(2 * i)
    case 12:
      return view.getInt32(4 * i)
    case 13:
      return view.getFloat32(4 * i)
    default:
      return view.getFloat64(8 * i)
  }
}
