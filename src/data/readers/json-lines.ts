/** @file JSON lines: one JSON value a line. */

import { GliaError } from '../../core/errors.ts'
import type { SkippedRow } from '../table.ts'
import { type Line, linesOf } from './text.ts'

export interface JsonLinesOptions {
  /** The file's name, for messages. */
  readonly name?: string
  /** What to do with a line that is no JSON object: stop (default), or leave it out and list it. */
  readonly onError?: 'throw' | 'skip'
}

/**
 * Reads the objects of a text; empty lines are passed over.
 *
 * @throws GliaError, naming the line, if one is not a JSON object
 */
export function parseJsonLines(
  text: string,
  options: JsonLinesOptions = {},
): { readonly objects: readonly Record<string, unknown>[]; readonly skipped: readonly SkippedRow[] } {
  const skipped: SkippedRow[] = []
  const objects = linesOf(text).flatMap((content, i) => parse({ text: content, line: i + 1 }, options, skipped))
  return { objects, skipped }
}

/** The objects of a stream of lines, see `streamLines`. */
export async function* streamJsonLines(
  lines: AsyncIterable<Line>,
  options: JsonLinesOptions = {},
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  for await (const line of lines) yield* parse(line, options, [])
}

function parse({ text, line }: Line, options: JsonLinesOptions, skipped: SkippedRow[]): Record<string, unknown>[] {
  const { name = 'The text', onError = 'throw' } = options
  if (text.trim() === '') return []
  let reason: string
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return [{ ...value }]
    reason = 'the line holds no JSON object'
  } catch (error) {
    reason = `the line is not JSON (${error instanceof Error ? error.message : error})`
  }
  if (onError === 'throw') throw new GliaError(`${name}, line ${line}: ${reason}.`)
  skipped.push({ line, reason })
  return []
}
