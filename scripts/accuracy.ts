/**
 * @file Trains the recipes on real data and prints what they reach: the median of three seeds.
 *
 * Usage: npm run accuracy -- --mnist DIR [--fashion DIR] [--target wasm] [--seeds 1,2,3] [--only NAME]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    mnist: { type: 'string' },
    fashion: { type: 'string' },
    target: { type: 'string', default: 'auto' },
    seeds: { type: 'string', default: '1,2,3' },
    only: { type: 'string' },
  },
})

interface Row {
  readonly name: string
  readonly data: string | undefined
  readonly flags: readonly string[]
  readonly atLeast: number
  readonly seeds?: readonly string[]
}

const rows: readonly Row[] = [
  { name: 'lenet5 on MNIST, 8 epochs', data: values.mnist, flags: ['lenet5'], atLeast: 0.99 },
  {
    name: 'lenet5 on MNIST, 2 epochs',
    data: values.mnist,
    flags: ['lenet5', '--epochs', '2'],
    atLeast: 0.978,
    seeds: ['1'],
  },
  { name: 'mlp on MNIST, 8 epochs, batch 32', data: values.mnist, flags: ['mlp'], atLeast: 0.977 },
  { name: 'lenet5 on Fashion-MNIST (first 12,000), 8 epochs', data: values.fashion, flags: ['lenet5'], atLeast: 0.865 },
  { name: 'lenet5 on the written digits, 8 epochs', data: '', flags: ['lenet5'], atLeast: 0.985 },
]

const cli = new URL('../dist/cli/main.js', import.meta.url).pathname
const out = mkdtempSync(join(tmpdir(), 'glia-accuracy-'))
let failed = 0
try {
  for (const row of rows) {
    if (row.data === undefined || (values.only && !row.name.includes(values.only))) continue
    const runs = (row.seeds ?? values.seeds.split(',')).map((seed) => train(row, seed))
    const accuracies = runs.map((r) => r.accuracy).sort((a, b) => a - b)
    const median = accuracies[accuracies.length >> 1]
    const seconds = runs.map((r) => r.seconds).sort((a, b) => a - b)[runs.length >> 1]
    if (median < row.atLeast) failed++
    const all = accuracies.map((a) => (100 * a).toFixed(2)).join(', ')
    const verdict = median >= row.atLeast ? 'at least' : 'BELOW'
    console.log(
      `${row.name}, test: ${(100 * median).toFixed(2)} % (${all}; seeds ${row.seeds ?? values.seeds}), ${verdict} ${100 * row.atLeast} %, ${seconds.toFixed(0)} s a run`,
    )
  }
} finally {
  rmSync(out, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)

function train({ flags, data }: Row, seed: string): { accuracy: number; seconds: number } {
  const args = [cli, 'train', ...flags, '--seed', seed, '--target', values.target, '--json', '--out', join(out, seed)]
  if (data) args.push('--data', data)
  const start = performance.now()
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n')
  const done = JSON.parse(lines[lines.length - 1]) as { event: string; metrics: { accuracy: number } }
  return { accuracy: done.metrics.accuracy, seconds: (performance.now() - start) / 1e3 }
}
