/**
 * @file How much of a training the data takes: `cifarCnn` on 8,000 images of CIFAR-10 in memory, each cropped at random from
 * a border of 4 pixels and mirrored every other time, through a `DataLoader` and `fit`. Prints one JSON line.
 *
 * Usage: tsx bench/loader.ts [--cifar FOLDER] [--target avx512] [--threads 2] [--batch 64] [--steps 125]
 *
 * Without `--cifar`, pixels are random.
 */
import { parseArgs } from 'node:util'
import { arrayDataset, chain, DataLoader, flip, fromArrays, Random, randomCrop } from '../src/data/index.ts'
import { createDevice, enableV8Flags, manualSeed, setDefaultDevice, type TargetName } from '../src/index.ts'
import { crossEntropy } from '../src/loss/index.ts'
import { readCifarDirectory } from '../src/node/index.ts'
import { Adam } from '../src/optim/index.ts'
import { fit, type Loader } from '../src/train/index.ts'
import { cifarCnn } from './models/small.ts'

const { values } = parseArgs({
  options: {
    cifar: { type: 'string' },
    target: { type: 'string', default: 'avx512' },
    threads: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
    steps: { type: 'string', default: '125' },
  },
})
const [batchSize, steps] = [Number(values.batch), Number(values.steps)]
/** Steps that compile and warm up. */
const WARM = 5

enableV8Flags()
setDefaultDevice(await createDevice(values.target as TargetName, { threads: Number(values.threads) }))
manualSeed(0)

const random = new Random(0)
const train =
  values.cifar === undefined
    ? arrayDataset({
        x: { data: Uint8Array.from({ length: 8000 * 3072 }, () => random.below(256)), shape: [3, 32, 32] },
        y: { data: Uint8Array.from({ length: 8000 }, () => random.below(10)), shape: [] },
      })
    : (await readCifarDirectory(values.cifar)).train
const loader = new DataLoader(fromArrays(train), {
  batchSize,
  shuffle: true,
  transform: chain(randomCrop({ size: [32, 32], padding: 4 }), flip({})),
})

/** The loader, which notes how long it was waited for. */
const waits: number[] = []
const watched: Loader = {
  length: loader.length,
  examples: loader.examples,
  setup: loader.setup,
  skips: 0,
  indices: (epoch, batch) => loader.indices(epoch, batch),
  async *batchesFrom(epoch, position) {
    let asked = performance.now()
    for await (const placed of loader.batchesFrom(epoch, position)) {
      waits.push(performance.now() - asked)
      yield placed
      asked = performance.now()
    }
  },
}

const ends: number[] = []
const model = cifarCnn()
await fit(model, watched, {
  loss: crossEntropy,
  optimizer: new Adam(model.parameters()),
  maxSteps: WARM + steps,
  callbacks: [{ onBatchEnd: () => void ends.push(performance.now()) }],
})
const wall = (ends[ends.length - 1] - ends[WARM - 1]) / steps
const data = waits.slice(WARM, WARM + steps).reduce((sum, ms) => sum + ms, 0) / steps
const round = (x: number): number => Math.round(x * 1e3) / 1e3
console.log(
  JSON.stringify({
    target: values.target,
    threads: Number(values.threads),
    batch: batchSize,
    steps,
    ms_per_step: round(wall),
    ms_for_data: round(data),
    busy_percent: round(100 * (1 - data / wall)),
  }),
)
process.exit(0)
