/**
 * @file Finds 3 × 3 convolutions of stride 1 among contractions: two loops of extent 3 that move the image by the same
 * strides as two longer ones. Where the short ones are summed, it is a convolution (or the gradient with respect to its
 * input, which is one, too); where the long ones are, the gradient with respect to its filter.
 */
import { newVar, type Var } from '../index.ts'
import type { Contraction, ContractionDim } from '../kernel.ts'
import type { Canonical } from './contraction-dims.ts'
import type { Side } from './contraction-plan.ts'

/** A loop with its strides, in elements, in the image and in the other operand. */
export interface Axis {
  readonly v: Var
  readonly extent: number
  readonly image: number
  readonly other: number
}

export interface Conv3x3 {
  /** convolution: the other operand is the filter; gradient: it has the shape of the convolution's result. */
  readonly kind: 'convolution' | 'gradient'
  readonly image: Side
  readonly other: Side
  readonly images: Axis
  /** Channels of the image, and of the convolution's result. */
  readonly channels: Axis
  readonly filters: Axis
  /** Of the convolution's result. */
  readonly rows: Axis
  readonly cols: Axis
  /** Of the filter. */
  readonly tapRows: Axis
  readonly tapCols: Axis
}

/** The convolution that a contraction is; null where it is none, is empty, or has groups. */
export function matchConv3x3(c: Contraction, form: Canonical): Conv3x3 | null {
  if (form.dims.some((d) => d.role === 'batch' || d.v.extent === 0)) return null
  return match(c, form, 'b') ?? match(c, form, 'a')
}

/** The convolution whose image is operand `side`. */
function match(c: Contraction, form: Canonical, side: 'a' | 'b'): Conv3x3 | null {
  const axes = (role: ContractionDim['role']): Axis[] =>
    form.dims
      .filter((d) => d.role === role)
      .map((d) => ({
        v: d.v,
        extent: d.v.extent,
        image: side === 'b' ? d.b : d.a,
        other: side === 'b' ? d.a : d.b,
      }))
  const summed = axes('k')
  const own = axes(side === 'b' ? 'n' : 'm')
  const theirs = axes(side === 'b' ? 'm' : 'n')
  const sides = { image: side === 'b' ? c.b : c.a, other: side === 'b' ? c.a : c.b }
  if (theirs.length > 1) return null
  const filters = theirs[0] ?? none()
  for (const kind of ['convolution', 'gradient'] as const) {
    const [taps, places] = kind === 'convolution' ? [summed, own] : [own, summed]
    for (const [tapRows, rows, tapCols, cols] of windows(taps, places)) {
      if (kind === 'gradient' && cols.other !== 1) continue
      const moreTaps = taps.filter((x) => x !== tapRows && x !== tapCols)
      const morePlaces = places.filter((x) => x !== rows && x !== cols)
      if (moreTaps.length > 1 || morePlaces.length > 1) continue
      const [channels, images] = [moreTaps[0] ?? none(), morePlaces[0] ?? none()]
      return { kind, ...sides, images, channels, filters, rows, cols, tapRows, tapCols }
    }
  }
  return null
}

/** Pairs of taps and the pairs of places that move the image alike, lines of the image contiguous. */
function windows(taps: readonly Axis[], places: readonly Axis[]): [Axis, Axis, Axis, Axis][] {
  const found: [Axis, Axis, Axis, Axis][] = []
  for (const tapCols of taps) {
    const cols = places.find((x) => x.image === 1)
    if (cols === undefined || tapCols.extent !== 3 || tapCols.image !== 1) continue
    for (const tapRows of taps) {
      const rows = places.find((x) => x !== cols && x.image === tapRows.image)
      if (rows && tapRows !== tapCols && tapRows.extent === 3) found.push([tapRows, rows, tapCols, cols])
    }
  }
  return found
}

const none = (): Axis => ({ v: newVar(1), extent: 1, image: 0, other: 0 })
