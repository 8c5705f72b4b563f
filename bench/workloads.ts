/** @file Glia's side of the benchmark: the same steps as the peers' scripts in `peers/`, by the same names. */
import { manualSeed, ones, rand, randint, randn, type Tensor, zeros } from '../src/index.ts'
import { bceWithLogits, crossEntropy, mse } from '../src/loss/index.ts'
import type { Module } from '../src/nn/index.ts'
import { Adam, AdamW, type Optimizer, SGD } from '../src/optim/index.ts'
import { discriminator, generator } from './models/dcgan.ts'
import { GPT } from './models/gpt.ts'
import { Recommender } from './models/recommender.ts'
import { ResNet18 } from './models/resnet.ts'
import { Sentiment } from './models/sentiment.ts'
import { cifarCnn, lenet5, mlp } from './models/small.ts'
import { UNet } from './models/unet.ts'
import { VAE, vaeLoss } from './models/vae.ts'
import { VGG16 } from './models/vgg.ts'
import { infer, train, type Workload } from './workload.ts'

/** Training with cross-entropy on one batch. */
function classifier(model: Module, optimizer: Optimizer, x: Tensor, y: Tensor): Workload {
  return train({ model }, [x, y], (input, target) => {
    const loss = crossEntropy(model.call(input), target)
    optimizer.minimize(loss)
    return loss
  })
}

function classifierWithAdam(model: Module, x: Tensor, y: Tensor): Workload {
  return classifier(model, new Adam(model.parameters()), x, y)
}

function mlpTrain(): Workload {
  const model = mlp()
  return classifier(model, new SGD(model.parameters(), { lr: 0.01 }), rand([32, 1, 28, 28]), randint(0, 10, [32]))
}

function gptTrain(): Workload {
  const model = new GPT()
  const optimizer = new AdamW(model.parameters())
  return train({ model }, [tokens(), tokens()], (x, y) => {
    const loss = crossEntropy(model.call(x).flatten(0, 1), y.flatten())
    optimizer.minimize(loss)
    return loss
  })
}

/** 16 sequences of characters. */
const tokens = (): Tensor => randint(0, GPT.vocabulary, [16, GPT.context])

function vaeTrain(): Workload {
  const model = new VAE()
  const optimizer = new Adam(model.parameters())
  return train({ model }, [rand([128, 784])], (x, noise) => {
    const loss = vaeLoss(model.call(x, noise), x)
    optimizer.minimize(loss)
    return loss
  })
}

/** One step of the discriminator, then one of the generator. */
function dcganTrain(): Workload {
  const g = generator()
  const d = discriminator()
  const [forG, forD] = [g, d].map((m) => new Adam(m.parameters(), { lr: 2e-4, betas: [0.5, 0.999] }))
  return train({ g, d }, [rand([64, 3, 32, 32])], (real, noise = randn([64, 64, 1, 1])) => {
    const fake = g.call(noise)
    const onReal = bceWithLogits(d.call(real), ones([64]))
    const dLoss = onReal.add(bceWithLogits(d.call(fake.detach()), zeros([64])))
    forD.minimize(dLoss)
    const gLoss = bceWithLogits(d.call(fake), ones([64]))
    forG.minimize(gLoss)
    return dLoss.add(gLoss)
  })
}

function recommenderTrain(): Workload {
  const model = new Recommender()
  const optimizer = new Adam(model.parameters())
  const inputs = [randint(0, 10000, [1024]), randint(0, 10000, [1024]), rand([1024])]
  return train({ model }, inputs, (u, i, rating) => {
    const loss = mse(model.call(u, i), rating)
    optimizer.minimize(loss)
    return loss
  })
}

function resnetTrain(): Workload {
  const model = new ResNet18()
  const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 })
  return classifier(model, optimizer, rand([16, 3, 64, 64]), randint(0, 1000, [16]))
}

function inference(model: Module, x: Tensor): Workload {
  return infer({ model }, [x], (input) => model.call(input))
}

function matmul(n: number): Workload {
  return infer({}, [rand([n, n]), rand([n, n])], (a, b) => a.matmul(b))
}

function chain(): Workload {
  const inputs = [rand([4096, 1024]), rand([4096, 1024])]
  return infer({}, inputs, (a, b) => a.mul(b).add(a).tanh().mul(b.sub(a).sigmoid()).sum())
}

export const workloads: Readonly<Record<string, () => Workload>> = {
  mlp_train_b32: mlpTrain,
  lenet5_train_b32: () => classifierWithAdam(lenet5(), rand([32, 1, 28, 28]), randint(0, 10, [32])),
  lenet5_train_b128: () => classifierWithAdam(lenet5(), rand([128, 1, 28, 28]), randint(0, 10, [128])),
  cifar_cnn_train_b64: () => classifierWithAdam(cifarCnn(), rand([64, 3, 32, 32]), randint(0, 10, [64])),
  lstm_sentiment_train_b32: () => classifierWithAdam(new Sentiment(), randint(0, 13000, [32, 50]), randint(0, 5, [32])),
  gpt_mini_train_b16: gptTrain,
  vae_train_b128: vaeTrain,
  dcgan_train_b64: dcganTrain,
  unet_train_b4: () => classifierWithAdam(new UNet(), rand([4, 3, 128, 128]), randint(0, 4, [4, 128, 128])),
  recommender_train_b1024: recommenderTrain,
  resnet18_train_b16_64px: resnetTrain,
  resnet18_infer_b1: () => inference(new ResNet18(), rand([1, 3, 224, 224])),
  resnet18_infer_b8: () => inference(new ResNet18(), rand([8, 3, 224, 224])),
  vgg16_infer_b1: () => inference(new VGG16(), rand([1, 3, 224, 224])),
  lenet5_infer_b128: () => inference(lenet5(), rand([128, 1, 28, 28])),
  gpt_mini_infer_b16: () => inference(new GPT(), tokens()),
  matmul_255: () => matmul(255),
  matmul_256: () => matmul(256),
  matmul_512: () => matmul(512),
  matmul_1023: () => matmul(1023),
  matmul_1024: () => matmul(1024),
  matmul_2048: () => matmul(2048),
  elementwise_chain_4m: chain,
}

/** Makes a workload with fixed random numbers. */
export function make(name: string): Workload {
  manualSeed(0)
  return workloads[name]()
}
