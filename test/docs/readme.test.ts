/** @file The README's examples run as printed. */

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import { codeBlocks } from '../support/markdown.ts'

const root = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'glia-readme-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** Bundles a program whose `glia` is this source tree, runs it, and returns what it prints. */
async function run(code: string): Promise<string> {
  const outfile = join(directory, 'example.mjs')
  await build({
    stdin: { contents: code, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    plugins: [
      {
        name: 'glia',
        setup: ({ onResolve }) => {
          onResolve({ filter: /^glia(\/|$)/ }, ({ path }) => ({
            path: join(root, path.replace('glia', 'src'), 'index.ts'),
          }))
        },
      },
    ],
  })
  return (await promisify(execFile)(process.execPath, [outfile])).stdout
}

describe('README', () => {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const examples = codeBlocks(text).filter((b) => b.language === 'ts')

  it('trains in ten lines (here on fewer digits)', async () => {
    const code = examples[0].code
      .replace('digits()', 'digits({ train: 640, test: 64 })')
      .replace('epochs: 8', 'epochs: 2')
    expect(
      code
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(10)
    expect(await run(code)).toMatch(/^Epoch 1\/2 .*\nEpoch 2\/2 .* validation loss .* accuracy .* %\n$/)
  })

  it('finds the line by hand', async () => {
    const numbers = (await run(examples[1].code)).match(/-?\d+(\.\d+)?/g)?.map(Number) ?? []
    expect(numbers[0]).toBeCloseTo(3, 1)
    expect(numbers.at(-1)).toBeCloseTo(-1, 1)
  })

  it('links to files that exist', () => {
    for (const [, path] of text.matchAll(/\]\(([^)#:]+)\)/g)) expect(existsSync(join(root, path)), path).toBe(true)
  })
})
