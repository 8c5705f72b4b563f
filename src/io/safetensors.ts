/**
 * @file safetensors, the file format of published weights: eight bytes of header length, a JSON header with a dtype, a
 * shape and a byte range per tensor, then the bytes. https://github.com/huggingface/safetensors
 *
 * Files are untrusted: everything the header says is checked before it is used, and memory is taken only for bytes that
 * are really there. Like every engine that runs JavaScript, this takes the host to be little-endian.
 */

import { GliaError } from '../core/errors.ts'
import { duplicateKey } from './json-keys.ts'

/** Values of one of the element types that Glia computes with. */
export type TensorValues =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'uint8' | 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array }

/** A tensor to be written. `as: 'I64'` stores int32 values as int64, as PyTorch's `num_batches_tracked` is. */
export type TensorToWrite = TensorValues & { readonly as?: 'I64' }

/** A tensor as read, with the type it had in the file (`F16`, `I64` …). */
export type StoredTensor = TensorValues & { readonly stored: string }

/** The content of a file, in the order of its header. */
export interface Safetensors {
  readonly tensors: Map<string, StoredTensor>
  /** The free-form texts under `__metadata__`. */
  readonly metadata: Map<string, string>
}

/** No real header comes near it; the reference implementation has the same limit. */
const MAX_HEADER = 100_000_000

/**
 * Reads a safetensors file. F32, I32, U8 and BOOL stay what they are; F64, F16 and BF16 become float32; I64, I16, I8, U32
 * and U16 become int32. The values are copied: nothing refers to `bytes` afterwards.
 *
 * @throws GliaError if the file is cut short, too long or malformed in any way, if an element type is unknown, or if an
 * integer does not fit int32 (naming the tensor)
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, start } = readHeader(bytes)
  const tensors = new Map<string, StoredTensor>()
  const metadata = new Map<string, string>()
  const entries: Entry[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isRecord(value)) throw broken('__metadata__ is not an object')
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string') throw broken(`the metadata ${quote(key)} is not a text`)
        metadata.set(key, text)
      }
    } else {
      entries.push(readEntry(name, value))
    }
  }
  checkCover(entries, bytes.length - start)
  for (const entry of entries) {
    // Not slice: a Buffer's is a view on the whole file, unaligned.
    const copy = new Uint8Array(bytes.subarray(start + entry.begin, start + entry.end))
    tensors.set(entry.name, decode(entry, copy))
  }
  return { tensors, metadata }
}

/**
 * Writes a safetensors file. Tensors are laid out widest type first, so that every one is aligned, then by name: the same
 * tensors give the same bytes in whatever order they come.
 *
 * @param tensors pairs of name and values; a Map will do
 * @param metadata free-form texts, such as a format version; the last one counts where a key is given twice
 * @throws GliaError if a name is used twice or is `__metadata__`, or values do not fit their dtype and shape
 */
export function writeSafetensors(
  tensors: Iterable<readonly [name: string, tensor: TensorToWrite]>,
  metadata: Iterable<readonly [key: string, text: string]> = [],
): Uint8Array {
  const list = [...tensors].map(([name, tensor]) => ({ name, tensor, raw: encode(name, tensor) }))
  list.sort((a, b) => b.raw.width - a.raw.width || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  // Lines rather than one object: an object would put names that look like numbers first.
  const lines: string[] = []
  const texts = [...new Map(metadata)].map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`)
  if (texts.length > 0) lines.push(`"__metadata__":{${texts.join(',')}}`)
  let size = 0
  const seen = new Set(['__metadata__'])
  for (const { name, tensor, raw } of list) {
    if (seen.has(name)) throw new GliaError(`writeSafetensors: ${quote(name)} cannot name a tensor (again).`)
    seen.add(name)
    const entry = { dtype: raw.stored, shape: tensor.shape, data_offsets: [size, size + raw.bytes.length] }
    lines.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`)
    size += raw.bytes.length
  }
  const text = new TextEncoder().encode(`{${lines.join(',')}}`)
  const length = Math.ceil(text.length / 8) * 8
  const out = new Uint8Array(8 + length + size)
  new DataView(out.buffer).setUint32(0, length, true)
  out.set(text, 8)
  out.fill(0x20, 8 + text.length, 8 + length)
  let offset = 8 + length
  for (const { raw } of list) {
    out.set(raw.bytes, offset)
    offset += raw.bytes.length
  }
  return out
}

interface Entry {
  readonly name: string
  readonly stored: string
  readonly shape: readonly number[]
  /** Byte range after the header. */
  readonly begin: number
  readonly end: number
}

function broken(what: string): GliaError {
  return new GliaError(`This is not a sound safetensors file: ${what}.`)
}

/** A name from a file, made fit for a message. */
function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw broken(`it has ${bytes.length} bytes, fewer than the 8 of its header's length`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  if (length > Math.min(MAX_HEADER, bytes.length - 8)) {
    throw broken(`its header is said to take ${length} bytes, and ${bytes.length - 8} follow (is it cut short?)`)
  }
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length))
    header = JSON.parse(text)
  } catch {
    throw broken('its header is not JSON')
  }
  if (!isRecord(header)) throw broken('its header is not a JSON object')
  const twice = duplicateKey(text)
  if (twice !== undefined) throw broken(`its header has ${quote(twice)} twice`)
  return { header, start: 8 + length }
}

function readEntry(name: string, value: unknown): Entry {
  const label = `tensor ${quote(name)}`
  if (!isRecord(value)) throw broken(`${label} has no description`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string') throw broken(`${label} has no dtype`)
  const form = Object.hasOwn(FORMS, dtype) ? FORMS[dtype] : undefined
  if (form === undefined) {
    throw new GliaError(`${label} has the dtype ${quote(dtype)}; known are ${Object.keys(FORMS).join(', ')}.`)
  }
  if (!isCounts(shape)) throw broken(`${label} has a shape that is no list of sizes`)
  if (!isCounts(offsets) || offsets.length !== 2) throw broken(`${label} has no byte range`)
  const [begin, end] = offsets
  const size = shape.reduce((product, d) => product * d, form.width)
  if (!Number.isSafeInteger(size)) throw broken(`${label} has an impossible shape, [${shape.join(', ').slice(0, 100)}]`)
  if (end - begin !== size) {
    throw broken(
      `${label} of shape [${shape.join(', ')}] takes ${size} bytes as ${dtype}, and ${end - begin} are given`,
    )
  }
  return { name, stored: dtype, shape, begin, end }
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0)
}

/** The ranges have to cover the rest of the file without gap or overlap: nothing hidden, nothing read twice. */
function checkCover(entries: readonly Entry[], available: number): void {
  let reached = 0
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end > available) {
      throw broken(`tensor ${quote(name)} ends at byte ${end} of the ${available} there (is the file cut short?)`)
    }
    if (begin !== reached) {
      throw broken(
        `tensor ${quote(name)} begins at byte ${begin}, ${begin < reached ? 'inside another' : 'after a gap'}`,
      )
    }
    reached = end
  }
  if (reached !== available) throw broken(`${available - reached} bytes follow its last tensor`)
}

type Decoded = { dtype: 'float32'; data: Float32Array } | { dtype: 'int32'; data: Int32Array }

/** How an element type is read. `raw` is a copy that begins at offset 0 of its buffer, so views on it are aligned. */
interface Form {
  readonly width: number
  readonly read: (raw: ArrayBuffer, label: string) => Decoded | { dtype: 'uint8' | 'bool'; data: Uint8Array }
}

const floats = (data: Float32Array): Decoded => ({ dtype: 'float32', data })
const ints = (data: Int32Array): Decoded => ({ dtype: 'int32', data })

const FORMS: Readonly<Record<string, Form>> = {
  F64: { width: 8, read: (raw) => floats(Float32Array.from(new Float64Array(raw))) },
  F32: { width: 4, read: (raw) => floats(new Float32Array(raw)) },
  F16: { width: 2, read: (raw) => floats(Float32Array.from(new Uint16Array(raw), halfToFloat)) },
  // bfloat16 is the upper half of a float32
  BF16: {
    width: 2,
    read: (raw) => floats(new Float32Array(Int32Array.from(new Int16Array(raw), (h) => h << 16).buffer)),
  },
  I64: { width: 8, read: (raw, label) => ints(narrowI64(new Int32Array(raw), label)) },
  I32: { width: 4, read: (raw) => ints(new Int32Array(raw)) },
  U32: { width: 4, read: (raw, label) => ints(narrowU32(new Uint32Array(raw), label)) },
  I16: { width: 2, read: (raw) => ints(Int32Array.from(new Int16Array(raw))) },
  U16: { width: 2, read: (raw) => ints(Int32Array.from(new Uint16Array(raw))) },
  I8: { width: 1, read: (raw) => ints(Int32Array.from(new Int8Array(raw))) },
  U8: { width: 1, read: (raw) => ({ dtype: 'uint8', data: new Uint8Array(raw) }) },
  BOOL: { width: 1, read: (raw, label) => ({ dtype: 'bool', data: checkBool(new Uint8Array(raw), label) }) },
}

function decode(entry: Entry, copy: Uint8Array<ArrayBuffer>): StoredTensor {
  const { name, shape, stored } = entry
  return { shape, stored, ...FORMS[stored].read(copy.buffer, `tensor ${quote(name)}`) }
}

/** IEEE half precision: sign, 5 bits of exponent (bias 15), 10 of fraction; subnormals, infinities and NaN included. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** `halves` holds low and high words in turn; a value fits if the high word is the low one's sign. */
function narrowI64(halves: Int32Array, label: string): Int32Array {
  const out = new Int32Array(halves.length / 2)
  for (let i = 0; i < out.length; i++) {
    const low = halves[2 * i]
    if (halves[2 * i + 1] !== low >> 31) throw tooWide(label, 'I64', i)
    out[i] = low
  }
  return out
}

function narrowU32(values: Uint32Array, label: string): Int32Array {
  const wide = values.findIndex((v) => v > 0x7fffffff)
  if (wide >= 0) throw tooWide(label, 'U32', wide)
  return new Int32Array(values.buffer)
}

function tooWide(label: string, stored: string, position: number): GliaError {
  return new GliaError(`${label} is ${stored} and its value at position ${position} does not fit int32.`)
}

function checkBool(values: Uint8Array, label: string): Uint8Array {
  const wrong = values.findIndex((v) => v > 1)
  if (wrong >= 0) throw broken(`${label} is BOOL and has the value ${values[wrong]} at position ${wrong}`)
  return values
}

const STORED = { float32: 'F32', int32: 'I32', uint8: 'U8', bool: 'BOOL' } as const
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const

function encode(name: string, tensor: TensorToWrite): { stored: string; width: number; bytes: Uint8Array } {
  const { dtype, shape, data } = tensor
  const fail = (what: string): GliaError => new GliaError(`writeSafetensors: tensor ${quote(name)} ${what}.`)
  if (!(data instanceof ARRAYS[dtype])) throw fail(`has the dtype ${dtype} but no ${ARRAYS[dtype].name}`)
  if (!isCounts(shape) || shape.reduce((product, d) => product * d, 1) !== data.length) {
    throw fail(`has the shape [${shape.join(', ')}] but ${data.length} values`)
  }
  if (tensor.as === 'I64') {
    if (!(data instanceof Int32Array)) throw fail(`is ${dtype}; only int32 can be stored as I64`)
    const wide = new Int32Array(2 * data.length)
    data.forEach((v, i) => {
      wide[2 * i] = v
      wide[2 * i + 1] = v >> 31
    })
    return { stored: 'I64', width: 8, bytes: new Uint8Array(wide.buffer) }
  }
  const stored = STORED[dtype]
  return { stored, width: FORMS[stored].width, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}
