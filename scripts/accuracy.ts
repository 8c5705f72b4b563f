/**
 * @file Trains the recipes on real data and prints what they reach: the median of three seeds. With --compare, trains them
 * for two epochs on every target that runs here instead: accuracies must lie within 0.2 % of each other.
 *
 * Usage: npm run accuracy -- --mnist DIR [--fashion DIR] [--cifar DIR] [--target auto] [--seeds 1,2,3] [--only NAME]
 *        npm run accuracy -- --mnist DIR --compare [--targets avx512,avx2,wasm] [--seeds 1] [--only NAME]
 *
 * Without these options the data lie in mnist/, fashion-mnist/ and cifar-10/ of the folder that GLIA_DATA names.
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
    cifar: { type: 'string' },
    target: { type: 'string', default: 'auto' },
    compare: { type: 'boolean', default: false },
    targets: { type: 'string' },
    seeds: { type: 'string' },
    only: { type: 'string' },
  },
})
const seeds = (values.seeds ?? (values.compare ? '1' : '1,2,3')).split(',')
const folder = process.env.GLIA_DATA
const mnist = values.mnist ?? (folder && join(folder, 'mnist'))
const fashion = values.fashion ?? (folder && join(folder, 'fashion-mnist'))
const cifar = values.cifar ?? (folder && join(folder, 'cifar-10'))
/** Between the targets' accuracies. */
const CLOSE = 0.002

interface Row {
  readonly name: string
  readonly data: string | undefined
  readonly flags: readonly string[]
  readonly atLeast: number
  readonly seeds?: readonly string[]
}

const rows: readonly Row[] = [
  { name: 'lenet5 on MNIST, 8 epochs', data: mnist, flags: ['lenet5'], atLeast: 0.99 },
  {
    name: 'lenet5 on MNIST, 2 epochs',
    data: mnist,
    flags: ['lenet5', '--epochs', '2'],
    atLeast: 0.978,
    seeds: ['1'],
  },
  { name: 'mlp on MNIST, 8 epochs, batch 32', data: mnist, flags: ['mlp'], atLeast: 0.977 },
  { name: 'lenet5 on Fashion-MNIST (first 12,000), 8 epochs', data: fashion, flags: ['lenet5'], atLeast: 0.865 },
  { name: 'mnist-cnn on MNIST, 10 epochs', data: mnist, flags: ['mnist-cnn'], atLeast: 0.993 },
  {
    name: 'cifar10 on CIFAR-10 (first 8,000), 40 epochs',
    data: cifar,
    flags: ['cifar10', '--limit', '8000'],
    atLeast: 0.68,
  },
  { name: 'lenet5 on the written digits, 8 epochs', data: '', flags: ['lenet5'], atLeast: 0.985 },
]

const cli = new URL('../dist/cli/main.js', import.meta.url).pathname
const out = mkdtempSync(join(tmpdir(), 'glia-accuracy-'))
let failed = 0
try {
  if (values.compare) compareTargets()
  else measure()
} finally {
  rmSync(out, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)

function measure(): void {
  for (const row of rows) {
    if (row.data === undefined || (values.only && !row.name.includes(values.only))) continue
    const runs = (row.seeds ?? seeds).map((seed) => train(row, seed, values.target))
    const accuracies = runs.map((r) => r.accuracy).sort((a, b) => a - b)
    const median = accuracies[accuracies.length >> 1]
    const seconds = runs.map((r) => r.seconds).sort((a, b) => a - b)[runs.length >> 1]
    if (median < row.atLeast) failed++
    const all = accuracies.map((a) => (100 * a).toFixed(2)).join(', ')
    const verdict = median >= row.atLeast ? 'at least' : 'BELOW'
    console.log(
      `${row.name}, test: ${(100 * median).toFixed(2)} % (${all}; seeds ${row.seeds ?? seeds}), ${verdict} ${100 * row.atLeast} %, ${seconds.toFixed(0)} s a run`,
    )
  }
}

/** The targets that compute here, but for the slow one. */
function targetsHere(): string[] {
  const text = execFileSync(process.execPath, [cli, 'doctor', '--json'], { encoding: 'utf8' })
  const { targets } = JSON.parse(text) as { targets: { name: string; ok: boolean }[] }
  return targets.filter(({ name, ok }) => ok && name !== 'interp').map(({ name }) => name)
}

function compareTargets(): void {
  const data = mnist
  if (data === undefined) throw new Error('--compare needs --mnist DIR or GLIA_DATA')
  const targets = values.targets?.split(',') ?? targetsHere()
  for (const recipe of ['mlp', 'lenet5']) {
    if (values.only && !recipe.includes(values.only)) continue
    for (const seed of seeds) {
      const row = { data, flags: [recipe, '--epochs', '2'] }
      const found = targets.map((target) => ({ target, ...train(row, seed, target) }))
      const accuracies = found.map((f) => f.accuracy)
      const spread = Math.max(...accuracies) - Math.min(...accuracies)
      if (spread > CLOSE) failed++
      const each = found.map((f) => `${f.target} ${(100 * f.accuracy).toFixed(2)} % (${f.seconds.toFixed(0)} s)`)
      const verdict = spread > CLOSE ? 'TOO FAR APART' : 'close'
      console.log(
        `${recipe} on MNIST, 2 epochs, seed ${seed}: ${each.join(', ')}; ${(100 * spread).toFixed(2)} % apart, ${verdict}`,
      )
    }
  }
}

function train(
  { flags, data }: Pick<Row, 'flags' | 'data'>,
  seed: string,
  target: string,
): { accuracy: number; seconds: number } {
  const run = join(out, `${target}-${seed}`)
  const args = [cli, 'train', ...flags, '--seed', seed, '--target', target, '--json', '--out', run]
  if (data) args.push('--data', data)
  const start = performance.now()
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n')
  const done = JSON.parse(lines[lines.length - 1]) as { event: string; metrics: { accuracy: number } }
  return { accuracy: done.metrics.accuracy, seconds: (performance.now() - start) / 1e3 }
}
