/** @file Resampling of images to other extents, axis by axis. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { adaptiveAvgPool } from './adaptive.ts'
import { mapAxis, type Rows } from './linear-map.ts'
import { checkImages, type Extent, perAxis } from './spatial.ts'

/** `linear` for one spatial axis, `bilinear` and `bicubic` for two, `trilinear` for three; the others for any. */
export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic' | 'area'

export interface InterpolateOptions {
  /** Extents of the result, or … */
  readonly size?: Extent
  /** … what the input's are multiplied by (rounded down). */
  readonly scaleFactor?: Extent
  /** Default `nearest`. */
  readonly mode?: InterpolateMode
  /**
   * Whether the centres of the corner elements coincide (true) or the corners of the image do (default false); for the
   * linear and cubic modes.
   */
  readonly alignCorners?: boolean
}

const axesOfMode: Partial<Record<InterpolateMode, number>> = { linear: 1, bilinear: 2, bicubic: 2, trilinear: 3 }
const modes = new Set<string>(['nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear', 'bicubic', 'area'])

/** Resamples the spatial axes: `[B, C, H, W] → [B, C, H′, W′]`. Positions beyond the edge take the edge's value. */
export function interpolate(x: TensorBase, options: InterpolateOptions): Tensor {
  const { size, scaleFactor, mode = 'nearest', alignCorners = false } = options
  const axes = axesOfMode[mode] ?? x.rank - 2
  checkOptions(options)
  checkImages('interpolate', x, axes)
  const spatial = x.shape.slice(2)
  if (spatial.length === 0 || spatial.includes(0)) {
    throw new GliaError(`interpolate: expects spatial axes that are not empty; received ${showShape(x.shape)}.`)
  }
  const factors = scaleFactor === undefined ? null : factorsOf(scaleFactor, axes)
  const extents = perAxis(
    'interpolate',
    'size',
    factors ? spatial.map((d, i) => Math.floor(d * factors[i])) : (size ?? 0),
    axes,
    1,
  )
  if (mode === 'area') return adaptiveAvgPool(x, extents)
  return apply('interpolate', [x], (n) =>
    extents.reduce((y, outputs, i) => {
      const scale = factors ? 1 / factors[i] : spatial[i] / outputs
      return resampled(y, 2 + i, outputs, scale, mode, alignCorners)
    }, n),
  )
}

/** @throws GliaError unless the options agree with each other */
export function checkOptions({ size, scaleFactor, mode = 'nearest', alignCorners }: InterpolateOptions): void {
  if (!modes.has(mode))
    throw new GliaError(`interpolate: mode must be one of ${[...modes].join(', ')}; received ${mode}.`)
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new GliaError('interpolate: takes either size or scaleFactor.')
  }
  if (alignCorners !== undefined && axesOfMode[mode] === undefined) {
    throw new GliaError(`interpolate: alignCorners is for linear and cubic modes; received it with mode ${mode}.`)
  }
}

function factorsOf(scaleFactor: Extent, axes: number): readonly number[] {
  const list = typeof scaleFactor === 'number' ? new Array<number>(axes).fill(scaleFactor) : scaleFactor
  if (list.length === axes && list.every((f) => f > 0 && Number.isFinite(f))) return list
  throw new GliaError(
    `interpolate: scaleFactor must be a number above 0, or ${axes} of them; received ${JSON.stringify(scaleFactor)}.`,
  )
}

function resampled(
  x: Node,
  axis: number,
  outputs: number,
  scale: number,
  mode: InterpolateMode,
  alignCorners: boolean,
): Node {
  const extent = x.shape[axis]
  const isNearest = mode === 'nearest' || mode === 'nearest-exact'
  if (outputs === extent && scale === 1) return x
  if (isNearest && outputs % extent === 0 && scale === extent / outputs) return repeated(x, axis, outputs / extent)
  const places = Array.from({ length: outputs }, (_, o) => o)
  const inside = (i: number): number => Math.min(Math.max(i, 0), extent - 1)
  if (isNearest) {
    const shift = mode === 'nearest' ? 0 : 0.5
    return mapAxis(
      x,
      axis,
      places.map((o) => [{ at: inside(Math.floor((o + shift) * scale)), weight: 1 }]),
    )
  }
  const source = (o: number): number =>
    alignCorners ? (outputs > 1 ? (o * (extent - 1)) / (outputs - 1) : 0) : scale * (o + 0.5) - 0.5
  const rows: Rows = places.map((o) => {
    const s = mode === 'bicubic' ? source(o) : Math.max(source(o), 0)
    const first = Math.floor(s)
    const weights = mode === 'bicubic' ? cubic(s - first) : [1 - (s - first), s - first]
    const start = mode === 'bicubic' ? first - 1 : first
    return merged(weights.map((weight, k) => ({ at: inside(start + k), weight })))
  })
  return mapAxis(x, axis, rows)
}

/** Every element `times` times: a view. */
function repeated(x: Node, axis: number, times: number): Node {
  const wide = x.shape.flatMap((d, i) => (i === axis ? [d, times] : [d]))
  const narrow = x.shape.flatMap((d, i) => (i === axis ? [d, 1] : [d]))
  const shape = x.shape.map((d, i) => (i === axis ? d * times : d))
  return ops.reshape(ops.broadcastTo(ops.reshape(x, narrow), wide), shape)
}

/** Weights of the four neighbours of a point at `t` between the second and third (Keys 1981, a = −0.75). */
function cubic(t: number): number[] {
  const a = -0.75
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
  return [far(1 + t), near(t), near(1 - t), far(2 - t)]
}

/** One tap per position, without those of no weight. */
function merged(taps: Rows[number]): Rows[number] {
  const weights = new Map<number, number>()
  for (const { at, weight } of taps) weights.set(at, (weights.get(at) ?? 0) + weight)
  const kept = [...weights].flatMap(([at, weight]) => (weight === 0 ? [] : [{ at, weight }]))
  return kept.length > 0 ? kept : [{ at: taps[0].at, weight: 0 }]
}
