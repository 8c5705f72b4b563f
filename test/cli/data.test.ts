/** @file `glia data`: sets come from a server, are checked and unpacked; without a server it says what to put where. */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { createTar } from 'nanotar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchSet, progressLine, type Report } from '../../src/cli/data-get.ts'
import { type DataSet, dataSets, type SetFile } from '../../src/cli/data-sets.ts'
import { type FileServer, serveFiles } from '../support/file-server.ts'
import { useGlia } from './glia.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

let server: FileServer
let directory: string
let said: string[]

beforeEach(async () => {
  server = await serveFiles()
  directory = join(mkdtempSync(join(tmpdir(), 'glia-data-')), 'set')
  said = []
})

afterEach(async () => {
  await server.close()
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

const report: Report = {
  progress: () => {},
  done: (file, _, outcome) => said.push(`${file} ${outcome}`),
}

/** A file of a set, kept by the server. */
function kept(name: string, bytes: Uint8Array, members?: SetFile['members']): SetFile {
  server.files.set(`/${name}`, { bytes })
  const checksum = { sha256: hash(bytes) }
  return { name, bytes: bytes.length, checksum, from: [`${server.address}/`], ...(members ? { members } : {}) }
}

const setOf = (...files: readonly SetFile[]): DataSet => ({ description: 'A set', page: server.address, files })
const archives: readonly (readonly [string, () => Uint8Array])[] = [
  ['a.zip', () => zipSync({ 'top/a.txt': text('alpha'), 'top/b.txt': text('beta'), 'top/rest': text('not wanted') })],
  [
    'a.tar.gz',
    () =>
      gzipSync(
        createTar([
          { name: 'top/a.txt', data: text('alpha') },
          { name: 'top/rest', data: text('not wanted') },
          { name: 'top/b.txt', data: text('beta') },
        ]),
      ),
  ],
]
const members = { 'top/a.txt': 'a.txt', 'top/b.txt': 'b.txt' }

describe('fetchSet', () => {
  it('brings what is missing, and checks what is there', async () => {
    const set = setOf(kept('one.bin', text('one')), kept('two.bin', text('two')))
    await fetchSet('a', set, directory, report)
    expect(said).toEqual(['one.bin downloaded', 'two.bin downloaded'])
    rmSync(join(directory, 'two.bin'))
    said = []
    await fetchSet('a', set, directory, report)
    expect(said).toEqual(['one.bin there', 'two.bin downloaded'])
    expect(readFileSync(join(directory, 'two.bin'), 'utf8')).toBe('two')
  })

  it.each(archives)('takes the files out of %s, once', async (name, make) => {
    const set = setOf(kept(name, make(), members))
    await fetchSet('a', set, directory, report)
    expect(said).toEqual([`${name} downloaded`, 'a.txt unpacked', 'b.txt unpacked'])
    expect(readdirSync(directory).sort()).toEqual(['.glia-data.json', 'a.txt', 'b.txt'])
    expect(readFileSync(join(directory, 'b.txt'), 'utf8')).toBe('beta')
    said = []
    await fetchSet('a', set, directory, report)
    expect(said).toEqual([`${name} there`])
    expect(server.requests).toHaveLength(1)
    // A file that is lost is brought again; one that was changed stays, and is named.
    rmSync(join(directory, 'a.txt'))
    await fetchSet('a', set, directory, report)
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('alpha')
    writeFileSync(join(directory, 'b.txt'), 'mine')
    await expect(fetchSet('a', set, directory, report)).rejects.toThrow(/b\.txt is there and differs from the one in/)
    expect(readFileSync(join(directory, 'b.txt'), 'utf8')).toBe('mine')
  })

  it('unpacks an archive that was put there by hand, without a network', async () => {
    const set = setOf(kept('a.zip', archives[0][1](), members))
    mkdirSync(directory)
    writeFileSync(join(directory, 'a.zip'), archives[0][1]())
    await fetchSet('a', set, directory, report)
    expect(said[0]).toBe('a.zip there')
    expect(existsSync(join(directory, 'a.txt'))).toBe(true)
    expect(server.requests).toHaveLength(0)
  })

  it('says what an archive lacks, and what is damaged', async () => {
    const lacking = kept('a.zip', zipSync({ 'top/a.txt': text('alpha') }), members)
    await expect(fetchSet('a', setOf(lacking), directory, report)).rejects.toThrow(/a\.zip does not hold top\/b\.txt/)
    const damaged = kept('b.tar.gz', text('no archive at all'), members)
    await expect(fetchSet('a', setOf(damaged), directory, report)).rejects.toThrow(/b\.tar\.gz cannot be unpacked \(/)
  })

  it('names addresses, files and the place where nothing can be reached', async () => {
    const [one, two, three] = ['one.bin', 'two.bin', 'three.bin'].map((name) => kept(name, text(name)))
    server.files.delete('/two.bin')
    server.files.delete('/three.bin')
    const failure = String(await fetchSet('a', setOf(one, two, three), directory, report).catch((e: unknown) => e))
    expect(failure).toContain(`${server.address}/two.bin: HTTP 404 Not Found`)
    expect(failure).toContain(`put them into ${directory} under these names, and run the command again`)
    expect(failure).toContain(`three.bin  9 bytes, sha256 ${hash(text('three.bin'))}\n    ${server.address}/three.bin`)
    expect(failure).not.toContain('one.bin')
  })

  it('asks a mirror instead', async () => {
    const set = setOf({ ...kept('one.bin', text('one')), from: ['http://127.0.0.1:1/'] })
    await fetchSet('a', set, directory, report, { mirror: server.address })
    expect(server.requests).toEqual([['/one.bin', undefined]])
  })
})

it('the list holds addresses that are addresses, and checksums that are checksums', () => {
  for (const { files, next = 'DIR', page } of Object.values(dataSets)) {
    expect(new URL(page).protocol).toMatch(/^https?:$/)
    expect(next).toContain('DIR')
    for (const { name, bytes, checksum, from, members: inside } of files) {
      const [[algorithm, value]] = Object.entries(checksum)
      expect(value).toMatch(algorithm === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/)
      expect(bytes).toBeGreaterThan(1000)
      for (const address of from) expect(new URL(name, address).protocol).toMatch(/^https?:$/)
      expect(inside === undefined).toBe(!/\.(zip|tgz|tar\.gz)$/.test(name))
    }
  }
})

it('a line of progress tells share, sizes, rate and time left', () => {
  const line = progressLine('a.bin', { url: '', received: 4_500_000, total: 9_912_422, rate: 1_250_000, eta: 4.33 })
  expect(line).toBe('  a.bin  45 %  4.5 MB of 9.9 MB  1.3 MB/s  5 s left')
})

describe('glia data', () => {
  const glia = useGlia()

  it('list names the sets', async () => {
    const { status, stdout } = await glia.run('data', 'list')
    expect(status).toBe(0)
    for (const name of Object.keys(dataSets)) expect(stdout).toMatch(new RegExp(`^${name} +\\d`, 'm'))
    const lines = (await glia.run('data', 'list', '--json')).stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line)).find(({ name }) => name === 'iris')).toMatchObject({ bytes: 4551 })
  })

  it('get says what it was given instead, and what to do', async () => {
    server.files.set('/iris.data', { bytes: new Uint8Array(4551) })
    const wrong = await glia.run('data', 'get', 'iris', '--to', 'flowers', '--mirror', server.address)
    expect(wrong.status).toBe(1)
    expect(wrong.stdout).toContain('Iris: 150 flowers')
    expect(wrong.stderr).toMatch(
      /^glia: iris could not be downloaded:\n {2}http:\/\/127\.0\.0\.1:\d+\/iris\.data: its sha256/,
    )
    expect(wrong.stderr).toContain('put them into flowers under these names')
    expect(wrong.stderr).toContain('https://archive.ics.uci.edu/ml/machine-learning-databases/iris/iris.data')
  })

  it('knows its commands and sets', async () => {
    expect(await glia.run('data', 'fetch')).toMatchObject({
      status: 2,
      stderr: 'glia: There is no command "data fetch"; known are get and list.\n',
    })
    const { status, stderr } = await glia.run('data', 'get', 'mnits')
    expect([status, stderr]).toEqual([2, expect.stringMatching(/no data set "mnits"; known are mnist, fashion-mnist/)])
    expect((await glia.run('data', 'get')).stderr).toBe('glia: glia data get needs the argument <name>.\n')
    expect((await glia.run('data')).stdout).toMatch(/get \[options\] <name>/)
  })
})
