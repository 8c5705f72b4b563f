/** @file NumPy's .npy (format versions 1 to 3) and .npz files. */

import { GliaError } from '../../core/errors.ts'
import { type Shape, sizeOf, stridesOf } from '../../core/shape.ts'

/** An array of a NumPy file, row-major. */
export interface NumpyArray {
  readonly shape: Shape
  /** Bytes and booleans stay bytes, floats of 64 bits stay so; other floats become float32, other integers int32. */
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const MAX_BYTES = 2 ** 31
/** Deflate cannot shrink further than this. */
const MAX_RATIO = 1032

type Read = (view: DataView, at: number, little: boolean) => number

interface Kind {
  readonly bytes: number
  readonly array: new (length: number) => NumpyArray['data']
  readonly read: Read
}

const kinds: Readonly<Record<string, Kind>> = {
  b1: { bytes: 1, array: Uint8Array, read: (v, at) => v.getUint8(at) },
  u1: { bytes: 1, array: Uint8Array, read: (v, at) => v.getUint8(at) },
  i1: { bytes: 1, array: Int32Array, read: (v, at) => v.getInt8(at) },
  u2: { bytes: 2, array: Int32Array, read: (v, at, l) => v.getUint16(at, l) },
  i2: { bytes: 2, array: Int32Array, read: (v, at, l) => v.getInt16(at, l) },
  u4: { bytes: 4, array: Int32Array, read: (v, at, l) => v.getUint32(at, l) },
  i4: { bytes: 4, array: Int32Array, read: (v, at, l) => v.getInt32(at, l) },
  u8: { bytes: 8, array: Int32Array, read: (v, at, l) => Number(v.getBigUint64(at, l)) },
  i8: { bytes: 8, array: Int32Array, read: (v, at, l) => Number(v.getBigInt64(at, l)) },
  f2: { bytes: 2, array: Float32Array, read: (v, at, l) => half(v.getUint16(at, l)) },
  f4: { bytes: 4, array: Float32Array, read: (v, at, l) => v.getFloat32(at, l) },
  f8: { bytes: 8, array: Float64Array, read: (v, at, l) => v.getFloat64(at, l) },
}

function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/**
 * Reads one array.
 *
 * @param name the file's name, for messages
 * @throws GliaError if it is no .npy file, cut short, of Python objects, text, dates or complex numbers, or has integers
 * that int32 cannot hold
 */
export function parseNpy(bytes: Uint8Array, name = 'The array'): NumpyArray {
  if (!MAGIC.every((byte, i) => bytes[i] === byte) || bytes.length < 10)
    throw new GliaError(`${name} is not a .npy file.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wide = bytes[6] >= 2
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  if (start > bytes.length) throw new GliaError(`${name} is truncated: its header takes ${start} bytes.`)
  const header = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start))
  const { descr, fortran, shape } = parseHeader(header, name)
  const kind = kinds[descr.slice(1)]
  if (kind === undefined) {
    throw new GliaError(
      `${name} holds values of type ${descr}, which is not read; save it with numbers of up to 64 bits.`,
    )
  }
  const size = sizeOf(shape)
  if (bytes.length - start < size * kind.bytes) {
    throw new GliaError(
      `${name} is truncated: ${shape.join(' × ')} values of ${kind.bytes} bytes are announced, ${bytes.length - start} bytes are there.`,
    )
  }
  const data = new kind.array(size)
  const places = fortran ? stridesOf([...shape].reverse()).reverse() : undefined
  const little = descr[0] !== '>'
  for (let i = 0; i < size; i++) {
    const value = kind.read(view, start + kind.bytes * (places ? placeOf(i, shape, places) : i), little)
    data[i] = value
    if (data instanceof Int32Array && data[i] !== value) {
      throw new GliaError(`${name}: element ${i} is ${value}, more than int32 holds; save it as float64.`)
    }
  }
  return { shape, data }
}

function parseHeader(header: string, name: string): { descr: string; fortran: boolean; shape: number[] } {
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1]
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(header)?.[1]
  if (descr === undefined || fortran === undefined || shape === undefined) {
    throw new GliaError(`${name} has a header that makes no sense: ${header.trim().slice(0, 80)}`)
  }
  return { descr, fortran: fortran === 'True', shape: (shape.match(/\d+/g) ?? []).map(Number) }
}

/** Where element `i` of row-major order stands in a file with these strides. */
function placeOf(i: number, shape: Shape, strides: readonly number[]): number {
  let [rest, at] = [i, 0]
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at += (rest % shape[axis]) * strides[axis]
    rest = Math.floor(rest / shape[axis])
  }
  return at
}

/** Writes one array, in format version 1. */
export function encodeNpy({ shape, data }: NumpyArray): Uint8Array {
  if (data.length !== sizeOf(shape)) {
    throw new GliaError(
      `encodeNpy: shape [${shape.join(', ')}] needs ${sizeOf(shape)} values; received ${data.length}.`,
    )
  }
  const descr =
    data instanceof Uint8Array
      ? '|u1'
      : data instanceof Int32Array
        ? '<i4'
        : data instanceof Float32Array
          ? '<f4'
          : '<f8'
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dimensions}), }`
  const start = Math.ceil((text.length + 11) / 64) * 64
  const bytes = new Uint8Array(start + data.byteLength)
  bytes.set([...MAGIC, 1, 0, (start - 10) & 255, (start - 10) >> 8])
  bytes.set(new TextEncoder().encode(`${text.padEnd(start - 11)}\n`), 10)
  const view = new DataView(bytes.buffer, start)
  for (let i = 0; i < data.length; i++) {
    if (data instanceof Uint8Array) view.setUint8(i, data[i])
    else if (data instanceof Int32Array) view.setInt32(4 * i, data[i], true)
    else if (data instanceof Float32Array) view.setFloat32(4 * i, data[i], true)
    else view.setFloat64(8 * i, data[i], true)
  }
  return bytes
}

/**
 * Reads the arrays of a .npz file, by name.
 *
 * @throws GliaError as `parseNpy` does, if it is no zip file, or if it unpacks to more than 2 GiB
 */
export async function parseNpz(bytes: Uint8Array, name = 'The archive'): Promise<Map<string, NumpyArray>> {
  const { unzipSync } = await import('fflate')
  let total = 0
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes, {
      filter: ({ name: file, size, originalSize }) => {
        total += originalSize
        if (total > MAX_BYTES)
          throw new GliaError(`${name} unpacks to more than ${MAX_BYTES} bytes, which is not read.`)
        if (originalSize > MAX_RATIO * size + 64) {
          throw new GliaError(`${name} announces ${originalSize} bytes for ${file}, more than ${size} bytes can hold.`)
        }
        return file.endsWith('.npy')
      },
    })
  } catch (error) {
    if (error instanceof GliaError) throw error
    throw new GliaError(`${name} is not a sound .npz file (${error instanceof Error ? error.message : error}).`)
  }
  return new Map(
    Object.entries(files).map(([file, content]) => [file.slice(0, -4), parseNpy(content, `${name}, ${file}`)]),
  )
}

/** Writes several arrays into a .npz file, compressed. */
export async function encodeNpz(arrays: ReadonlyMap<string, NumpyArray>): Promise<Uint8Array> {
  const { zipSync } = await import('fflate')
  return zipSync(Object.fromEntries([...arrays].map(([name, array]) => [`${name}.npy`, encodeNpy(array)])))
}
