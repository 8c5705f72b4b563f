/** @file Downloading files of known content: from one of several addresses, resumable, checked before they get their name. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GliaError } from '../core/errors.ts'

/** What a file's bytes hash to, in hexadecimal: `{ sha256: '86c4…' }`, or md5 where a publisher gives no better. */
export type Checksum = { readonly sha256: string } | { readonly md5: string }

/** A file whose content is known. */
export interface RemoteFile {
  /** Addresses (http or https), the preferred one first. */
  readonly urls: readonly string[]
  readonly bytes: number
  readonly checksum: Checksum
}

/** How far a download has come. */
export interface DownloadProgress {
  readonly url: string
  /** Bytes on disk, those of an earlier attempt among them. */
  readonly received: number
  readonly total: number
  /** Bytes per second of this attempt. */
  readonly rate: number
  /** Seconds left at this rate. */
  readonly eta: number
}

export interface DownloadOptions {
  /** Called for every piece that arrives. */
  readonly onProgress?: (progress: DownloadProgress) => void
  /** Seconds without a byte after which an address is given up, 60 by default. */
  readonly patience?: number
  /** Attempts at an address whose connection breaks, each going on where the last ended; 3 by default. */
  readonly attempts?: number
}

/** Why no address gave the file; `failures` has a line for each. */
export class DownloadError extends GliaError {
  override name = 'DownloadError'
  readonly failures: readonly string[]

  constructor(path: string, failures: readonly string[]) {
    super(`${path} could not be downloaded: ${failures.join('; ')}.`)
    this.failures = failures
  }
}

/** This address will not do; the next one may. */
class Refused extends Error {}

/**
 * Downloads a file to `path`, unless it is there. What has arrived of it lies at `path.part` meanwhile, and stays there
 * when the connection breaks or the program ends: the next attempt asks for the rest. The file gets its name once its
 * checksum is right; one that is wrong costs the part file and nothing else. Proxies are those of Node's fetch
 * (`NODE_USE_ENV_PROXY=1` in Node 24).
 *
 * @returns whether it was there before, or came now
 * @throws GliaError if a file of that name is there with other content (it is left alone) or the disk refuses; a
 * DownloadError if no address gives it
 */
export async function download(
  file: RemoteFile,
  path: string,
  options: DownloadOptions = {},
): Promise<'there' | 'downloaded'> {
  if (await isThere(file, path)) return 'there'
  await makeRoom(dirname(path))
  const failures: string[] = []
  for (const url of file.urls) {
    try {
      await fetchFrom(url, file, `${path}.part`, options)
      await rename(`${path}.part`, path)
      return 'downloaded'
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      failures.push(`${url}: ${error.message}`)
    }
  }
  throw new DownloadError(path, failures)
}

/** Whether `path` is that file already. @throws GliaError if it is another one */
export async function isThere(file: RemoteFile, path: string): Promise<boolean> {
  const size = await sizeOf(path)
  if (size === undefined) return false
  const problem = size === file.bytes ? await mismatch(path, file.checksum) : sizes(size, file.bytes)
  if (problem === undefined) return true
  throw new GliaError(`${path} is another file than the one to download (${problem}). Move it away, and try again.`)
}

/** Brings the part file to its full length and the right content. */
async function fetchFrom(url: string, file: RemoteFile, part: string, options: DownloadOptions): Promise<void> {
  const { attempts = 3 } = options
  let broken = ''
  for (let left = attempts; left > 0; left--) {
    let have = (await sizeOf(part)) ?? 0
    if (have > file.bytes) {
      await rm(part)
      have = 0
    }
    if (have < file.bytes) broken = await attempt(url, file, part, have, options)
    const now = (await sizeOf(part)) ?? 0
    if (now === file.bytes) {
      const problem = await mismatch(part, file.checksum)
      if (problem === undefined) return
      await rm(part)
      // If some of it was there before, the beginning may be at fault: once more from there.
      if (have === 0) throw new Refused(problem)
      broken = problem
    } else if (now <= have && left < attempts) {
      // A connection that gives something is worth another attempt; one that gives nothing twice is not.
      break
    }
  }
  throw new Refused(broken)
}

/** Appends what the address sends from byte `have` on. Returns why it ended early, if it did. */
async function attempt(
  url: string,
  file: RemoteFile,
  part: string,
  have: number,
  { onProgress, patience = 60 }: DownloadOptions,
): Promise<string> {
  const stop = new AbortController()
  let timer = setTimeout(() => {}, 0)
  const wait = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => stop.abort(new Error(`nothing came for ${patience} seconds`)), 1000 * patience)
  }
  let to: FileHandle | undefined
  try {
    wait()
    const headers = { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) }
    const response = await fetch(url, { headers, signal: stop.signal })
    const from = startOf(response, have)
    to = await open(part, from === 0 ? 'w' : 'a')
    const begin = performance.now()
    let received = from
    for await (const chunk of response.body ?? []) {
      wait()
      received += chunk.length
      if (received > file.bytes) {
        await to.close().finally(() => rm(part))
        to = undefined
        throw new Refused(`it sends more than the ${file.bytes} bytes of the file`)
      }
      await to.write(chunk)
      const rate = (1000 * (received - from)) / (performance.now() - begin)
      onProgress?.({ url, received, total: file.bytes, rate, eta: (file.bytes - received) / rate })
    }
    return `it ended after ${received} of ${file.bytes} bytes`
  } catch (error) {
    if (error instanceof Refused) throw error
    if (isOfDisk(error)) throw new GliaError(`${part} cannot be written: ${error.message}.`, { cause: error })
    return reasonOf(stop.signal.aborted ? stop.signal.reason : error)
  } finally {
    clearTimeout(timer)
    await to?.close()
  }
}

/** The first byte that an answer brings. @throws Refused if it brings none */
function startOf(response: Response, have: number): number {
  if (response.status === 200) return 0
  const [, first] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? []
  if (response.status === 206 && Number(first) === have) return have
  void response.body?.cancel()
  throw new Refused(`HTTP ${response.status} ${response.statusText}`.trim())
}

async function makeRoom(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (error) {
    throw new GliaError(`The directory ${directory} cannot be made: ${reasonOf(error)}.`, { cause: error })
  }
}

async function mismatch(path: string, checksum: Checksum): Promise<string | undefined> {
  const [[algorithm, expected]] = Object.entries(checksum)
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  const found = hash.digest('hex')
  return found === expected ? undefined : `its ${algorithm} is ${found}, not ${expected}`
}

const sizes = (found: number, expected: number): string => `it has ${found} bytes, not ${expected}`

/** Undefined if there is no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new GliaError(`${path} cannot be read: ${reasonOf(error)}.`, { cause: error })
  }
}

/** Errors of the file system name the call that failed and its path, or are about space. */
function isOfDisk(error: unknown): error is Error {
  return error instanceof Error && ('path' in error || ['ENOSPC', 'EDQUOT', 'EIO'].includes(codeOf(error)))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** fetch says `fetch failed`, and keeps the reason for itself. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause
  const told = inner instanceof Error && inner.message !== '' ? inner.message : error.message
  return told.replace(/\.$/, '')
}
