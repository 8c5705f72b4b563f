/**
 * @file A process that trains in a directory, from its last checkpoint if there is one, until it is done or killed. Writes
 * the number of each step that it has finished; its arguments are the directory, the number of steps and the target.
 */
import { mkdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { manualSeed, randn, setDefaultDevice } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Dropout, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { checkpoints, readCheckpoint } from '../../src/node/checkpoints.ts'
import { runLog } from '../../src/node/run-log.ts'
import { Adam, schedule } from '../../src/optim/index.ts'
import { createDeviceSync, type TargetName } from '../../src/plan/create.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { fit } from '../../src/train/index.ts'
import { corners, weightsOf } from './problems.ts'

const [directory, steps, target] = process.argv.slice(2)
const say = (text: string): void => void writeSync(1, `${text}\n`)

setDefaultDevice(target === 'interp' ? new InterpDevice() : createDeviceSync(target as TargetName, { threads: 2 }))
const resume = await readCheckpoint(join(directory, 'checkpoints'))
manualSeed(resume ? 12345 : 1)
// Large enough that writing takes a good part of the time.
const model = new Sequential(new Linear(2, 20_000), new ReLU(), new Dropout(0.2), new Linear(20_000, 3))
mkdirSync(directory, { recursive: true })
say(`from ${resume?.progress.steps ?? 0}`)
await fit(model, corners(20), {
  loss: crossEntropy,
  optimizer: new Adam(model.parameters(), { lr: 1e-3 }),
  maxSteps: Number(steps),
  batchSize: 4,
  schedule: schedule.cosine(Number(steps)),
  augment: (x) => x.add(randn(x.shape).mul(0.1)),
  validation: corners(8, 1),
  callbacks: [
    runLog(directory),
    checkpoints(join(directory, 'checkpoints'), { everySteps: 2, keep: 2 }),
    { onBatchEnd: ({ total }) => say(`step ${total}`) },
  ],
  ...(resume ? { resume } : {}),
})
const sum = weightsOf(model).reduce((a, b) => a + b)
say(`done ${sum}`)
