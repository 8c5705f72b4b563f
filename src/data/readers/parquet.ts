/** @file Parquet tables, whole or by row group. */

import { GliaError } from '../../core/errors.ts'
import { type Table, type TableOptions, tableOfObjects } from '../table.ts'

/** A file that is read piece by piece, such as a `Blob` (with `byteLength: blob.size`) or an open file. */
export interface RandomAccess {
  readonly byteLength: number
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>
}

export interface ParquetOptions extends TableOptions {
  /** Only these columns. */
  readonly columns?: readonly string[]
}

/**
 * Reads a Parquet file, plain or compressed with Snappy, into a table. Integers of 64 bits become numbers, nested values
 * JSON text.
 *
 * @throws GliaError if it is no sound Parquet file, or compressed in a way that is not read
 */
export async function readParquetTable(file: Uint8Array | RandomAccess, options: ParquetOptions = {}): Promise<Table> {
  const rows: Record<string, unknown>[] = []
  for await (const row of streamParquet(file, options)) rows.push(row)
  return tableOfObjects(rows, options)
}

/** The rows of a Parquet file, read one row group at a time. */
export async function* streamParquet(
  file: Uint8Array | RandomAccess,
  options: ParquetOptions = {},
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const { name = 'The file', columns } = options
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
  const access = file instanceof Uint8Array ? inMemory(file) : file
  const failed = (error: unknown): GliaError =>
    new GliaError(`${name} is not a Parquet file that can be read (${error instanceof Error ? error.message : error}).`)
  const metadata = await parquetMetadataAsync(access).catch((error: unknown) => {
    throw failed(error)
  })
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const wanted = { file: access, metadata, rowStart, rowEnd, ...(columns ? { columns: [...columns] } : {}) }
    const rows = await parquetReadObjects(wanted).catch((error: unknown) => {
      throw failed(error)
    })
    for (const row of rows) yield plain(row)
    rowStart = rowEnd
  }
}

function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    byteLength: bytes.length,
    slice: (start, end) => new Uint8Array(bytes.slice(start, end)).buffer,
  }
}

function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value]),
  )
}
