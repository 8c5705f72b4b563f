import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeFileAtomic } from '../../src/node/files.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'glia-files-'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('writeFileAtomic', () => {
  test('writes and replaces, leaving nothing beside', async () => {
    const path = join(dir, 'a.bin')
    await writeFileAtomic(path, Uint8Array.of(1, 2))
    await writeFileAtomic(path, 'three')
    expect(await readFile(path, 'utf8')).toBe('three')
    expect(await readdir(dir)).toEqual(['a.bin'])
  })

  test('writers at the same time leave one whole file', async () => {
    const path = join(dir, 'a.txt')
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000))
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)))
    expect(texts).toContain(await readFile(path, 'utf8'))
    expect(await readdir(dir)).toEqual(['a.txt'])
  })

  test('says why a path cannot be written, and leaves nothing beside it', async () => {
    await expect(writeFileAtomic(join(dir, 'no', 'a'), 'x')).rejects.toThrow(
      'cannot be written: its directory does not exist.',
    )
    await writeFile(join(dir, 'file'), '')
    await expect(writeFileAtomic(join(dir, 'file', 'a'), 'x')).rejects.toThrow('a part of its path is a file')
    await mkdir(join(dir, 'folder', 'inner'), { recursive: true })
    await expect(writeFileAtomic(join(dir, 'folder'), 'x')).rejects.toThrow(
      'folder cannot be written: it is a directory.',
    )
    expect((await readdir(dir)).sort()).toEqual(['file', 'folder'])
  })
})
