/** @file Small trainings that provoke each case of loss curves, and some that go well. */

import { type ArrayDataset, arrayDataset, Random } from '../../src/data/index.ts'
import { manualSeed } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import { Linear, type Module, ReLU, Sequential, Sigmoid, Tanh } from '../../src/nn/index.ts'
import { Adam, SGD, schedule } from '../../src/optim/index.ts'
import { type FitOptions, fit, type History, type Loss, type Model } from '../../src/train/index.ts'

/** Points in the plane in two classes, by a rule; a share of the classes is wrong. */
export function plane(
  length: number,
  seed: number,
  rule: (x: number, y: number) => boolean,
  { noise = 0, left = -1, right = 1, scale = 1 } = {},
): ArrayDataset {
  const random = new Random(seed)
  const x = new Float32Array(2 * length)
  const y = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    const [a, b] = [random.uniform(left, right), random.uniform(-1, 1)]
    x.set([scale * a, scale * b], 2 * i)
    y[i] = Number(rule(a, b) !== random.uniform() < noise)
  }
  return arrayDataset({ x: { data: x, shape: [2] }, y: { data: y, shape: [] } })
}

/** A wave with noise: `[1] → [1]`. */
export function wave(length: number, seed: number, noise: number, waves = 1): ArrayDataset {
  const random = new Random(seed)
  const x = Float32Array.from({ length }, () => random.uniform(-1, 1))
  const y = x.map((v) => Math.sin(Math.PI * waves * v) + noise * random.bell())
  return arrayDataset({ x: { data: x, shape: [1] }, y: { data: y, shape: [1] } })
}

/** The same wave along the first of several inputs; the others tell nothing but can be used to learn the noise by heart. */
export function crowd(length: number, seed: number, inputs: number, noise: number): ArrayDataset {
  const random = new Random(seed)
  const x = Float32Array.from({ length: length * inputs }, () => random.uniform(-1, 1))
  const y = Float32Array.from({ length }, (_, i) => Math.sin(Math.PI * x[i * inputs]) + noise * random.bell())
  return arrayDataset({ x: { data: x, shape: [inputs] }, y: { data: y, shape: [1] } })
}

const quadrants = (a: number, b: number): boolean => a * b > 0
const circle = (a: number, b: number): boolean => Math.hypot(a, b) < 0.7
const diagonal = (a: number, b: number): boolean => a + b > 0.2

export function net(
  inputs: number,
  hidden: readonly number[],
  outputs: number,
  act: () => Module = () => new ReLU(),
): Sequential {
  const sizes = [inputs, ...hidden]
  const layers = hidden.flatMap((n, i) => [new Linear(sizes[i], n), act()])
  return new Sequential(...layers, new Linear(sizes[sizes.length - 1], outputs))
}

export interface Provoked {
  readonly history: History
  readonly loss: Loss
  readonly data: ArrayDataset
}

type Setup = Omit<FitOptions, 'loss' | 'optimizer'> & {
  readonly data: ArrayDataset
  readonly loss?: Loss
  readonly model: () => Model
  readonly optimizer: (model: Model) => FitOptions['optimizer']
}

async function run(
  seed: number,
  { data, loss = crossEntropy, model: build, optimizer, ...options }: Setup,
): Promise<Provoked> {
  manualSeed(seed)
  const model = build()
  return { history: await fit(model, data, { loss, optimizer: optimizer(model), seed, ...options }), loss, data }
}

const sgd =
  (lr: number, momentum = 0) =>
  (m: Model): SGD =>
    new SGD(m.parameters(), { lr, momentum })
const adam =
  (lr: number) =>
  (m: Model): Adam =>
    new Adam(m.parameters(), { lr })

/** Trainings by the case that they are meant to provoke, to be run with any seed. */
export const provoking: Readonly<Record<string, (seed: number) => Promise<Provoked>>> = {
  'underfitting: a line for quadrants': (seed) =>
    run(seed, {
      data: plane(200, seed, quadrants),
      validation: plane(100, seed + 1, quadrants),
      model: () => net(2, [], 2),
      optimizer: adam(0.01),
      epochs: 12,
    }),
  'underfitting: a step too small': (seed) =>
    run(seed, {
      data: wave(200, seed, 0.1),
      validation: wave(100, seed + 1, 0.1),
      loss: mse,
      model: () => net(1, [16], 1),
      optimizer: sgd(1e-6),
      epochs: 10,
    }),
  'stopped too early: few epochs': (seed) =>
    run(seed, {
      data: plane(200, seed, diagonal),
      validation: plane(200, seed + 1, diagonal),
      model: () => net(2, [16], 2),
      optimizer: sgd(0.05),
      epochs: 8,
    }),
  'overfitting: wrong labels, learned by heart': (seed) =>
    run(seed, {
      data: plane(60, seed, circle, { noise: 0.2 }),
      validation: plane(300, seed + 1, circle, { noise: 0.2 }),
      model: () => net(2, [128, 128], 2),
      optimizer: adam(0.01),
      epochs: 80,
    }),
  'levelling off: more to memorise than to learn': (seed) =>
    run(seed, {
      data: crowd(300, seed, 8, 0.4),
      validation: crowd(1000, seed + 1, 8, 0.4),
      loss: mse,
      model: () => net(8, [64], 1),
      optimizer: adam(0.003),
      epochs: 30,
    }),
  'unrepresentative training set: without the noise of the other': (seed) =>
    run(seed, {
      data: wave(400, seed, 0.05),
      validation: wave(400, seed + 1, 0.5),
      loss: mse,
      model: () => net(1, [32], 1),
      optimizer: adam(0.02),
      schedule: schedule.cosine(25 * 13),
      epochs: 25,
    }),
  'unrepresentative validation set: four examples': (seed) =>
    run(seed, {
      data: plane(1000, seed, circle, { noise: 0.1 }),
      validation: plane(4, seed + 5, circle, { noise: 0.1 }),
      model: () => net(2, [32, 32], 2),
      optimizer: sgd(0.3, 0.9),
      epochs: 24,
      batchSize: 50,
    }),
  'rising loss: steps that grow too large': (seed) =>
    run(seed, {
      data: plane(200, seed, circle),
      validation: plane(200, seed + 1, circle),
      model: () => net(2, [32, 32], 2),
      optimizer: sgd(0.05, 0.95),
      schedule: (step) => 1.06 ** step,
      epochs: 12,
    }),
}

/** Trainings that go well. */
export const healthy: Readonly<Record<string, (seed: number) => Promise<Provoked>>> = {
  'a line between classes': (seed) =>
    run(seed, {
      data: plane(400, seed, diagonal),
      validation: plane(400, seed + 1, diagonal),
      model: () => net(2, [16], 2),
      optimizer: adam(0.02),
      schedule: schedule.cosine(13 * 30),
      epochs: 30,
      watch: 13,
    }),
  'a circle': (seed) =>
    run(seed, {
      data: plane(800, seed, circle),
      validation: plane(800, seed + 1, circle),
      model: () => net(2, [32, 32], 2),
      optimizer: adam(0.01),
      schedule: schedule.cosine(25 * 30),
      epochs: 30,
      watch: 25,
    }),
  'a circle with a twentieth of wrong labels': (seed) =>
    run(seed, {
      data: plane(2000, seed, circle, { noise: 0.05 }),
      validation: plane(1000, seed + 1, circle, { noise: 0.05 }),
      model: () => net(2, [16], 2),
      optimizer: adam(0.01),
      schedule: schedule.cosine(63 * 20),
      epochs: 20,
      watch: 63,
    }),
  'a wave': (seed) =>
    run(seed, {
      data: wave(400, seed, 0.1),
      validation: wave(400, seed + 1, 0.1),
      loss: mse,
      model: () => net(1, [32, 32], 1, () => new Tanh()),
      optimizer: adam(0.01),
      schedule: schedule.cosine(13 * 40),
      epochs: 40,
      watch: 13,
    }),
  'a wave without validation': (seed) =>
    run(seed, {
      data: wave(400, seed, 0.1),
      loss: mse,
      model: () => net(1, [32], 1),
      optimizer: adam(0.02),
      schedule: schedule.oneCycle(13 * 40),
      epochs: 40,
      watch: 13,
    }),
}

/** Nets whose layers are in trouble, by what they show. */
export const troubled: Readonly<Record<string, (seed: number) => Promise<Provoked>>> = {
  'vanishing gradients': (seed) =>
    run(seed, {
      data: plane(200, seed, diagonal),
      model: () => net(2, [16, 16, 16, 16, 16, 16, 16, 16], 2, () => new Sigmoid()),
      optimizer: sgd(0.1),
      epochs: 3,
      watch: 2,
    }),
  'exploding gradients': (seed) =>
    run(seed, {
      data: plane(200, seed, diagonal),
      model: () =>
        scaled(
          net(2, new Array<number>(40).fill(32), 2, () => new Tanh()),
          4,
        ),
      optimizer: sgd(1e-9),
      epochs: 3,
      watch: 2,
    }),
  'dead units': (seed) =>
    run(seed, {
      data: plane(200, seed, diagonal),
      model: () => lowered(net(2, [32], 2)),
      optimizer: sgd(0.01),
      epochs: 3,
      watch: 2,
    }),
  'saturated units': (seed) =>
    run(seed, {
      data: plane(200, seed, diagonal, { scale: 100 }),
      model: () => net(2, [32], 2, () => new Tanh()),
      optimizer: sgd(0.01),
      epochs: 3,
      watch: 2,
    }),
  'too large updates': (seed) =>
    run(seed, {
      data: plane(400, seed, diagonal),
      model: () => net(2, [16], 2, () => new Tanh()),
      optimizer: sgd(50),
      epochs: 1,
      watch: 1,
    }),
}

/** Hidden weights made larger; the first layer sees unit inputs, the last is left alone. */
function scaled(model: Sequential, factor: number): Sequential {
  for (const [name, p] of model.namedParameters()) {
    if (name.endsWith('weight')) p.set(p.dataSync().map((v) => v * factor))
  }
  return model
}

/** Biases far below what inputs can lift. */
function lowered(model: Sequential): Sequential {
  const [, bias] = model.parameters()
  bias.set(bias.dataSync().map((_, i) => (i % 4 === 0 ? 0 : -5)))
  return model
}
