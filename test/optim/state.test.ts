/** @file States of PyTorch's optimizers, taken over and given back. */
import { describe, expect, it } from 'vitest'
import { Parameter, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  NAdam,
  type Optimizer,
  RAdam,
  RMSprop,
  SGD,
  type SGDOptions,
  type TorchState,
} from '../../src/optim/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose, filled, fixture } from '../support/torch.ts'

interface Saved {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

const kinds = { SGD, Adam, AdamW, Adamax, NAdam, RAdam, Adagrad, Adadelta, RMSprop }

interface State {
  readonly kind: keyof typeof kinds
  readonly state: Record<string, Record<string, Saved | number>>
  readonly param_groups: readonly Record<string, unknown>[]
  readonly parameters: readonly [Saved, Saved]
  readonly after: readonly [Saved, Saved]
}

const loaded = ({ shape, data }: Saved): Tensor => tensor([...data], { shape })

/** The fixture's state as a reader of PyTorch's files gives it. */
function torchState({ state, param_groups }: State): TorchState {
  const entries = Object.entries(state).map(([i, own]) => {
    const values = Object.entries(own).map(([name, v]) => [name, typeof v === 'object' ? loaded(v) : v])
    return [i, Object.fromEntries(values)]
  })
  return { state: Object.fromEntries(entries), param_groups }
}

function steps(optimizer: Optimizer, w: Parameter, m: Parameter, n: number): void {
  const scale = tensor([1, 3, 0.1])
  for (let k = 0; k < n; k++) {
    m.requiresGrad = optimizer.steps > 0
    const bowl = w
      .sub(filled([3], 2, w.device))
      .square()
      .mul(scale)
      .sum()
    optimizer.minimize(bowl.add(m.square().square().sum()).add(m.matmul(m).sin().sum()))
  }
}

const optionsOf = ({ param_groups: [group] }: State): SGDOptions => {
  const camel = (name: string): string => name.replace(/_(.)/g, (_, c: string) => c.toUpperCase())
  const { params, ...options } = group
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [camel(name), value]),
  ) as unknown as SGDOptions
}

describe.each(devices)('on %s', (_, device) => {
  const states = fixture<State[]>('optimizer-states').map((s) => [s.kind, s] as const)

  it.each(states)('%s goes on from PyTorch’s state', (kind, saved) => {
    setDefaultDevice(device)
    const [w, m] = saved.parameters.map((p) => new Parameter(loaded(p)))
    // The rate comes with the state.
    const optimizer: Optimizer = new kinds[kind]([w, m], { ...optionsOf(saved), lr: 1 })
    const { state, param_groups } = torchState(saved)
    expect(() => optimizer.loadStateDict({ state, param_groups: [{ ...param_groups[0], params: [0] }] })).toThrow(
      /groups of \[1\] parameters, this one of \[2\]/,
    )
    optimizer.loadStateDict({ state, param_groups })
    steps(optimizer, w, m, 5)
    expectClose(w.dataSync(), saved.after[0].data, 'w', 1e-5, 1e-5)
    expectClose(m.dataSync(), saved.after[1].data, 'm', 1e-5, 1e-5)
  })

  it.each(states)('%s gives a state that PyTorch can take', (kind, saved) => {
    setDefaultDevice(device)
    const [w, m] = [new Parameter(filled([3], 0, device, 2)), new Parameter(filled([2, 2], 1, device, 2))]
    const optimizer: Optimizer = new kinds[kind]([w, m], optionsOf(saved))
    steps(optimizer, w, m, 5)
    const { state, param_groups } = optimizer.torchStateDict()
    expect(Object.keys(param_groups[0])).toEqual(expect.arrayContaining(Object.keys(saved.param_groups[0])))
    expect(param_groups[0].params).toEqual([0, 1])
    for (const [i, own] of Object.entries(saved.state)) {
      for (const [name, value] of Object.entries(own)) {
        const found = state[i][name] as Tensor
        const wanted = typeof value === 'number' ? { shape: [], data: [value] } : value
        expect(found.shape, `${i}.${name}`).toEqual(wanted.shape)
        expectClose(found.dataSync(), wanted.data, `${i}.${name}`, 1e-5, 1e-5)
      }
    }
  })
})
