import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)

async function measure(mode: string, target: string): Promise<{ grew: number; peak: number }> {
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    new URL('./loop.ts', import.meta.url).pathname,
    mode,
    target,
  ])
  return JSON.parse(stdout)
}

const training = [
  'compiled',
  'uncompiled',
  'new inputs',
  'loss never read',
  'loss never read, uncompiled',
  'evaluation between',
]

describe.each(['wasm', 'interp'])('resident memory on %s', (target) => {
  it.each(training)('20,000 steps, %s: grows by less than 30 MB', { timeout: 300_000 }, async (mode) => {
    expect((await measure(mode, target)).grew).toBeLessThan(30)
  })

  it('5,000 results of 4 MB stay under 250 MB', { timeout: 300_000 }, async () => {
    expect((await measure('large results', target)).peak).toBeLessThan(250)
  })
})
