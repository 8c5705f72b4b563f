/** @file Runs the `glia` command as a user does: a process of its own, from a fresh bundle. */

import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, vi } from 'vitest'

const root = join(import.meta.dirname, '../..')

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Glia {
  /** Where the bundle and its package.json are. */
  readonly home: string
  /** Directory that commands run in, empty at first. */
  readonly directory: string
  run(...args: readonly string[]): Promise<Outcome>
  /** Starts the command; `until` resolves once its output contains a text. */
  start(...args: readonly string[]): {
    readonly child: ChildProcess
    readonly outcome: Promise<Outcome>
    until(text: string): Promise<void>
  }
}

/** Bundles the command before the file's tests, and removes everything afterwards. */
export function useGlia(): Glia {
  // Each command is a process that compiles for itself; several files run at once, on machines with few cores.
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
  // Inside node_modules, so that the command finds its dependencies as an installed one does.
  const home = join(root, 'node_modules', '.cache', `glia-${process.pid}`)
  const directory = mkdtempSync(join(tmpdir(), 'glia-'))
  beforeAll(async () => {
    mkdirSync(home, { recursive: true })
    cpSync(join(root, 'package.json'), join(home, 'package.json'))
    await build({
      entryPoints: [join(root, 'src/cli/main.ts')],
      outdir: join(home, 'dist/cli'),
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    })
  })
  afterAll(() => {
    for (const path of [home, directory]) rmSync(path, { recursive: true, force: true })
  })

  const start: Glia['start'] = (...args) => {
    const child = spawn(process.execPath, [join(home, 'dist/cli/main.js'), ...args], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    const waiting = new Set<() => void>()
    const heard = (): void => {
      for (const wake of waiting) wake()
    }
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      heard()
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      heard()
    })
    const outcome = new Promise<Outcome>((resolve) =>
      child.on('close', (status) => {
        resolve({ status, stdout, stderr })
        heard()
      }),
    )
    const until = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stdout.includes(text)) resolve()
          else if (child.exitCode !== null) reject(new Error(`ended without "${text}": ${stdout}${stderr}`))
          else return
          waiting.delete(look)
        }
        waiting.add(look)
        look()
      })
    return { child, outcome, until }
  }
  return { home, directory, start, run: (...args) => start(...args).outcome }
}
