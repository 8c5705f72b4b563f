/**
 * @file Moving a scene by a projective map: pixels by bilinear interpolation, masks by their nearest pixel, boxes by the
 * box around their corners, keypoints as points.
 *
 * Coordinates are in pixels, the centre of the first pixel being (0.5, 0.5), so that boxes and pixels agree.
 */

import type { Item } from '../source.ts'
import type { Scene } from './scene.ts'

/** A 3 × 3 matrix, row by row, for columns (x, y, 1). */
export type Matrix = readonly [number, number, number, number, number, number, number, number, number]

export const identity: Matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1]

/** First `b`, then `a`. */
export function compose(a: Matrix, b: Matrix): Matrix {
  const at = (i: number, j: number): number => a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]
  return [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)]
}

export function translation(x: number, y: number): Matrix {
  return [1, 0, x, 0, 1, y, 0, 0, 1]
}

/** About the point (x, y): the linear map (a, b; c, d). */
export function about(x: number, y: number, [a, b, c, d]: readonly [number, number, number, number]): Matrix {
  return compose(translation(x, y), compose([a, b, 0, c, d, 0, 0, 0, 1], translation(-x, -y)))
}

/** By cofactors, up to a factor, which projective maps do not see. */
export function inverse([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  return [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ]
}

/** Where the map takes (x, y). */
export function project(m: Matrix, x: number, y: number): [x: number, y: number] {
  const w = m[6] * x + m[7] * y + m[8]
  return [(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w]
}

/** The map that takes four points to four others, `[x, y]` each: eight linear equations, by elimination. */
export function projection(
  from: readonly (readonly [number, number])[],
  to: readonly (readonly [number, number])[],
): Matrix {
  const rows = from.flatMap(([x, y], i) => {
    const [u, v] = to[i]
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ]
  })
  for (let column = 0; column < 8; column++) {
    let best = column
    for (let r = column + 1; r < 8; r++) if (Math.abs(rows[r][column]) > Math.abs(rows[best][column])) best = r
    ;[rows[column], rows[best]] = [rows[best], rows[column]]
    for (let r = 0; r < 8; r++) {
      if (r === column) continue
      const factor = rows[r][column] / rows[column][column]
      for (let k = column; k < 9; k++) rows[r][k] -= factor * rows[column][k]
    }
  }
  const s = rows.map((row, i) => row[8] / row[i])
  return [s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], 1]
}

/** Boxes of which less than this part stays in the picture are taken away. */
const VISIBLE = 0.1

/**
 * The scene seen through the map.
 *
 * @param map from old coordinates to new ones
 * @param size height and width of the new picture
 * @param fill what lies outside, 0 by default
 */
export function warp(scene: Scene, map: Matrix, size: readonly [number, number], fill = 0): Scene {
  const back = inverse(map)
  return moved(scene, map, size, {
    x: bilinear(scene.x, back, size, fill),
    ...(scene.masks ? { masks: nearest(scene.masks, back, size) } : {}),
  })
}

/** The scene with these pixels, its boxes and keypoints moved by the map. */
export function moved(
  scene: Scene,
  map: Matrix,
  size: readonly [height: number, width: number],
  pixels: { readonly x: Item; readonly masks?: Item },
): Scene {
  const { boxes, keypoints } = scene
  const out: { -readonly [K in keyof Scene]: Scene[K] } = { ...scene, ...pixels }
  if (keypoints) out.keypoints = movePoints(keypoints, map, size)
  if (!boxes) return out
  const { data, kept } = moveBoxes(boxes, map, size)
  const count = boxes.shape[0]
  const rows = (item: Item): Item => pick(item, kept)
  out.boxes = rows({ data, shape: boxes.shape })
  if (out.labels?.shape[0] === count) out.labels = rows(out.labels)
  if (out.keypoints?.shape[0] === count) out.keypoints = rows(out.keypoints)
  if (out.masks?.shape.length === 3 && out.masks.shape[0] === count) out.masks = rows(out.masks)
  return out
}

function moveBoxes(
  { data, shape }: Item,
  map: Matrix,
  [height, width]: readonly [number, number],
): { data: Float32Array; kept: number[] } {
  const out = new Float32Array(data.length)
  const kept: number[] = []
  for (let i = 0; i < shape[0]; i++) {
    const [left, top, right, bottom] = data.subarray(4 * i, 4 * i + 4)
    const corners = [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ].map(([x, y]) => project(map, x, y))
    const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)]
    const whole = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
    const seen = whole.map((value, side) => Math.min(side % 2 ? height : width, Math.max(0, value)))
    out.set(seen, 4 * i)
    const area = ([l, t, r, b]: readonly number[]): number => Math.max(0, r - l) * Math.max(0, b - t)
    if (area(seen) > 0 && area(seen) >= VISIBLE * area(whole)) kept.push(i)
  }
  return { data: out, kept }
}

function movePoints({ data, shape }: Item, map: Matrix, [height, width]: readonly [number, number]): Item {
  const out = Float32Array.from(data)
  for (let i = 0; i < data.length; i += 3) {
    if (data[i + 2] === 0) continue
    const [x, y] = project(map, data[i], data[i + 1])
    const inside = x >= 0 && y >= 0 && x < width && y < height
    out.set(inside ? [x, y, data[i + 2]] : [0, 0, 0], i)
  }
  return { data: out, shape }
}

/** The rows at these places. */
function pick({ data, shape }: Item, rows: readonly number[]): Item {
  const size = shape[0] === 0 ? 0 : data.length / shape[0]
  const out = blank(data, rows.length * size)
  rows.forEach((row, i) => {
    out.set(data.subarray(row * size, (row + 1) * size), i * size)
  })
  return { data: out, shape: [rows.length, ...shape.slice(1)] }
}

/** An array of the same kind. */
export function blank(data: Item['data'], length: number): Item['data'] {
  if (data instanceof Float32Array) return new Float32Array(length)
  return data instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length)
}

function bilinear({ data, shape }: Item, back: Matrix, [height, width]: readonly [number, number], fill: number): Item {
  const [channels, rows, columns] = shape
  const out = blank(data, channels * height * width)
  const whole = !(data instanceof Float32Array)
  const value = (c: number, x: number, y: number): number =>
    x >= 0 && y >= 0 && x < columns && y < rows ? data[(c * rows + y) * columns + x] : fill
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // As `project` does, without an array for each pixel.
      const w = back[6] * (x + 0.5) + back[7] * (y + 0.5) + back[8]
      const u = snapped((back[0] * (x + 0.5) + back[1] * (y + 0.5) + back[2]) / w - 0.5)
      const v = snapped((back[3] * (x + 0.5) + back[4] * (y + 0.5) + back[5]) / w - 0.5)
      const [left, top] = [Math.floor(u), Math.floor(v)]
      const [fx, fy] = [u - left, v - top]
      for (let c = 0; c < channels; c++) {
        let sum = (1 - fx) * (1 - fy) * value(c, left, top)
        if (fx > 0) sum += fx * (1 - fy) * value(c, left + 1, top)
        if (fy > 0) sum += (1 - fx) * fy * value(c, left, top + 1)
        if (fx > 0 && fy > 0) sum += fx * fy * value(c, left + 1, top + 1)
        out[(c * height + y) * width + x] = whole ? Math.round(sum) : sum
      }
    }
  }
  return { data: out, shape: [channels, height, width] }
}

/** Whole numbers within rounding become whole, so that shifts by pixels copy. */
function snapped(value: number): number {
  const near = Math.round(value)
  return Math.abs(value - near) < 1e-6 ? near : value
}

function nearest({ data, shape }: Item, back: Matrix, [height, width]: readonly [number, number]): Item {
  const [rows, columns] = shape.slice(-2)
  const layers = shape.length === 3 ? shape[0] : 1
  const out = blank(data, layers * height * width)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = project(back, x + 0.5, y + 0.5).map(Math.floor)
      if (!(u >= 0 && v >= 0 && u < columns && v < rows)) continue
      for (let l = 0; l < layers; l++) out[(l * height + y) * width + x] = data[(l * rows + v) * columns + u]
    }
  }
  return { data: out, shape: [...shape.slice(0, -2), height, width] }
}
