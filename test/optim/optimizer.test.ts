/** @file What all optimizers share: groups, learning rates, resuming, failing, clipping; schedules. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  compile,
  createDeviceSync,
  grad,
  manualSeed,
  Parameter,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { mse } from '../../src/loss/index.ts'
import { Dropout, Linear, Sequential, Tanh } from '../../src/nn/index.ts'
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  CoordinateDescent,
  clipGradNorm,
  clipGradValue,
  EMA,
  LBFGS,
  Lion,
  NAdam,
  type Optimizer,
  RAdam,
  ReduceOnPlateau,
  RMSprop,
  Scheduler,
  SGD,
  schedule,
} from '../../src/optim/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose } from '../support/torch.ts'

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => setDefaultDevice(device))
  const weights = (...values: number[]): Parameter => new Parameter(tensor(values))

  it('has groups with options of their own', () => {
    const [a, b] = [weights(1), weights(1)]
    const optimizer = new SGD([{ params: [a] }, { params: [b], lr: 1, weightDecay: 1 }], { lr: 0.1 })
    optimizer.minimize(a.add(b).sum())
    expectClose([a.itemSync(), b.itemSync()], [0.9, -1], 'weights')
    expect(optimizer.groups.map((g) => g.lr)).toEqual([Math.fround(0.1), 1])
    optimizer.lr = 0.5
    expect(optimizer.groups.map((g) => g.lr)).toEqual([0.5, 0.5])
  })

  it('follows a changed learning rate in a compiled step without recording anew', () => {
    const w = weights(0)
    const optimizer = new SGD([w], { lr: 1 })
    const step = compile(() => {
      const loss = w.sum()
      optimizer.minimize(loss)
      return loss
    })
    step()
    optimizer.lr = 0.25
    step()
    step()
    expect(w.itemSync()).toBe(-1.5)
    expect(step.traces).toHaveLength(1)
  })

  it('leaves alone what has no gradient', () => {
    const [a, b] = [weights(1), weights(2)]
    const optimizer = new Adam([a, b], { lr: 0.1, weightDecay: 0.5 })
    optimizer.minimize(a.mul(2).sum())
    expect([b.itemSync(), a.itemSync() < 1]).toEqual([2, true])
  })

  it.each([
    ['SGD', (p: Parameter[]) => new SGD(p, { lr: 0.05, momentum: 0.9 })],
    ['AdamW', (p: Parameter[]) => new AdamW(p, { lr: 0.05, amsgrad: true })],
  ] as const)('%s resumes to the same bits', (_, make) => {
    manualSeed(0)
    const model = new Sequential(new Linear(3, 4), new Tanh(), new Dropout(0.3), new Linear(4, 1))
    const x = randn([8, 3]).realise()
    const y = x.sum(1, { keepdim: true }).realise()
    const steps = (optimizer: Optimizer, n: number): void => {
      for (let k = 0; k < n; k++) optimizer.minimize(mse(model.forward(x), y))
    }
    model.eval()
    const first: Optimizer = make(model.parameters())
    steps(first, 3)
    first.lr = 0.01
    const saved = { model: model.stateDict(), optimizer: first.stateDict() }
    steps(first, 3)
    const expected = model.parameters().map((p) => p.dataSync())
    model.loadStateDict(saved.model)
    const second: Optimizer = make(model.parameters())
    second.loadStateDict(saved.optimizer)
    expect(second.lr).toBe(first.lr)
    steps(second, 3)
    expect(model.parameters().map((p) => p.dataSync())).toEqual(expected)
    expect(second.steps).toBe(6)
    expect(() => second.loadStateDict({ '0.velocity': x })).toThrow(/0\.velocity is unknown/)
  })

  it('computes a loss that was waiting together with its step', () => {
    const w = weights(3)
    const optimizer = new SGD([w], { lr: 0.5 })
    const losses: Tensor[] = []
    for (let k = 0; k < 3; k++) {
      const loss = w.square().sum()
      optimizer.minimize(loss)
      losses.push(loss)
    }
    expect(losses.map((l) => l.node.op)).toEqual(['data', 'data', 'data'])
    expect(losses.map((l) => l.itemSync())).toEqual([9, 0, 0])
  })

  it('keeps the cell of a learning rate where it is', () => {
    const w = weights(0)
    const optimizer = new SGD([w], { lr: 1 })
    const step = compile(() => {
      optimizer.minimize(w.sum())
      return null
    })
    step()
    const { residence } = optimizer.groups[0].rate.cell
    optimizer.lr = 0.5
    expect(optimizer.groups[0].rate.cell.residence).toBe(residence)
    expect(optimizer.lr).toBe(0.5)
    step()
    expect(w.itemSync()).toBe(-1.5)
  })

  it('counts the steps of each parameter, also when compiled steps take turns', () => {
    const run = (compiled: boolean): number[] => {
      const [a, b] = [weights(1), weights(1)]
      const optimizer = new Adam([a, b], { lr: 0.1 })
      const plain = (): Tensor => {
        const loss = a.square().add(b.square()).sum()
        optimizer.minimize(loss)
        return loss
      }
      const step = compiled ? compile(plain) : plain
      for (const frozen of [false, true, true, false, true, false]) {
        b.requiresGrad = !frozen
        step()
      }
      const dict = optimizer.stateDict()
      return [a, b, dict['0.step'], dict['1.step'], dict.steps].map((t) => t.itemSync())
    }
    const [a, b, ...counts] = run(true)
    expect(counts).toEqual([6, 3, 6])
    expectClose([a, b, ...counts], run(false), 'compiled')
  })

  it('counts right when one compiled step updates parameters together and then apart', () => {
    const [a, b] = [weights(1), weights(1)]
    const optimizer = new Adam([a, b], { lr: 0.1 })
    const step = compile(() => {
      optimizer.minimize(a.add(b).sum())
      optimizer.minimize(a.sum())
      return null
    })
    for (let k = 0; k < 3; k++) step()
    const dict = optimizer.stateDict()
    expect([dict['0.step'], dict['1.step'], dict.steps].map((t) => t.itemSync())).toEqual([6, 3, 6])
  })

  it('does not let a compiled step keep what will change', () => {
    const w = weights(1)
    const optimizer = new SGD([w], { lr: 0.1, momentum: 0.5 })
    for (const read of [() => optimizer.lr, () => optimizer.steps]) {
      expect(() => compile(() => w.mul(read()))()).toThrow(/while a function was being compiled/)
    }
  })

  it('updates parameters on several devices', () => {
    const other = createDeviceSync('interp')
    const run = (second: typeof device): number[] => {
      const [a, b] = [weights(1, 2), new Parameter(tensor([3, 4], { device: second }))]
      const optimizer = new Adam([{ params: [a] }, { params: [b] }], { lr: 0.1 })
      for (let k = 0; k < 3; k++) {
        optimizer.zeroGrad()
        a.square().sum().backward()
        b.square().sum().backward()
        optimizer.step()
      }
      return [...a.dataSync(), ...b.dataSync()]
    }
    expectClose(run(other), run(device), 'weights')
  })

  it('takes states that were saved without counts for each parameter', () => {
    const [a, b] = [weights(1), weights(1, 2)]
    const first = new Adam([a, b], { lr: 0.1 })
    first.minimize(a.sum().add(b.sum()))
    const { '0.step': _0, '1.step': _1, ...old } = first.stateDict()
    const second = new Adam([a, b], { lr: 0.1 })
    second.loadStateDict(old)
    expect(second.stateDict()['1.step'].itemSync()).toBe(1)
  })

  it('takes a momentum that was moved, into an optimizer whose own was not', () => {
    const w = weights(1)
    const first = new SGD([w], { lr: 0.1, momentum: 0.9 })
    for (const group of first.groups) group.momentum = 0.5
    first.minimize(w.sum())
    const saved = first.stateDict()
    expect(Object.keys(saved).sort()).toEqual(['0.momentum_buffer', 'lr.0', 'momentum.0', 'steps'])
    const start = w.itemSync()
    first.minimize(w.sum())
    const expected = w.itemSync()
    w.set([start])
    const second = new SGD([w], { lr: 0.1, momentum: 0.9 })
    second.loadStateDict(saved)
    expect(second.groups[0].momentum).toBe(0.5)
    second.minimize(w.sum())
    expect(w.itemSync()).toBe(expected)
    const without = new SGD([w], { lr: 0.1 })
    expect(() => without.loadStateDict({ 'momentum.0': saved['momentum.0'] })).toThrow(/momentum\.0 is unknown/)
  })

  it('follows a changed momentum in a compiled step', () => {
    const run = (compiled: boolean): number => {
      const w = weights(0)
      const optimizer = new SGD([w], { lr: 0.1, momentum: 0.5 })
      const scheduler = new Scheduler(optimizer, schedule.cyclic({ peak: 3, up: 2, momentum: [0.2, 0.8] }))
      const plain = (): null => {
        optimizer.minimize(w.sum())
        return null
      }
      const step = compiled ? compile(plain) : plain
      for (let k = 0; k < 5; k++, scheduler.step()) step()
      return w.itemSync()
    }
    // Steps of 1 with rates 0.1, 0.2, 0.3, 0.2, 0.1 and momenta 0.8, 0.5, 0.2, 0.5, 0.8.
    let [v, w] = [0, 0]
    for (const [lr, momentum] of [
      [0.1, 0.8],
      [0.2, 0.5],
      [0.3, 0.2],
      [0.2, 0.5],
      [0.1, 0.8],
    ]) {
      v = momentum * v + 1
      w -= lr * v
    }
    expectClose([run(true), run(false)], [w, w], 'w')
  })

  it('descends along random coordinates, one at a time', () => {
    const w = weights(1, 2, 3, 4)
    const optimizer = new CoordinateDescent([w], { lr: 0.5, order: 'random' })
    const step = compile(() => {
      optimizer.minimize(w.square().sum())
      return null
    })
    let before = w.dataSync()
    for (let k = 0; k < 40; k++) {
      step()
      const after = w.dataSync()
      expect(after.filter((v, i) => v !== before[i]).length).toBeLessThanOrEqual(1)
      before = after
    }
    // Each coordinate is at its minimum once its turn has come.
    expect([...before]).toEqual([0, 0, 0, 0])
  })

  it('keeps averages that can take the weights’ place', () => {
    const w = weights(0, 0)
    const optimizer = new SGD([w], { lr: 1 })
    const ema = new EMA([w], { decay: 0.5 })
    const step = compile(() => {
      optimizer.minimize(w.sum())
      ema.update()
      return null
    })
    step()
    step()
    expect(ema.values()[0].arraySync()).toEqual([-1.25, -1.25])
    ema.swap()
    expect(w.arraySync()).toEqual([-1.25, -1.25])
    ema.swap()
    expect(w.arraySync()).toEqual([-2, -2])
    ema.store()
    ema.copyTo()
    expect(w.arraySync()).toEqual([-1.25, -1.25])
    ema.restore()
    expect(w.arraySync()).toEqual([-2, -2])
    expect(() => ema.restore()).toThrow(/nothing to restore/)
    const other = new EMA([w])
    other.loadStateDict(ema.stateDict())
    expect(other.values()[0].arraySync()).toEqual([-1.25, -1.25])
    expect(() => other.loadStateDict({})).toThrow(/needs updates of shape \[\]; received nothing/)
    step()
    expect(ema.values()[0].arraySync()).toEqual([-2.125, -2.125])
  })

  describe('LBFGS', () => {
    // Rosenbrock's valley.
    const valley = (w: Parameter): Tensor => {
      const [x, y] = [w.select(0, 0), w.select(0, 1)]
      return y.sub(x.square()).square().mul(100).add(x.neg().add(1).square())
    }

    it('finds the minimum of a valley', () => {
      const w = weights(-1.2, 1)
      const optimizer = new LBFGS([w], { lineSearch: 'strongWolfe', maxIter: 60 })
      expectClose([optimizer.step(() => valley(w))], [24.2], 'first value')
      expectClose(w.dataSync(), [1, 1], 'minimum', 1e-3)
      expect(optimizer.iterations).toBeLessThan(60)
    })

    it('takes compiled values and gradients, and leaves frozen parameters alone', () => {
      const [w, frozen] = [weights(-1.2, 1), weights(5)]
      frozen.requiresGrad = false
      const closure = compile(() => {
        const value = valley(w).add(frozen.sum())
        return { value, gradients: grad(value, [w, frozen], { allowUnused: true }) }
      })
      new LBFGS([w, frozen], { lineSearch: 'strongWolfe', maxIter: 60 }).step(closure)
      expectClose(w.dataSync(), [1, 1], 'minimum', 1e-3)
      expect(frozen.itemSync()).toBe(5)
      expect(closure.traces).toHaveLength(1)
    })

    it('resumes where it was', () => {
      const w = weights(-1.2, 1)
      const first = new LBFGS([w], { lineSearch: 'strongWolfe', maxIter: 4 })
      first.step(() => valley(w))
      const [saved, at] = [first.stateDict(), w.dataSync()]
      first.step(() => valley(w))
      const expected = w.dataSync()
      w.set(at)
      const second = new LBFGS([w], { lineSearch: 'strongWolfe', maxIter: 4 })
      second.loadStateDict(saved)
      second.step(() => valley(w))
      expectClose(w.dataSync(), [...expected], 'w', 1e-3)
      expect([second.iterations, second.evaluations]).toEqual([first.iterations, first.evaluations])
      expect(() => new LBFGS([weights(1)]).loadStateDict(saved)).toThrow(/d of 1 numbers.*received 2/)
    })

    it('names mistakes', () => {
      const w = weights(1)
      expect(() => new LBFGS([w], { maxIter: 0 })).toThrow(/maxIter must be a whole number, at least 1; received 0/)
      expect(() => new LBFGS([w], { lineSearch: 'armijo' as never })).toThrow(/'strongWolfe' or null; received armijo/)
      const optimizer = new LBFGS([w])
      expect(() => optimizer.step(() => weights(1, 2).mul(2))).toThrow(
        /must return one number, such as a mean; received shape \[2\]/,
      )
      const step = compile(() => optimizer.step(() => w.sum()))
      expect(() => step()).toThrow(/compile what it evaluates/)
    })
  })

  it('clips gradients', () => {
    const [a, b] = [weights(3), weights(0, 4)]
    const loss = (): void => a.square().add(b.square().sum()).sum().div(2).backward()
    loss()
    expect(clipGradNorm([a, b], 1).itemSync()).toBe(5)
    expectClose([a.grad?.itemSync() ?? 0, ...(b.grad?.dataSync() ?? [])], [0.6, 0, 0.8], 'scaled')
    expect(clipGradNorm([weights(1)], 1).itemSync()).toBe(0)
    expect(() => clipGradNorm([a], Number.NaN)).toThrow(/most must be positive; received NaN/)
    expect(() => clipGradValue([a], 0)).toThrow(/most must be positive; received 0/)
  })

  it('names mistakes', () => {
    expect(() => new SGD([], { lr: 1 })).toThrow(/no parameters; pass model.parameters\(\)/)
    const w = weights(1)
    expect(() => new SGD([w, w], { lr: 1 })).toThrow(/given twice/)
    expect(() => new SGD([{ params: [] }, { params: [w] }], { lr: 1 })).toThrow(/group 0 has no parameters/)
    const one = [w]
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [() => new SGD(one, { lr: -1 }), /lr must be at least 0; received -1/],
      [() => new SGD(one, { lr: Number.NaN }), /lr must be a finite number, at least 0; received NaN/],
      [() => new SGD([{ params: one, lr: Infinity }], { lr: 1 }), /lr .* received Infinity/],
      [() => new SGD(one, { lr: 1, momentum: -0.1 }), /SGD: momentum must be at least 0; received -0.1/],
      [() => new SGD(one, { lr: 1, nesterov: true }), /nesterov needs a momentum/],
      [() => new SGD(one, { lr: 1, weightDecay: -1 }), /weightDecay/],
      [() => new Adam(one, { betas: [0.9, 1] }), /Adam: betas\[1\] must be at least 0, below 1; received 1/],
      [() => new AdamW(one, { eps: -1 }), /AdamW: eps/],
      [() => new Adamax(one, { betas: [-0.1, 0.9] }), /Adamax: betas\[0\]/],
      [() => new NAdam(one, { momentumDecay: -1 }), /NAdam: momentumDecay/],
      [() => new RAdam(one, { betas: [0.9] as never }), /RAdam: betas must be two numbers/],
      [() => new Adagrad(one, { lrDecay: -1 }), /Adagrad: lrDecay/],
      [() => new Adadelta(one, { rho: 2 }), /Adadelta: rho must be at least 0, at most 1; received 2/],
      [() => new RMSprop(one, { alpha: Number.NaN }), /RMSprop: alpha/],
      [() => new Lion(one, { betas: [0.9, 2] }), /Lion: betas/],
      [() => new CoordinateDescent(one, { lr: 1, order: 'last' as never }), /received last/],
      [() => new EMA([]), /EMA: received no parameters/],
      [() => new EMA(one, { decay: 1.5 }), /decay .* received 1.5/],
    ]
    for (const [make, message] of wrong) expect(make).toThrow(message)
    const optimizer = new SGD(one, { lr: 1 })
    expect(() => {
      optimizer.lr = Number.NaN
    }).toThrow(/lr must be a finite number/)
    expect(optimizer.lr).toBe(1)
    expect(() => {
      optimizer.groups[0].momentum = 0.5
    }).toThrow(/made without/)
  })
})

describe('schedules', () => {
  it('name mistakes', () => {
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [() => schedule.stepDecay(0), /every must be positive; received 0/],
      [() => schedule.exponential(Number.NaN), /gamma/],
      [() => schedule.cosineRestarts(5, 0.5), /times must be at least 1/],
      [() => schedule.multiStep([-1]), /milestone/],
      [() => schedule.sequential([schedule.constant], [3]), /1 schedules and milestones \[3\]/],
      [() => schedule.sequential([schedule.constant, schedule.constant], [0]), /rising/],
      [() => schedule.oneCycle(10.5), /total must be a whole number, positive; received 10.5/],
      [() => schedule.oneCycle(10, { pctStart: 0.7, threePhase: true }), /pctStart .* at most 0.5/],
      [() => schedule.cyclic({ peak: 2, up: 0 }), /up must be positive/],
      [() => new ReduceOnPlateau({ groups: [] }, { factor: 1 }), /factor must be at least 0, below 1/],
      [() => new ReduceOnPlateau({ groups: [] }, { mode: 'least' as never }), /received least/],
    ]
    for (const [make, message] of wrong) expect(make).toThrow(message)
  })

  it('resume on a plateau', () => {
    const optimizer = new SGD([new Parameter(tensor([1]))], { lr: 1 })
    const first = new ReduceOnPlateau(optimizer, { patience: 1, factor: 0.5 })
    first.step(1)
    first.step(1)
    const second = new ReduceOnPlateau(optimizer, { patience: 1, factor: 0.5 })
    second.state = first.state
    second.step(1)
    expect(optimizer.lr).toBe(0.5)
    expect(second.state).toEqual({ best: 1, bad: 0, cooling: 0 })
  })

  it('are functions of the step', () => {
    const { cosine, stepDecay, warmup, linearDecay, exponential } = schedule
    expectClose([0, 5, 10, 20].map(cosine(10, 0.2)), [1, 0.6, 0.2, 0.2], 'cosine')
    expectClose([0, 1, 2, 5].map(stepDecay(2)), [1, 1, 0.1, 0.01], 'step')
    expect([0, 1, 2, 3, 4].map(warmup(2, linearDecay(2)))).toEqual([0.5, 1, 1, 0.5, 0])
    expect(exponential(0.5)(3)).toBe(0.125)
    expect(() => cosine(0)).toThrow(/total must be positive; received 0/)
  })

  it('set an optimizer’s rates', () => {
    const optimizer = new SGD([new Parameter(tensor([1]))], { lr: 2 })
    const scheduler = new Scheduler(optimizer, schedule.warmup(4))
    expect(optimizer.lr).toBe(0.5)
    scheduler.step()
    expect(optimizer.lr).toBe(1)
    scheduler.count = 7
    expect(optimizer.lr).toBe(2)
  })
})
