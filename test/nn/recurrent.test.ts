/** @file Recurrent layers beside PyTorch's numbers: parameter counts, lengths, packing, loops, mistakes. */
import { beforeEach, describe, expect, it } from 'vitest'
import { arange, compile, manualSeed, ones, rand, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import {
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  Module,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  RNN,
  RNNCell,
  summary,
  unpackSequence,
  unpadSequence,
} from '../../src/nn/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

const apart = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

describe('parameter counts', () => {
  const [m, n] = [100, 64]

  it('are the courses’ and Keras’s in the form with one bias', () => {
    expect(new RNN(m, n, { bias: 'single' }).parameterCount()).toBe(n * (m + n + 1))
    expect(new LSTM(m, n, { bias: 'single' }).parameterCount()).toBe(4 * n * (m + n + 1))
    expect(new GRU(m, n, { bias: 'single', reset: 'before' }).parameterCount()).toBe(3 * n * (m + n + 1))
  })

  it('are PyTorch’s (and Keras’s of its GRU) with two', () => {
    expect(new LSTM(m, n).parameterCount()).toBe(4 * n * (m + n + 2))
    expect(new GRU(m, n).parameterCount()).toBe(3 * n * (m + n + 2))
    expect(new GRU(m, n, { numLayers: 2, bidirectional: true }).parameterCount()).toBe(
      6 * n * (m + n + 2) + 6 * n * (3 * n + 2),
    )
    expect(new LSTM(m, n, { projSize: 16, bias: false }).parameterCount()).toBe(4 * n * (m + 16) + 16 * n)
  })

  it('are listed under PyTorch’s keys', () => {
    expect(Object.keys(new LSTM(2, 3, { bidirectional: true, projSize: 1 }).stateDict())).toEqual(
      ['', '_reverse'].flatMap((d) =>
        ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh', 'weight_hr'].map((name) => `${name}_l0${d}`),
      ),
    )
    expect(Object.keys(new GRUCell(2, 3).stateDict())).toEqual(['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'])
    expect(summary(new GRU(4, 8, { batchFirst: true }), [5, 4]).rows[0].outputShape).toEqual([null, 5, 8])
  })
})

describe('sequences', () => {
  it('layers are loops of their cells', () => {
    const pairs = [
      [new RNN(2, 3), new RNNCell(2, 3)],
      [new GRU(2, 3), new GRUCell(2, 3)],
    ] as const
    const x = rand([4, 5, 2])
    for (const [layer, cell] of pairs) {
      cell.loadStateDict(Object.fromEntries(Object.entries(layer.stateDict()).map(([k, t]) => [k.slice(0, -3), t])))
      let h: Tensor | null = null
      for (let t = 0; t < 4; t++) h = cell.call(x.select(0, t), h)
      const [y, last] = layer.call(x)
      expect(apart(y.select(0, -1), h as Tensor)).toBeLessThan(1e-6)
      expect(apart(last.select(0, 0), h as Tensor)).toBeLessThan(1e-6)
    }
    const lstm = new LSTM(2, 3)
    const cell = new LSTMCell(2, 3)
    cell.loadStateDict(Object.fromEntries(Object.entries(lstm.stateDict()).map(([k, t]) => [k.slice(0, -3), t])))
    const [, state] = lstm.call(x.narrow(0, 0, 1))
    expect(apart(state.c.select(0, 0), cell.call(x.select(0, 0)).c)).toBeLessThan(1e-6)
  })

  it('lengths may be a tensor, so that a compiled step serves all', () => {
    const gru = new GRU(2, 3, { bidirectional: true })
    const x = rand([4, 2, 2])
    const run = compile((lengths: Tensor) => gru.call(x, null, lengths)[0])
    for (const lengths of [
      [4, 2],
      [1, 3],
    ]) {
      const y = run(tensor(lengths, { dtype: 'int32' }))
      expect(apart(y, gru.call(x, null, lengths)[0])).toBeLessThan(1e-6)
      lengths.forEach((length, b) => {
        const alone = gru.call(x.narrow(1, b, 1).narrow(0, 0, length))[0]
        expect(apart(y.narrow(1, b, 1).narrow(0, 0, length), alone)).toBeLessThan(1e-6)
        if (length < 4) expect(y.select(1, b).slice(length).abs().max().itemSync()).toBe(0)
      })
    }
    expect(run.traces).toHaveLength(1)
  })

  it('a long sequence is a loop, not a long graph', () => {
    const nodes = (steps: number): number => {
      const [y] = new GRU(1, 2).call(ones([steps, 1, 1]))
      const seen = new Set([y.node])
      for (const node of seen) for (const input of node.inputs) seen.add(input)
      return seen.size
    }
    expect(nodes(5000)).toBe(nodes(5))
  })

  it('drops out between layers only, in training only', () => {
    const lstm = new LSTM(2, 8, { numLayers: 2, dropout: 0.9 })
    const x = rand([3, 1, 2])
    const [first] = lstm.call(x)
    expect(apart(first, lstm.call(x)[0])).toBeGreaterThan(1e-3)
    lstm.eval()
    expect(apart(lstm.call(x)[0], lstm.call(x)[0])).toBe(0)
    const single = new LSTM(2, 8, { dropout: 0.9 })
    expect(apart(single.call(x)[0], single.call(x)[0])).toBe(0)
  })
})

describe('packing', () => {
  it('orders steps as PyTorch does', () => {
    const packed = packSequence([tensor([1, 2, 3]), tensor([4, 5]), tensor([6])])
    expect([packed.data.arraySync(), packed.batchSizes]).toEqual([
      [1, 4, 6, 2, 5, 3],
      [3, 2, 1],
    ])
    const padded = tensor([
      [1, 2, 0],
      [3, 0, 0],
      [4, 5, 6],
    ])
    const p = packPaddedSequence(padded, [2, 1, 3], { batchFirst: true })
    expect([p.data.arraySync(), p.batchSizes, p.sortedIndices, p.unsortedIndices]).toEqual([
      [4, 1, 3, 5, 2, 6],
      [3, 2, 1],
      [2, 0, 1],
      [1, 2, 0],
    ])
    const back = padPackedSequence(p, { batchFirst: true, paddingValue: -1, totalLength: 4 })
    expect(back.padded.arraySync()).toEqual([
      [1, 2, -1, -1],
      [3, -1, -1, -1],
      [4, 5, 6, -1],
    ])
    expect(back.lengths).toEqual([2, 1, 3])
    expect(unpackSequence(p).map((t) => t.arraySync())).toEqual([[1, 2], [3], [4, 5, 6]])
  })

  it('pads and unpads sequences of vectors, and gradients flow back', () => {
    const sequences = [arange(4).float().reshape([2, 2]), arange(6).float().reshape([3, 2])]
    for (const s of sequences) s.requiresGrad = true
    const padded = padSequence(sequences, { paddingValue: 9 })
    expect(padded.shape).toEqual([3, 2, 2])
    expect(padded.select(1, 0).arraySync()).toEqual([
      [0, 1],
      [2, 3],
      [9, 9],
    ])
    expect(unpadSequence(padded, [2, 3]).map((t) => t.shape)).toEqual([
      [2, 2],
      [3, 2],
    ])
    expect(padSequence(sequences, { batchFirst: true }).shape).toEqual([2, 3, 2])
    const packed = packSequence(sequences)
    packed.data.square().sum().backward()
    expect(sequences[0].grad?.arraySync()).toEqual([
      [0, 2],
      [4, 6],
    ])
  })

  it('refuses lengths and sequences that do not fit', () => {
    const x = ones([3, 2, 4])
    expect(() => packPaddedSequence(x, [3])).toThrow(/one length from 1 to 3 for each of 2 sequences; received \[3\]/)
    expect(() => packPaddedSequence(x, [3, 0])).toThrow(/received \[3, 0\]/)
    expect(() => packPaddedSequence(ones([3]), [3])).toThrow(/at least two axes/)
    expect(() => padSequence([])).toThrow(/received none/)
    expect(() => padSequence([ones([2, 3]), ones([2, 4])])).toThrow(/agree but in T; received \[2, 3\], \[2, 4\]/)
    expect(() => padPackedSequence(packSequence([ones([3])]), { totalLength: 2 })).toThrow(/at least the longest/)
    expect(() => unpadSequence(x, [4, 1])).toThrow(/from 0 to 3/)
  })
})

describe('mistakes', () => {
  it('name the layer, what came and what fits', () => {
    const lstm = new LSTM(3, 2, { numLayers: 2 })
    const x = ones([4, 5, 3])
    expect(() => new GRU(3, 2, { batchFirst: true }).call(ones([2, 4]))).toThrow(
      /GRU: expects \[B, T, 3\], or \[T, 3\]; received \[2, 4\]/,
    )
    expect(() => lstm.call(x, { h: ones([1, 5, 2]), c: ones([2, 5, 2]) })).toThrow(
      /first state must be \[2, 5, 2\].*received \[1, 5, 2\]/,
    )
    expect(() => lstm.call(x, null, [4, 4])).toThrow(/one per sequence, \[5\]; received int32 \[2\]/)
    expect(() => lstm.call(x, null, [4, 4, 5, 1, 1])).toThrow(/from 0 to the 4 steps/)
    expect(() => lstm.call(x, null, ones([5]))).toThrow(/must be int32/)
    expect(() => new LSTM(3, 2, { projSize: 2 })).toThrow(/projSize must be less than hiddenSize/)
    expect(() => new LSTM(3, 2, { dropout: 1.5 })).toThrow(/dropout must lie in \[0, 1\]; received 1.5/)
    expect(() => new LSTM(3, 2, { bias: 'both' as never })).toThrow(/LSTM: bias must be true, false or 'single'/)
    expect(() => new RNN(3, 0)).toThrow(/RNN: hiddenSize must be a whole number of at least 1/)
    expect(() => new RNN(3, 1, { numLayers: 0 })).toThrow(/numLayers/)
    expect(() => new RNN(3, 1, { nonlinearity: 'gelu' as never })).toThrow(/'tanh' or 'relu'; received 'gelu'/)
    expect(() => new GRU(3, 1, { reset: 'never' as never })).toThrow(/'after' or 'before'/)
    expect(() => new GRUCell(3, 1, { update: 'x' as never })).toThrow(/'keep' or 'renew'/)
    expect(() => new GRUCell(3, 2).call(ones([4, 2]))).toThrow(/expects \[B, 3\] or \[3\]; received \[4, 2\]/)
    expect(() => new RNNCell(3, 2).call(ones([4, 3]), ones([4, 3]))).toThrow(
      /state must be \[4, 2\]; received \[4, 3\]/,
    )
    expect(new RNN(3, 2)).toBeInstanceOf(Module)
  })
})
