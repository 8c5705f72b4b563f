/** @file Optimizers of `glia/optim`: where 50 steps lead; gradient clipping and averages of weights. */
import { compile, Parameter, setDefaultDevice, type Tensor, tensor } from '../../../src/index.ts'
import * as optim from '../../../src/optim/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import { filled } from '../../support/torch.ts'
import { argument, type Case, type Check, type Comparison, close, equal, type Group } from '../harness.ts'

interface TrajectoryCase extends Case {
  readonly steps?: number
  /** The second parameter is frozen in steps from … to before …. */
  readonly freeze?: readonly [number, number]
  /** The step before which rates are divided by 4. */
  readonly slowAt?: number
}

type AnyOptimizer = optim.Optimizer | optim.LBFGS
type Constructor = new (params: unknown, options: unknown) => AnyOptimizer

const table = optim as unknown as Readonly<Record<string, unknown>>
const kept = [0, 1, 4, 9, 14, 19, 29, 39, 49]

const isOptimizer = (value: unknown): value is Constructor =>
  typeof value === 'function' && (value.prototype instanceof optim.Optimizer || value === optim.LBFGS)

const optionsOf = (c: Case): Record<string, unknown> =>
  argument(c.options ?? {}, () => undefined) as Record<string, unknown>

function parameters(device: Device): [Parameter, Parameter] {
  return [new Parameter(filled([3], 0, device, 2)), new Parameter(filled([2, 2], 1, device, 2))]
}

function objectiveOf(w: Parameter, m: Parameter, device: Device): () => Tensor {
  const scale = tensor([1, 3, 0.1], { device })
  return () => {
    const bowl = w
      .sub(filled([3], 2, device))
      .square()
      .mul(scale)
      .sum()
    return bowl.add(m.square().square().sum()).add(m.matmul(m).sin().sum())
  }
}

function trajectory(item: string, c: TrajectoryCase, device: Device): Tensor[] {
  const Kind = table[item]
  if (!isOptimizer(Kind)) throw new Error(`glia/optim has no optimizer ${item}`)
  const [w, m] = parameters(device)
  const { second, ...options } = optionsOf(c)
  const groups = second ? [{ params: [w] }, { params: [m], ...(second as object) }] : [w, m]
  const optimizer = new Kind(groups, options)
  const objective = objectiveOf(w, m, device)
  const [from, to] = c.freeze ?? [-1, -1]
  const step = (): Tensor => {
    const loss = objective()
    if (!(optimizer instanceof optim.LBFGS)) optimizer.minimize(loss)
    return loss
  }
  // Some of the steps compiled, some not: both must do the same.
  const compiled = compile(step)
  const outputs: Tensor[] = []
  for (let k = 0; k < (c.steps ?? 50); k++) {
    m.requiresGrad = !(from <= k && k < to)
    if (k === c.slowAt) for (const group of optimizer.groups) group.lr = group.lr / 4
    if (optimizer instanceof optim.LBFGS) optimizer.step(objective)
    else if (k % 3 === 0) compiled()
    else step()
    if (kept.includes(k)) outputs.push(w.snapshot(), m.snapshot())
  }
  return outputs
}

function clipped(item: string, c: Case, device: Device): Tensor[] {
  const params = parameters(device)
  objectiveOf(...params, device)().backward()
  const [most] = (c.args ?? []) as [number]
  const norm =
    item === 'clipGradNorm' ? [optim.clipGradNorm(params, most, optionsOf(c))] : optim.clipGradValue(params, most)
  return [...(norm ?? []), ...params.flatMap((p) => p.grad ?? [])]
}

function averaged(c: Case, device: Device): Tensor[] {
  const params = parameters(device)
  const objective = objectiveOf(...params, device)
  const optimizer = new optim.SGD(params, { lr: 0.05 })
  const ema = new optim.EMA(params, optionsOf(c))
  const step = (): null => {
    optimizer.minimize(objective())
    ema.update()
    return null
  }
  const compiled = compile(step)
  for (let k = 0; k < 20; k++) (k % 2 === 0 ? compiled : step)()
  return ema.values()
}

function run({ item, case: c, expected }: Check, device: Device): Comparison[] {
  setDefaultDevice(device)
  const outputs = item.startsWith('clip')
    ? clipped(item, c, device)
    : item === 'EMA'
      ? averaged(c, device)
      : trajectory(item, c, device)
  const wanted = expected?.outputs ?? []
  return [
    equal('number of outputs', outputs.length, wanted.length),
    ...outputs.map((t, k) => close(`output ${k}`, [...t.dataSync()], wanted[k].data, c.tolerance)),
  ]
}

export const group: Group = {
  name: 'optimizers',
  module: 'glia/optim',
  items: () => [
    ...Object.keys(table).filter((name) => isOptimizer(table[name])),
    'EMA',
    ...Object.keys(table).filter((name) => name.startsWith('clip')),
  ],
  run,
}
