/** @file Padding of sequences, images and volumes as layers. */
import { GliaError } from '../core/errors.ts'
import { type PadMode, pad, type Widths } from '../tensor/pad.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { SpatialModule } from './spatial.ts'

/** One width for all sides, or `[left, right]`, `[left, right, top, bottom]`, `[left, right, top, bottom, front, back]`. */
export type PadWidths = number | readonly number[]

abstract class Padding extends SpatialModule {
  readonly padding: readonly number[]
  readonly #fill: number | PadMode

  constructor(padding: PadWidths, fill: number | PadMode) {
    super()
    const { axes } = this
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
    const { axes } = this
    this.check(x)
    // The last axis comes first.
    const pairs: Widths = Array.from({ length: axes }, (_, i) => {
      const at = 2 * (axes - 1 - i)
      return [this.padding[at], this.padding[at + 1]]
    })
    return pad(x, pairs, this.#fill)
  }
}

abstract class ConstantPad extends Padding {
  constructor(padding: PadWidths, value: number) {
    super(padding, value)
  }
}

/** Elements equal to `value` on each side: `[B, C, L] → [B, C, left + L + right]`. Negative widths crop. */
export class ConstantPad1d extends ConstantPad {
  protected static override readonly axes = 1
}

/** As `ConstantPad1d`, of `[B, C, H, W]`. */
export class ConstantPad2d extends ConstantPad {
  protected static override readonly axes = 2
}

/** As `ConstantPad1d`, of `[B, C, D, H, W]`. */
export class ConstantPad3d extends ConstantPad {
  protected static override readonly axes = 3
}

abstract class ZeroPad extends Padding {
  constructor(padding: PadWidths) {
    super(padding, 0)
  }
}

/** Zeros on each side: `[B, C, L] → [B, C, left + L + right]`. Negative widths crop. */
export class ZeroPad1d extends ZeroPad {
  protected static override readonly axes = 1
}

/** As `ZeroPad1d`, of `[B, C, H, W]`. */
export class ZeroPad2d extends ZeroPad {
  protected static override readonly axes = 2
}

/** As `ZeroPad1d`, of `[B, C, D, H, W]`. */
export class ZeroPad3d extends ZeroPad {
  protected static override readonly axes = 3
}

abstract class ReflectionPad extends Padding {
  constructor(padding: PadWidths) {
    super(padding, 'reflect')
  }
}

/** The image mirrored at its edges, which are not repeated: `[B, C, L] → [B, C, left + L + right]`. */
export class ReflectionPad1d extends ReflectionPad {
  protected static override readonly axes = 1
}

/** As `ReflectionPad1d`, of `[B, C, H, W]`. */
export class ReflectionPad2d extends ReflectionPad {
  protected static override readonly axes = 2
}

/** As `ReflectionPad1d`, of `[B, C, D, H, W]`. */
export class ReflectionPad3d extends ReflectionPad {
  protected static override readonly axes = 3
}

abstract class ReplicationPad extends Padding {
  constructor(padding: PadWidths) {
    super(padding, 'replicate')
  }
}

/** The edges repeated: `[B, C, L] → [B, C, left + L + right]`. */
export class ReplicationPad1d extends ReplicationPad {
  protected static override readonly axes = 1
}

/** As `ReplicationPad1d`, of `[B, C, H, W]`. */
export class ReplicationPad2d extends ReplicationPad {
  protected static override readonly axes = 2
}

/** As `ReplicationPad1d`, of `[B, C, D, H, W]`. */
export class ReplicationPad3d extends ReplicationPad {
  protected static override readonly axes = 3
}

abstract class CircularPad extends Padding {
  constructor(padding: PadWidths) {
    super(padding, 'circular')
  }
}

/** What comes from the other end: `[B, C, L] → [B, C, left + L + right]`. */
export class CircularPad1d extends CircularPad {
  protected static override readonly axes = 1
}

/** As `CircularPad1d`, of `[B, C, H, W]`. */
export class CircularPad2d extends CircularPad {
  protected static override readonly axes = 2
}

/** As `CircularPad1d`, of `[B, C, D, H, W]`. */
export class CircularPad3d extends CircularPad {
  protected static override readonly axes = 3
}
