/** @file The directory that a run is saved in: found writable before the work begins, gone again if nothing came of it. */

import { randomBytes } from 'node:crypto'
import { mkdir, open, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { GliaError } from '../core/errors.ts'

export interface OutDirectory {
  readonly path: string
  /** Removes the directories made for it, if they are empty. */
  discard(): Promise<void>
}

/**
 * Makes the directory, if need be with those above it, and writes to it on trial.
 *
 * @param path as the user gave it; without it the first free one of `runs/<recipe>-1`, `-2` … is taken
 * @throws GliaError if nothing can be written there
 */
export async function prepareOut(path: string | undefined, recipe: string): Promise<OutDirectory> {
  const made: string[] = []
  const discard = async (): Promise<void> => {
    for (const directory of made.toReversed()) await rmdir(directory).catch(() => {})
  }
  try {
    const chosen = path ?? (await firstFree(recipe, made))
    await makeAll(resolve(chosen), made)
    await writeOnTrial(chosen)
    return { path: chosen, discard }
  } catch (error) {
    await discard()
    throw new GliaError(
      `${path ?? 'runs'} cannot be written to: ${reason(error)}. Choose another directory with --out.`,
    )
  }
}

async function firstFree(recipe: string, made: string[]): Promise<string> {
  await makeAll(resolve('runs'), made)
  for (let n = 1; ; n++) {
    const path = join('runs', `${recipe}-${n}`)
    try {
      await mkdir(path)
      made.push(path)
      return path
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

async function makeAll(path: string, made: string[]): Promise<void> {
  try {
    await mkdir(path)
    made.push(path)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeAll(dirname(path), made)
    await mkdir(path)
    made.push(path)
  }
}

async function writeOnTrial(directory: string): Promise<void> {
  const path = join(directory, `.${randomBytes(6).toString('hex')}.tmp`)
  const file = await open(path, 'wx')
  await file.close()
  await rm(path)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTDIR: 'the path, or a part of it, is a file',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'a directory cannot be made there',
  ENAMETOOLONG: 'the name is too long',
}

function reason(error: unknown): string {
  return REASONS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
}
