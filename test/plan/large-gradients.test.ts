/** @file Gradients of convolutions so large that operands are packed in several loops, against the interpreter. */
import { describe, expect, it } from 'vitest'
import { compile, grad, manualSeed, rand, setDefaultDevice, type Tensor } from '../../src/index.ts'
import { conv, convTranspose } from '../../src/nn/functional/conv.ts'
import type { Device } from '../../src/plan/device.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { variants } from '../support/devices.ts'

const interp = new InterpDevice()
const options = { stride: 2, padding: 1 }

/** Inputs `[B, C, S, S]` and 4 × 4 filters. */
interface Sizes {
  readonly x: readonly number[]
  readonly weight: readonly number[]
}

const cases: Readonly<Record<string, { apply: (x: Tensor, w: Tensor) => Tensor; sizes: readonly Sizes[] }>> = {
  'transposed convolutions': {
    apply: (x, w) => convTranspose(x, w, null, options),
    sizes: [
      { x: [4, 64, 8, 8], weight: [64, 32, 4, 4] },
      { x: [16, 8, 4, 4], weight: [8, 6, 4, 4] },
      { x: [16, 32, 16, 16], weight: [32, 3, 4, 4] },
    ],
  },
  convolutions: {
    apply: (x, w) => conv(x, w, null, options),
    sizes: [
      { x: [4, 32, 16, 16], weight: [64, 32, 4, 4] },
      { x: [8, 3, 32, 32], weight: [32, 3, 4, 4] },
    ],
  },
}

function gradients(device: Device, apply: (x: Tensor, w: Tensor) => Tensor, { x, weight }: Sizes): Tensor[] {
  setDefaultDevice(device)
  manualSeed(7)
  const inputs = [rand(x).sub(0.5), rand(weight).sub(0.5)]
  const step = compile((...inputs: Tensor[]) => {
    for (const t of inputs) t.requiresGrad = true
    return grad(apply(inputs[0], inputs[1]).sin().sum(), inputs)
  })
  return step(...inputs)
}

const greatest = (values: ArrayLike<number>): number => Array.from(values).reduce((m, v) => Math.max(m, Math.abs(v)), 0)

describe.each(Object.entries(cases))('gradients of %s', (_, { apply, sizes }) => {
  it.each(sizes)('of $x by $weight agree on every target', (shapes) => {
    const expected = gradients(interp, apply, shapes).map((g) => g.hostValues())
    for (const [name, device] of variants) {
      gradients(device, apply, shapes).forEach((g, i) => {
        const off = Array.from(g.hostValues(), (v, k) => v - expected[i][k])
        expect(greatest(off) / greatest(expected[i]), `${name}, gradient ${i}`).toBeLessThan(1e-5)
      })
    }
  })
})
