/** @file Downloads from a server that breaks off, redirects, lies and refuses: what is on the disk afterwards is right. */

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DownloadError, type DownloadProgress, download, type RemoteFile } from '../../src/node/download.ts'
import { type FileServer, serveFiles } from '../support/file-server.ts'

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 251)
const sha256 = createHash('sha256').update(bytes).digest('hex')

let server: FileServer
let directory: string
let path: string

beforeEach(async () => {
  server = await serveFiles()
  directory = mkdtempSync(join(tmpdir(), 'glia-download-'))
  path = join(directory, 'deep', 'a.bin')
})

afterEach(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

const remote = (...paths: string[]): RemoteFile => ({
  urls: paths.map((p) => server.address + p),
  bytes: bytes.length,
  checksum: { sha256 },
})
const right = (): void => {
  expect(readFileSync(path).equals(bytes)).toBe(true)
  expect(readdirSync(join(directory, 'deep'))).toEqual(['a.bin'])
}

it('downloads, tells how far it is, and leaves a file that is there alone', async () => {
  server.files.set('/a.bin', { bytes })
  const seen: DownloadProgress[] = []
  expect(await download(remote('/a.bin'), path, { onProgress: (p) => seen.push(p) })).toBe('downloaded')
  right()
  const received = seen.map((p) => p.received)
  expect(received).toEqual([...received].sort((a, b) => a - b))
  expect(seen.at(-1)).toMatchObject({ received: bytes.length, total: bytes.length, eta: 0 })
  expect(seen.every((p) => p.rate > 0 && p.url.endsWith('/a.bin'))).toBe(true)
  expect(await download(remote('/a.bin'), path)).toBe('there')
  expect(server.requests).toHaveLength(1)
})

it('takes md5 where that is all there is, and follows redirections', async () => {
  server.files.set('/old', { bytes, redirect: '/new' })
  server.files.set('/new', { bytes })
  const md5 = createHash('md5').update(bytes).digest('hex')
  await download({ ...remote('/old'), checksum: { md5 } }, path)
  right()
})

it('goes on where a broken connection ended', async () => {
  server.files.set('/a.bin', { bytes, breakAfter: 100_000, times: 2 })
  expect(await download(remote('/a.bin'), path)).toBe('downloaded')
  right()
  const starts = server.requests.map(([, range]) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0))
  expect(starts).toHaveLength(3)
  expect(starts[0]).toBe(0)
  expect(starts[2]).toBeGreaterThan(starts[1])
  expect(starts[1]).toBeGreaterThan(0)
})

it('goes on with what an earlier attempt has left, on another server, too', async () => {
  server.files.set('/a.bin', { bytes, breakAfter: 100_000 })
  const failure = await download(remote('/a.bin'), path, { attempts: 1 }).catch((e: unknown) => e)
  expect(failure).toBeInstanceOf(DownloadError)
  const part = readFileSync(`${path}.part`)
  expect(part.length).toBeGreaterThan(0)
  expect(existsSync(path)).toBe(false)
  server.files.set('/mirror/a.bin', { bytes })
  await download(remote('/gone.bin', '/mirror/a.bin'), path)
  right()
  expect(server.requests.at(-1)).toEqual(['/mirror/a.bin', `bytes=${part.length}-`])
})

it('begins again where a server knows no Range, or where what was left is of another file', async () => {
  server.files.set('/whole.bin', { bytes, ranges: false, breakAfter: 100_000, times: 1 })
  await download(remote('/whole.bin'), path)
  right()
  server.files.set('/a.bin', { bytes })
  rmSync(path)
  writeFileSync(`${path}.part`, new Uint8Array(1000).fill(9))
  await download(remote('/a.bin'), path)
  right()
  rmSync(path)
  writeFileSync(`${path}.part`, new Uint8Array(bytes.length + 1))
  await download(remote('/a.bin'), path)
  right()
})

it('needs no network for a part file that is complete', async () => {
  server.files.set('/a.bin', { bytes, breakAfter: 100_000 })
  await download(remote('/a.bin'), path, { attempts: 1 }).catch(() => {})
  writeFileSync(`${path}.part`, bytes)
  const before = server.requests.length
  await download(remote('/a.bin'), path)
  right()
  expect(server.requests).toHaveLength(before)
})

it('refuses another content, removes only that, and takes the next address', async () => {
  const wrong = bytes.slice()
  wrong[5] ^= 1
  server.files.set('/wrong.bin', { bytes: wrong })
  server.files.set('/long.bin', { bytes: new Uint8Array(bytes.length + 5) })
  const failure = await download(remote('/wrong.bin', '/long.bin', '/none.bin'), path).catch((e: unknown) => e)
  expect(failure).toBeInstanceOf(DownloadError)
  const [first, second, third] = (failure as DownloadError).failures
  expect(first).toMatch(new RegExp(`/wrong\\.bin: its sha256 is [0-9a-f]{64}, not ${sha256}$`))
  expect(second).toMatch(/\/long\.bin: it sends more than the 300000 bytes of the file$/)
  expect(third).toMatch(/\/none\.bin: HTTP 404 Not Found$/)
  expect(readdirSync(join(directory, 'deep'))).toEqual([])
  server.files.set('/a.bin', { bytes })
  await download(remote('/wrong.bin', '/a.bin'), path)
  right()
})

it('says what a server answered, that one cannot be reached, or that nothing came', async () => {
  server.files.set('/down.bin', { bytes, status: 503 })
  server.files.set('/stalls.bin', { bytes, stalls: true })
  const gone = await serveFiles()
  await gone.close()
  const file = {
    ...remote('/down.bin', '/stalls.bin'),
    urls: [...remote('/down.bin', '/stalls.bin').urls, gone.address],
  }
  const failure = await download(file, path, { patience: 0.2, attempts: 1 }).catch((e: unknown) => e)
  const [down, stalled, unreachable] = (failure as DownloadError).failures
  expect(down).toMatch(/HTTP 503 Service Unavailable$/)
  expect(stalled).toMatch(/nothing came for 0\.2 seconds$/)
  expect(unreachable).toMatch(/ECONNREFUSED/)
  expect(String(failure)).toMatch(/a\.bin could not be downloaded: http/)
})

it('never touches a file of that name with other content', async () => {
  server.files.set('/a.bin', { bytes })
  const own = join(directory, 'own.bin')
  writeFileSync(own, 'mine')
  await expect(download(remote('/a.bin'), own)).rejects.toThrow(
    /own\.bin is another file than the one to download \(it has 4 bytes, not 300000\)\. Move it away/,
  )
  writeFileSync(own, new Uint8Array(bytes.length))
  await expect(download(remote('/a.bin'), own)).rejects.toThrow(/its sha256 is [0-9a-f]{64}, not/)
  expect(readFileSync(own)).toHaveLength(bytes.length)
  expect(server.requests).toHaveLength(0)
})

it('says why it cannot write', async () => {
  server.files.set('/a.bin', { bytes })
  writeFileSync(join(directory, 'file'), '')
  await expect(download(remote('/a.bin'), join(directory, 'file', 'a.bin'))).rejects.toThrow(/file/)
})
