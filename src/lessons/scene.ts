/** @file A picture to convolve, drawn by arithmetic: a house under a sun, with a fence and a meadow. Grey, 0 … 1. */

import type { Picture } from '../data/image.ts'
import { Random } from '../data/index.ts'
import { type Tensor, tensor } from '../index.ts'
import { numbers } from './support.ts'

export const SIDE = 128

/** `[128, 128]` */
export function scene(): Tensor {
  const random = new Random(7)
  const grain = Array.from({ length: SIDE * SIDE }, () => random.bell())
  // Each point is the mean of 2 × 2 samples, so that edges are as soft as in a photograph.
  return tensor(
    Array.from({ length: SIDE }, (_, y) =>
      Array.from({ length: SIDE }, (_, x) => {
        const offsets = [0.25, 0.75]
        const light =
          offsets.flatMap((dy) => offsets.map((dx) => brightness(x + dx, y + dy))).reduce((a, b) => a + b) / 4
        return Math.min(1, Math.max(0, light + 0.012 * grain[y * SIDE + x]))
      }),
    ),
  )
}

function brightness(x: number, y: number): number {
  const inside = (left: number, top: number, right: number, bottom: number): boolean =>
    x >= left && x < right && y >= top && y < bottom
  if (inside(46, 66, 56, 92)) return 0.18 // door
  if (inside(64, 68, 80, 80)) return (x - 64) % 8 < 1 || (y - 68) % 6 < 1 ? 0.85 : 0.3 // window with bars
  if (inside(38, 56, 90, 92)) return 0.72 // wall
  if (y >= 32 && y < 56 && Math.abs(x - 64) < (y - 32) * 1.35) return 0.42 + 0.06 * (Math.floor(y / 4) % 2) // roof
  if (Math.hypot(x - 104, y - 24) < 12) return 0.97 // sun
  if (y > 92) return y > 100 && y < 116 && x % 10 < 4 ? 0.9 : 0.34 + 0.1 * Math.sin(x / 5) * Math.sin(y / 3) // fence, meadow
  const hill = 84 - 12 * Math.sin((x - 20) / 26)
  return y > hill ? 0.5 : 0.62 + 0.25 * (y / SIDE) // hill, sky
}

/**
 * A tensor `[H, W]` as a picture: `low` black, `high` white (default: its own least and greatest value).
 */
export function picture(image: Tensor, low?: number, high?: number): Picture {
  const values = numbers(image)
  const least = low ?? Math.min(...values)
  const most = high ?? Math.max(...values)
  const data = Uint8Array.from(values, (v) =>
    Math.round(255 * Math.min(1, Math.max(0, (v - least) / (most - least || 1)))),
  )
  return { width: image.shape[1], height: image.shape[0], channels: 1, data }
}
