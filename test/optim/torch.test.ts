/** @file Fifty steps of every optimizer against PyTorch. */
import { describe, expect, it } from 'vitest'
import { compile, Parameter, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import { Adam, AdamW, type Optimizer, SGD } from '../../src/optim/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose, filled, fixture } from '../support/torch.ts'

interface Trajectory {
  readonly name: string
  readonly path: { step: number; loss: number; w: number[]; m: number[] }[]
}

const optimizers: Record<string, (params: Parameter[]) => Optimizer> = {
  sgd: (p) => new SGD(p, { lr: 0.05 }),
  momentum: (p) => new SGD(p, { lr: 0.02, momentum: 0.9 }),
  dampening: (p) => new SGD(p, { lr: 0.02, momentum: 0.9, dampening: 0.3 }),
  nesterov: (p) => new SGD(p, { lr: 0.02, momentum: 0.8, nesterov: true }),
  decay: (p) => new SGD(p, { lr: 0.05, weightDecay: 0.1 }),
  all: (p) => new SGD(p, { lr: 0.02, momentum: 0.5, nesterov: true, weightDecay: 0.05 }),
  adam: (p) => new Adam(p, { lr: 0.05 }),
  adamBetas: (p) => new Adam(p, { lr: 0.05, betas: [0.8, 0.95], eps: 1e-4 }),
  adamDecay: (p) => new Adam(p, { lr: 0.05, weightDecay: 0.1 }),
  amsgrad: (p) => new Adam(p, { lr: 0.1, amsgrad: true }),
  adamw: (p) => new AdamW(p, { lr: 0.05 }),
  adamwDecay: (p) => new AdamW(p, { lr: 0.05, weightDecay: 0.3, amsgrad: true }),
}

describe.each(devices)('on %s', (_, device) => {
  const trajectories = fixture<Trajectory[]>('optimizers').map((t) => [t.name, t] as const)

  it.each(trajectories)('%s follows PyTorch', (name, { path }) => {
    setDefaultDevice(device)
    const w = new Parameter(filled([3], 0, device, 2))
    const m = new Parameter(filled([2, 2], 1, device, 2))
    const optimizer = optimizers[name]([w, m])
    const scale = tensor([1, 3, 0.1], { device })
    const objective = (): Tensor =>
      w
        .sub(filled([3], 2, device))
        .square()
        .mul(scale)
        .sum()
        .add(m.pow(4).sum())
        .add(m.matmul(m).sin().sum())
    // Half of the steps compiled, half not: both must do the same.
    const compiled = compile(() => {
      const loss = objective()
      optimizer.minimize(loss)
      return loss
    })
    let next = 0
    for (let k = 0; k < 50; k++) {
      let loss: Tensor
      if (k % 3 === 0) loss = compiled()
      else {
        loss = objective()
        optimizer.minimize(loss)
      }
      if (path[next]?.step !== k) continue
      expectClose([loss.itemSync()], [path[next].loss], `loss ${k}`, 1e-4, 1e-5)
      expectClose(w.dataSync(), path[next].w, `w ${k}`, 1e-4, 1e-5)
      expectClose(m.dataSync(), path[next].m, `m ${k}`, 1e-4, 1e-5)
      next++
    }
    expect(next).toBe(path.length)
    expect(optimizer.steps).toBe(50)
    expect(compiled.traces).toEqual(['first call'])
  })
})
