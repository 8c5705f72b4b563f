/** @file Padding of sequences, images and volumes as layers. */
import { GliaError } from '../core/errors.ts'
import { type PadMode, pad, type Widths } from '../tensor/pad.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkImages } from './functional/spatial.ts'
import { Module } from './module.ts'

/** One width for all sides, or `[left, right]`, `[left, right, top, bottom]`, `[left, right, top, bottom, front, back]`. */
export type PadWidths = number | readonly number[]

abstract class Padding extends Module {
  readonly padding: readonly number[]
  readonly #fill: number | PadMode

  constructor(axes: number, padding: PadWidths, fill: number | PadMode) {
    super()
    this.padding = typeof padding === 'number' ? new Array<number>(2 * axes).fill(padding) : padding
    const least = typeof fill === 'number' ? -Infinity : 0
    if (this.padding.length !== 2 * axes || this.padding.some((p) => !Number.isInteger(p) || p < least)) {
      throw new GliaError(
        `${new.target.name}: padding must be a whole number${least === 0 ? ' of at least 0' : ''}, or ${2 * axes} of them; ` +
          `received ${JSON.stringify(padding)}.`,
      )
    }
    this.#fill = fill
  }

  forward(x: Tensor): Tensor {
    const axes = this.padding.length / 2
    checkImages(this.constructor.name, x, axes)
    // The last axis comes first.
    const pairs: Widths = Array.from({ length: axes }, (_, i) => {
      const at = 2 * (axes - 1 - i)
      return [this.padding[at], this.padding[at + 1]]
    })
    return pad(x, pairs, this.#fill)
  }
}

/** Elements equal to `value` on each side: `[B, C, L] → [B, C, left + L + right]`. Negative widths crop. */
export class ConstantPad1d extends Padding {
  constructor(padding: PadWidths, value: number) {
    super(1, padding, value)
  }
}

/** As `ConstantPad1d`, of `[B, C, H, W]`. */
export class ConstantPad2d extends Padding {
  constructor(padding: PadWidths, value: number) {
    super(2, padding, value)
  }
}

/** As `ConstantPad1d`, of `[B, C, D, H, W]`. */
export class ConstantPad3d extends Padding {
  constructor(padding: PadWidths, value: number) {
    super(3, padding, value)
  }
}

/** Zeros on each side: `[B, C, L] → [B, C, left + L + right]`. Negative widths crop. */
export class ZeroPad1d extends Padding {
  constructor(padding: PadWidths) {
    super(1, padding, 0)
  }
}

/** As `ZeroPad1d`, of `[B, C, H, W]`. */
export class ZeroPad2d extends Padding {
  constructor(padding: PadWidths) {
    super(2, padding, 0)
  }
}

/** As `ZeroPad1d`, of `[B, C, D, H, W]`. */
export class ZeroPad3d extends Padding {
  constructor(padding: PadWidths) {
    super(3, padding, 0)
  }
}

/** The image mirrored at its edges, which are not repeated: `[B, C, L] → [B, C, left + L + right]`. */
export class ReflectionPad1d extends Padding {
  constructor(padding: PadWidths) {
    super(1, padding, 'reflect')
  }
}

/** As `ReflectionPad1d`, of `[B, C, H, W]`. */
export class ReflectionPad2d extends Padding {
  constructor(padding: PadWidths) {
    super(2, padding, 'reflect')
  }
}

/** As `ReflectionPad1d`, of `[B, C, D, H, W]`. */
export class ReflectionPad3d extends Padding {
  constructor(padding: PadWidths) {
    super(3, padding, 'reflect')
  }
}

/** The edges repeated: `[B, C, L] → [B, C, left + L + right]`. */
export class ReplicationPad1d extends Padding {
  constructor(padding: PadWidths) {
    super(1, padding, 'replicate')
  }
}

/** As `ReplicationPad1d`, of `[B, C, H, W]`. */
export class ReplicationPad2d extends Padding {
  constructor(padding: PadWidths) {
    super(2, padding, 'replicate')
  }
}

/** As `ReplicationPad1d`, of `[B, C, D, H, W]`. */
export class ReplicationPad3d extends Padding {
  constructor(padding: PadWidths) {
    super(3, padding, 'replicate')
  }
}

/** What comes from the other end: `[B, C, L] → [B, C, left + L + right]`. */
export class CircularPad1d extends Padding {
  constructor(padding: PadWidths) {
    super(1, padding, 'circular')
  }
}

/** As `CircularPad1d`, of `[B, C, H, W]`. */
export class CircularPad2d extends Padding {
  constructor(padding: PadWidths) {
    super(2, padding, 'circular')
  }
}

/** As `CircularPad1d`, of `[B, C, D, H, W]`. */
export class CircularPad3d extends Padding {
  constructor(padding: PadWidths) {
    super(3, padding, 'circular')
  }
}
