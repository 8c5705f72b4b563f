/** @file Bytes to text and lines, whole or as a stream, with errors that name the line. */

import { GliaError } from '../../core/errors.ts'

export interface TextOptions {
  /** Any label that `TextDecoder` knows, such as 'windows-1252'. By default UTF-8, or UTF-16 if a byte order mark says so. */
  readonly encoding?: string
  /** The file's name, for messages. */
  readonly name?: string
}

/** A line of a stream. */
export interface Line {
  readonly text: string
  /** Counted from 1. */
  readonly line: number
}

/**
 * Decodes a text file; a byte order mark is taken away.
 *
 * @throws GliaError if the bytes are not in that encoding, naming the line, or the encoding is unknown
 */
export function decodeText(bytes: Uint8Array, options: TextOptions = {}): string {
  const { name = 'The text', encoding = markOf(bytes) ?? 'utf-8' } = options
  const decoder = decoderOf(encoding, name)
  try {
    return decoder.decode(bytes)
  } catch {
    let [line, start] = [1, 0]
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      if (!decodes(decoder, bytes.subarray(start, end))) break
      line++
      start = end + 1
    }
    throw wrongEncoding(name, encoding, line)
  }
}

/** The lines of a text, without their ends (LF, CR LF or CR); a final line end adds no empty line. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/**
 * The lines of a stream of bytes, such as `createReadStream(path)` or `blob.stream()`, without their ends (LF or CR LF).
 *
 * @param maxLength longest line in UTF-16 units, 16 Mi by default: a file without line ends is not read into memory
 * @throws GliaError if the bytes are not in that encoding or a line is too long, naming the line
 */
export async function* streamLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: TextOptions & { readonly maxLength?: number } = {},
): AsyncGenerator<Line, void, undefined> {
  const { name = 'The stream', encoding, maxLength = 2 ** 24 } = options
  let decoder: TextDecoder | undefined
  let kind = encoding ?? 'utf-8'
  let rest = ''
  let line = 1
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder?.decode(bytes, { stream: bytes !== undefined }) ?? ''
    } catch {
      throw wrongEncoding(name, kind, line, 'or soon after')
    }
  }
  for await (const chunk of chunks) {
    if (decoder === undefined) {
      kind = encoding ?? markOf(chunk) ?? 'utf-8'
      decoder = decoderOf(kind, name)
    }
    const parts = (rest + decode(chunk)).split('\n')
    rest = parts.pop() ?? ''
    for (const text of parts) yield { text: text.endsWith('\r') ? text.slice(0, -1) : text, line: line++ }
    if (rest.length > maxLength) {
      throw new GliaError(`${name}, line ${line} is longer than ${maxLength} characters. Is it a text file with lines?`)
    }
  }
  rest += decode()
  if (rest !== '') yield { text: rest, line }
}

/** The characters of a string that are half of a surrogate pair: they are no text, and become U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD')
}

function markOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined
}

function decoderOf(encoding: string, name: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch {
    throw new GliaError(`${name}: the encoding ${JSON.stringify(encoding)} is not known.`)
  }
}

function decodes(decoder: TextDecoder, bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes)
    return true
  } catch {
    return false
  }
}

function wrongEncoding(name: string, encoding: string, line: number, near = ''): GliaError {
  return new GliaError(
    `${name}, line ${line}${near ? ` ${near}` : ''}: the bytes are not ${encoding.toUpperCase()}. Give the file's ` +
      "encoding, such as { encoding: 'windows-1252' }, or save it as UTF-8.",
  )
}
