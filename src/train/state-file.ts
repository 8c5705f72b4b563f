/** @file A training's state as bytes: a safetensors file whose metadata hold the progress as JSON, and a checksum. */

import { GliaError } from '../core/errors.ts'
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../io/safetensors.ts'
import { crc32c } from './crc32c.ts'
import { fromJson, type Progress, STATE_FORMAT, type TrainingState, toJson } from './state.ts'

/** Bytes from which `decodeState` makes the state again, bit by bit. */
export function encodeState({ progress, tensors }: TrainingState): Uint8Array {
  const text = toJson(progress)
  const metadata = { format: 'pt', training: text, crc32c: String(checksum(text, tensors)) }
  return writeSafetensors(tensors, Object.entries(metadata))
}

/** @throws GliaError if the bytes are damaged, cut short, of a later version, or something else */
export function decodeState(bytes: Uint8Array): TrainingState {
  const { tensors, metadata } = readSafetensors(bytes)
  const text = metadata.get('training')
  if (text === undefined) throw new GliaError('checkpoint: the file holds weights, but no state of a training.')
  if (metadata.get('crc32c') !== String(checksum(text, tensors))) {
    throw new GliaError('checkpoint: the file is damaged; its content does not fit its checksum.')
  }
  const progress = fromJson(text) as Progress
  if (progress.format > STATE_FORMAT) {
    throw new GliaError(
      `checkpoint: the file was written by a later version of Glia (format ${progress.format}; this one reads ${STATE_FORMAT}).`,
    )
  }
  return { progress, tensors }
}

function checksum(text: string, tensors: ReadonlyMap<string, TensorToWrite>): number {
  let crc = crc32c(new TextEncoder().encode(text))
  for (const name of [...tensors.keys()].sort()) {
    const data = tensors.get(name)?.data ?? new Uint8Array()
    crc = crc32c(new TextEncoder().encode(name), crc)
    crc = crc32c(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc)
  }
  return crc
}
