/** @file Packs the package as it would be published and installs it in a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const root = new URL('../..', import.meta.url).pathname
/** A tool of the development dependencies. */
export const tool = (name: string): string => join(root, 'node_modules', '.bin', name)

export interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

/** Runs a program and returns its standard output. @throws Error with all output if it fails */
export async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await execute(program, args, { cwd, maxBuffer: 64 << 20 })).stdout
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    throw new Error(`${message.split('\n')[0]}\n${stdout}${stderr}`.trim())
  }
}

export interface Consumer {
  /** A temporary folder: the package is in its node_modules. */
  readonly folder: string
  readonly tarball: string
  readonly manifest: Manifest
}

export async function packAndInstall(): Promise<Consumer> {
  const base = await mkdtemp(join(tmpdir(), 'glia-consumer-'))
  await run('npm', ['pack', '--pack-destination', base], root)
  const [name] = await readdir(base)
  const tarball = join(base, name)
  const folder = join(base, 'consumer')
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball], folder)
  const manifest = JSON.parse(await readFile(join(folder, 'node_modules/glia/package.json'), 'utf8')) as Manifest
  return { folder, tarball, manifest }
}

/** What can be imported, as it is written: `glia`, `glia/nn` … */
export function entries({ exports }: Manifest): string[] {
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => path.replace(/^\./, 'glia'))
}

/** The entries that also work in a browser. */
export function browserEntries(manifest: Manifest): string[] {
  return entries(manifest).filter((entry) => entry !== 'glia/node')
}
