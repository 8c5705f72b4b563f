/**
 * @file Tensor: an array of numbers that is computed when somebody looks. Operations record a graph and return at once;
 * reading a value (`await t.data()`) computes it. A tensor's value never changes.
 */
import { type BackwardOptions, backward } from '../autograd/backward.ts'
import type { Shape } from '../core/shape.ts'
import type { Device } from '../plan/device.ts'
import * as a from './advanced.ts'
import type { Axes, Operand } from './apply.ts'
import type { TensorBase } from './base.ts'
import { matmul } from './contraction.ts'
import * as k from './count.ts'
import * as c from './cumulative.ts'
import * as i from './indexing.ts'
import * as masks from './masks.ts'
import * as m from './movement.ts'
import * as o from './order.ts'
import { type PadMode, pad, type Widths } from './pad.ts'
import { Pointwise } from './pointwise.ts'
import * as y from './rearrange.ts'
import * as r from './reduce.ts'
import * as w from './scatter.ts'
import type { ClosenessOptions } from './special.ts'

export class Tensor extends Pointwise {
  // Gradients

  /**
   * Adds d(this)/d(leaf) to `grad` of every leaf that requires a gradient.
   *
   * Nothing is computed yet: `optimizer.step()` or reading a value does it, forward and backward in one run. Read the
   * loss after this call rather than before it, or the forward pass runs twice.
   *
   * @param gradient where this is not a single number: d(final)/d(this), of this shape (default 1)
   * @throws GliaError if this does not depend on anything that requires a gradient, or is not a single number and
   * no gradient is given
   */
  backward(gradient?: TensorBase, options?: BackwardOptions): void {
    backward(this, gradient, options)
  }
  /** The same values, through which no gradient flows. */
  detach(): Tensor {
    return new Tensor(this.node, this.device, this.history === 'live' ? 'cut' : this.history)
  }
  /** The same values on another device; gradients do not flow through. */
  to(device: Device): Tensor {
    return device === this.device ? this : new Tensor(this.moved(), device)
  }

  // Reductions

  /** Sum over `axes` (default all). */
  sum(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.reduce('reduceSum', this, axes, options)
  }
  /** Mean over `axes` (default all). */
  mean(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.mean(this, axes, options)
  }
  /** Product over `axes` (default all). */
  prod(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.reduce('reduceProd', this, axes, options)
  }
  /** Greatest element over `axes` (default all); NaN if one is NaN. */
  max(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.reduce('reduceMax', this, axes, options)
  }
  /** Least element over `axes` (default all); NaN if one is NaN. */
  min(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.reduce('reduceMin', this, axes, options)
  }
  /** Variance over `axes` (default all), divided by N − 1 unless `correction` says otherwise. */
  var(axes?: Axes, options?: r.VarianceOptions): Tensor {
    return r.variance(this, axes, options)
  }
  /** Standard deviation: the root of `var`. */
  std(axes?: Axes, options?: r.VarianceOptions): Tensor {
    return r.variance(this, axes, options).sqrt()
  }
  /** p-norm over `axes` (default all). */
  norm(p = 2, axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.norm(this, p, axes, options)
  }
  /** int32 position of the greatest element along `axis` (default: in the flattened tensor). */
  argmax(axis?: number, options?: r.ReduceOptions): Tensor {
    return r.argReduce('argmax', this, axis, options)
  }
  /** int32 position of the least element along `axis` (default: in the flattened tensor). */
  argmin(axis?: number, options?: r.ReduceOptions): Tensor {
    return r.argReduce('argmin', this, axis, options)
  }
  /** bool: whether every element is other than 0. */
  all(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.allAny('all', this, axes, options)
  }
  /** bool: whether some element is other than 0. */
  any(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.allAny('any', this, axes, options)
  }
  /** log Σ eˣ over `axes` (default all). */
  logsumexp(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.logsumexp(this, axes, options)
  }
  /** Sum over `axes` (default all) in which NaN counts as 0. */
  nansum(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.nansum(this, axes, options)
  }
  /** Mean over `axes` (default all) of what is not NaN. */
  nanmean(axes?: Axes, options?: r.ReduceOptions): Tensor {
    return r.nanmean(this, axes, options)
  }
  /** int32: how many elements over `axes` (default all) are not 0. */
  countNonzero(axes?: Axes): Tensor {
    return r.countNonzero(this, axes)
  }
  /** bool `[]`: whether every element is close to other's (see `isclose`); they broadcast. */
  allclose(other: TensorBase, options?: ClosenessOptions): Tensor {
    return this.isclose(other, options).all()
  }
  /** bool `[]`: whether shape and every element are other's. */
  equal(other: TensorBase): Tensor {
    return r.equal(this, other)
  }
  /** The middle value along `axis` (default: of all elements), the lower of two; NaN if one is NaN. */
  median(axis?: number, options?: r.ReduceOptions): Tensor {
    return o.median(this, axis, options)
  }
  /** Most frequent value along `axis`, the least of several, and the last place where it is. */
  mode(axis = -1, options?: r.ReduceOptions): { values: Tensor; indices: Tensor } {
    return o.mode(this, axis, options)
  }
  /** The k-th least value (from 1) along `axis`, and where it is. */
  kthvalue(k: number, axis = -1, options?: r.ReduceOptions): { values: Tensor; indices: Tensor } {
    return o.kthvalue(this, k, axis, options)
  }
  /** The value below which a share `q` of the entries along `axis` (default: of all elements) lies. */
  quantile(q: number | readonly number[], axis?: number, options?: o.QuantileOptions): Tensor {
    return o.quantile(this, q, axis, options)
  }
  /** Counts in `bins` intervals of equal width, and the edges between them. */
  histogram(bins: number, options?: k.HistogramOptions): { counts: Tensor; edges: Tensor } {
    return k.histogram(this, bins, options)
  }
  /** How often each of 0, 1, 2 … occurs. Reads the values at once. */
  bincount(options?: k.BincountOptions): Tensor {
    return k.bincount(this, options)
  }
  /** The different elements in order, where each element is among them, and their counts. Reads the values at once. */
  unique(): { values: Tensor; inverse: Tensor; counts: Tensor } {
    return k.unique(this)
  }
  /** eˣ / Σ eˣ along `axis`. */
  softmax(axis = -1): Tensor {
    return r.softmax(this, axis)
  }
  /** log of `softmax`, without loss of digits. */
  logSoftmax(axis = -1): Tensor {
    return r.logSoftmax(this, axis)
  }
  /** Running sum along `axis`. */
  cumsum(axis: number): Tensor {
    return r.cumulative('cumsum', this, axis)
  }
  /** Running product along `axis`. */
  cumprod(axis: number): Tensor {
    return r.cumulative('cumprod', this, axis)
  }
  /** Greatest value so far along `axis`, and the last place where it was. */
  cummax(axis: number): { values: Tensor; indices: Tensor } {
    return c.cumulativeExtreme('cummax', this, axis)
  }
  /** Least value so far along `axis`, and the last place where it was. */
  cummin(axis: number): { values: Tensor; indices: Tensor } {
    return c.cumulativeExtreme('cummin', this, axis)
  }
  /** log Σ eˣ of the entries so far along `axis`. */
  logcumsumexp(axis: number): Tensor {
    return c.logcumsumexp(this, axis)
  }
  /** Differences between neighbours along `axis`, n times over. */
  diff(n = 1, axis = -1): Tensor {
    return c.diff(this, n, axis)
  }

  // Products

  /** Matrix product `[…, M, K] × […, K, N] → […, M, N]`; vectors and broadcasting as in PyTorch. */
  matmul(other: TensorBase): Tensor {
    return matmul(this, other)
  }

  // Shape

  /** The same elements under another shape; one extent may be −1. */
  reshape(shape: Shape): Tensor {
    return m.reshape(this, shape)
  }
  /** As `reshape`. */
  view(shape: Shape): Tensor {
    return m.reshape(this, shape)
  }
  /** Axes `start` to `end` (both included) as one. */
  flatten(start = 0, end = -1): Tensor {
    return m.flatten(this, start, end)
  }
  /** Without axes of extent 1. */
  squeeze(axes?: Axes): Tensor {
    return m.squeeze(this, axes)
  }
  /** With a new axis of extent 1 at `axis`. */
  unsqueeze(axis: number): Tensor {
    return m.unsqueeze(this, axis)
  }
  /** Axes in another order. */
  permute(order: readonly number[]): Tensor {
    return m.permute(this, order)
  }
  /** Two axes swapped (default: the last two). */
  transpose(a = -2, b = -1): Tensor {
    return m.transpose(this, a, b)
  }
  /** Axes in reverse order. */
  get T(): Tensor {
    return m.permute(
      this,
      this.shape.map((_, axis) => this.rank - 1 - axis),
    )
  }
  /** Axes of extent 1 repeated to `shape`; −1 keeps an extent. */
  expand(shape: Shape): Tensor {
    return m.expand(this, shape)
  }
  /** As `expand`, NumPy's name. */
  broadcastTo(shape: Shape): Tensor {
    return m.expand(this, shape)
  }
  /** The whole tensor `times[i]` times along axis i. */
  repeat(times: readonly number[]): Tensor {
    return m.repeat(this, times)
  }
  /** Parts of `size` (or of the sizes given) along `axis`. */
  split(size: number | readonly number[], axis = 0): Tensor[] {
    return m.split(this, size, axis)
  }
  /** At most `count` equal parts along `axis`. */
  chunk(count: number, axis = 0): Tensor[] {
    return m.chunk(this, count, axis)
  }
  /** `[before, after]` elements added to each of the last axes: a value, or the tensor's own by `mode`. */
  pad(widths: Widths, fill: number | PadMode = 0): Tensor {
    return pad(this, widths, fill)
  }
  /** Order reversed along `axes` (default all). */
  flip(axes?: Axes): Tensor {
    return m.flip(this, axes)
  }
  /** Shifted along `axis`, around the end. */
  roll(shift: number, axis = 0): Tensor {
    return m.roll(this, shift, axis)
  }

  /** Axis `source` (or several) moved to `destination`; the others keep their order. */
  moveaxis(source: number | readonly number[], destination: number | readonly number[]): Tensor {
    return y.moveaxis(this, source, destination)
  }
  /** Axis `axis` as several of `shape`; one extent may be −1. */
  unflatten(axis: number, shape: Shape): Tensor {
    return y.unflatten(this, axis, shape)
  }
  /** Turned by 90° `times` times in the plane of two axes. */
  rot90(times = 1, axes: readonly [number, number] = [0, 1]): Tensor {
    return y.rot90(this, times, axes)
  }
  /** Windows of `size` entries of `axis`, `step` apart, along a new last axis. */
  unfold(axis: number, size: number, step: number): Tensor {
    return y.unfold(this, axis, size, step)
  }
  /** Each entry of `axis` (default: each element, flattened) `times` times in a row. */
  repeatInterleave(times: number | readonly number[], axis?: number): Tensor {
    return y.repeatInterleave(this, times, axis)
  }
  /** The entries of `axis`, without it. */
  unbind(axis = 0): Tensor[] {
    return y.unbind(this, axis)
  }
  /** The diagonal of two axes (default: the last two), `offset` columns to the right, as the last axis. */
  diagonal(offset = 0, axes: readonly [number, number] = [-2, -1]): Tensor {
    return y.diagonal(this, offset, axes)
  }
  /** Matrices with the last axis on their diagonal `offset`, zeros elsewhere. */
  diagEmbed(offset = 0): Tensor {
    return y.diagEmbed(this, offset)
  }

  // Picking elements

  /**
   * By position: `t.index(0)`, `t.index(null, [1, 3])`, `t.index(rows, columns)` for `t[0]`, `t[:, 1:3]`,
   * `t[rows, columns]`; numbers, `[start, stop, step]`, null, int32 tensors or bool masks (which are read at once).
   */
  index(...indices: i.Index[]): Tensor {
    return a.index(this, indices)
  }
  /** With `values` (which broadcast) written at `indices`, or added: PyTorch's `x[indices] = values`, as a new tensor. */
  indexPut(indices: readonly i.Index[], values: Operand, options?: a.IndexPutOptions): Tensor {
    return a.indexPut(this, indices, values, options)
  }
  /** From `start` to before `stop` along `axis`, by `step`. */
  slice(start: number, stop: number | null = null, axis = 0, step = 1): Tensor {
    const before = new Array<null>(axis < 0 ? axis + this.rank : axis).fill(null)
    return i.basicIndex(this, [...before, [start, stop, step]])
  }
  /** `length` entries of `axis` from `start`. */
  narrow(axis: number, start: number, length: number): Tensor {
    return m.narrow(this, axis, start, length)
  }
  /** One entry of `axis`, which goes. */
  select(axis: number, position: number): Tensor {
    return i.select(this, axis, position)
  }
  /** Entries of `axis` at int32 indices of any shape, which replaces the axis. */
  indexSelect(axis: number, indices: TensorBase): Tensor {
    return i.indexSelect(this, axis, indices)
  }
  /** One element per index along `axis` (PyTorch's gather). */
  gather(axis: number, indices: TensorBase): Tensor {
    return i.gather(this, axis, indices)
  }
  /** As `gather`, NumPy's name and argument order. */
  takeAlongAxis(indices: TensorBase, axis: number): Tensor {
    return i.gather(this, axis, indices)
  }
  /** With `source` added at its indices along `axis`. */
  scatterAdd(axis: number, indices: TensorBase, source: TensorBase): Tensor {
    return i.scatterAdd(this, axis, indices, source)
  }
  /** With `source` (or a number) written at its indices along `axis`; the last of several stays. */
  scatter(axis: number, indices: TensorBase, source: Operand): Tensor {
    return w.scatter(this, axis, indices, source)
  }
  /** With the entries of `source` added at the indices of `axis`. */
  indexAdd(axis: number, indices: TensorBase, source: TensorBase): Tensor {
    return w.indexAdd(this, axis, indices, source)
  }
  /** With the entries of `source` (or a number) written at the indices of `axis`. */
  indexCopy(axis: number, indices: TensorBase, source: Operand): Tensor {
    return w.indexCopy(this, axis, indices, source)
  }
  /** Elements at int32 positions in row-major order; of the indices' shape. */
  take(indices: TensorBase): Tensor {
    return i.indexSelect(m.reshape(this, [this.size]), 0, indices, 'take')
  }
  /** The elements where the mask holds, as a vector. Reads the mask at once. */
  maskedSelect(mask: TensorBase): Tensor {
    return masks.maskedSelect(this, mask)
  }
  /** With the elements of `source`, in order, where the mask holds. */
  maskedScatter(mask: TensorBase, source: TensorBase): Tensor {
    return masks.maskedScatter(this, mask, source)
  }
  /** int32 `[count, rank]`: where the elements other than 0 are. Reads the values at once. */
  nonzero(): Tensor {
    return masks.nonzero(this)
  }
  /** int32: where each value would be inserted into this sorted list. */
  searchsorted(values: TensorBase, options?: o.SearchOptions): Tensor {
    return o.searchsorted(this, values, options)
  }
  /** Sorted along `axis`: values and where they were. */
  sort(axis = -1, options?: i.SortOptions): { values: Tensor; indices: Tensor } {
    return i.sort(this, axis, options)
  }
  /** int32 order that sorts along `axis`. */
  argsort(axis = -1, options?: i.SortOptions): Tensor {
    return i.argsort(this, axis, options)
  }
  /** The k greatest along `axis`: values and where they are. */
  topk(k: number, axis = -1, options?: { readonly largest?: boolean }): { values: Tensor; indices: Tensor } {
    return i.topk(this, k, axis, options)
  }
}
