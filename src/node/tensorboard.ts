/**
 * @file TensorBoard's event files: records of a length, its checksum, a protocol buffer and its checksum. Of the messages
 * Event, Summary and SessionLog (tensorflow/core/util/event.proto) only the fields that scalars need are written.
 */

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { crc32c } from '../train/crc32c.ts'

/** Numbers by tag, such as `train/loss`, at a step. */
export interface Scalars {
  readonly step: number
  /** Seconds since 1970. */
  readonly time: number
  readonly values: Readonly<Record<string, number>>
}

/** message Event */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const
/** message Summary { repeated Value value }, message Value */
const SUMMARY = { value: 1 } as const
const VALUE = { tag: 1, simpleValue: 2 } as const
/** message SessionLog { SessionStatus status } */
const SESSION = { status: 1, start: 1 } as const

function event(time: number, step: number, fill: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(EVENT.wallTime, WireType.Bit64).double(time)
  writer.tag(EVENT.step, WireType.Varint).int64(step)
  fill(writer)
  return record(writer.finish())
}

/** What a file begins with: its version, and from which step on it replaces what earlier files of the directory say. */
export function fileHeader(time: number, from: number): Uint8Array {
  const version = event(time, 0, (w) => w.tag(EVENT.fileVersion, WireType.LengthDelimited).string('brain.Event:2'))
  const restart = event(time, from, (w) => {
    w.tag(EVENT.sessionLog, WireType.LengthDelimited).fork()
    w.tag(SESSION.status, WireType.Varint).int32(SESSION.start).join()
  })
  return joined([version, restart])
}

/** One event with its numbers. */
export function scalarEvent({ step, time, values }: Scalars): Uint8Array {
  return event(time, step, (w) => {
    w.tag(EVENT.summary, WireType.LengthDelimited).fork()
    for (const [tag, value] of Object.entries(values)) {
      w.tag(SUMMARY.value, WireType.LengthDelimited).fork()
      w.tag(VALUE.tag, WireType.LengthDelimited).string(tag)
      w.tag(VALUE.simpleValue, WireType.Bit32).float(value).join()
    }
    w.join()
  })
}

/** TFRecord framing: length (64 bits), masked checksum of the length, content, masked checksum of the content. */
function record(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + content.length + 4)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(content.length), true)
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true)
  bytes.set(content, 12)
  view.setUint32(12 + content.length, masked(crc32c(content)), true)
  return bytes
}

/** Checksums of data that hold checksums themselves are bad ones; this keeps them apart. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}
