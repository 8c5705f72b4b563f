/**
 * @file A synchronous training loop that watches its own memory; run as a process of its own.
 *
 * Usage: node --import tsx loop.ts <mode> <target>, prints `{"grew": MB, "peak": MB}`: the growth of resident memory after
 * the first 2,000 steps (by then the engine has grown its heap), and the largest resident size.
 */
import { argv, exit, memoryUsage } from 'node:process'
import {
  compile,
  createDeviceSync,
  manualSeed,
  setDefaultDevice,
  type TargetName,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'

const [, , mode, target] = argv as [string, string, string, TargetName]
setDefaultDevice(createDeviceSync(target, { threads: 2 }))
manualSeed(0)

const [batch, features, hidden, classes] = target === 'interp' ? [2, 3, 2, 2] : [16, 64, 32, 10]
const model = new Sequential(new Linear(features, hidden), new ReLU(), new Linear(hidden, classes))
const optimizer = new Adam(model.parameters(), { lr: 1e-3 })
const xs = Float32Array.from({ length: batch * features }, (_, i) => Math.sin(i))
const ys = Int32Array.from({ length: batch }, (_, i) => i % classes)
const x = tensor(xs, { shape: [batch, features] })
const y = tensor(ys, { shape: [batch] })

const train = (a: Tensor, b: Tensor): Tensor => {
  const loss = crossEntropy(model.forward(a), b)
  optimizer.minimize(loss)
  return loss
}
const step = compile(train)
const large = zeros([1 << 20])
const same = compile((a: Tensor) => a.reshape([1024, 1024]))

const modes: Record<string, () => void> = {
  compiled: () => void step(x, y).itemSync(),
  uncompiled: () => void train(x, y).itemSync(),
  'new inputs': () =>
    void step(tensor(xs.slice(), { shape: [batch, features] }), tensor(ys.slice(), { shape: [batch] })).itemSync(),
  'loss never read': () => void step(x, y),
  'loss never read, uncompiled': () => void train(x, y),
  'evaluation between': () => {
    step(x, y).itemSync()
    model.forward(x).dataSync()
  },
  'large results': () => void same(large).dataSync(),
}

const steps = mode === 'large results' ? 5_000 : 20_000
const run = modes[mode]
let early = 0
let peak = 0
for (let i = 0; i < steps; i++) {
  run()
  if (i === 2000) early = memoryUsage.rss()
  if (i % 50 === 0) peak = Math.max(peak, memoryUsage.rss())
}
console.log(JSON.stringify({ grew: (memoryUsage.rss() - early) / 2 ** 20, peak: peak / 2 ** 20 }))
exit(0)
