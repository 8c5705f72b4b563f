/** @file The test examples that a model does worst on. */

import { sizeOf } from '../../core/shape.ts'
import type { ArrayDataset } from '../../data/dataset.ts'
import type { Picture } from '../../data/image.ts'
import type { Panels } from '../../lessons/lesson.ts'
import type { Examined } from './examine.ts'

/** How many are shown. */
const COUNT = 24
/** Pictures beside each other, and how wide each is drawn at least, in pixels. */
const COLUMNS = 6
const SIDE = 128
/** Pixels of a letter in a caption, about. */
const LETTER = 6.5
/** Characters of a row that are shown. */
const LONGEST = 200

export interface Worst {
  /** Number in the data set. */
  readonly index: number
  /** The line of a file, the path of a picture, or what else says where an example comes from. */
  readonly where: number | string
  readonly loss: number
  /** In the user's words; empty where they are neither classes nor numbers. */
  readonly actual: string
  readonly predicted: string
  /** Of the predicted class. */
  readonly probability?: number
}

/** Those of the greatest loss, the worst first. */
export function worstOf(examined: Examined, data: ArrayDataset, classes: readonly string[]): Worst[] {
  const { kind, losses, predicted, probabilities } = examined
  const width = sizeOf(data.y.shape)
  const text = (values: ArrayLike<number>, i: number): string => {
    if (kind === 'other') return ''
    if (kind === 'classes') return classes[values[i]] ?? String(values[i])
    return Array.from({ length: width }, (_, k) => Number(values[i * width + k].toPrecision(6))).join(' ')
  }
  // A loss that is not a number is the worst of all.
  const rank = (i: number): number => (Number.isNaN(losses[i]) ? Number.POSITIVE_INFINITY : losses[i])
  const order = Array.from(losses.keys()).sort((a, b) => rank(b) - rank(a) || a - b)
  return order.slice(0, COUNT).map((index) => ({
    index,
    where: data.origins?.[index] ?? `example ${index + 1}`,
    loss: losses[index],
    actual: text(data.y.data, index),
    predicted: text(predicted, index),
    ...(kind === 'classes' ? { probability: probabilities[index] } : {}),
  }))
}

/** As comma-separated text, with what stands in the file where `excerpt` knows. */
export function worstTable(worst: readonly Worst[], excerpt?: (line: number) => string): string {
  const rows = worst.map(({ where, actual, predicted, probability, loss }): [string, string][] => {
    const line = typeof where === 'number' ? where : null
    return [
      ['where', line === null ? String(where) : `line ${line}`],
      ...(actual === '' ? [] : [['true', actual] as [string, string], ['predicted', predicted] as [string, string]]),
      ...(probability === undefined ? [] : [['probability', probability.toFixed(4)] as [string, string]]),
      ['loss', String(Number(loss.toPrecision(6)))],
      ...(line === null || !excerpt ? [] : [['row', excerpt(line).slice(0, LONGEST)] as [string, string]]),
    ]
  })
  const [first = []] = rows
  const records = [first.map(([name]) => name), ...rows.map((row) => row.map(([, cell]) => cell))]
  return records.map((cells) => `${cells.map(quoted).join(',')}\n`).join('')
}

/** A cell, in quotation marks where it needs them (RFC 4180). */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** Pictures side by side, or null where the examples are none. */
export function worstPanels(worst: readonly Worst[], { x }: ArrayDataset): Panels | null {
  const [channels, height, width] = x.shape
  if (!(x.data instanceof Uint8Array) || x.shape.length !== 3 || (channels !== 1 && channels !== 3)) return null
  const scale = Math.max(1, Math.ceil(SIDE / width))
  const letters = Math.floor((scale * width) / LETTER)
  const panels = worst.map(({ index, actual, predicted, probability = 0 }) => {
    const sure = `${(100 * probability).toFixed(0)} %`
    const room = Math.floor((letters - sure.length - ' → , '.length) / 2)
    return {
      caption: `${shortened(actual, room)} → ${shortened(predicted, room)}, ${sure}`,
      picture: pictureOf(x.data.subarray(index * sizeOf(x.shape)), { channels, height, width }),
    }
  })
  return {
    title: 'Test pictures of the greatest loss: what they are → what they were taken for, and how surely',
    panels,
    columns: COLUMNS,
    scale,
  }
}

function shortened(name: string, letters: number): string {
  return name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}…`
}

/** From planes `[C, H, W]` to pixels. */
function pictureOf(
  planes: ArrayLike<number>,
  { channels, height, width }: { channels: 1 | 3; height: number; width: number },
): Picture {
  const data = new Uint8Array(channels * height * width)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height * width; i++) data[i * channels + c] = planes[c * height * width + i]
  }
  return { width, height, channels, data }
}
