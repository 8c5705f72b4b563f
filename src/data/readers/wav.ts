/** @file WAV audio: RIFF chunks with PCM of 8 to 32 bits or floats. */

import { GliaError } from '../../core/errors.ts'

/** Sound as numbers. */
export interface Sound {
  /** Samples per second. */
  readonly sampleRate: number
  /** `[C, T]`: channel after channel, mostly in [−1, 1]. */
  readonly data: Float32Array
  readonly shape: readonly [channels: number, samples: number]
}

const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe

/**
 * Reads a WAV file: PCM of 8 (unsigned), 16, 24 or 32 bits, which is scaled to [−1, 1), or floats of 32 or 64 bits.
 *
 * @param name the file's name, for messages
 * @throws GliaError if it is no WAV file, cut short, compressed, or holds no samples
 */
export function parseWav(bytes: Uint8Array, name = 'The sound'): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw new GliaError(`${name} is not a WAV file.`)
  let format: { code: number; channels: number; rate: number; bits: number } | undefined
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [id, length] = [tag(at), view.getUint32(at + 4, true)]
    const body = at + 8
    if (id === 'fmt ' && length >= 16 && body + length <= bytes.length) {
      const code = view.getUint16(body, true)
      format = {
        code: code === EXTENSIBLE && length >= 26 ? view.getUint16(body + 24, true) : code,
        channels: view.getUint16(body + 2, true),
        rate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      }
    } else if (id === 'data') {
      if (format === undefined) throw new GliaError(`${name} has samples before their format; it is not sound.`)
      // Recorders that were interrupted leave 0 or 2³² − 1: everything up to the end is meant then.
      const open = length === 0 || length === 0xffffffff
      if (!open && body + length > bytes.length) {
        throw new GliaError(
          `${name} is truncated: it announces ${length} bytes of samples and has ${bytes.length - body}.`,
        )
      }
      return samples(
        new DataView(bytes.buffer, bytes.byteOffset + body, open ? bytes.length - body : length),
        format,
        name,
      )
    }
    at = body + length + (length & 1)
  }
  throw new GliaError(`${name} holds no samples.`)
}

function samples(
  view: DataView,
  { code, channels, rate, bits }: { code: number; channels: number; rate: number; bits: number },
  name: string,
): Sound {
  const read = readers[`${code === FLOAT ? 'float' : code === PCM ? 'pcm' : code} ${bits}`]
  if (read === undefined) {
    throw new GliaError(
      `${name} has samples of format ${code} with ${bits} bits, which is not read; save it as 16-bit PCM.`,
    )
  }
  const width = bits / 8
  if (channels === 0 || rate === 0) throw new GliaError(`${name} is not sound: ${channels} channels at ${rate} Hz.`)
  const length = Math.floor(view.byteLength / (width * channels))
  if (length === 0) throw new GliaError(`${name} holds no samples.`)
  const data = new Float32Array(channels * length)
  for (let t = 0; t < length; t++) {
    for (let c = 0; c < channels; c++) data[c * length + t] = read(view, (t * channels + c) * width)
  }
  return { sampleRate: rate, data, shape: [channels, length] }
}

const readers: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  'pcm 8': (view, at) => (view.getUint8(at) - 128) / 128,
  'pcm 16': (view, at) => view.getInt16(at, true) / 2 ** 15,
  'pcm 24': (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  'pcm 32': (view, at) => view.getInt32(at, true) / 2 ** 31,
  'float 32': (view, at) => view.getFloat32(at, true),
  'float 64': (view, at) => view.getFloat64(at, true),
}

/**
 * Writes 16-bit PCM; values beyond [−1, 1] are cut off.
 *
 * @throws GliaError if the data is not `[C, T]` as its shape says
 */
export function encodeWav({ sampleRate, data, shape: [channels, length] }: Sound): Uint8Array {
  if (data.length !== channels * length) {
    throw new GliaError(`encodeWav: ${channels} × ${length} values are needed; received ${data.length}.`)
  }
  const bytes = new Uint8Array(44 + 2 * data.length)
  const view = new DataView(bytes.buffer)
  const text = (at: number, tag: string): void => {
    for (let i = 0; i < 4; i++) bytes[at + i] = tag.charCodeAt(i)
  }
  text(0, 'RIFF')
  view.setUint32(4, bytes.length - 8, true)
  text(8, 'WAVE')
  text(12, 'fmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, PCM, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, sampleRate, true)
  view.setUint32(28, sampleRate * channels * 2, true)
  view.setUint16(32, channels * 2, true)
  view.setUint16(34, 16, true)
  text(36, 'data')
  view.setUint32(40, 2 * data.length, true)
  for (let t = 0; t < length; t++) {
    for (let c = 0; c < channels; c++) {
      const value = Math.round(data[c * length + t] * 2 ** 15)
      view.setInt16(44 + 2 * (t * channels + c), Math.max(-(2 ** 15), Math.min(2 ** 15 - 1, value)), true)
    }
  }
  return bytes
}
