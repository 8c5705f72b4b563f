/** @file Processes and workers with threads of machine code end, whatever the threads are doing; guards do their work. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { supported } from './segments.ts'

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From `ready` to the end. */
  readonly milliseconds: number
  readonly out: string
}

/** A second, and as much again and more for a computer that is busy with other things. */
const SOON = 5000

describe.runIf(supported)('processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glia-'))
  const script = join(folder, 'child.mjs')

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('./child.ts', import.meta.url))
    // Neutral: nothing of Node's may be imported, and koffi is not to be found by a bundler.
    const { metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      outfile: script,
      platform: 'neutral',
      format: 'esm',
      metafile: true,
    })
    expect(Object.keys(metafile.inputs).filter((path) => path.includes('node_modules'))).toEqual([])
    symlinkSync(fileURLToPath(new URL('../../../../node_modules', import.meta.url)), join(folder, 'node_modules'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Runs the child until it says `ready`, perhaps sends a signal, and waits for its end. */
  function end(mode: string, signal?: NodeJS.Signals): Promise<End> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [script, mode], { env: { ...process.env, NODE_OPTIONS: '' } })
      let since = 0
      let out = ''
      child.stdout.on('data', (data) => {
        out += String(data)
        if (since > 0 || !out.includes('ready')) return
        since = performance.now()
        if (signal !== undefined) setTimeout(() => child.kill(signal), 20)
      })
      child.stderr.on('data', (data) => {
        out += String(data)
      })
      child.on('close', (code, by) => resolve({ code, signal: by, milliseconds: performance.now() - since, out }))
    })
  }

  test.each([
    ['natural', 0],
    ['exit', 3],
    ['exit-async', 3],
    ['throw', 1],
    ['workers', 0],
    ['terminate', 0],
    ['terminate-running', 0],
    ['terminate-async', 0],
  ])('%s', async (mode, expected) => {
    const { code, milliseconds, out } = await end(mode)
    expect(out).toContain('ready')
    expect(out.includes('Error')).toBe(mode === 'throw')
    expect(out.includes('ended')).toBe(mode.startsWith('terminate'))
    expect(code).toBe(expected)
    expect(milliseconds).toBeLessThan(SOON)
  })

  test.each(['parked', 'running'])('Ctrl-C with threads %s', async (mode) => {
    const { signal, milliseconds } = await end(mode, 'SIGINT')
    expect(signal).toBe('SIGINT')
    expect(milliseconds).toBeLessThan(SOON)
  })

  test('terminated workers leave neither threads nor memory', async () => {
    const { code, out } = await end('leak')
    const [, threads, mebibytes] = /^(-?\d+) threads, (-?\d+) MiB/m.exec(out) ?? []
    expect(Number(threads)).toBe(0)
    // Of the 640 that the workers mapped; the engine keeps a little for itself.
    expect(Number(mebibytes)).toBeLessThan(200)
    expect(code).toBe(0)
  })

  test('a guarded block can be read to its end', async () => {
    const { code, out } = await end('guard-none')
    expect(out).toContain('got it')
    expect(code).toBe(0)
  })

  test.each(['guard-after', 'guard-before', 'guard-freed'])('%s: an access outside ends the process', async (mode) => {
    const { signal, out } = await end(mode)
    expect(out).toContain('ready')
    expect(out).not.toContain('got it')
    expect(signal).toBe('SIGSEGV')
  })
})
