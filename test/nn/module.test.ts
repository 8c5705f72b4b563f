/** @file Modules: names, state, modes, freezing, summaries. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  compile,
  eye,
  manualSeed,
  noGrad,
  ones,
  Parameter,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Embedding,
  Flatten,
  initialise,
  Linear,
  LSTM,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Softmax,
  summary,
  Tanh,
} from '../../src/nn/index.ts'
import { fans } from '../../src/nn/init.ts'
import { SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

class Block extends Module {
  readonly conv = new Conv2d(2, 2, 3, { padding: 1 })
  readonly bn = new BatchNorm2d(2)
  forward(x: Tensor): Tensor {
    return this.bn.call(this.conv.call(x)).relu()
  }
}

class Net extends Module {
  readonly blocks = [new Block(), new Block()]
  readonly heads = { main: new Linear(8, 3), extra: new Linear(8, 1) }
  readonly scale = new Parameter(ones([1]))
  readonly words = ['not', 'modules']
  readonly absent: Linear | undefined = undefined
  forward(x: Tensor): Tensor {
    const y = this.blocks.reduce((v, b) => b.call(v), x).flatten(1)
    return this.heads.main.call(y).mul(this.scale)
  }
}

class Tied extends Module {
  readonly embed = new Embedding(5, 4)
  readonly out: Linear
  constructor() {
    super()
    this.out = new Linear(4, 5, { bias: false })
    this.out.weight = this.embed.weight
  }
  forward(x: Tensor): Tensor {
    return this.out.call(this.embed.call(x))
  }
}

beforeEach(() => setDefaultDevice(new InterpDevice()))

describe('names', () => {
  it('are the paths of the properties, as in PyTorch', () => {
    const names = new Net().namedParameters().map(([name]) => name)
    expect(names).toEqual([
      'scale',
      'blocks.0.conv.weight',
      'blocks.0.conv.bias',
      'blocks.0.bn.weight',
      'blocks.0.bn.bias',
      'blocks.1.conv.weight',
      'blocks.1.conv.bias',
      'blocks.1.bn.weight',
      'blocks.1.bn.bias',
      'heads.main.weight',
      'heads.main.bias',
      'heads.extra.weight',
      'heads.extra.bias',
    ])
    expect(
      new Net()
        .namedBuffers()
        .map(([name]) => name)
        .slice(0, 3),
    ).toEqual(['blocks.0.bn.running_mean', 'blocks.0.bn.running_var', 'blocks.0.bn.num_batches_tracked'])
    const [, counter] = new Net().namedBuffers()[2]
    expect([counter.dtype, counter.savedAs]).toEqual(['int32', 'I64'])
    const plain = new Sequential(new Linear(2, 2), new Tanh(), new Linear(2, 1))
    expect(Object.keys(plain.stateDict())).toEqual(['0.weight', '0.bias', '2.weight', '2.bias'])
    const named = new Sequential({ hidden: new Linear(2, 2), act: new Tanh() })
    expect(named.parameters()[0].cell.name).toBe('hidden.weight')
  })

  it('reach the nodes that a module makes', () => {
    const net = new Net()
    const y = net.call(ones([1, 2, 2, 2]))
    const modules = new Set<string>()
    const stack = [y.node]
    const seen = new Set(stack)
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (node.origin) modules.add(node.origin.module)
      for (const i of node.inputs) if (!seen.has(i)) stack.push(i)
      for (const i of node.inputs) seen.add(i)
    }
    expect([...modules].filter((m) => m !== '').sort()).toEqual([
      'blocks.0',
      'blocks.0.bn',
      'blocks.0.conv',
      'blocks.1',
      'blocks.1.bn',
      'blocks.1.conv',
      'heads.main',
    ])
  })
})

describe('state', () => {
  it('is a snapshot, and loads strictly or not', () => {
    const a = new Net()
    const b = new Net()
    const saved = a.stateDict()
    expect(b.loadStateDict(saved)).toEqual({ missing: [], unexpected: [], mismatched: [] })
    expect(b.heads.main.weight.dataSync()).toEqual(a.heads.main.weight.dataSync())
    a.scale.set([7])
    expect(saved.scale.itemSync()).toBe(1)

    const { scale: _, ...partial } = saved
    const odd = { ...partial, other: zeros([1]), 'heads.extra.bias': zeros([2]) }
    expect(() => b.loadStateDict(odd)).toThrow(
      /missing: scale; unexpected: other; other shapes: heads\.extra\.bias \(needs \[1\], received \[2\]\)\. Nothing was changed/,
    )
    const result = b.loadStateDict({ ...odd, 'heads.main.bias': tensor([1, 2, 3]) }, { strict: false })
    expect(result).toEqual({
      missing: ['scale'],
      unexpected: ['other'],
      mismatched: [{ key: 'heads.extra.bias', expected: [1], received: [2] }],
    })
    expect(b.heads.main.bias?.arraySync()).toEqual([1, 2, 3])
  })

  it('counts tied weights once and trains them together', () => {
    const net = new Tied()
    expect(net.parameters()).toHaveLength(1)
    expect(net.parameterCount()).toBe(20)
    expect(Object.keys(net.stateDict())).toEqual(['embed.weight', 'out.weight'])
    expect(net.loadStateDict({ 'out.weight': ones([5, 4]) }).missing).toEqual([])
    expect(net.embed.weight.sum().itemSync()).toBe(20)
    const optimizer = new SGD(net.parameters(), { lr: 0.1 })
    const tokens = tensor([1, 2], { dtype: 'int32' })
    optimizer.minimize(crossEntropy(net.forward(tokens), tokens))
    expect(net.out.weight).toBe(net.embed.weight)
    expect(net.embed.weight.sub(1).abs().sum().itemSync()).toBeGreaterThan(0.1)
  })
})

describe('modes', () => {
  it('reach all parts and make a compiled step record anew', () => {
    manualSeed(0)
    const net = new Sequential(new Linear(4, 4), new Dropout(0.5))
    const step = compile((x: Tensor) => net.forward(x))
    step(ones([2, 4]))
    step(ones([2, 4]))
    expect(step.traces).toHaveLength(1)
    net.eval()
    expect(net.modules().map((m) => m.training)).toEqual([false, false, false])
    step(ones([2, 4]))
    expect(step.traces[1]).toMatch(/Dropout switched between train\(\) and eval\(\)/)
    net.train()
    step(ones([2, 4]))
    expect(step.traces).toHaveLength(2)
  })

  it('freezing keeps parameters as they are, also in a compiled step', () => {
    const net = new Sequential(new Linear(3, 3), new ReLU(), new Linear(3, 2))
    const optimizer = new SGD(net.parameters(), { lr: 0.1 })
    const y = tensor([0, 1], { dtype: 'int32' })
    const step = compile((x: Tensor) => {
      const loss = crossEntropy(net.forward(x), y)
      optimizer.minimize(loss)
      return loss
    })
    net.freeze((name) => name.startsWith('0.'))
    const before = net.parameters().map((p) => p.dataSync())
    step(ones([2, 3]))
    const after = net.parameters().map((p) => p.dataSync())
    expect(after.map((v, i) => String(v) === String(before[i]))).toEqual([true, true, false, false])
    net.unfreeze()
    step(ones([2, 3]))
    expect(step.traces).toHaveLength(2)
    expect(step.traces[1]).toMatch(/0\.weight was frozen or unfrozen/)
    expect(String(net.parameters()[1].dataSync())).not.toBe(String(after[1]))
    expect(noGrad(() => net.forward(ones([1, 3]))).requiresGrad).toBe(false)
  })
})

describe('initial values', () => {
  it('are PyTorch’s by default: uniform within 1/√fanIn', () => {
    manualSeed(0)
    const conv = new Conv2d(4, 8, 5)
    const bound = 1 / Math.sqrt(100)
    for (const p of conv.parameters()) {
      expect(p.abs().max().itemSync()).toBeLessThanOrEqual(bound)
      expect(p.abs().max().itemSync()).toBeGreaterThan(0.5 * bound)
    }
    expect(new Embedding(1000, 10).weight.std().itemSync()).toBeCloseTo(1, 1)
    expect(new Embedding(5, 2, { paddingIdx: -1 }).weight.index(4).arraySync()).toEqual([0, 0])
  })

  it('can be Keras’s', () => {
    const net = new Sequential(new Linear(30, 50), new BatchNorm2d(2), new Linear(50, 10, { init: 'heNormal' }))
    expect(net.at(-1)?.parameters()[1].abs().sum().itemSync()).toBe(0)
    initialise(net, 'glorotUniform')
    const [w, b, scale] = net.parameters()
    expect(w.abs().max().itemSync()).toBeLessThanOrEqual(Math.sqrt(6 / 80))
    expect(w.abs().max().itemSync()).toBeGreaterThan(0.9 * Math.sqrt(6 / 80))
    expect([b.abs().sum().itemSync(), scale.sum().itemSync()]).toEqual([0, 2])
    initialise(net, 'orthogonal')
    const product = w.T.matmul(w)
    expect(product.sub(eye(30)).abs().max().itemSync()).toBeLessThan(1e-5)
    expect(fans([8, 4, 3, 3])).toEqual({ fanIn: 36, fanOut: 72 })
  })
})

describe('summary', () => {
  it('prints the courses’ tables', () => {
    const mlp = new Sequential(new Flatten(), new Linear(784, 128), new ReLU(), new Linear(128, 10), new Softmax())
    const rows = summary(mlp, [28, 28]).rows.filter((r) => !['ReLU', 'Softmax'].includes(r.type))
    expect(rows.map((r) => [r.outputShape, r.parameters])).toEqual([
      [[null, 784], 0],
      [[null, 128], 100480],
      [[null, 10], 1290],
    ])
    const text = String(summary(mlp, [28, 28]))
    expect(text).toMatch(/^Layer \(type\) +Output Shape +Param #\n=+\nflatten_1 \(Flatten\) +\(None, 784\) +0\n/)
    expect(text).toMatch(/Total params: 101,770\nTrainable params: 101,770\nNon-trainable params: 0$/)

    class Sentiment extends Module {
      readonly embedding = new Embedding(13000, 100)
      readonly first = new LSTM(100, 64, { batchFirst: true, bias: 'single' })
      readonly second = new LSTM(64, 32, { batchFirst: true, bias: 'single' })
      readonly dense = new Linear(32, 5)
      forward(x: Tensor): Tensor {
        const [all] = this.first.forward(this.embedding.forward(x))
        const [last] = this.second.forward(all)
        return this.dense.forward(last.select(1, -1))
      }
    }
    const table = summary(new Sentiment(), [7], { dtype: 'int32' })
    expect(table.rows.map((r) => [r.name, r.outputShape, r.parameters])).toEqual([
      ['embedding', [null, 7, 100], 1300000],
      ['first', [null, 7, 64], 42240],
      ['second', [null, 7, 32], 12416],
      ['dense', [null, 5], 165],
    ])
    expect(table.total).toBe(1354821)
  })

  it('knows shapes without computing, and leaves the model as it was', () => {
    const net = new Sequential(
      new Conv2d(1, 64, 3),
      new BatchNorm2d(64),
      new MaxPool2d(2),
      new Dropout(),
      new Flatten(),
      new Linear(64 * 49, 1),
    )
    net.freeze((name) => name.startsWith('0'))
    const s = summary(net, [1, 16, 16])
    expect(s.rows.map((r) => r.outputShape.slice(1))).toEqual([
      [64, 14, 14],
      [64, 14, 14],
      [64, 7, 7],
      [64, 7, 7],
      [3136],
      [1],
    ])
    expect([s.trainable, s.nonTrainable]).toEqual([128 + 3137, 640])
    expect(net.buffers()[2].itemSync()).toBe(0)
    expect(Object.keys(net)).not.toContain('forward')
    expect(() => summary(net, [2, 16, 16])).toThrow(/2 channels/)
  })
})

describe('counts', () => {
  it('tell trained parameters from frozen ones, each once', () => {
    const net = new Sequential({ a: new Linear(3, 4), b: new Linear(4, 2) })
    net.freeze((name) => name.startsWith('a.'))
    expect(net.parameterCount()).toBe(26)
    expect([net.parameterCount('trainable'), net.parameterCount('frozen')]).toEqual([10, 16])
    expect(new Tied().parameterCount('trainable')).toBe(20)
  })

  it('summarise models of several inputs, and layers whose output is no tensor', () => {
    class Pair extends Module<[x: Tensor, tokens: Tensor], { sum: Tensor; size: number }> {
      readonly left = new Linear(3, 4)
      readonly right = new Embedding(7, 4)
      forward(x: Tensor, tokens: Tensor): { sum: Tensor; size: number } {
        return { sum: this.left.call(x).add(this.right.call(tokens)), size: 4 }
      }
    }
    const s = summary(new Pair(), [[3], []], { dtype: ['float32', 'int32'] })
    expect(s.rows.map((r) => [r.name, r.outputShape, r.parameters])).toEqual([
      ['left', [null, 4], 16],
      ['right', [null, 4], 28],
    ])
    expect(s.total).toBe(44)
  })
})

describe('mistakes', () => {
  it('name the layer, what came and what fits', () => {
    expect(() => new Linear(3, 2).forward(ones([2, 4]))).toThrow(
      /last axis has 3 entries \(weight \[2, 3\]\); received \[2, 4\]/,
    )
    expect(() => new Conv2d(1, 1, 3).forward(ones([1, 8, 8]))).toThrow(/rank 4.*Add the batch axis with unsqueeze\(0\)/)
    expect(() => new Conv2d(3, 4, 3, { groups: 2 })).toThrow(/groups must divide/)
    expect(() => new Conv2d(3, 4, 0)).toThrow(/kernelSize must be a whole number of at least 1/)
    expect(() => new Dropout(2)).toThrow(/\[0, 1\]; received 2/)
    expect(() => new BatchNorm2d(2).forward(ones([1, 2, 1, 1]))).toThrow(/more than one value per channel/)
    expect(() => new LSTM(3, 2).forward(ones([1, 2, 4]))).toThrow(
      /expects \[T, B, 3\], or \[T, 3\]; received \[1, 2, 4\]/,
    )
    expect(() => compile(() => new Linear(1, 1).forward(ones([1, 1])))()).toThrow(
      /Make modules and parameters before the step/,
    )
  })
})
