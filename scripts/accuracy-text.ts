/**
 * @file Trains the recipes for texts on real data, as they are by default, and prints what they reach: medians of seeds.
 *
 * Usage: npm run accuracy:text -- [--data DIR] [--target auto] [--threads 2] [--seeds 1,2,3] [--only NAME] [--python python3]
 *
 * DIR, by default text/ of the folder that GLIA_DATA names, holds tinyshakespeare.txt.gz, sst2.{train,dev,test}.tsv.gz,
 * sst5.{train,dev,test}.txt.gz and rt-polarity.{pos,neg}.gz. With a Python that has scikit-learn, logistic regression on
 * words and pairs of words is measured on the same splits.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { linesOf } from '../src/data/readers/text.ts'
import { words } from '../src/data/transforms/tokenizer.ts'
import { cellsOf, columnIndex, readTable } from '../src/recipes/files/table.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    target: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '2' },
    seeds: { type: 'string', default: '1,2,3' },
    only: { type: 'string' },
    python: { type: 'string' },
  },
})
const folder = values.data ?? (process.env.GLIA_DATA && join(process.env.GLIA_DATA, 'text'))
if (!folder) throw new Error('Name the folder of the texts with --data, or its parent with GLIA_DATA.')
const data: string = folder
const root = fileURLToPath(new URL('..', import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'glia-accuracy-text-'))

type Share = 'train' | 'validation' | 'test'
type Row = readonly [text: string, label: string, share: Share]

interface Trial {
  readonly name: string
  /** The file to train on, made where it has to be. */
  readonly file: () => string
  readonly flags: readonly string[]
  readonly figure: string
  /** What is promised of the median; none for figures that are only reported. */
  readonly wanted?: { readonly atLeast: number } | { readonly atMost: number }
  /** Whether a baseline is measured on the same rows, and accuracy also where words are new. */
  readonly table: boolean
}

const CLASSIFIER = ['text-classifier', '--text', 'text', '--label', 'label', '--split-column', 'split'] as const
const FILES = { train: 'train', dev: 'validation', test: 'test' } as const
const trials: readonly Trial[] = [
  {
    name: 'SST-2, bag of words and pairs',
    file: () =>
      table(
        'sst2',
        treebank('sst2', 'tsv', (line) => [line.slice(0, -2), line.slice(-1)]),
      ),
    flags: CLASSIFIER,
    figure: 'accuracy',
    wanted: { atLeast: 0.81 },
    table: true,
  },
  {
    name: 'rt-polarity, fixed tenth, bag of words and pairs',
    file: () => table('rt-polarity', polarity()),
    flags: CLASSIFIER,
    figure: 'accuracy',
    wanted: { atLeast: 0.76 },
    table: true,
  },
  {
    name: 'SST-5, LSTM of 1,354,821 parameters',
    file: () =>
      table(
        'sst5',
        treebank('sst5', 'txt', (line) => [line.slice(2), line[0]]),
      ),
    flags: [...CLASSIFIER, '--model', 'lstm'],
    figure: 'accuracy',
    table: true,
  },
  {
    name: 'Tiny Shakespeare, character transformer, nats per character',
    file: () => join(data, 'tinyshakespeare.txt.gz'),
    flags: ['text-generator'],
    figure: 'loss',
    wanted: { atMost: values.target === 'wasm' ? 1.65 : 1.55 },
    table: false,
  },
]

let failed = 0
try {
  for (const trial of trials) if (!values.only || trial.name.includes(values.only)) await measure(trial)
} finally {
  rmSync(out, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)

async function measure({ name, file, flags, figure, wanted, table: compared }: Trial): Promise<void> {
  const path = file()
  const runs = values.seeds.split(',').map((seed) => train(path, flags, seed))
  const figures = runs.map(({ metrics }) => metrics[figure])
  const median = middle(figures)
  const text = (x: number): string => (figure === 'loss' ? x.toFixed(4) : `${(100 * x).toFixed(2)} %`)
  const met = !wanted || ('atLeast' in wanted ? median >= wanted.atLeast : median <= wanted.atMost)
  if (!met) failed++
  const bound = wanted && ('atLeast' in wanted ? `at least ${text(wanted.atLeast)}` : `at most ${text(wanted.atMost)}`)
  const verdict = bound ? `, ${met ? '' : 'NOT '}${bound}` : ''
  const seconds = middle(runs.map((run) => run.seconds))
  console.log(`${name}, test: ${text(median)} (${figures.map(text).join(', ')}; seeds ${values.seeds})${verdict}`)
  console.log(`  ${seconds.toFixed(0)} s a run on ${values.target}, ${values.threads} threads`)
  if (!compared) return
  const parts = await Promise.all(runs.map(({ directory }) => onNewWords(directory, path)))
  const share = (which: 'fresh' | 'known'): string => text(middle(parts.map((part) => part[which])))
  console.log(
    `  ${share('fresh')} of the ${parts[0].count} texts with a word that no training text has, ${share('known')} of the others`,
  )
  if (values.python) console.log(`  logistic regression on words and pairs: ${baseline(path)}`)
}

interface Trained {
  readonly metrics: Readonly<Record<string, number>>
  readonly seconds: number
  readonly directory: string
}

function train(path: string, flags: readonly string[], seed: string): Trained {
  const directory = join(out, `${flags.join('').replace(/\W/g, '')}-${seed}`)
  const settings = [
    '--seed',
    seed,
    '--device',
    values.target,
    '--threads',
    values.threads,
    '--json',
    '--out',
    directory,
  ]
  const start = performance.now()
  const lines = glia('train', ...flags, '--data', path, ...settings)
    .trim()
    .split('\n')
  const done = lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'done')
  return { metrics: done.metrics, seconds: (performance.now() - start) / 1e3, directory }
}

function glia(...args: string[]): string {
  const command = ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args]
  return execFileSync(process.execPath, command, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 })
}

/** Test accuracy on texts that hold a word which no training text holds, and on the others. */
async function onNewWords(directory: string, path: string): Promise<{ count: number; fresh: number; known: number }> {
  const [texts, labels, shares] = await columns(path, readFileSync(path, 'utf8'), ['text', 'label', 'split'])
  const [predicted] = await columns('predicted.csv', glia('predict', directory, path), ['predicted label'])
  const seen = new Set(texts.flatMap((text, i) => (shares[i] === 'train' ? words(text) : [])))
  const hits = { fresh: [] as number[], known: [] as number[] }
  texts.forEach((text, i) => {
    if (shares[i] !== 'test') return
    const fresh = words(text).some((word) => !seen.has(word))
    hits[fresh ? 'fresh' : 'known'].push(predicted[i] === labels[i] ? 1 : 0)
  })
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length
  return { count: hits.fresh.length, fresh: mean(hits.fresh), known: mean(hits.known) }
}

/** Columns of a table, in the order of their names. */
async function columns(path: string, text: string, names: readonly string[]): Promise<string[][]> {
  const found = await readTable({ name: path, text })
  return names.map((name) => cellsOf(found, columnIndex(found, name, 'the script')))
}

function middle(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1]
}

function baseline(path: string): string {
  const script = join(root, 'scripts/fixtures/bigram_lr.py')
  return execFileSync(values.python ?? 'python3', [script, path], { encoding: 'utf8' })
    .trim()
    .replace(`${path}: `, '')
}

/** The lines of a packed file. */
function linesIn(file: string): string[] {
  return linesOf(gunzipSync(readFileSync(join(data, file))).toString('utf8')).filter((line) => line.trim() !== '')
}

/** The sentences of the Stanford treebank, in the shares that it comes in. */
function treebank(name: string, end: string, cut: (line: string) => readonly [text: string, label: string]): Row[] {
  return Object.entries(FILES).flatMap(([part, share]) =>
    linesIn(`${name}.${part}.${end}.gz`).map((line): Row => [...cut(line), share]),
  )
}

/** Of each ten sentences of a mood, the last tests and the one before validates. */
function polarity(): Row[] {
  const share = (i: number): Share => (i % 10 === 9 ? 'test' : i % 10 === 8 ? 'validation' : 'train')
  return ['neg', 'pos'].flatMap((mood) =>
    linesIn(`rt-polarity.${mood}.gz`).map((line, i): Row => [line.trim(), mood, share(i)]),
  )
}

/** Rows as a table with a header, whose path is returned. */
function table(name: string, rows: readonly Row[]): string {
  const path = join(out, `${name}.tsv`)
  const quoted = ([text, label, share]: Row): string => `"${text.replaceAll('"', '""')}"\t${label}\t${share}\n`
  writeFileSync(path, `text\tlabel\tsplit\n${rows.map(quoted).join('')}`)
  return path
}
