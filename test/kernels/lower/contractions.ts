/** @file Contractions as the scheduler writes them: matrix products, convolutions and their gradients. */
import type { Expr, Store } from '../../../src/kernels/expr.ts'
import { type Index, indexOf, linearise, newVar, type Var } from '../../../src/kernels/index.ts'
import type { Contraction, ContractionDim } from '../../../src/kernels/kernel.ts'

/** Builds the epilogue: given the result's variables and its row-major index, the buffers' sizes and the stores. */
export type Epilogue = (at: { readonly vars: readonly Var[]; readonly index: Index; readonly size: number }) => {
  readonly sizes: readonly number[]
  readonly stores: readonly Store[]
}

export const accumulator: Expr = { op: 'accumulator', dtype: 'float32' }

const plain: Epilogue = ({ index, size }) => ({
  sizes: [size],
  stores: [{ buffer: 2, index, value: accumulator }],
})

/**
 * Buffer 2 gets max(sum + bias[innermost] + residual, 0), buffer 3 twice the sum in the order of the variables reversed.
 * Buffer 4 is the bias, buffer 5 the residual.
 */
export const biasReluTwice: Epilogue = ({ vars, index, size }) => {
  const inner = vars[vars.length - 1]
  const f32 = { dtype: 'float32' } as const
  const load = (buffer: number, at: Index): Expr => ({ op: 'load', ...f32, buffer, index: at, guards: [] })
  const binary = (fn: 'add' | 'mul' | 'max', a: Expr, b: Expr): Expr => ({ op: 'binary', ...f32, fn, a, b })
  const constant = (value: number): Expr => ({ op: 'constant', ...f32, value })
  const sum = binary('add', binary('add', accumulator, load(4, indexOf(inner))), load(5, index))
  let reversed = 1
  const strides = vars.map((v) => {
    reversed *= v.extent
    return reversed / v.extent
  })
  return {
    sizes: [size, size, inner.extent, size],
    stores: [
      { buffer: 2, index, value: binary('max', sum, constant(0)) },
      { buffer: 3, index: linearise(vars.map(indexOf), strides), value: binary('mul', accumulator, constant(2)) },
    ],
  }
}

interface Loose {
  readonly extent: number
  readonly a: number
  readonly b: number
  readonly role: ContractionDim['role']
  /** Place of the dim in the result's shape. */
  readonly out?: number
}

/** A contraction whose result is row-major in the order of `out`. */
export function contraction(
  name: string,
  dims: readonly Loose[],
  a: { readonly size: number; readonly offset?: number },
  b: { readonly size: number; readonly offset?: number },
  epilogue: Epilogue = plain,
): Contraction {
  const made = dims.map((d): ContractionDim => ({ v: newVar(d.extent), a: d.a, b: d.b, role: d.role }))
  const result = dims.map((d, i) => ({ d, v: made[i].v })).filter(({ d }) => d.out !== undefined)
  result.sort((p, q) => (p.d.out ?? 0) - (q.d.out ?? 0))
  const strides: number[] = []
  let size = 1
  for (const { v } of [...result].reverse()) {
    strides.unshift(size)
    size *= v.extent
  }
  const vars = result.map(({ v }) => v)
  const { sizes, stores } = epilogue({ vars, index: linearise(vars.map(indexOf), strides), size })
  return {
    kind: 'contraction',
    name,
    buffers: [a.size, b.size, ...sizes].map((n) => ({ dtype: 'float32', size: n })),
    dims: made,
    a: { buffer: 0, offset: a.offset ?? 0 },
    b: { buffer: 1, offset: b.offset ?? 0 },
    stores,
  }
}

export interface MatmulShape {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly batch?: number
  /** Stored transposed: a [k, m], b [n, k], the result [n, m]. */
  readonly ta?: boolean
  readonly tb?: boolean
  readonly tc?: boolean
}

export function matmul(s: MatmulShape, epilogue?: Epilogue): Contraction {
  const { m, n, k, batch = 1, ta = false, tb = false, tc = false } = s
  return contraction(
    `matmul_${m}x${n}x${k}${ta ? '_ta' : ''}${tb ? '_tb' : ''}${tc ? '_tc' : ''}`,
    [
      { extent: batch, a: m * k, b: k * n, role: 'batch', out: 0 },
      { extent: m, a: ta ? 1 : k, b: 0, role: 'm', out: tc ? 2 : 1 },
      { extent: n, a: 0, b: tb ? k : 1, role: 'n', out: tc ? 1 : 2 },
      { extent: k, a: ta ? m : 1, b: tb ? 1 : n, role: 'k' },
    ],
    { size: batch * m * k },
    { size: batch * k * n },
    epilogue,
  )
}

export interface ConvShape {
  readonly images: number
  readonly groups?: number
  /** Channels of one group. */
  readonly ci: number
  readonly co: number
  /** Output height and width. */
  readonly oh: number
  readonly ow: number
  readonly kh: number
  readonly kw: number
  readonly stride?: number
  readonly dilation?: number
}

interface Geometry {
  readonly g: number
  readonly stride: number
  readonly dilation: number
  readonly ih: number
  readonly iw: number
}

function geometry(s: ConvShape): Geometry {
  const { groups: g = 1, stride = 1, dilation = 1 } = s
  const ih = (s.oh - 1) * stride + (s.kh - 1) * dilation + 1
  const iw = (s.ow - 1) * stride + (s.kw - 1) * dilation + 1
  return { g, stride, dilation, ih: Math.max(ih, 0), iw: Math.max(iw, 0) }
}

const label = (s: ConvShape): string =>
  `${s.images}x${s.ci}-${s.co}x${s.oh}x${s.ow}k${s.kh}${(s.stride ?? 1) > 1 ? `s${s.stride}` : ''}`

/** y[img, g·co, oh, ow] = Σ w[g·co, ci, kh, kw] · x[img, g·ci, ih, iw], x already padded. */
export function conv(s: ConvShape, epilogue?: Epilogue): Contraction {
  const { images, ci, co, oh, ow, kh, kw } = s
  const { g, stride, dilation, ih, iw } = geometry(s)
  const plane = ih * iw
  return contraction(
    `conv_${label(s)}`,
    [
      { extent: g, a: co * ci * kh * kw, b: ci * plane, role: 'batch', out: 1 },
      { extent: images, a: 0, b: g * ci * plane, role: 'n', out: 0 },
      { extent: co, a: ci * kh * kw, b: 0, role: 'm', out: 2 },
      { extent: oh, a: 0, b: iw * stride, role: 'n', out: 3 },
      { extent: ow, a: 0, b: stride, role: 'n', out: 4 },
      { extent: ci, a: kh * kw, b: plane, role: 'k' },
      { extent: kh, a: kw, b: iw * dilation, role: 'k' },
      { extent: kw, a: 1, b: dilation, role: 'k' },
    ],
    { size: g * co * ci * kh * kw },
    { size: images * g * ci * plane },
    epilogue,
  )
}

/** dw[g·co, ci, kh, kw] = Σ dy[img, g·co, oh, ow] · x[img, g·ci, ih, iw]. */
export function convWeightGradient(s: ConvShape, epilogue?: Epilogue): Contraction {
  const { images, ci, co, oh, ow, kh, kw } = s
  const { g, stride, dilation, ih, iw } = geometry(s)
  const plane = ih * iw
  return contraction(
    `convdw_${label(s)}`,
    [
      { extent: g, a: co * oh * ow, b: ci * plane, role: 'batch', out: 0 },
      { extent: co, a: oh * ow, b: 0, role: 'm', out: 1 },
      { extent: ci, a: 0, b: plane, role: 'n', out: 2 },
      { extent: kh, a: 0, b: iw * dilation, role: 'n', out: 3 },
      { extent: kw, a: 0, b: dilation, role: 'n', out: 4 },
      { extent: images, a: g * co * oh * ow, b: g * ci * plane, role: 'k' },
      { extent: oh, a: ow, b: iw * stride, role: 'k' },
      { extent: ow, a: 1, b: stride, role: 'k' },
    ],
    { size: images * g * co * oh * ow },
    { size: images * g * ci * plane },
    epilogue,
  )
}

/**
 * dx[img, g·ci, ih, iw] = Σ w[g·co, ci, kh − 1 − i, kw − 1 − j] · dy[img, g·co, …], dy padded (and spread by the stride):
 * the same sizes as a stride-1 convolution from `co` to `ci` channels with output oh × ow. Dilation 1.
 */
export function convInputGradient(s: ConvShape, epilogue?: Epilogue): Contraction {
  const { images, ci, co, oh, ow, kh, kw } = s
  const g = s.groups ?? 1
  const [ph, pw] = [oh + kh - 1, ow + kw - 1]
  return contraction(
    `convdx_${label(s)}`,
    [
      { extent: g, a: co * ci * kh * kw, b: co * ph * pw, role: 'batch', out: 1 },
      { extent: images, a: 0, b: g * co * ph * pw, role: 'n', out: 0 },
      { extent: ci, a: kh * kw, b: 0, role: 'm', out: 2 },
      { extent: oh, a: 0, b: pw, role: 'n', out: 3 },
      { extent: ow, a: 0, b: 1, role: 'n', out: 4 },
      { extent: co, a: ci * kh * kw, b: ph * pw, role: 'k' },
      { extent: kh, a: -kw, b: pw, role: 'k' },
      { extent: kw, a: -1, b: 1, role: 'k' },
    ],
    { size: g * co * ci * kh * kw, offset: kh * kw - 1 },
    { size: images * g * co * ph * pw },
    epilogue,
  )
}
