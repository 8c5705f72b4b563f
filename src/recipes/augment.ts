/**
 * @file Augmentation within the training step: pictures moved at random, each by draws of its own.
 *
 * As tensor functions they are compiled into the step and draw from the default generator, whose state checkpoints hold;
 * a resumed run sees the pictures that it would have seen. Those of `glia/data` change examples before they are batched.
 */

import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { arange } from '../tensor/factories.ts'
import { bernoulli, randint, uniform } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** From pictures `[B, C, H, W]` to as many of the same size. */
export type Augment = (x: Tensor) => Tensor

/**
 * Pictures moved by up to `padding` pixels either way, as if cut from a picture with a border of zeros, and half of them
 * mirrored: the augmentation of CIFAR-10 (He et al. 2016).
 *
 * @param padding whole number of pixels, 4 by default
 * @param flip whether half of them are mirrored, true by default; letters and digits must not be
 * @throws GliaError if `padding` is no whole number of at least 0, or the input is not `[B, C, H, W]`
 */
export function cropAndFlip(padding = 4, flip = true): Augment {
  if (!Number.isInteger(padding) || padding < 0) {
    throw new GliaError(`cropAndFlip: padding must be a whole number of at least 0; received ${padding}.`)
  }
  return (x) => {
    const { batch, height, width, device } = sizesOf('cropAndFlip', x)
    const [down, across] = [0, 1].map(() => randint(-padding, padding + 1, [batch, 1, 1], { device }))
    const rows = arange(height, undefined, 1, { device }).reshape([1, height, 1])
    const columns = arange(width, undefined, 1, { device }).reshape([1, 1, width])
    if (!flip) return pixels(x, rows.add(down), columns.add(across))
    const mirror = bernoulli(0.5, [batch, 1, 1], { device })
    const mirrored = columns.neg().add(width - 1)
    return pixels(x, rows.add(down), mirrored.where(mirror, columns).add(across))
  }
}

export interface WobbleOptions {
  /** Greatest angle either way, 10 by default. */
  readonly degrees?: number
  /** Greatest distance either way in pixels, 2 by default. */
  readonly shift?: number
  /** Greatest change of size either way: 0.1, the default, makes it 0.9 to 1.1 times as large. */
  readonly scale?: number
}

/**
 * Pictures turned, moved and scaled about their middle, with linear interpolation and zeros from outside: what
 * handwriting varies in (Simard, Steinkraus & Platt 2003).
 *
 * @throws GliaError if an option is negative or `scale` not below 1, or the input is not `[B, C, H, W]`
 */
export function wobble({ degrees = 10, shift = 2, scale = 0.1 }: WobbleOptions = {}): Augment {
  for (const [name, value] of Object.entries({ degrees, shift, scale })) {
    if (value >= 0 && value < (name === 'scale' ? 1 : Number.POSITIVE_INFINITY)) continue
    throw new GliaError(
      `wobble: ${name} must be a number of at least 0${name === 'scale' ? ' and below 1' : ''}; received ${value}.`,
    )
  }
  return (x) => {
    const { batch, height, width, device } = sizesOf('wobble', x)
    const drawn = (greatest: number): Tensor => uniform(-greatest, greatest, [batch, 1, 1], { device })
    const angle = drawn((degrees * Math.PI) / 180)
    const size = drawn(scale).add(1)
    const [cos, sin] = [angle.cos().div(size), angle.sin().div(size)]
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2]
    const v = arange(height, undefined, 1, { device }).reshape([1, height, 1]).sub(middleY)
    const u = arange(width, undefined, 1, { device }).reshape([1, 1, width]).sub(middleX)
    // Where each new pixel comes from: the movement backwards.
    const y = v.mul(cos).sub(u.mul(sin)).add(drawn(shift)).add(middleY)
    const z = v.mul(sin).add(u.mul(cos)).add(drawn(shift)).add(middleX)
    return between(x, y, z)
  }
}

/** `x` at rows and columns that lie between pixels: the four around each, weighted by nearness. */
function between(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [top, left] = [rows.floor(), columns.floor()]
  const [down, across] = [rows.sub(top), columns.sub(left)].map((t) => t.unsqueeze(1))
  const at = (dy: number, dx: number): Tensor => pixels(x, top.add(dy).int(), left.add(dx).int())
  const mixed = (a: Tensor, b: Tensor, share: Tensor): Tensor => a.add(b.sub(a).mul(share))
  return mixed(mixed(at(0, 0), at(0, 1), across), mixed(at(1, 0), at(1, 1), across), down)
}

/** `x` `[B, C, H, W]` at whole rows and columns, together `[B, H, W]`; 0 outside the picture. */
function pixels(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape
  const inside = (at: Tensor, extent: number): Tensor => at.ge(0).and(at.lt(extent))
  const flat = rows
    .clamp(0, height - 1)
    .mul(width)
    .add(columns.clamp(0, width - 1))
  const index = flat.reshape([batch, 1, height * width]).expand([batch, channels, height * width])
  const taken = x
    .reshape([batch, channels, height * width])
    .gather(2, index)
    .reshape(x.shape)
  return taken.where(inside(rows, height).and(inside(columns, width)).unsqueeze(1), 0)
}

function sizesOf(
  operation: string,
  x: Tensor,
): { batch: number; height: number; width: number; device: Tensor['device'] } {
  if (x.rank !== 4) throw new GliaError(`${operation}: takes pictures [B, C, H, W]; received ${showShape(x.shape)}.`)
  const [batch, , height, width] = x.shape
  return { batch, height, width, device: x.device }
}
