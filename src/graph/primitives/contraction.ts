/** @file Matrix products and convolutions. The gradients of a convolution are convolutions again. */
import { allocate } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { showShape, sizeOf } from '../../core/shape.ts'
import type { Aval, ConvAttrs, HostArray, Node } from '../node.ts'
import type { Ops, Rule } from '../rule.ts'
import { anyInteger, checkDtype, checkList, checkSameDtype } from './check.ts'
import { fill } from './movement.ts'

export const matmul: Rule<'matmul'> = {
  infer: ([a, b]) => {
    checkDtype('matmul', a, 'float')
    checkSameDtype('matmul', a, b)
    const rank = a.shape.length
    const lead = a.shape.slice(0, -2)
    if (rank < 2 || b.shape.length !== rank || lead.some((d, i) => d !== b.shape[i])) {
      throw new GliaError(
        `matmul: received shapes ${showShape(a.shape)} and ${showShape(b.shape)}; both must have one rank of at least 2 ` +
          'and equal axes before the last two. Reshape or expand one of them.',
      )
    }
    const [m, k] = a.shape.slice(-2)
    const [rows, n] = b.shape.slice(-2)
    if (k !== rows) {
      throw new GliaError(
        `matmul: received shapes ${showShape(a.shape)} and ${showShape(b.shape)}; the last axis of the first (${k}) must ` +
          `equal the last but one of the second (${rows}). Transpose one of them?`,
      )
    }
    return { shape: [...lead, m, n], dtype: a.dtype }
  },
  vjp: (o, g, y, needs) => {
    const [a, b] = y.inputs
    return [needs[0] ? o.matmul(g, o.transpose(b)) : null, needs[1] ? o.matmul(o.transpose(a), g) : null]
  },
  evaluate: ([a, b], _attrs, out) => {
    const [m, k] = a.shape.slice(-2)
    const [, n] = b.shape.slice(-2)
    const result = allocate(out.dtype, sizeOf(out.shape))
    for (let p = 0; p < result.length; p++) {
      const batch = Math.floor(p / (m * n))
      const row = batch * m * k + (Math.floor(p / n) % m) * k
      const col = batch * k * n + (p % n)
      let sum = 0
      for (let i = 0; i < k; i++) sum += a.data[row + i] * b.data[col + i * n]
      result[p] = sum
    }
    return result
  },
}

/** Extent of a dilated kernel or input. */
const dilated = (n: number, dilation: number): number => (n === 0 ? 0 : (n - 1) * dilation + 1)

export const conv: Rule<'conv'> = {
  infer: ([x, w], attrs) => ({ shape: convShape(x, w, attrs), dtype: x.dtype }),
  vjp: (o, g, y, needs) => {
    const [x, w] = y.inputs
    const attrs = y.as('conv')
    return [needs[0] ? inputGradient(o, g, x, w, attrs) : null, needs[1] ? weightGradient(o, g, x, w, attrs) : null]
  },
  evaluate: ([x, w], attrs, out) => fill(out, (index) => convElement(x, w, attrs, index)),
}

function convShape(x: Aval, w: Aval, a: ConvAttrs): number[] {
  const spatial = a.stride.length
  checkDtype('conv', x, 'float')
  checkSameDtype('conv', x, w)
  checkList('conv', 'stride', a.stride, spatial, 1)
  checkList('conv', 'padLo', a.padLo, spatial, anyInteger)
  checkList('conv', 'padHi', a.padHi, spatial, anyInteger)
  checkList('conv', 'inputDilation', a.inputDilation, spatial, 1)
  checkList('conv', 'kernelDilation', a.kernelDilation, spatial, 1)
  if (x.shape.length !== spatial + 2 || w.shape.length !== spatial + 2) {
    throw new GliaError(
      `conv: received an input of shape ${showShape(x.shape)} and a weight of shape ${showShape(w.shape)}; in ${spatial}-d ` +
        `they must be [batch, channels, and ${spatial} more] and [outputs, channels / groups, and ${spatial} more].`,
    )
  }
  const { groups } = a
  const [outputs, perGroup] = w.shape
  if (!Number.isInteger(groups) || groups < 1 || x.shape[1] !== perGroup * groups) {
    throw new GliaError(
      `conv: the input of shape ${showShape(x.shape)} has ${x.shape[1]} channels, but a weight of shape ` +
        `${showShape(w.shape)} in groups of ${groups} takes ${perGroup} × ${groups} = ${perGroup * groups}.`,
    )
  }
  if (outputs % groups !== 0) {
    throw new GliaError(
      `conv: the weight of shape ${showShape(w.shape)} has ${outputs} outputs, which ${groups} groups cannot share evenly. ` +
        'The outputs must be a multiple of groups.',
    )
  }
  const places = a.stride.map((stride, i) => {
    const extent = dilated(x.shape[i + 2], a.inputDilation[i]) + a.padLo[i] + a.padHi[i]
    const kernel = dilated(w.shape[i + 2], a.kernelDilation[i])
    if (kernel > extent) {
      throw new GliaError(
        `conv: the kernel of shape ${showShape(w.shape)} reaches over ${kernel} elements of spatial axis ${i}, but the ` +
          `input of shape ${showShape(x.shape)} has only ${extent} there, padding included. Use a smaller kernel, more ` +
          'padding or a larger input.',
      )
    }
    return Math.floor((extent - kernel) / stride) + 1
  })
  return [x.shape[0], w.shape[0], ...places]
}

function convElement(x: HostArray, w: HostArray, a: ConvAttrs, index: readonly number[]): number {
  const [image, o] = index
  const perGroup = w.shape[1]
  const firstChannel = Math.floor(o / (w.shape[0] / a.groups)) * perGroup
  const taps = w.shape.slice(2)
  let sum = 0
  for (let c = 0; c < perGroup; c++) {
    for (let t = 0; t < sizeOf(taps); t++) {
      let rest = t
      let p = image * x.shape[1] + firstChannel + c
      let inside = true
      const at = taps.map(() => 0)
      for (let i = taps.length - 1; i >= 0; i--) {
        at[i] = rest % taps[i]
        rest = Math.floor(rest / taps[i])
      }
      for (let i = 0; i < taps.length; i++) {
        const q = index[i + 2] * a.stride[i] + at[i] * a.kernelDilation[i] - a.padLo[i]
        const d = a.inputDilation[i]
        if (q < 0 || q % d !== 0 || q / d >= x.shape[i + 2]) inside = false
        p = p * x.shape[i + 2] + q / d
      }
      if (inside) sum += x.data[p] * w.data[(o * perGroup + c) * sizeOf(taps) + t]
    }
  }
  return sum
}

/** Splits or joins the channels of a weight so that groups stay with the axis they belong to. */
function swapWeight(o: Ops, w: Node, groups: number): Node {
  const [out, perGroup, ...taps] = w.shape
  const spatial = taps.map((_, i) => i)
  if (groups === 1)
    return o.flip(
      o.permute(w, [1, 0, ...spatial.map((i) => i + 2)]),
      spatial.map((i) => i + 2),
    )
  const split = o.reshape(w, [groups, out / groups, perGroup, ...taps])
  const swapped = o.permute(split, [0, 2, 1, ...spatial.map((i) => i + 3)])
  return o.flip(
    o.reshape(swapped, [groups * perGroup, out / groups, ...taps]),
    spatial.map((i) => i + 2),
  )
}

/** Convolves g, dilated by the stride, with the flipped kernel. */
function inputGradient(o: Ops, g: Node, x: Node, w: Node, a: ConvAttrs): Node {
  const padLo: number[] = []
  const padHi: number[] = []
  a.stride.forEach((stride, i) => {
    const kernel = dilated(w.shape[i + 2], a.kernelDilation[i])
    const wanted = dilated(x.shape[i + 2], a.inputDilation[i])
    const lo = kernel - 1 - a.padLo[i]
    padLo.push(lo)
    padHi.push(wanted + kernel - 1 - dilated(g.shape[i + 2], stride) - lo)
  })
  return o.conv(g, swapWeight(o, w, a.groups), {
    stride: a.inputDilation,
    padLo,
    padHi,
    inputDilation: a.stride,
    kernelDilation: a.kernelDilation,
    groups: a.groups,
  })
}

/** Convolves x with g where batch and channels have changed places: sums over images, one kernel place per output. */
function weightGradient(o: Ops, g: Node, x: Node, w: Node, a: ConvAttrs): Node {
  const spatial = a.stride.map((_, i) => i + 2)
  const [batch] = x.shape
  const [, perGroup, ...taps] = w.shape
  // [B, G·C, …] → [C, G·B, …]: groups stay on the summed axis.
  const places = x.shape.slice(2)
  const split = o.reshape(x, [batch, a.groups, perGroup, ...places])
  const images =
    a.groups === 1
      ? o.permute(x, [1, 0, ...spatial])
      : o.reshape(o.permute(split, [2, 1, 0, ...spatial.map((i) => i + 1)]), [perGroup, a.groups * batch, ...places])
  const kernels = o.permute(g, [1, 0, ...spatial])
  const padHi = a.stride.map((stride, i) => {
    // Exactly as many places as the kernel has taps: what a stride left over at the end is cropped.
    const extent = dilated(x.shape[i + 2], a.inputDilation[i]) + a.padLo[i]
    const needed = (taps[i] - 1) * a.kernelDilation[i] + dilated(g.shape[i + 2], stride)
    return needed - extent
  })
  const result = o.conv(images, kernels, {
    stride: a.kernelDilation,
    padLo: a.padLo,
    padHi,
    inputDilation: a.inputDilation,
    kernelDilation: a.stride,
    groups: a.groups,
  })
  return o.permute(result, [1, 0, ...spatial])
}
