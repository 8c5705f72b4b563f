/**
 * @file Trains the recipes for users' files on published tables, through the command and by their defaults alone, and prints
 * what each reaches beside what it has to: the median of three seeds, or for ratings the mean of five divisions.
 *
 * Usage: npm run accuracy:files -- [--data DIR] [--target auto] [--seeds 1,2,3] [--only NAME] [--source]
 *
 * DIR, or the folder that GLIA_DATA names, holds tabular/ (california-housing.csv.gz, iris.csv) and movielens/
 * (ratings.csv.gz of ml-latest-small). --source runs the command from its source instead of dist/.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    target: { type: 'string', default: 'auto' },
    seeds: { type: 'string' },
    only: { type: 'string' },
    source: { type: 'boolean', default: false },
  },
})
const folder = values.data ?? process.env.GLIA_DATA
if (folder === undefined) throw new Error('Name the folder of the data with --data DIR or GLIA_DATA.')

type Figures = Readonly<Record<string, number>>

/** What the command says at its end, as JSON. */
interface Measured {
  readonly metrics: Figures
  readonly baselines?: readonly { readonly name: string; readonly scores: Figures }[]
}

interface Row {
  readonly name: string
  readonly file: string
  readonly flags: readonly string[]
  readonly seeds: string
  /** The line that counts: of the trained model, or the mean of the folds. */
  readonly event: 'done' | 'folds'
  /** What is counted, its summary over seeds, and whether that is enough. */
  judge(runs: readonly Measured[]): { text: string; enough: boolean }
}

/**
 * Of scikit-learn 1.2.1's MLPRegressor with inputs and target standardised, on the same rows: the mean of seeds 1 to 5
 * (54,590, 54,481, 54,457, 54,508, 55,002), as scripts/fixtures/sklearn_mlp.py prints it.
 */
const SCIKIT_LEARN = 54_607
/** By which ratings must be better foretold than by biases alone. */
const BETTER = 0.005

const rows: readonly Row[] = [
  {
    name: 'tabular on California housing',
    file: 'tabular/california-housing.csv.gz',
    flags: ['tabular', '--target', 'median_house_value', '--split-column', 'split'],
    seeds: '1,2,3',
    event: 'done',
    judge(runs) {
      const all = runs.map(({ metrics }) => metrics.rmse)
      const whole = (x: number): string => Math.round(x).toLocaleString('en-US')
      const enough = median(all) <= SCIKIT_LEARN
      const against = `${enough ? 'at or below' : 'ABOVE'} ${whole(SCIKIT_LEARN)} of scikit-learn's MLPRegressor`
      return { text: `rmse ${whole(median(all))} (${all.map(whole).join(', ')}), ${against}`, enough }
    },
  },
  {
    name: 'tabular on iris, 5 folds',
    file: 'tabular/iris.csv',
    flags: ['tabular', '--target', '5', '--folds', '5'],
    seeds: '1,2,3',
    event: 'folds',
    judge(runs) {
      const all = runs.map(({ metrics }) => metrics.accuracy)
      const percent = (x: number): string => (100 * x).toFixed(1)
      const enough = median(all) >= 0.95
      const against = `${enough ? 'at least' : 'BELOW'} 95 %`
      return { text: `accuracy ${percent(median(all))} % (${all.map(percent).join(', ')}), ${against}`, enough }
    },
  },
  {
    name: 'recommender on MovieLens latest-small',
    file: 'movielens/ratings.csv.gz',
    flags: ['recommender'],
    seeds: '1,2,3,4,5',
    event: 'done',
    judge(runs) {
      const own = runs.map(({ metrics }) => metrics.rmse)
      const biases = runs.map(({ baselines }) => baselines?.[0].scores.rmse ?? Number.NaN)
      const gain = mean(biases) - mean(own)
      const listed = (all: readonly number[]): string =>
        `${mean(all).toFixed(4)} (${all.map((x) => x.toFixed(4)).join(', ')})`
      const verdict = `${gain.toFixed(4)} below, ${gain >= BETTER ? 'at least' : 'LESS THAN'} ${BETTER}`
      return { text: `mean rmse ${listed(own)}; biases alone ${listed(biases)}; ${verdict}`, enough: gain >= BETTER }
    },
  },
]

const root = new URL('../', import.meta.url).pathname
const command = values.source ? ['--import', 'tsx', join(root, 'src/cli/main.ts')] : [join(root, 'dist/cli/main.js')]
const out = mkdtempSync(join(tmpdir(), 'glia-accuracy-'))
let failed = 0
try {
  for (const row of rows) {
    if (values.only && !row.name.includes(values.only)) continue
    const data = join(folder, row.file)
    if (!existsSync(data)) {
      console.log(`${row.name}: left out, since ${row.file} is missing`)
      continue
    }
    const seeds = values.seeds ?? row.seeds
    const start = performance.now()
    const { text, enough } = row.judge(seeds.split(',').map((seed) => train(row, data, seed)))
    const seconds = (performance.now() - start) / 1e3 / seeds.split(',').length
    if (!enough) failed++
    console.log(`${row.name}, test: ${text}; seeds ${seeds}, ${seconds.toFixed(0)} s a run`)
  }
} finally {
  rmSync(out, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)

function train({ flags, event }: Row, data: string, seed: string): Measured {
  const run = join(out, `${flags[0]}-${seed}`)
  const args = [...command, 'train', ...flags, '--data', data, '--seed', seed, '--json', '--out', run]
  const said = execFileSync(process.execPath, [...args, '--device', values.target], {
    encoding: 'utf8',
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  rmSync(run, { recursive: true, force: true })
  const lines = said.trim().split('\n')
  const found = lines.map((line) => JSON.parse(line) as { event: string } & Measured).find((e) => e.event === event)
  if (!found) throw new Error(`glia train ${flags.join(' ')} did not say ${event}`)
  // Runs take minutes: what each comes to is worth knowing at once.
  console.error(`  ${flags[0]}, seed ${seed}: ${JSON.stringify({ ...found.metrics, baselines: found.baselines })}`)
  return found
}

function mean(all: readonly number[]): number {
  return all.reduce((sum, x) => sum + x, 0) / all.length
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[all.length >> 1]
}
