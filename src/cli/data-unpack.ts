/** @file Taking named files out of an archive that was downloaded, and remembering what came out. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { unzipSync } from 'fflate'
import { parseTar } from 'nanotar'
import { GliaError } from '../core/errors.ts'
import { writeFileAtomic } from '../node/files.ts'

/** More than any archive of the list unpacks to. */
const MAX_UNPACKED = 2 ** 30
/** Beside the files: what each of them hashed to when it came out of which archive. */
const NOTE = '.glia-data.json'

/** Paths in the archive, and the names that they get. */
export type Members = Readonly<Record<string, string>>

interface Note {
  readonly [archive: string]: Readonly<Record<string, string>>
}

/** Whether all that an archive holds is in the directory, as it came out of it. */
export async function isUnpacked(directory: string, archive: string, members: Members): Promise<boolean> {
  const hashes = (await readNote(directory))[archive]
  if (!hashes) return false
  for (const name of Object.values(members)) {
    const bytes = await readOrNothing(join(directory, name))
    if (!bytes || hashes[name] !== hashOf(bytes)) return false
  }
  return true
}

/**
 * Takes the members out of a `.zip`, `.tar.gz` or `.tgz` file, each into the directory itself.
 *
 * @throws GliaError if the archive is damaged or lacks one, or a file of that name is there with other content
 */
export async function unpack(directory: string, archive: string, members: Members): Promise<void> {
  const path = join(directory, archive)
  const found = archive.endsWith('.zip') ? await fromZip(path, members) : await fromTar(path, members)
  const hashes: Record<string, string> = {}
  for (const [inside, name] of Object.entries(members)) {
    const bytes = found.get(inside)
    if (!bytes) throw new GliaError(`${path} does not hold ${inside}.`)
    const there = await readOrNothing(join(directory, name))
    if (there && hashOf(there) !== hashOf(bytes)) {
      throw new GliaError(
        `${join(directory, name)} is there and differs from the one in ${archive}. Move it away, and try again.`,
      )
    }
    hashes[name] = hashOf(bytes)
  }
  for (const [inside, name] of Object.entries(members)) {
    await writeFileAtomic(join(directory, name), found.get(inside) ?? new Uint8Array())
  }
  const note: Note = { ...(await readNote(directory)), [archive]: hashes }
  await writeFileAtomic(join(directory, NOTE), `${JSON.stringify(note, null, 2)}\n`)
}

async function fromZip(path: string, members: Members): Promise<Map<string, Uint8Array>> {
  const bytes = await readFile(path)
  try {
    const filter = (file: { name: string; originalSize: number }): boolean =>
      Object.hasOwn(members, file.name) && file.originalSize <= MAX_UNPACKED
    return new Map(Object.entries(unzipSync(bytes, { filter })))
  } catch (error) {
    throw damaged(path, error)
  }
}

async function fromTar(path: string, members: Members): Promise<Map<string, Uint8Array>> {
  const packed = await readFile(path)
  try {
    const bytes = await promisify<Uint8Array, object, Uint8Array>(gunzip)(packed, { maxOutputLength: MAX_UNPACKED })
    const files = parseTar(bytes).filter(({ name }) => Object.hasOwn(members, name))
    return new Map(files.map(({ name, data }) => [name, data ?? new Uint8Array()]))
  } catch (error) {
    throw damaged(path, error)
  }
}

function damaged(path: string, error: unknown): GliaError {
  return new GliaError(`${path} cannot be unpacked (${error instanceof Error ? error.message : error}).`)
}

async function readNote(directory: string): Promise<Note> {
  const bytes = await readOrNothing(join(directory, NOTE))
  try {
    return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Note) : {}
  } catch {
    // Someone wrote something else there: the archive is asked again.
    return {}
  }
}

async function readOrNothing(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new GliaError(`${path} cannot be read (${error instanceof Error ? error.message : error}).`)
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
