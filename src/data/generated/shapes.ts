/** @file Pictures of coloured shapes that know their boxes, masks, keypoints and captions: for detection and captioning. */

import { Random } from '../random.ts'
import { fill } from '../readers/coco.ts'
import type { Item, MapSource } from '../source.ts'
import { checkCount } from './points.ts'

export interface ShapesOptions {
  /** Number of pictures, 1,000 by default. */
  readonly count?: number
  /** Side of the pictures in pixels, 64 by default, at least 16. */
  readonly size?: number
  /** Most shapes in a picture, 3 by default; at least one. */
  readonly most?: number
  /** Safe integer, 0 by default. */
  readonly seed?: number
}

/** A picture and what is in it; of N shapes, those in front hide those behind. */
export interface ShapesExample {
  /** uint8 `[3, S, S]`. */
  readonly x: Item
  /** float32 `[N, 4]`: left, top, right and bottom of what can be seen, in pixels. */
  readonly boxes: Item
  /** int32 `[N]`: see `shapeClasses`. */
  readonly labels: Item
  /** uint8 `[N, S, S]`: 1 where the shape can be seen. */
  readonly masks: Item
  /** float32 `[N, 5, 3]`: centre, leftmost, topmost, rightmost and lowest point; visibility 2, or 1 where hidden. */
  readonly keypoints: Item
  /** Such as `a red circle left of a blue square`, from left to right. */
  readonly caption: string
}

/** Names by class number. */
export const shapeClasses: readonly string[] = ['circle', 'square', 'triangle']

const COLOURS: readonly (readonly [name: string, r: number, g: number, b: number])[] = [
  ['red', 214, 48, 49],
  ['green', 39, 174, 96],
  ['blue', 41, 98, 214],
  ['yellow', 241, 196, 15],
  ['white', 245, 245, 245],
]

/** Points on the unit circle: no sines, so that every engine draws the same pixels. */
const CIRCLE = outline([
  [1, 0],
  [0.96, 0.28],
  [0.8, 0.6],
  [0.6, 0.8],
  [0.28, 0.96],
])
const SQUARE = [-0.8, -0.8, 0.8, -0.8, 0.8, 0.8, -0.8, 0.8]
const TRIANGLE = [0, -1, 0.9, 0.7, -0.9, 0.7]
const POLYGONS = [CIRCLE, SQUARE, TRIANGLE]

/** A quarter of a circle, turned three times. */
function outline(quarter: readonly (readonly [number, number])[]): number[] {
  const turns = [
    ([x, y]: readonly [number, number]) => [x, y],
    ([x, y]: readonly [number, number]) => [-y, x],
    ([x, y]: readonly [number, number]) => [-x, -y],
    ([x, y]: readonly [number, number]) => [y, -x],
  ]
  return turns.flatMap((turn) => quarter.flatMap(turn))
}

/** A shape is left out if less than this part of it can be seen. */
const VISIBLE = 0.4

interface Shape {
  readonly kind: number
  readonly colour: number
  readonly polygon: readonly number[]
  readonly centre: readonly [number, number]
  readonly mask: Uint8Array
  readonly area: number
}

/**
 * Pictures of circles, squares and triangles on a dark, grainy ground. Picture `i` depends on the seed, the size and `i`
 * alone, and is drawn when it is asked for.
 *
 * @throws GliaError if a number is not whole or too small
 */
export function shapes(
  options: ShapesOptions = {},
): MapSource<ShapesExample> & { readonly classes: readonly string[] } {
  const { count = 1000, size = 64, most = 3, seed = 0 } = options
  checkCount('shapes', 'count', count)
  checkCount('shapes', 'size', size, 16)
  checkCount('shapes', 'most', most)
  return { length: count, classes: shapeClasses, get: (i) => draw(new Random(seed, i), size, most) }
}

function draw(random: Random, size: number, most: number): ShapesExample {
  const shapesHere: Shape[] = []
  for (let n = 1 + random.below(most); n > 0; n--) {
    const next = place(random, size)
    // The new one hides what lies behind it; if that hides too much, it is not put there.
    const hidden = shapesHere.map(({ mask }) => mask.map((value, i) => (next.mask[i] ? 0 : value)))
    const enough = hidden.every((mask, i) => areaOf(mask) >= VISIBLE * shapesHere[i].area)
    if (!enough) continue
    hidden.forEach((mask, i) => {
      shapesHere[i] = { ...shapesHere[i], mask }
    })
    shapesHere.push(next)
  }
  const n = shapesHere.length
  const area = size * size
  const masks = new Uint8Array(n * area)
  shapesHere.forEach(({ mask }, i) => {
    masks.set(mask, i * area)
  })
  return {
    x: paint(shapesHere, random, size),
    boxes: { data: Float32Array.from(shapesHere.flatMap(({ mask }) => boxOf(mask, size))), shape: [n, 4] },
    labels: { data: Int32Array.from(shapesHere, ({ kind }) => kind), shape: [n] },
    masks: { data: masks, shape: [n, size, size] },
    keypoints: { data: Float32Array.from(shapesHere.flatMap((shape) => keypointsOf(shape, size))), shape: [n, 5, 3] },
    caption: captionOf(shapesHere),
  }
}

function place(random: Random, size: number): Shape {
  const kind = random.below(POLYGONS.length)
  const radius = size * random.uniform(0.12, 0.25)
  const centre = [random.uniform(radius, size - radius), random.uniform(radius, size - radius)] as const
  const polygon = POLYGONS[kind].map((value, i) => centre[i % 2] + radius * value)
  const mask = new Uint8Array(size * size)
  fill(polygon, size, size, mask)
  return { kind, colour: random.below(COLOURS.length), polygon, centre, mask, area: areaOf(mask) }
}

function paint(list: readonly Shape[], random: Random, size: number): Item {
  const area = size * size
  const data = new Uint8Array(3 * area)
  for (let i = 0; i < data.length; i++) data[i] = 30 + random.below(20)
  for (const { mask, colour } of list) {
    for (let i = 0; i < area; i++) {
      if (mask[i]) for (let c = 0; c < 3; c++) data[c * area + i] = Number(COLOURS[colour][c + 1]) - random.below(10)
    }
  }
  return { data, shape: [3, size, size] }
}

function areaOf(mask: Uint8Array): number {
  let area = 0
  for (const value of mask) area += value
  return area
}

function boxOf(mask: Uint8Array, size: number): number[] {
  let [left, top, right, bottom] = [size, size, 0, 0]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const [x, y] = [i % size, Math.floor(i / size)]
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x + 1)
    bottom = Math.max(bottom, y + 1)
  }
  return [left, top, right, bottom]
}

function keypointsOf({ polygon, centre, mask }: Shape, size: number): number[] {
  const points = Array.from({ length: polygon.length / 2 }, (_, i) => [polygon[2 * i], polygon[2 * i + 1]] as const)
  const extreme = (of: (point: readonly [number, number]) => number): readonly [number, number] =>
    points.reduce((best, point) => (of(point) > of(best) ? point : best))
  const all = [centre, extreme(([x]) => -x), extreme(([, y]) => -y), extreme(([x]) => x), extreme(([, y]) => y)]
  return all.flatMap(([x, y]) => {
    // A point on the outline is seen if a pixel of the shape is near it, towards the centre.
    const [u, v] = [x + 0.1 * (centre[0] - x), y + 0.1 * (centre[1] - y)].map(Math.floor)
    return [x, y, mask[v * size + u] ? 2 : 1]
  })
}

function captionOf(list: readonly Shape[]): string {
  const sorted = [...list].sort((a, b) => a.centre[0] - b.centre[0])
  return sorted.map(({ kind, colour }) => `a ${COLOURS[colour][0]} ${shapeClasses[kind]}`).join(' left of ')
}
