// A program that uses the package from Node: learns, and says how well.
import { createDevice, manualSeed, setDefaultDevice, tensor } from 'glia'
import { digits } from 'glia/data'
import { readSafetensors, writeSafetensors } from 'glia/io'
import { crossEntropy } from 'glia/loss'
import { Flatten, Linear, ReLU, Sequential } from 'glia/nn'
import { Adam } from 'glia/optim'
import { fit } from 'glia/train'

const device = await createDevice('auto', { threads: 2 })
setDefaultDevice(device)
manualSeed(1)
const { train, test } = await digits({ train: 1000, test: 200 })
const model = new Sequential(new Flatten(), new Linear(784, 64), new ReLU(), new Linear(64, 10))
const history = await fit(model, train, {
  loss: crossEntropy,
  optimizer: new Adam(model.parameters(), { lr: 5e-3 }),
  validation: test,
  epochs: 4,
})
const { accuracy } = history.epochs.at(-1).val
if (!(accuracy > 0.8)) throw new Error(`accuracy ${accuracy}`)

const written = writeSafetensors([['x', { dtype: 'float32', shape: [2], data: tensor([1, 2]).dataSync() }]])
if (readSafetensors(written).tensors.get('x')?.data[1] !== 2) throw new Error('safetensors: another value came back')
console.log(`${device.threads} threads, accuracy ${(100 * accuracy).toFixed(1)} %`)
