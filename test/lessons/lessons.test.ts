/** @file Every lesson runs, its checks hold, its drawings can be drawn; and the figures that the courses print are among the checks. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { drawSvg, type LessonRecord, lessons, runLesson, type Value } from '../../src/lessons/index.ts'

const records = new Map<string, LessonRecord>()

/** Lesson, what is checked (the beginning of it), and the figure as the course prints it. */
const PRINTED: readonly (readonly [lesson: string, what: string, want: Value])[] = [
  ['threshold-gates', 'x = (0, 1): the sum', -0.5],
  ['threshold-gates', 'A(−0.5)', 0],
  ['threshold-gates', 'x = (1, 1): the sum', 0.5],
  ['threshold-gates', 'A(0.5)', 1],
  ['threshold-gates', 'parameters of the XOR network', 9],
  ['two-samples', 'J at w = 0', 3.37],
  ['two-samples', '∇J at w = 0', [-2.5, -8.2, -10.7]],
  ['polynomials', 'the degree that seems best', 10],
  ['backpropagation', 'parameters', 16],
  ['activations', 'σ′ at 0', 0.25],
  [
    'digits-mlp',
    'the table as printed',
    [
      ['flatten_1', '(None, 784)', 0],
      ['dense_1', '(None, 128)', 100_480],
      ['dense_2', '(None, 10)', 1290],
    ],
  ],
  ['digits-mlp', 'total, trainable, non-trainable', [101_770, 101_770, 0]],
  ['dropout', 'dropped on average', 500],
  ['initialisation', "LeCun's uniform: greatest weight", Math.sqrt(3 / 300)],
  ['initialisation', "Xavier's normalised: greatest weight", Math.sqrt(6 / 800)],
  ['kernels', "Châtel's kernel", [[-8]]],
  ['kernels', "AFI's kernel takes the pixel above", 42],
  [
    'convolution-as-matrix',
    'x ⊛ u',
    [
      [69, 50],
      [48, 43],
    ],
  ],
  [
    'convolution-as-matrix',
    'with the kernel turned',
    [
      [65, 34],
      [49, 36],
    ],
  ],
  ['convolution-as-matrix', 'U v(x)', [69, 50, 48, 43]],
  [
    'convolution-as-matrix',
    'U, entry by entry',
    [
      [3, 2, 0, 5, 1, 0, 0, 0, 0],
      [0, 3, 2, 0, 5, 1, 0, 0, 0],
      [0, 0, 0, 3, 2, 0, 5, 1, 0],
      [0, 0, 0, 0, 3, 2, 0, 5, 1],
    ],
  ],
  ['convolution-as-matrix', 'a kernel of width 3', 3],
  ['output-size', 'and as layers', [99, 49]],
  [
    'pooling',
    'maximum pooling of the table',
    [
      [5, 8],
      [-1, 7],
    ],
  ],
  [
    'pooling',
    'average pooling',
    [
      [2, 3],
      [-4, 4],
    ],
  ],
  ['exercise-5', 'altogether', 61_706],
  ['exercise-6', 'sides of the maps', [64, 60, 30, 26, 13]],
  ['exercise-6', 'C5', 324_600],
  ['exercise-6', 'altogether', 338_186],
  ['exercise-8', 'n(m + n + k)', [700, 56_064, 3, 63]],
  ['exercise-8', '4n(m + n + 1) + nk + k', [2585, 220_938, 14, 176]],
  ['exercise-8', 'embedding, LSTM 64, LSTM 32, dense', [1_300_000, 42_240, 12_416, 165]],
  ['exercise-8', 'altogether', 1_354_821],
]

describe('lessons', () => {
  it.each(lessons.map((lesson) => [lesson.name, lesson] as const))(
    '%s: checks hold, and drawings can be drawn',
    async (name, lesson) => {
      const record = await runLesson(lesson)
      records.set(name, record)
      expect(record.checks.length).toBeGreaterThan(0)
      expect(record.drawings.length).toBeGreaterThan(0)
      for (const drawing of record.drawings) {
        const svg = await drawSvg(drawing)
        expect([svg.slice(0, 5), svg.slice(-7)]).toEqual(['<svg ', '</svg>\n'])
        // Nothing that is not a number became a place; pictures inside are text where any letters may follow each other.
        expect(svg.replaceAll(/base64,[^"]*/g, '').match(/NaN|undefined|Infinity/g)).toBeNull()
      }
    },
    120_000,
  )

  it('have names of their own, and are listed in the documentation', () => {
    const names = lessons.map((l) => l.name)
    expect(new Set(names).size).toBe(names.length)
    const page = readFileSync(join(import.meta.dirname, '../../docs/lessons.md'), 'utf8')
    expect([...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((m) => m[1])).toEqual(names)
  })
})

describe('figures that the courses print', () => {
  beforeAll(() => expect(records.size).toBe(lessons.length))

  it.each(PRINTED)('%s: %s', (name, what, want) => {
    const found = records.get(name)?.checks.filter((c) => c.what.startsWith(what)) ?? []
    expect(found.map((c) => c.want)).toContainEqual(want)
  })

  it("gradient-descent: Châtel's table, 20 rows of 5", () => {
    const table = records.get('gradient-descent')?.checks.find((c) => c.figures === 100)
    expect(table?.want).toHaveLength(20)
    const rows = table?.want as string[][]
    expect(rows[0]).toEqual(['-2.00', '1.00', '-1.07', '-1.37', '0.860367'])
    expect(rows[11]).toEqual(['0.18', '0.54', '-0.01', '0.00', '0.000429'])
    expect(rows[19]).toEqual(['0.24', '0.50', '0.00', '0.00', '0.000004'])
  })
})
