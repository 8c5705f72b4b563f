/** @file What lessons put out: checks that fail say how, tables line up, drawings are told apart. */

import { describe, expect, it, vi } from 'vitest'
import { tensor } from '../../src/index.ts'
import { drawSvg, LessonRecord, runLesson } from '../../src/lessons/index.ts'

const record = (): LessonRecord => new LessonRecord('test')

describe('check', () => {
  it('counts every figure of a table, and takes tensors', () => {
    const out = record()
    out.check('number', 0.3, 0.1 + 0.2, 1e-12)
    out.check('text', 'a', 'a')
    out.check(
      'table',
      tensor([
        [1, 2],
        [3, 4],
      ]),
      [
        [1, 2],
        [3, 4],
      ],
    )
    out.check('bounds', 5, { above: 4, below: 6 })
    expect(out.checks.map((c) => c.figures)).toEqual([1, 1, 4, 1])
    expect(out.figures).toBe(7)
    expect(out.lines).toEqual(['  ✓ number: 0.3', '  ✓ text: a', '  ✓ table (4 figures)', '  ✓ bounds: 5'])
  })

  it.each([
    ['another number', 1, 2, 0, 'got 1, expected 2'],
    ['outside the tolerance', 1.02, 1, 0.01, 'got 1.02, expected 1 ± 0.01'],
    ['NaN', Number.NaN, 1, 10, 'got NaN, expected 1 ± 10'],
    ['a number for a text', 1, '1', 0, 'got 1, expected 1'],
    [
      'an entry of a table',
      [
        [1, 2],
        [3, 5],
      ],
      [
        [1, 2],
        [3, 4],
      ],
      0,
      'got 5 at [1][1], expected 4',
    ],
    ['a table too short', [1, 2], [1, 2, 3], 0, 'got [1, 2], expected [1, 2, 3]'],
    ['on a bound', 4, { above: 4 }, 0, 'got 4, expected it above 4'],
    ['not a number within bounds', Number.NaN, { above: 4, below: 6 }, 0, 'got NaN, expected it above 4 and below 6'],
    ['false', false, true, 0, 'got false, expected true'],
  ])('refuses %s', (_, got, want, tolerance, problem) => {
    const out = record()
    expect(() => out.check('figure', got, want, tolerance)).toThrow(`Lesson test: figure: ${problem}.`)
    expect(out.checks).toEqual([])
  })
})

describe('table', () => {
  it('puts numbers to the right and texts to the left, without spaces at the end', () => {
    const out = record()
    out.table(
      ['name', 'value'],
      [
        ['a', 1],
        ['longer', 12.3456789],
      ],
    )
    expect(out.lines).toEqual(['  name      value', '  ──────  ───────', '  a             1', '  longer  12.3457'])
  })
})

describe('drawings', () => {
  const part = {
    title: 'T',
    x: { title: 'x' },
    y: { title: 'y' },
    marks: [{ mark: 'line' as const, x: [0, 1], y: [0, 1] }],
  }

  it('must have names of their own that can be file names', () => {
    const out = record()
    out.plot('one', { parts: [part] })
    for (const name of ['one', 'Two', '../x', '']) {
      expect(() => out.plot(name, { parts: [part] })).toThrow("a drawing's name must be new")
    }
    expect(out.drawings.map((d) => d.name)).toEqual(['one'])
  })

  it('show titles, axes and names', async () => {
    const marks = [
      { mark: 'line' as const, name: 'first', x: [0, 1, 2], y: [1, 0, 100] },
      { mark: 'points' as const, name: 'second', x: [0, 1, 2], y: [1, 2, 3] },
      { mark: 'rule' as const, name: 'third', y: 2 },
    ]
    const svg = await drawSvg({
      name: 'x',
      figure: {
        title: 'Whole',
        parts: [
          { ...part, marks, y: { title: 'height', scale: 'log' } },
          { title: 'M', entries: [[1, 2.5]] },
        ],
      },
    })
    for (const text of ['Whole', 'T', 'M', 'x', 'height', 'first', 'second', 'third', '2.50'])
      expect(svg).toContain(`>${text}</text>`)
    // Zero has no place on a logarithmic scale: a gap, not a line to the end of the world.
    expect(svg).not.toMatch(/NaN|Infinity/)
  })

  it('show pictures with captions, whatever characters these have', async () => {
    const picture = { width: 2, height: 1, channels: 1 as const, data: Uint8Array.of(0, 255) }
    const svg = await drawSvg({
      name: 'x',
      panels: { title: 'a < b', panels: [{ caption: 'x & y', picture }], scale: 10 },
    })
    expect(svg).toContain('>a &lt; b</text>')
    expect(svg).toContain('>x &amp; y</text>')
    expect(svg).toMatch(/<image [^>]*width="20" height="10"[^>]*href="data:image\/png;base64,iVBOR/)
  })
})

describe('runLesson', () => {
  it('starts from the same seed each time, and passes lines on', async () => {
    const { randn } = await import('../../src/index.ts')
    const lesson = {
      name: 'random',
      title: '',
      course: '',
      run: (out: LessonRecord) => out.print(String(randn([3]))),
    }
    const heard: string[] = []
    const first = await runLesson(lesson as never, (line) => heard.push(line))
    randn([5])
    const second = await runLesson(lesson as never)
    expect(second.lines).toEqual(first.lines)
    expect(heard).toEqual(first.lines)
  })
})

describe('without Vega-Lite', () => {
  it('charts are refused with what to install, panels are drawn', async () => {
    vi.resetModules()
    vi.doMock('vega', () => {
      throw new Error("Cannot find package 'vega'")
    })
    try {
      const { chartsAvailable, drawSvg } = await import('../../src/lessons/draw.ts')
      expect(await chartsAvailable()).toBe(false)
      const chart = { title: 'T', x: { title: 'x' }, y: { title: 'y' }, marks: [] }
      await expect(drawSvg({ name: 'x', figure: { parts: [chart] } })).rejects.toThrow('npm install vega vega-lite')
      const picture = { width: 1, height: 1, channels: 1 as const, data: Uint8Array.of(0) }
      const svg = await drawSvg({ name: 'x', panels: { title: 'P', panels: [{ caption: 'p', picture }] } })
      expect(svg).toContain('>P</text>')
    } finally {
      vi.doUnmock('vega')
      vi.resetModules()
    }
  })
})
