/**
 * @file Trains on a stream of generated pictures that is larger than what may be kept, and watches its own memory; run as a
 * process of its own.
 *
 * Usage: node --import tsx stream.ts <target> <gigabytes>, prints `{"read": GB, "added": MB, "steps": n, "seconds": s}`: bytes
 * of pictures that went through, and how far resident memory rose above what it was before the training.
 */
import { argv, exit, memoryUsage } from 'node:process'
import { DataLoader, flip, type Item, label, Random, type StreamSource } from '../../src/data/index.ts'
import { createDeviceSync, manualSeed, setDefaultDevice, type TargetName } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { AvgPool2d, Flatten, Linear, Sequential } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import { fit } from '../../src/train/index.ts'

const [, , target, gigabytes] = argv as [string, string, TargetName, string]
setDefaultDevice(createDeviceSync(target, { threads: 2 }))
manualSeed(0)

const SHAPE = [3, 224, 224]
const SIZE = 3 * 224 * 224
const count = Math.ceil((Number(gigabytes) * 1e9) / SIZE)
let read = 0

const pictures: StreamSource<{ readonly x: Item; readonly y: Item }> = {
  *stream(epoch) {
    const random = new Random(0, epoch)
    for (let i = 0; i < count; i++) {
      const data = new Uint8Array(SIZE)
      const words = new Int32Array(data.buffer)
      for (let k = 0; k < words.length; k++) words[k] = random.bits()
      read += SIZE
      yield { x: { data, shape: SHAPE }, y: label(i % 2) }
    }
  },
}

const model = new Sequential(new AvgPool2d(32), new Flatten(), new Linear(147, 2))
const start = memoryUsage.rss()
let most = start
const history = await fit(
  model,
  new DataLoader(pictures, { batchSize: 64, shuffle: true, buffer: 256, transform: flip({}) }),
  {
    loss: crossEntropy,
    optimizer: new SGD(model.parameters(), { lr: 0.01 }),
    callbacks: [
      {
        onBatchEnd: () => {
          most = Math.max(most, memoryUsage.rss())
        },
      },
    ],
  },
)
const { steps, seconds } = history
console.log(JSON.stringify({ read: read / 1e9, added: (most - start) / 2 ** 20, steps, seconds }))
exit(0)
