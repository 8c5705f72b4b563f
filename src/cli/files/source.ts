/** @file Users' files as recipes take them. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { GliaError } from '../../core/errors.ts'
import type { PictureFile } from '../../data/folder.ts'
import { decodeText } from '../../data/readers/text.ts'
import type { FileRecipe, Source } from '../../recipes/files/index.ts'

/** No text has more, packed or not: the engine's strings end soon after. */
const MAX_BYTES = 2 ** 29 - 2 ** 20

/**
 * Reads what a recipe trains on.
 *
 * @throws GliaError, one sentence, if the file is missing or not what the recipe reads
 */
export async function readSource(recipe: FileRecipe, path: string): Promise<Source> {
  if (recipe.reads === 'pictures') return { name: path, text: '', pictures: await picturesAt(path) }
  return { name: path, text: await readTextFile(path) }
}

/** A directory's files with those of its folders, or one file; each is read when it is needed. */
async function picturesAt(path: string): Promise<NonNullable<Source['pictures']>> {
  const { decodeImage } = await import('../../node/decode.ts')
  const found = await stat(path).catch(() => null)
  if (found === null) throw new GliaError(`There is nothing at ${path}.`)
  const file = (name: string, full: string): PictureFile => ({ path: name, bytes: () => readFile(full) })
  if (!found.isDirectory()) return { files: [file(basename(path), path)], decode: decodeImage }
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((full) => file(relative(path, full).split(sep).join('/'), full))
  const full = new Set(files.map(({ path: name }) => name.split('/')[0]))
  const folders = entries.filter((entry) => entry.isDirectory() && (entry.parentPath ?? entry.path) === path)
  const empty = folders.map(({ name }) => name).filter((name) => !full.has(name) && !name.startsWith('.'))
  return { files, decode: decodeImage, ...(empty.length > 0 ? { empty } : {}) }
}

/** A text file in UTF-8, or UTF-16 with a byte order mark, plain or gzipped. @throws GliaError if it is no such thing */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'ENOENT') throw new GliaError(`The file ${path} does not exist.`)
    if (code === 'ERR_FS_FILE_TOO_LARGE') throw tooLarge(path)
    throw new GliaError(
      code === 'EISDIR' ? `${path} is a directory; name a file.` : `${path} cannot be read (${code}).`,
    )
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await unpacked(bytes, path)
  if (bytes.length > MAX_BYTES) throw tooLarge(path)
  try {
    return decodeText(bytes, { name: path })
  } catch (error) {
    if (!(error instanceof GliaError)) throw error
    // The first sentence names the line; what follows is said to programs.
    throw new GliaError(`${error.message.split('. ')[0]}. Save the file in this encoding.`)
  }
}

async function unpacked(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify<Uint8Array, object, Uint8Array>(gunzip)(bytes, { maxOutputLength: MAX_BYTES })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path)
    throw new GliaError(`${path} is not a sound gzip file (${error instanceof Error ? error.message : error}).`)
  }
}

function tooLarge(path: string): GliaError {
  return new GliaError(
    `${path} holds more than ${MAX_BYTES / 2 ** 20} MiB of text, which is not read; take a part of it.`,
  )
}

/** What stands in a line of a source's text, counted from 1; empty beyond its end. */
export function excerptOf({ text }: Source): (line: number) => string {
  let lines: readonly string[] | null = null
  return (line) => {
    lines ??= text.split(/\r\n|\n|\r/)
    return lines[line - 1] ?? ''
  }
}
