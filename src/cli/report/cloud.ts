/** @file A cloud of words: the larger, the more often they occur and the more they say; coloured by the class they speak for. */

import type { RatedWord } from '../../recipes/files/task.ts'

const PAGE = { width: 800, height: 500, legend: 30 }
const MOST = 120
const SIZE = { least: 8, most: 54 }
/** Height of a line, and width of letters, as shares of their size, about. */
const LINE = 1.05
const LETTER = { narrow: 0.33, usual: 0.59, wide: 0.9 }
/** From the first class to the last, where classes are in an order. */
const SCALE: readonly (readonly [red: number, green: number, blue: number])[] = [
  [192, 57, 43],
  [150, 150, 150],
  [31, 119, 180],
]
const COLOURS = ['#4e79a7', '#e15759', '#59a14f', '#f28e2b', '#b07aa1', '#76b7b2', '#edc948', '#9c755f', '#ff9da7']

interface Placed {
  readonly word: string
  readonly size: number
  readonly colour: string
  /** Of its middle. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * A picture of the words that say most, as SVG.
 *
 * @param classes names by class number; numbers, or two, are taken for an order from bad to good
 */
export function wordCloud(words: readonly RatedWord[], classes: readonly string[]): string {
  const total = words.reduce((sum, { count }) => sum + count, 0)
  const mean = classes.map((_, c) => words.reduce((sum, w) => sum + w.count * w.probabilities[c], 0) / total)
  const said = ({ probabilities }: RatedWord): number =>
    probabilities.reduce((sum, p, c) => sum + Math.abs(p - mean[c]), 0) / 2
  const rated = words
    .map((word) => ({ ...word, weight: Math.sqrt(word.count) * said(word) ** 2 }))
    .sort((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1))
    .slice(0, MOST)
  const ordered = classes.length === 2 || classes.every((name) => Number.isFinite(Number(name)))
  const moods = rated.map(({ probabilities }) => expected(probabilities) - expected(mean))
  const reach = Math.max(1e-9, ...moods.map(Math.abs))
  const placed: Placed[] = []
  rated.forEach((word, i) => {
    const colour = ordered ? between(moods[i] / reach) : COLOURS[speaksFor(word, mean) % COLOURS.length]
    const size = SIZE.least + (SIZE.most - SIZE.least) * Math.sqrt(word.weight / Math.max(1e-9, rated[0].weight))
    const spot = place(word.word, size, colour, placed)
    if (spot) placed.push(spot)
  })
  const texts = placed.map(textOf).join('\n')
  const title = `<title>Words that say most about the class</title>`
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${PAGE.width}" height="${PAGE.height + PAGE.legend}" ` +
    `font-family="sans-serif" text-anchor="middle" dominant-baseline="central">\n${title}\n` +
    `<rect width="100%" height="100%" fill="white"/>\n${texts}\n${legend(classes, ordered)}\n</svg>\n`
  )
}

function expected(probabilities: readonly number[]): number {
  return probabilities.reduce((sum, p, c) => sum + p * c, 0)
}

/** The class that a word makes likelier by most. */
function speaksFor({ probabilities }: RatedWord, mean: readonly number[]): number {
  const lifts = probabilities.map((p, c) => p - mean[c])
  return lifts.indexOf(Math.max(...lifts))
}

/** A colour for −1 … 1. */
function between(mood: number): string {
  const at = Math.min(1, Math.max(0, (mood + 1) / 2)) * (SCALE.length - 1)
  const low = Math.min(SCALE.length - 2, Math.floor(at))
  const mixed = SCALE[low].map((value, i) => Math.round(value + (SCALE[low + 1][i] - value) * (at - low)))
  return `rgb(${mixed.join(', ')})`
}

/** The free place nearest to the middle, on a spiral; undefined if there is none. */
function place(word: string, size: number, colour: string, placed: readonly Placed[]): Placed | undefined {
  const [width, height] = [widthOf(word) * size, size * LINE]
  for (let turn = 0; turn < 400; turn += 0.15) {
    const x = PAGE.width / 2 + turn * Math.cos(turn) * (PAGE.width / PAGE.height)
    const y = PAGE.height / 2 + turn * Math.sin(turn)
    const spot = { word, size, colour, x, y, width, height }
    if (inside(spot) && !placed.some((other) => overlap(spot, other))) return spot
  }
  return undefined
}

function widthOf(word: string): number {
  const letter = (mark: string): number =>
    /[fijlrtI'’.]/.test(mark) ? LETTER.narrow : /[mwMW]/.test(mark) ? LETTER.wide : LETTER.usual
  return Array.from(word).reduce((sum, mark) => sum + letter(mark), 0)
}

function inside({ x, y, width, height }: Placed): boolean {
  return x - width / 2 > 0 && x + width / 2 < PAGE.width && y - height / 2 > 0 && y + height / 2 < PAGE.height
}

function overlap(a: Placed, b: Placed): boolean {
  return Math.abs(a.x - b.x) < (a.width + b.width) / 2 + 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2
}

/** Stretched to the width that was reckoned with, whatever the font. */
function textOf({ word, size, colour, x, y, width }: Placed): string {
  const at = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size.toFixed(1)}"`
  return `<text ${at} fill="${colour}" textLength="${width.toFixed(1)}" lengthAdjust="spacingAndGlyphs">${escaped(word)}</text>`
}

function legend(classes: readonly string[], ordered: boolean): string {
  const shown = classes.slice(0, COLOURS.length)
  const step = PAGE.width / (shown.length + 1)
  return shown
    .map((name, c) => {
      const colour = ordered ? between((2 * c) / (classes.length - 1) - 1) : COLOURS[c]
      const at = `x="${(step * (c + 1)).toFixed(1)}" y="${PAGE.height + PAGE.legend / 2}"`
      return `<text ${at} font-size="13" fill="${colour}">■ ${escaped(name)}</text>`
    })
    .join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
