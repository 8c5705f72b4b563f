/** @file YOLO labels: a line per object with class, centre and size (or a polygon), relative to the picture. */

import { GliaError } from '../../core/errors.ts'
import type { Item } from '../source.ts'
import { linesOf } from './text.ts'

/** The objects of a picture. */
export interface Objects {
  /** float32 `[N, 4]`: left, top, right and bottom in pixels. */
  readonly boxes: Item
  /** int32 `[N]`: class numbers. */
  readonly labels: Item
}

export interface YoloOptions {
  /** Of the picture, in pixels; 1 by default, which leaves coordinates relative. */
  readonly width?: number
  readonly height?: number
  /** Number of classes, to refuse others. */
  readonly classes?: number
  /** The file's name, for messages. */
  readonly name?: string
}

/**
 * Reads the labels of one picture. An empty file means no objects. A line with three points or more is a polygon, whose
 * box is taken; a sixth number is a confidence and passed over.
 *
 * @throws GliaError, naming the line, if it is none of these, a coordinate is not in [0, 1], or there is no such class
 */
export function parseYolo(text: string, options: YoloOptions = {}): Objects {
  const { width = 1, height = 1, classes = Number.POSITIVE_INFINITY, name = 'The labels' } = options
  const boxes: number[] = []
  const labels: number[] = []
  linesOf(text).forEach((line, i) => {
    const trimmed = line.trim()
    if (trimmed === '') return
    const [kind, ...numbers] = trimmed.split(/\s+/).map(Number)
    const polygon = numbers.length >= 6 && numbers.length % 2 === 0
    const wrong = (what: string): GliaError =>
      new GliaError(`${name}, line ${i + 1}: ${what} in ${JSON.stringify(trimmed.slice(0, 60))}.`)
    if (!polygon && numbers.length !== 4 && numbers.length !== 5) {
      throw wrong('neither class, centre and size, nor class and polygon')
    }
    if (!Number.isInteger(kind) || kind < 0 || kind >= classes) throw wrong(`class ${kind} is out of range`)
    const outside = numbers.find((value) => !(value >= -1e-6 && value <= 1 + 1e-6))
    if (outside !== undefined) throw wrong(`the coordinate ${outside} is not between 0 and 1`)
    labels.push(kind)
    boxes.push(
      ...(polygon ? around(numbers) : fromCentre(numbers)).map((value, at) => value * (at % 2 ? height : width)),
    )
  })
  return {
    boxes: { data: Float32Array.from(boxes), shape: [labels.length, 4] },
    labels: { data: Int32Array.from(labels), shape: [labels.length] },
  }
}

function fromCentre([x, y, w, h]: readonly number[]): number[] {
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
}

function around(points: readonly number[]): number[] {
  const [xs, ys] = [points.filter((_, i) => i % 2 === 0), points.filter((_, i) => i % 2 === 1)]
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
