/** @file Writing files so that a reader sees the old content or the new one, never half of it. */

import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GliaError } from '../core/errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'a part of its path is a file, not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'its name is too long',
}

/**
 * Writes `bytes` to `path`, replacing what is there in one step: beside it, flushed to the disk, then renamed. If that
 * fails, what was at `path` is untouched and nothing is left beside it.
 *
 * @throws GliaError, one sentence naming the path and the reason
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const beside = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString('hex')}.tmp`)
  let made = false
  try {
    // 'wx': never write through a file or link that someone put there
    const file = await open(beside, 'wx')
    made = true
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    if (made) await rm(beside, { force: true })
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
    throw new GliaError(`${path} cannot be written: ${reason}.`, { cause: error })
  }
}
