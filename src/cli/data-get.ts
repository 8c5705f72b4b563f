/** @file `glia data get` and `glia data list`. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { DownloadError, type DownloadOptions, type DownloadProgress, download, isThere } from '../node/download.ts'
import { type DataSet, dataSets, type SetFile } from './data-sets.ts'
import { isUnpacked, unpack } from './data-unpack.ts'
import { UsageError } from './failure.ts'
import { list } from './values.ts'

export interface GetOptions {
  /** Directory to put it in. */
  readonly to?: string
  /** Address of a directory that holds the files, asked instead of the publishers'. */
  readonly mirror?: string
  readonly json?: boolean
}

/** What became of a file. */
type Outcome = 'there' | 'downloaded' | 'unpacked'

/** How `fetchSet` tells what it does. */
export interface Report {
  readonly progress: (file: string, progress: DownloadProgress) => void
  readonly done: (file: string, bytes: number, outcome: Outcome) => void
}

const FRAME = 100

/** Downloads a data set, checks it, and says what can be done with it. */
export async function getData(name: string, { to = join('data', name), mirror, json }: GetOptions): Promise<void> {
  if (!Object.hasOwn(dataSets, name)) {
    throw new UsageError(`There is no data set ${JSON.stringify(name)}; known are ${list(Object.keys(dataSets))}.`)
  }
  const set = dataSets[name]
  if (!json) console.log(`${set.description}\n${set.page}`)
  await fetchSet(name, set, to, json ? jsonReport : lineReport(), mirror === undefined ? {} : { mirror })
  const next = set.next?.replace('DIR', to)
  if (json) console.log(JSON.stringify({ event: 'done', name, directory: to, ...(next ? { next } : {}) }))
  else console.log(`Everything is in ${to}, and its checksums are right.${next ? ` Try: ${next}` : ''}`)
}

/** Prints every data set with its size. */
export function listData({ json }: { readonly json?: boolean }): void {
  const width = Math.max(...Object.keys(dataSets).map((name) => name.length))
  for (const [name, { description, page, files }] of Object.entries(dataSets)) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    if (json) console.log(JSON.stringify({ name, description, page, bytes }))
    else console.log(`${name.padEnd(width)}  ${size(bytes).padStart(8)}  ${description}`)
  }
}

/**
 * Brings the files of a set into a directory: those that are there are checked, the rest is downloaded, archives are
 * unpacked and removed.
 *
 * @throws GliaError that says where to get what by hand and where to put it, if no address gives it; or if a file there
 * has other content
 */
export async function fetchSet(
  name: string,
  set: DataSet,
  directory: string,
  report: Report,
  { mirror, ...options }: DownloadOptions & { readonly mirror?: string } = {},
): Promise<void> {
  for (const file of set.files) {
    const { members, bytes } = file
    if (members && (await isUnpacked(directory, file.name, members))) {
      report.done(file.name, bytes, 'there')
      continue
    }
    const remote = { ...file, urls: addresses(file, mirror) }
    const path = join(directory, file.name)
    const onProgress = (progress: DownloadProgress): void => report.progress(file.name, progress)
    const outcome = await download(remote, path, { ...options, onProgress }).catch(async (error: unknown) => {
      throw error instanceof DownloadError ? await byHand(name, set, directory, error) : error
    })
    report.done(file.name, bytes, outcome)
    if (!members) continue
    await unpack(directory, file.name, members)
    await rm(path)
    for (const member of Object.values(members)) report.done(member, 0, 'unpacked')
  }
}

function addresses({ name, from }: SetFile, mirror?: string): string[] {
  if (mirror !== undefined) return [`${mirror.replace(/\/*$/, '/')}${name}`]
  return from.map((address) => (address.endsWith('/') ? address + name : address))
}

/** What to do where there is no network, or the publishers have gone. */
async function byHand(name: string, set: DataSet, directory: string, { failures }: DownloadError): Promise<GliaError> {
  const missing: string[] = []
  for (const file of set.files) {
    const unpacked = file.members && (await isUnpacked(directory, file.name, file.members))
    if (unpacked || (await isThere({ ...file, urls: [] }, join(directory, file.name)).catch(() => false))) continue
    const [[algorithm, value]] = Object.entries(file.checksum)
    missing.push(`  ${file.name}  ${file.bytes.toLocaleString('en-US')} bytes, ${algorithm} ${value}`)
    for (const address of addresses(file)) missing.push(`    ${address}`)
  }
  return new GliaError(
    [
      `${name} could not be downloaded:`,
      ...failures.map((failure) => `  ${failure}`),
      `Download these files elsewhere, put them into ${directory} under these names, and run the command again:`,
      ...missing,
    ].join('\n'),
  )
}

const jsonReport: Report = {
  progress: () => {},
  done: (file, bytes, outcome) => console.log(JSON.stringify({ event: 'file', file, bytes, outcome })),
}

const WORDS: Readonly<Record<Outcome, string>> = {
  there: 'is there, and right',
  downloaded: 'downloaded, and right',
  unpacked: 'unpacked',
}

/** A line that is drawn over while a file comes, on a terminal; and one that stays for each file. */
function lineReport(): Report {
  const live = process.stdout.isTTY
  let drawn = Number.NEGATIVE_INFINITY
  return {
    progress: (file, progress) => {
      const now = performance.now()
      if (!live || now - drawn < FRAME) return
      drawn = now
      process.stdout.write(`\r${progressLine(file, progress).slice(0, process.stdout.columns - 1)}\x1b[K`)
    },
    done: (file, bytes, outcome) => {
      if (live) process.stdout.write('\r\x1b[K')
      console.log(`  ${file}  ${bytes > 0 ? `${size(bytes)}  ` : ''}${WORDS[outcome]}`)
    },
  }
}

/** `  ratings.zip  45 %  0.4 of 1 MB  1.2 MB/s  3 s left`. */
export function progressLine(file: string, { received, total, rate, eta }: DownloadProgress): string {
  const percent = Math.floor((100 * received) / total)
  const left = Number.isFinite(eta) ? `  ${time(eta)} left` : ''
  return `  ${file}  ${percent} %  ${size(received)} of ${size(total)}  ${size(rate)}/s${left}`
}

/** `912 B`, `4.5 kB`, `170 MB`. */
function size(bytes: number): string {
  const steps = ['B', 'kB', 'MB', 'GB']
  let [value, step] = [bytes, 0]
  while (value >= 999.5 && step < steps.length - 1) {
    value /= 1000
    step++
  }
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${steps[step]}`
}

/** `45 s`, `3 min`, `2 h`. */
function time(seconds: number): string {
  if (seconds < 99.5) return `${Math.ceil(seconds)} s`
  return seconds < 5940 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
