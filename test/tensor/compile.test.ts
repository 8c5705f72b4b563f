import { describe, expect, it } from 'vitest'
import {
  cat,
  compile,
  createDeviceSync,
  type Device,
  manualSeed,
  noGrad,
  Parameter,
  rand,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { bceWithLogits, crossEntropy, mse } from '../../src/loss/index.ts'
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Embedding,
  Flatten,
  Linear,
  LSTM,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Tanh,
} from '../../src/nn/index.ts'
import { Adam, SGD } from '../../src/optim/index.ts'

const devices: readonly (readonly [string, Device])[] = [
  ['interp', createDeviceSync('interp')],
  ['wasm, one thread', createDeviceSync('wasm', { threads: 1 })],
  ['wasm, two threads', createDeviceSync('wasm', { threads: 2 })],
]

interface Training {
  readonly step: () => Tensor | Tensor[]
}

/** A training from a fixed seed, made anew at each call. */
type Make = () => Training

class Classifier extends Module {
  readonly emb = new Embedding(11, 6)
  readonly lstm = new LSTM(6, 5, { batchFirst: true })
  readonly head = new Linear(5, 3)

  override forward(x: Tensor): Tensor {
    const [h] = this.lstm.forward(this.emb.forward(x))
    return this.head.forward(h.select(1, -1))
  }
}

const trainings: Record<string, Make> = {
  'a convolution net with batch norm, dropout and Adam': () => {
    manualSeed(3)
    const model = new Sequential(
      new Conv2d(1, 3, 3, { padding: 1 }),
      new BatchNorm2d(3),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Dropout(0.3),
      new Linear(27, 4),
    )
    const optimizer = new Adam(model.parameters(), { lr: 0.01 })
    const x = randn([5, 1, 6, 6])
    const y = tensor([0, 1, 2, 3, 1], { dtype: 'int32' })
    return {
      step: () => {
        const loss = crossEntropy(model.forward(x), y)
        optimizer.minimize(loss)
        return loss
      },
    }
  },
  'an embedding and an LSTM with repeated tokens': () => {
    manualSeed(4)
    const model = new Classifier()
    const optimizer = new Adam(model.parameters(), { lr: 0.02 })
    const x = tensor(
      [
        [1, 2, 2, 7],
        [0, 10, 1, 1],
        [3, 3, 3, 3],
      ],
      { dtype: 'int32' },
    )
    const y = tensor([0, 2, 1], { dtype: 'int32' })
    return {
      step: () => {
        const loss = crossEntropy(model.forward(x), y)
        optimizer.minimize(loss)
        return loss
      },
    }
  },
  'two adversaries with detach': () => {
    manualSeed(5)
    const make = new Sequential(new Linear(3, 8), new Tanh(), new Linear(8, 2))
    const judge = new Sequential(new Linear(2, 8), new ReLU(), new Linear(8, 1))
    const [forMake, forJudge] = [
      new Adam(make.parameters(), { lr: 0.01 }),
      new SGD(judge.parameters(), { lr: 0.1, momentum: 0.9 }),
    ]
    const real = randn([6, 2])
    const noise = randn([6, 3])
    return {
      step: () => {
        const fake = make.forward(noise)
        const [one, zero] = [real.mul(0).sum(1, { keepdim: true }).add(1), real.mul(0).sum(1, { keepdim: true })]
        const verdict = bceWithLogits(judge.forward(real), one).add(bceWithLogits(judge.forward(fake.detach()), zero))
        forJudge.minimize(verdict)
        const fooled = bceWithLogits(judge.forward(fake), one)
        forMake.minimize(fooled)
        return [verdict, fooled]
      },
    }
  },
}

const numbers = (r: Tensor | Tensor[]): number[] => (Array.isArray(r) ? r : [r]).map((t) => t.itemSync())

describe.each(devices)('compile on %s', (_name, device) => {
  it.each(Object.keys(trainings))('replays %s as the uncompiled step runs', (name) => {
    setDefaultDevice(device)
    const plain = trainings[name]()
    const expected = Array.from({ length: 6 }, () => numbers(plain.step()))
    const { step } = trainings[name]()
    const compiled = compile(step)
    const got = Array.from({ length: 6 }, () => numbers(compiled()))
    expect(compiled.traces).toEqual(['first call'])
    got.flat().forEach((v, i) => {
      expect(v).toBeCloseTo(expected.flat()[i], 4)
    })
    expect(new Set(got.map(String)).size).toBe(6)
  })

  const regression = (dropout = 0) => {
    setDefaultDevice(device)
    manualSeed(1)
    const first = new Linear(3, 4)
    const model = new Sequential(first, new Dropout(dropout), new Linear(4, 1))
    const optimizer = new SGD(model.parameters(), { lr: 0.1 })
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = mse(model.forward(x), y)
      optimizer.minimize(loss)
      return loss
    })
    const x = rand([8, 3])
    const y = rand([8, 1])
    return {
      model,
      first,
      optimizer,
      step,
      x,
      y,
      weights: () => model.parameters().map((p) => Array.from(p.dataSync())),
    }
  }

  it('follows the learning rate without recording again', () => {
    const { optimizer, step, x, y, weights } = regression()
    step(x, y)
    optimizer.lr = 0
    const before = weights()
    step(x, y)
    expect(weights()).toEqual(before)
    optimizer.lr = 0.1
    step(x, y)
    expect(weights()).not.toEqual(before)
    expect(step.traces).toHaveLength(1)
  })

  it('records again when a layer is frozen, and says why', () => {
    const { first, step, x, y, weights } = regression()
    step(x, y)
    first.freeze()
    const before = weights()
    step(x, y)
    const after = weights()
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
    expect(after[2]).not.toEqual(before[2])
    expect(step.traces).toHaveLength(2)
    expect(step.traces[1]).toMatch(/requiresGrad|frozen|freez/i)
    first.unfreeze()
    step(x, y)
    expect(weights()[0]).not.toEqual(before[0])
    expect(step.traces).toHaveLength(2)
  })

  it('follows train and eval mode', () => {
    const { model, x } = regression(0.5)
    const predict = compile((a: Tensor) => model.forward(a))
    const noisy = [predict(x), predict(x)].map((t) => String(t.dataSync()))
    expect(noisy[0]).not.toBe(noisy[1])
    model.eval()
    const calm = [predict(x), predict(x)].map((t) => String(t.dataSync()))
    expect(calm[0]).toBe(calm[1])
    model.train()
    expect(String(predict(x).dataSync())).not.toBe(calm[0])
    expect(predict.traces).toHaveLength(2)
  })

  it('takes numbers as arguments, read at each call', () => {
    setDefaultDevice(device)
    const scale = compile((x: Tensor, k: Tensor) => x.mul(k))
    const x = tensor([1, 2])
    expect(Array.from(scale(x, 2).dataSync())).toEqual([2, 4])
    expect(Array.from(scale(x, 0).dataSync())).toEqual([0, 0])
    expect(scale.traces).toHaveLength(1)
    const mode = compile((a: Tensor, twice: boolean) => (twice ? a.mul(2) : a))
    expect(Array.from(mode(x, true).dataSync())).toEqual([2, 4])
    expect(Array.from(mode(x, false).dataSync())).toEqual([1, 2])
    expect(mode.traces).toHaveLength(2)
  })

  it('keeps a plan for each shape', () => {
    const { step, x, y } = regression()
    for (const rows of [8, 3, 8, 3]) step(x.narrow(0, 0, rows), y.narrow(0, 0, rows))
    expect(step.traces).toHaveLength(2)
    expect(step.traces[1]).toContain('new signature')
  })

  it('refuses tensors that left the recording', () => {
    setDefaultDevice(device)
    let escaped: Tensor | undefined
    const f = compile((x: Tensor) => {
      escaped = x.add(1)
      return escaped.mul(2)
    })
    f(tensor([1]))
    expect(() => escaped?.dataSync()).toThrow(/compiled/)
    expect(() => compile((x: Tensor) => x.mul(x.sum().itemSync()))(tensor([1]))).toThrow(/compiled/)
    expect(() => compile((x: Tensor) => x)(new Float32Array(2) as unknown as Tensor)).toThrow(/argument 1/)
  })

  it('a value built from a parameter that a step overwrote throws and names it', () => {
    if (device.name === 'interp') return
    const { model, step, x, y } = regression()
    step(x, y)
    const stale = model.parameters()[0].mul(2)
    step(x, y)
    expect(() => stale.dataSync()).toThrow(/overwritten/)
    expect(model.parameters()[0].mul(2).dataSync()).toHaveLength(12)
  })

  it('a failing run leaves every cell as it was', () => {
    setDefaultDevice(device)
    manualSeed(2)
    const model = new Sequential(new Embedding(5, 4), new Flatten(), new Linear(8, 2))
    const optimizer = new Adam(model.parameters(), { lr: 0.1 })
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = crossEntropy(model.forward(x), y)
      optimizer.minimize(loss)
      return loss
    })
    const y = tensor([0, 1], { dtype: 'int32' })
    const good = tensor(
      [
        [0, 1],
        [2, 3],
      ],
      { dtype: 'int32' },
    )
    step(good, y)
    const weights = () => model.parameters().map((p) => String(p.dataSync()))
    const before = weights()
    expect(() =>
      step(
        tensor(
          [
            [0, 1],
            [2, 5],
          ],
          { dtype: 'int32' },
        ),
        y,
      ),
    ).toThrow(/index 5 is out of range/)
    expect(() => step(good, tensor([0, 2], { dtype: 'int32' }))).toThrow(/crossEntropy.*2/)
    expect(weights()).toEqual(before)
    step(good, y)
    expect(weights()).not.toEqual(before)
  })

  it('gives back the value that a parameter had before its update, and swaps cells', () => {
    setDefaultDevice(device)
    const [a, b] = [new Parameter(tensor([1, 2, 3])), new Parameter(tensor([4, 5, 6]))]
    const step = compile(() => {
      const [old, other] = [a.mul(1), b.mul(1)]
      const before = [a.reshape([3]), b.reshape([3])]
      noGrad(() => {
        a.assign(other)
        b.assign(old)
      })
      return before
    })
    const lists = (ts: readonly Tensor[]): number[][] => ts.map((t) => Array.from(t.dataSync()))
    expect(lists(step())).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(lists([a, b])).toEqual([
      [4, 5, 6],
      [1, 2, 3],
    ])
    expect(lists(step())).toEqual([
      [4, 5, 6],
      [1, 2, 3],
    ])
    expect(lists([a, b])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
  })

  it('passes tensors through, repeats results and keeps structure', () => {
    setDefaultDevice(device)
    const f = compile((x: Tensor) => ({ same: x, list: [x.add(1), x.add(1)], flag: true, joined: cat([x, x], 0) }))
    const r = f(tensor([1, 2]))
    expect(Array.from(r.same.dataSync())).toEqual([1, 2])
    expect(r.list.map((t) => Array.from(t.dataSync()))).toEqual([
      [2, 3],
      [2, 3],
    ])
    expect(r.flag).toBe(true)
    expect(Array.from(r.joined.dataSync())).toEqual([1, 2, 1, 2])
  })
})

describe('fusion', () => {
  const device = createDeviceSync('wasm', { threads: 1 })
  const kernels = (explained: string): number => Number(/: (\d+) kernels/.exec(explained)?.[1])

  it('softmax, layer normalisation and cross-entropy are one kernel each, an Adam update one for each parameter', () => {
    setDefaultDevice(device)
    const x = rand([64, 100])
    const softmax = compile((a: Tensor) => a.softmax(-1))
    softmax(x)
    expect(kernels(softmax.explain())).toBe(1)
    const normalise = compile((a: Tensor) => {
      const centred = a.sub(a.mean(1, { keepdim: true }))
      return centred.div(centred.mul(centred).mean(1, { keepdim: true }).add(1e-5).sqrt())
    })
    normalise(x)
    expect(kernels(normalise.explain())).toBe(1)
    const model = new Linear(100, 10)
    const optimizer = new Adam(model.parameters(), { lr: 0.1 })
    const y = tensor(new Int32Array(64))
    const step = compile((a: Tensor, b: Tensor) => {
      const loss = crossEntropy(model.forward(a), b)
      optimizer.minimize(loss)
      return loss
    })
    step(x, y)
    expect(kernels(step.explain()), step.explain()).toBeLessThanOrEqual(8)
  })
})
