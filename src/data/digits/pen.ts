/**
 * @file Ink on paper: an anti-aliased line of varying width, slightly blurred as by a scanner.
 */

import type { Random } from '../random.ts'
import type { Line } from './hand.ts'

/** Draws lines into images of one size, reusing its buffers. */
export class Pen {
  readonly #side: number
  readonly #ink: Float64Array
  readonly #blurred: Float64Array

  /** @param side width and height of the images in pixels */
  constructor(side: number) {
    this.#side = side
    this.#ink = new Float64Array(side * side)
    this.#blurred = new Float64Array(side * side)
  }

  /** Writes the image, white (255) on black (0), into the `side × side` bytes of `out` from `offset`. */
  draw(line: Line, random: Random, out: Uint8Array, offset: number): void {
    this.#ink.fill(0)
    let stroke = 0
    for (let i = 0; i < line.x.length; i++) {
      if (i === line.starts[stroke]) stroke++
      else this.#segment(line, i - 1, i)
    }
    this.#blur(random.uniform(0.02, 0.14))
    const gain = random.uniform(260, 360)
    const grain = random.uniform(0, 0.12)
    for (let i = 0; i < this.#ink.length; i++) {
      // Noise only where there is ink: the paper of a scanned and thresholded form is plain black.
      const ink = this.#ink[i]
      out[offset + i] = ink === 0 ? 0 : Math.min(255, Math.round(gain * ink * (1 - grain * random.uniform())))
    }
  }

  /** Covers the pixels within a radius of the piece from vertex `a` to vertex `b`. */
  #segment(line: Line, a: number, b: number): void {
    const side = this.#side
    const ink = this.#ink
    const [ax, ay, bx, by] = [line.x[a], line.y[a], line.x[b], line.y[b]]
    const [ra, rb] = [line.radius[a], line.radius[b]]
    const [dx, dy] = [bx - ax, by - ay]
    const inverse = 1 / (dx * dx + dy * dy + 1e-9)
    const reach = Math.max(ra, rb) + 0.5
    const x0 = Math.max(0, Math.floor(Math.min(ax, bx) - reach))
    const x1 = Math.min(side - 1, Math.ceil(Math.max(ax, bx) + reach))
    const y0 = Math.max(0, Math.floor(Math.min(ay, by) - reach))
    const y1 = Math.min(side - 1, Math.ceil(Math.max(ay, by) + reach))
    for (let row = y0; row <= y1; row++) {
      for (let column = x0; column <= x1; column++) {
        const [px, py] = [column + 0.5 - ax, row + 0.5 - ay]
        const along = (px * dx + py * dy) * inverse
        const t = along < 0 ? 0 : along > 1 ? 1 : along
        const [ex, ey] = [px - t * dx, py - t * dy]
        const radius = ra + t * (rb - ra)
        // The pixel's coverage, taken as linear over the pixel that straddles the edge.
        const cover = Math.min(1, radius + 0.5 - Math.sqrt(ex * ex + ey * ey))
        const i = row * side + column
        if (cover > ink[i]) ink[i] = cover
      }
    }
  }

  /** Convolves with `[w, 1 − 2w, w]` in both directions. */
  #blur(w: number): void {
    const side = this.#side
    const passes: [from: Float64Array, to: Float64Array, step: number][] = [
      [this.#ink, this.#blurred, 1],
      [this.#blurred, this.#ink, side],
    ]
    // Lines stay a pixel away from the border, so the border itself needs no blur (and its neighbours exist).
    for (const [from, to, step] of passes) {
      to.fill(0)
      for (let row = 1; row < side - 1; row++) {
        for (let i = row * side + 1; i < (row + 1) * side - 1; i++) {
          to[i] = from[i] + w * (from[i - step] + from[i + step] - 2 * from[i])
        }
      }
    }
  }
}
