/** @file One step of each recurrence, from the product with the input `wx = W x + b` and the last state. */
import { linear } from '../functional.ts'
import type { Step, Weights } from './recurrence.ts'

/** What a plain recurrence is passed through. */
export type Nonlinearity = 'tanh' | 'relu'

/** h = tanh(W x + U h + b), or with max(·, 0) (Elman 1990). */
export function rnnStep({ hh }: Weights, nonlinearity: Nonlinearity): Step {
  const recurrent = hh.T
  return (wx, [h]) => {
    const sum = wx.add(h.matmul(recurrent))
    return [nonlinearity === 'tanh' ? sum.tanh() : sum.relu()]
  }
}

/** i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b); c = f c + i g, h = o tanh(c), then projected if wanted. */
export function lstmStep({ hh, hr }: Weights): Step {
  const recurrent = hh.T
  const projection = hr?.T
  return (wx, [h, c]) => {
    const [i, f, g, o] = wx.add(h.matmul(recurrent)).chunk(4, 1)
    const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
    const hidden = o.sigmoid().mul(cell.tanh())
    return [projection ? hidden.matmul(projection) : hidden, cell]
  }
}

export interface GRUForm {
  /**
   * Where the reset gate acts: `'after'` the product with the state, n = tanh(W x + b + r (U h + b′)), as PyTorch and
   * cuDNN (the default), or `'before'` it, n = tanh(W x + U (r h) + b), as the paper and most courses.
   */
  readonly reset?: 'after' | 'before'
  /**
   * What the update gate does: `'keep'` the old state, h = z h + (1 − z) n, as PyTorch and Keras (the default), or
   * `'renew'` it, h = (1 − z) h + z n, as the paper's first version and most courses.
   */
  readonly update?: 'keep' | 'renew'
}

/** r, z = σ(W x + U h + b), n as `form.reset` says, h between the last h and n (Cho et al. 2014). */
export function gruStep({ hh, biases }: Weights, form: GRUForm): Step {
  const { reset = 'after', update = 'keep' } = form
  const size = hh.shape[1]
  const [gates, candidate] = hh.split([2 * size, size])
  const blend: Step = (z, [h, n]) => [update === 'keep' ? n.add(z.mul(h.sub(n))) : h.add(z.mul(n.sub(h)))]
  if (reset === 'before') {
    return (wx, [h]) => {
      const [x, xn] = wx.split([2 * size, size], 1)
      const [r, z] = x.add(h.matmul(gates.T)).sigmoid().chunk(2, 1)
      const n = xn.add(r.mul(h).matmul(candidate.T)).tanh()
      return blend(z, [h, n])
    }
  }
  return (wx, [h]) => {
    const [xr, xz, xn] = wx.chunk(3, 1)
    const [hr, hz, hn] = linear(h, hh, biases[1] ?? null).chunk(3, 1)
    const r = xr.add(hr).sigmoid()
    const z = xz.add(hz).sigmoid()
    const n = xn.add(r.mul(hn)).tanh()
    return blend(z, [h, n])
  }
}
