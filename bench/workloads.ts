/** @file Glia's side of the benchmark: the same steps as the peers' scripts in `peers/`, by the same names. */
import { cat, compile, manualSeed, rand, randint, type Tensor } from '../src/index.ts'
import { crossEntropy, mse } from '../src/loss/index.ts'
import {
  AvgPool2d,
  Conv2d,
  Embedding,
  Flatten,
  Linear,
  LSTM,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Tanh,
} from '../src/nn/index.ts'
import { Adam, type Optimizer, SGD } from '../src/optim/index.ts'

export interface Workload {
  /** One whole step, its result read back as a number. */
  readonly step: () => number
  readonly params: number
  /** Floating-point operations of a step that are matrix products or convolutions (0: not compute-bound). */
  readonly flops: number
}

interface Trainable {
  parameters(): readonly Tensor[]
}

/** A training step: forward, loss, backward, update, loss read. */
function train(
  model: Trainable,
  optimizer: Optimizer,
  loss: (...batch: Tensor[]) => Tensor,
  batch: Tensor[],
  flops = 0,
): Workload {
  const step = compile((...args: Tensor[]) => {
    const value = loss(...args)
    optimizer.minimize(value)
    return value
  })
  return { step: () => step(...batch).itemSync(), params: count(model), flops }
}

function count(model: Trainable): number {
  return model.parameters().reduce((n, p) => n + p.size, 0)
}

function mlp(): Workload {
  const model = new Sequential(new Flatten(), new Linear(784, 128), new ReLU(), new Linear(128, 10))
  const optimizer = new SGD(model.parameters(), { lr: 0.01 })
  const batch = [rand([32, 1, 28, 28]), randint(0, 10, [32])]
  return train(
    model,
    optimizer,
    (x, y) => crossEntropy(model.forward(x), y),
    batch,
    3 * 2 * 32 * (784 * 128 + 128 * 10),
  )
}

function lenet5Model(): Sequential {
  return new Sequential(
    new Conv2d(1, 6, 5, { padding: 2 }),
    new Tanh(),
    new AvgPool2d(2),
    new Conv2d(6, 16, 5),
    new Tanh(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(400, 120),
    new Tanh(),
    new Linear(120, 84),
    new Tanh(),
    new Linear(84, 10),
  )
}

function lenet5(n: number): Workload {
  const model = lenet5Model()
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 })
  const batch = [rand([n, 1, 28, 28]), randint(0, 10, [n])]
  const first = 25 * 6 * 784
  const rest = 150 * 16 * 100 + 400 * 120 + 120 * 84 + 84 * 10
  return train(model, optimizer, (x, y) => crossEntropy(model.forward(x), y), batch, 2 * n * (2 * first + 3 * rest))
}

function cifarCnn(): Workload {
  const block = (i: number, o: number): Module[] => [
    new Conv2d(i, o, 3, { padding: 1 }),
    new ReLU(),
    new Conv2d(o, o, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(2),
  ]
  const model = new Sequential(
    ...block(3, 32),
    ...block(32, 64),
    new Flatten(),
    new Linear(4096, 128),
    new ReLU(),
    new Linear(128, 10),
  )
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 })
  const batch = [rand([64, 3, 32, 32]), randint(0, 10, [64])]
  const first = 27 * 32 * 1024
  const rest = 288 * 32 * 1024 + 288 * 64 * 256 + 576 * 64 * 256 + 4096 * 128 + 1280
  return train(model, optimizer, (x, y) => crossEntropy(model.forward(x), y), batch, 2 * 64 * (2 * first + 3 * rest))
}

class Sentiment extends Module {
  readonly emb = new Embedding(13000, 100)
  readonly a = new LSTM(100, 64, { batchFirst: true })
  readonly b = new LSTM(64, 32, { batchFirst: true })
  readonly fc = new Linear(32, 5)

  override forward(x: Tensor): Tensor {
    const [h] = this.a.forward(this.emb.forward(x))
    const [k] = this.b.forward(h)
    return this.fc.forward(k.select(1, -1))
  }
}

function lstmSentiment(): Workload {
  const model = new Sentiment()
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 })
  const batch = [randint(0, 13000, [32, 50]), randint(0, 5, [32])]
  return train(model, optimizer, (x, y) => crossEntropy(model.forward(x), y), batch)
}

class Recommender extends Module<[u: Tensor, i: Tensor]> {
  readonly u = new Embedding(10000, 32)
  readonly i = new Embedding(10000, 32)
  readonly fc = new Sequential(new Linear(64, 64), new ReLU(), new Linear(64, 32), new ReLU(), new Linear(32, 1))

  override forward(u: Tensor, i: Tensor): Tensor {
    return this.fc.forward(cat([this.u.forward(u), this.i.forward(i)], -1)).squeeze(-1)
  }
}

function recommender(): Workload {
  const model = new Recommender()
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 })
  const batch = [randint(0, 10000, [1024]), randint(0, 10000, [1024]), rand([1024])]
  return train(
    model,
    optimizer,
    (u, i, r) => mse(model.forward(u, i), r),
    batch,
    3 * 2 * 1024 * (64 * 64 + 64 * 32 + 32),
  )
}

function matmul(n: number): Workload {
  const a = rand([n, n])
  const b = rand([n, n])
  const step = compile((x: Tensor, y: Tensor) => x.matmul(y))
  return { step: () => step(a, b).hostValues()[0], params: 0, flops: 2 * n ** 3 }
}

function chain(): Workload {
  const a = rand([4096, 1024])
  const b = rand([4096, 1024])
  const step = compile((x: Tensor, y: Tensor) => x.mul(y).add(x).tanh().mul(y.sub(x).sigmoid()).sum())
  return { step: () => step(a, b).itemSync(), params: 0, flops: 0 }
}

export const workloads: Readonly<Record<string, () => Workload>> = {
  mlp_train_b32: mlp,
  lenet5_train_b32: () => lenet5(32),
  lenet5_train_b128: () => lenet5(128),
  cifar_cnn_train_b64: cifarCnn,
  lstm_sentiment_train_b32: lstmSentiment,
  recommender_train_b1024: recommender,
  matmul_255: () => matmul(255),
  matmul_256: () => matmul(256),
  matmul_512: () => matmul(512),
  matmul_1023: () => matmul(1023),
  matmul_1024: () => matmul(1024),
  elementwise_chain_4m: chain,
}

/** Makes a workload with fixed random numbers. */
export function make(name: string): Workload {
  manualSeed(0)
  return workloads[name]()
}
