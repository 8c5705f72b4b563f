/** @file Tables and records from files: CSV, TSV, JSON lines, Parquet; whole, or as sources for `DataLoader`. */

import { open } from 'node:fs/promises'
import { type CsvOptions, type CsvRecord, parseCsv, streamCsv } from '../data/readers/csv.ts'
import { type JsonLinesOptions, parseJsonLines, streamJsonLines } from '../data/readers/json-lines.ts'
import { type ParquetOptions, type RandomAccess, readParquetTable, streamParquet } from '../data/readers/parquet.ts'
import type { Line, TextOptions } from '../data/readers/text.ts'
import type { StreamSource } from '../data/source.ts'
import { type Table, tableOfObjects } from '../data/table.ts'
import { readText, streamTextLines, unreadable } from './read.ts'

const TABS = /\.(tsv|tab)(\.gz)?$/i

function forFile<T extends CsvOptions>(path: string, options: T): T {
  return { name: path, ...(TABS.test(path) ? { delimiter: '\t' } : {}), ...options }
}

/** Reads a CSV file, or TSV by its name; gzipped or not. See `parseCsv`. */
export async function readCsv(path: string, options: CsvOptions & TextOptions = {}): Promise<Table> {
  return parseCsv(await readText(path, options), forFile(path, options))
}

/** The records of a CSV or TSV file of any size, see `streamCsv`. */
export function csvSource(path: string, options: CsvOptions & TextOptions = {}): StreamSource<CsvRecord> {
  return { stream: () => streamCsv(streamTextLines(path, options), forFile(path, options)) }
}

/** Reads a file of JSON lines into a table; left-out lines are listed in `skipped`. */
export async function readJsonLines(path: string, options: JsonLinesOptions & TextOptions = {}): Promise<Table> {
  const { objects, skipped } = parseJsonLines(await readText(path, options), { name: path, ...options })
  return { ...tableOfObjects(objects, { name: path }), skipped }
}

/** The objects of a file of JSON lines of any size. */
export function jsonLinesSource(
  path: string,
  options: JsonLinesOptions & TextOptions = {},
): StreamSource<Record<string, unknown>> {
  return { stream: () => streamJsonLines(streamTextLines(path, options), { name: path, ...options }) }
}

/** The lines of a text file of any size. */
export function textSource(path: string, options: TextOptions = {}): StreamSource<Line> {
  return { stream: () => streamTextLines(path, options) }
}

/** Reads a Parquet file into a table, see `readParquetTable`. */
export async function readParquet(path: string, options: ParquetOptions = {}): Promise<Table> {
  return withFile(path, (file) => readParquetTable(file, { name: path, ...options }))
}

/** The rows of a Parquet file, read one row group at a time. */
export function parquetSource(path: string, options: ParquetOptions = {}): StreamSource<Record<string, unknown>> {
  return {
    async *stream() {
      const file = await openFile(path)
      try {
        yield* streamParquet(file.access, { name: path, ...options })
      } finally {
        await file.close()
      }
    },
  }
}

async function withFile<T>(path: string, use: (file: RandomAccess) => Promise<T>): Promise<T> {
  const file = await openFile(path)
  try {
    return await use(file.access)
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<{ access: RandomAccess; close: () => Promise<void> }> {
  try {
    const file = await open(path)
    const { size } = await file.stat()
    const access = {
      byteLength: size,
      async slice(start: number, end: number = size): Promise<ArrayBuffer> {
        const bytes = new Uint8Array(end - start)
        await file.read(bytes, 0, bytes.length, start)
        return bytes.buffer
      },
    }
    return { access, close: () => file.close() }
  } catch (error) {
    throw unreadable(path, error)
  }
}
