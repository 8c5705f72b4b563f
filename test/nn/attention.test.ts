/** @file Attention and transformers beside PyTorch's numbers: keys, initial values, masks, compiled steps, mistakes. */
import { beforeEach, describe, expect, it } from 'vitest'
import { compile, manualSeed, ones, rand, setDefaultDevice, type Tensor, tensor, tril } from '../../src/index.ts'
import { mse } from '../../src/loss/index.ts'
import {
  AdditiveAttention,
  functional as f,
  GroupedQueryAttention,
  LearnedPositions,
  LuongAttention,
  MultiheadAttention,
  Rotary,
  SinusoidalPositions,
  summary,
  Transformer,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
} from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

const apart = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

describe('multi-head attention', () => {
  it('has PyTorch’s keys, shapes and initial values', () => {
    const shapes = (m: MultiheadAttention): Record<string, readonly number[]> =>
      Object.fromEntries(Object.entries(m.stateDict()).map(([k, t]) => [k, t.shape]))
    expect(shapes(new MultiheadAttention(6, 2))).toEqual({
      in_proj_weight: [18, 6],
      in_proj_bias: [18],
      'out_proj.weight': [6, 6],
      'out_proj.bias': [6],
    })
    expect(shapes(new MultiheadAttention(6, 3, { kdim: 4, vdim: 5, bias: false, addBiasKv: true }))).toEqual({
      q_proj_weight: [6, 6],
      k_proj_weight: [6, 4],
      v_proj_weight: [6, 5],
      bias_k: [1, 1, 6],
      bias_v: [1, 1, 6],
      'out_proj.weight': [6, 6],
    })
    const mha = new MultiheadAttention(32, 2)
    const bound = Math.sqrt(6 / (4 * 32))
    const greatest = mha.in_proj_weight?.abs().max().itemSync() ?? 0
    expect(greatest).toBeLessThanOrEqual(bound)
    expect(greatest).toBeGreaterThan(0.9 * bound)
    expect(mha.in_proj_bias?.abs().sum().itemSync()).toBe(0)
    expect(mha.out_proj.bias?.abs().sum().itemSync()).toBe(0)
  })

  it('gives the same whether one tensor comes in three roles or three equal ones', () => {
    const mha = new MultiheadAttention(4, 2, { batchFirst: true })
    const x = rand([2, 3, 4])
    const [together, weights] = mha.call(x, x, x)
    const [apiece] = mha.call(x, x.mul(1), x.mul(1))
    expect(apart(together, apiece)).toBeLessThan(1e-6)
    expect(apart(weights?.sum(-1) ?? x, ones([2, 3]))).toBeLessThan(1e-6)
  })

  it('does not see what masks hide, and gives its bias where all is hidden', () => {
    const mha = new MultiheadAttention(4, 2, { batchFirst: true })
    const x = rand([1, 3, 4])
    const hide = (...v: number[]): Tensor => tensor(v, { shape: [1, 3] }).ne(0)
    const changed = x.add(tensor([0, 0, 5]).reshape([1, 3, 1]))
    const at = (t: Tensor): Tensor => mha.call(x, t, t, { keyPaddingMask: hide(0, 0, 1) })[0]
    expect(apart(at(x), at(changed))).toBe(0)
    const [y, weights] = mha.call(x, x, x, { keyPaddingMask: hide(1, 1, 1) })
    expect(weights?.abs().sum().itemSync()).toBe(0)
    expect(apart(y, mha.out_proj.bias as Tensor)).toBe(0)
    const causal = mha.call(x, x, x, { causal: true })[1] as Tensor
    expect(apart(causal, tril(causal))).toBe(0)
    expect(mha.call(x, x, x, { needWeights: false })[1]).toBeNull()
  })

  it('drops weights in training only', () => {
    const mha = new MultiheadAttention(4, 2, { dropout: 0.5 })
    const x = rand([5, 1, 4])
    expect(apart(mha.call(x, x, x)[0], mha.call(x, x, x)[0])).toBeGreaterThan(0)
    mha.eval()
    expect(apart(mha.call(x, x, x)[0], mha.call(x, x, x)[0])).toBe(0)
  })
})

describe('positions', () => {
  it('rotary keeps lengths, and products depend on distances', () => {
    const [q, k] = [rand([1, 8]), rand([1, 8])]
    const at = (t: Tensor, offset: number): Tensor => f.rotary(t, { offset })
    const product = (i: number, j: number): number => at(q, i).mul(at(k, j)).sum().itemSync()
    expect(product(5, 3)).toBeCloseTo(product(12, 10), 5)
    expect(Math.abs(product(5, 3) - product(5, 4))).toBeGreaterThan(1e-3)
    expect(at(q, 9).square().sum().itemSync()).toBeCloseTo(q.square().sum().itemSync(), 5)
    const whole = new Rotary().call(rand([4, 8]).mul(0).add(1))
    expect(apart(whole.narrow(0, 2, 2), new Rotary({ offset: 2 }).call(ones([2, 8])))).toBeLessThan(1e-6)
  })
})

describe('transformers', () => {
  it('count PyTorch’s parameters under its keys', () => {
    const d = 16
    const [attention, ff, norm] = [4 * d * d + 4 * d, 2 * d * 32 + 32 + d, 2 * d]
    const model = new Transformer(d, 4, { numEncoderLayers: 2, numDecoderLayers: 3, dimFeedforward: 32 })
    expect(model.parameterCount()).toBe(
      2 * (attention + ff + 2 * norm) + 3 * (2 * attention + ff + 3 * norm) + 2 * norm,
    )
    const keys = Object.keys(model.stateDict())
    for (const key of [
      'encoder.layers.1.self_attn.in_proj_weight',
      'encoder.norm.bias',
      'decoder.layers.2.multihead_attn.out_proj.bias',
      'decoder.layers.0.linear2.weight',
      'decoder.layers.0.norm3.weight',
    ])
      expect(keys).toContain(key)
    const s = summary(new TransformerEncoder(8, 2, 1, { batchFirst: true, dimFeedforward: 12 }), [5, 8])
    expect(s.rows.find((r) => r.name === 'layers.0.linear1')?.outputShape).toEqual([null, 5, 12])
    expect(s.rows.every((r) => r.outputShape.length > 0)).toBe(true)
  })

  it('a causal encoder does not look ahead', () => {
    const encoder = new TransformerEncoder(8, 2, 2, { dropout: 0, dimFeedforward: 8, normFirst: true, norm: true })
    const x = rand([4, 1, 8])
    const later = x.mul(tensor([1, 1, 1, -1]).reshape([4, 1, 1]))
    const [a, b] = [x, later].map((t) => encoder.call(t, { causal: true }))
    expect(apart(a.narrow(0, 0, 3), b.narrow(0, 0, 3))).toBe(0)
    expect(apart(encoder.call(x), encoder.call(later))).toBeGreaterThan(1e-3)
  })

  it('takes an activation by name or as a function', () => {
    const make = (activation: 'gelu' | ((x: Tensor) => Tensor)): TransformerEncoderLayer => {
      manualSeed(1)
      return new TransformerEncoderLayer(4, 1, { dimFeedforward: 4, dropout: 0, activation })
    }
    const x = rand([2, 1, 4])
    expect(apart(make('gelu').call(x), make((t) => t.gelu()).call(x))).toBe(0)
    expect(() => make('gelo' as 'gelu')).toThrow(/TransformerEncoderLayer: there is no activation 'gelo'; choose among/)
  })

  it('learns in a compiled step', () => {
    const model = new Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 8, dropout: 0.1 })
    const optimizer = new Adam(model.parameters(), { lr: 0.01 })
    const [src, tgt, wanted] = [rand([3, 2, 8]), rand([2, 2, 8]), rand([2, 2, 8])]
    const step = compile((s: Tensor, t: Tensor) => {
      const loss = mse(model.call(s, t, { tgtCausal: true }), wanted)
      optimizer.minimize(loss)
      return loss
    })
    const losses = Array.from({ length: 30 }, () => step(src, tgt).itemSync())
    expect(losses[29]).toBeLessThan(0.5 * losses[0])
    expect(step.traces).toHaveLength(1)
  })
})

describe('mistakes', () => {
  it('name what came and what fits', () => {
    const x = ones([3, 2, 6])
    const mha = new MultiheadAttention(6, 2)
    expect(() => new MultiheadAttention(6, 4)).toThrow(/numHeads must divide embedDim; received 4 heads for 6/)
    expect(() => new MultiheadAttention(6, 2, { dropout: 2 })).toThrow(/dropout must lie in \[0, 1\]/)
    expect(() => mha.call(x, ones([4, 3, 6]), ones([4, 3, 6]))).toThrow(
      /expects query \[L, B, 6\], key \[S, B, 6\] and value \[S, B, 6\]; received \[3, 2, 6\], \[4, 3, 6\]/,
    )
    expect(() => mha.call(x, x, x, { attnMask: ones([3, 2]) })).toThrow(
      /attnMask must be bool or float \[3, 3\] or \[4, 3, 3\]; received float32 \[3, 2\]/,
    )
    expect(() => mha.call(x, x, x, { keyPaddingMask: ones([2, 3]).int() })).toThrow(
      /bool or float \[2, 3\]; received int32/,
    )
    expect(() => f.scaledDotProductAttention(x, ones([4, 2, 6]), x)).toThrow(/attention: needs queries/)
    expect(() => f.scaledDotProductAttention(x, x, x, { mask: ones([9, 1, 1, 1]) })).toThrow(
      /must broadcast to the scores/,
    )
    expect(() => new GroupedQueryAttention(8, 4, 3)).toThrow(/numKvHeads must divide numHeads; received 3 for 4/)
    expect(() => new GroupedQueryAttention(8, 4, 2).call(x)).toThrow(/expects \[B, T, 8\]; received \[3, 2, 6\]/)
    expect(() => new LuongAttention(3, 4)).toThrow(/Choose \{ score: 'general' \}/)
    expect(() => new AdditiveAttention(3, 4, 2).call(ones([2, 3]), ones([2, 5, 3]))).toThrow(/keys \[B, S, 4\]/)
    expect(() => new LearnedPositions(4, 6).call(ones([1, 5, 6]))).toThrow(/has 4 positions; received 5 steps/)
    expect(() => new SinusoidalPositions(6).call(ones([1, 5, 4]))).toThrow(/6 entries along the last/)
    expect(() => new SinusoidalPositions(6, { base: -1 })).toThrow(/positive base/)
    expect(() => f.rotary(ones([2, 3]))).toThrow(/even D/)
    expect(() => new TransformerEncoder(8, 2, 0)).toThrow(/numLayers must be/)
    expect(() => new TransformerDecoderLayer(8, 2, { dimFeedforward: 0 })).toThrow(/dimFeedforward/)
    expect(() => new Transformer(8, 2, { dimFeedforward: 8 }).call(ones([1, 1, 8]), ones([1, 1, 4]))).toThrow(
      /the target must have 8 entries along its last axis; received \[1, 1, 4\]/,
    )
  })
})
