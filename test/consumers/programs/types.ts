// A program that is only checked: the types that users write down, and mistakes that must not pass.
import { type Compiled, compile, createDevice, type Device, type DeviceOptions, type Tensor, tensor } from 'glia'
import { type ArrayDataset, arrayDataset, digits } from 'glia/data'
import { writeSafetensors } from 'glia/io'
import { crossEntropy } from 'glia/loss'
import { Conv2d, Linear, Module, ReLU, Sequential } from 'glia/nn'
import { Adam } from 'glia/optim'
import { type Recipe, recipes } from 'glia/recipes'
import { type Callback, type FitOptions, fit, type History } from 'glia/train'

class Residual extends Module {
  readonly inner = new Linear(8, 8)

  override forward(x: Tensor): Tensor {
    return this.inner.call(x).add(x)
  }
}

const options: DeviceOptions = { threads: 2 }
const device: Device = await createDevice('wasm', options)
const model = new Sequential(new Linear(4, 8), new ReLU(), new Residual(), new Linear(8, 3))
const optimizer = new Adam(model.parameters(), { lr: 1e-3 })
const step: Compiled<[Tensor, Tensor], Tensor> = compile((x: Tensor, y: Tensor) => {
  const loss = crossEntropy(model.call(x), y)
  optimizer.minimize(loss)
  return loss
})
const x: Tensor = tensor(new Float32Array(8), { shape: [2, 4], device })
export const loss: number = await step(x, tensor(new Int32Array(2), { device })).item()

const data: ArrayDataset = arrayDataset({
  x: { data: new Float32Array(8), shape: [4] },
  y: { data: new Int32Array(2), shape: [] },
})
const print: Callback = { onEpochEnd: ({ epoch, val }) => (val ? show(epoch, val.accuracy) : undefined) }
const how: FitOptions = { loss: crossEntropy, optimizer, callbacks: [print] }
export const history: History = await fit(model, data, how)
export const recipe: Recipe | undefined = recipes.mlp
export const { train } = await digits({ train: 10 })
export const bytes: Uint8Array = writeSafetensors([['x', { dtype: 'float32', shape: [1], data: new Float32Array(1) }]])

function show(_epoch: number, _accuracy: number | undefined): void {}

// @ts-expect-error: a layer's sizes are numbers
new Linear('4', 8)
// @ts-expect-error: no such option
new Conv2d(1, 6, 5, { paddings: 2 })
// @ts-expect-error: no such target
await createDevice('cuda')
// @ts-expect-error: a loss is a function of tensors
fit(model, data, { loss: 'crossEntropy', optimizer })
