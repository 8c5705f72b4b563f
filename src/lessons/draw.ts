/** @file Draws figures as SVG, with Vega-Lite, and panels as SVG around PNG. No document, no canvas, no Node. */
import type { TopLevelSpec } from 'vega-lite'
import { GliaError } from '../core/errors.ts'
import type { Axis, Bars, Chart, Figure, Headings, Heat, Line, Mark, Matrix, Numbers, Points } from './figure.ts'
import { panelsSvg } from './panels.ts'
import type { Drawing } from './record.ts'

/** Dark enough on white, told apart by colour-blind readers (Okabe & Ito 2008), yellow left out. */
const PALETTE = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#5b5b5b', '#8c564b']

const CONFIG = {
  font: 'Helvetica, Arial, sans-serif',
  background: '#ffffff',
  padding: 12,
  aria: false,
  title: { anchor: 'start', fontSize: 14, fontWeight: 600, offset: 10 },
  axis: {
    labelFontSize: 11,
    labelLimit: 260,
    titleFontSize: 12,
    titleFontWeight: 400,
    titlePadding: 8,
    gridColor: '#e6e6e6',
  },
  legend: {
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 400,
    labelLimit: 420,
    titleLimit: 420,
    symbolStrokeWidth: 2.5,
  },
  view: { stroke: '#bbbbbb' },
} as const

/** Where several charts stand side by side, legends beside them would tear them apart. */
const BELOW = { orient: 'bottom', columns: 2, gradientDirection: 'horizontal' } as const

const DIVERGING = ['#4f9bd0', '#f7f7f7', '#f0a04b']

/** Colours of a heat map: more than an eye tells apart, few enough for small files. */
const SHADES = 32

/** Powers where plain numbers would be long. */
const LOG_LABEL = "format(datum.value, datum.value >= 1e5 || datum.value < 1e-3 ? '.0e' : '~g')"

/** Cells reach a little under their neighbours: edges that only meet show as seams. */
const OVERLAP = 1.1

type Spec = Record<string, unknown>

/**
 * @returns a whole SVG document
 * @throws GliaError if it is a chart and the packages `vega` and `vega-lite` are not installed
 */
export async function drawSvg(drawing: Drawing): Promise<string> {
  return 'panels' in drawing ? panelsSvg(drawing.panels) : figureSvg(drawing.figure)
}

async function figureSvg(figure: Figure): Promise<string> {
  const { vega, vegaLite } = await loadVega()
  const { spec } = vegaLite.compile(specOf(figure) as unknown as TopLevelSpec)
  const svg = await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()
  return `${svg}\n`
}

/** Whether charts can be drawn: whether `vega` and `vega-lite` are installed. Panels need neither. */
export async function chartsAvailable(): Promise<boolean> {
  return loadVega().then(
    () => true,
    () => false,
  )
}

async function loadVega(): Promise<{ vega: typeof import('vega'); vegaLite: typeof import('vega-lite') }> {
  try {
    return { vega: await import('vega'), vegaLite: await import('vega-lite') }
  } catch (cause) {
    throw new GliaError('Charts are drawn with Vega-Lite, which is not installed: npm install vega vega-lite', {
      cause,
    })
  }
}

function specOf({ title, parts, columns = parts.length }: Figure): Spec {
  const specs = parts.map((p) => ('entries' in p ? matrixSpec(p) : chartSpec(p)))
  const whole = specs.length === 1 ? specs[0] : { concat: specs, columns, spacing: 28, resolve: sharing(parts) }
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...whole,
    ...(title === undefined ? {} : { title: { text: title, fontSize: 16, offset: 18 } }),
    config: specs.length === 1 ? CONFIG : { ...CONFIG, legend: { ...CONFIG.legend, ...BELOW } },
  }
}

/** Charts that show the same names have one legend; others have legends and colours of their own. */
function sharing(parts: Figure['parts']): Spec {
  const names = parts.map((p) =>
    'entries' in p || p.marks.some((m) => m.mark === 'heat') ? null : namesOf(p).join('\n'),
  )
  const color = names[0] !== null && new Set(names).size === 1 ? 'shared' : 'independent'
  return { scale: { color }, legend: { color } }
}

/** Names of the marks that colours tell apart. */
function namesOf(chart: Chart): string[] {
  return [...new Set(chart.marks.flatMap((m) => (m.mark === 'heat' ? [] : (m.name ?? []))))]
}

function chartSpec(chart: Chart): Spec {
  const { title, width = 420, height = 280, marks } = chart
  const heats = marks.filter((m) => m.mark === 'heat')
  const others = marks.filter((m) => m.mark !== 'heat')
  const names = namesOf(chart)
  const layers = [...heats.map((m) => heatSpec(m, chart)), { layer: others.flatMap((m) => markSpec(m, chart, names)) }]
  const resolve = heats.length > 0 ? { resolve: { scale: { color: 'independent' } } } : {}
  return { title, width, height, layer: layers, ...resolve }
}

function position(field: string, { title, scale = 'linear', domain }: Axis): Spec {
  return {
    field,
    type: 'quantitative',
    title,
    scale: { type: scale, ...(domain ? { domain, nice: false } : scale === 'log' ? {} : { zero: false }) },
    ...(scale === 'log' ? { axis: { labelOverlap: true, labelExpr: LOG_LABEL, tickCount: 6 } } : {}),
  }
}

/** Colour by name, if the mark has one. */
function colour(name: string | undefined, names: readonly string[]): Spec {
  if (name === undefined) return {}
  const scale = { domain: names, range: names.map((_, i) => PALETTE[i % PALETTE.length]) }
  return { color: { datum: name, type: 'nominal', scale, title: null } }
}

function markSpec(mark: Exclude<Mark, Heat>, chart: Chart, names: readonly string[]): Spec[] {
  const { x, y } = chart
  const tint = mark.name === undefined ? { color: '#5b5b5b' } : {}
  switch (mark.mark) {
    case 'line': {
      const style = {
        type: 'line',
        clip: true,
        strokeWidth: 2,
        ...(mark.dashed ? { strokeDash: [6, 4] } : {}),
        ...tint,
      }
      const encoding = { x: position('x', x), y: position('y', y), order: { field: 'i' }, ...colour(mark.name, names) }
      return [{ data: { values: pairs(mark, chart) }, mark: style, encoding }]
    }
    case 'points': {
      const style = { type: 'point', filled: true, opacity: 0.9, clip: true, size: mark.size ?? 40, ...tint }
      const outline = { stroke: '#ffffff', strokeWidth: 0.7 }
      const encoding = { x: position('x', x), y: position('y', y), ...colour(mark.name, names) }
      return [{ data: { values: pairs(mark, chart) }, mark: { ...style, ...outline }, encoding }]
    }
    case 'rule': {
      const across = mark.x === undefined
      const encoding = across ? { y: position('v', y) } : { x: position('v', x) }
      const style = { type: 'rule', strokeDash: [3, 3], strokeWidth: 1.5, clip: true, ...tint }
      const values = [{ v: across ? mark.y : mark.x }]
      return [{ data: { values }, mark: style, encoding: { ...encoding, ...colour(mark.name, names) } }]
    }
    case 'bars':
      return [barsSpec(mark, x, y, names)]
  }
}

function barsSpec({ name, labels, values }: Bars, x: Axis, y: Axis, names: readonly string[]): Spec {
  const encoding = {
    x: { field: 'label', type: 'nominal', title: x.title, sort: null, axis: { labelAngle: 0 } },
    y: { ...position('value', y), ...(y.scale === 'log' || y.domain ? {} : { scale: { zero: true } }) },
    ...(name === undefined || names.length < 2 ? {} : { xOffset: { datum: name, scale: { domain: names } } }),
    ...colour(name, names),
  }
  const rows = labels.map((label, i) => ({ label, value: values[i] }))
  return {
    data: { values: rows },
    mark: { type: 'bar', ...(name === undefined ? { color: PALETTE[0] } : {}) },
    encoding,
  }
}

function heatSpec(heat: Heat, { x, y }: Chart): Spec {
  const {
    rows,
    x: [left, right],
    y: [bottom, top],
    legend,
    colours = 'sequential',
    middle = 0,
  } = heat
  const [dx, dy] = [(right - left) / rows[0].length, (top - bottom) / rows.length]
  const values = rows.flatMap((row, j) =>
    runs(levels(row, rows)).map(({ from, to, v }) => ({
      x: left + from * dx,
      x2: left + (to - 1 + OVERLAP) * dx,
      y: bottom + j * dy,
      y2: bottom + (j + OVERLAP) * dy,
      v,
    })),
  )
  const scale =
    colours === 'diverging' ? { range: DIVERGING, domainMid: middle } : { range: ['#2b6ca3', '#8fbfe0', '#f3f8fc'] }
  const named =
    legend === undefined
      ? { legend: null }
      : { legend: { title: legend, gradientLength: 120, format: '~r', tickCount: 3 } }
  return {
    data: { values },
    mark: { type: 'rect', clip: true, strokeWidth: 0 },
    encoding: {
      x: { ...position('x', { domain: [left, right], ...x }), axis: { grid: false } },
      x2: { field: 'x2' },
      y: { ...position('y', { domain: [bottom, top], ...y }), axis: { grid: false } },
      y2: { field: 'y2' },
      color: { field: 'v', type: 'quantitative', scale, ...named },
    },
  }
}

/** A row's values on a ladder of shades, so that neighbours are often equal. */
function levels(row: Numbers, rows: readonly Numbers[]): number[] {
  const all = rows.flatMap((r) => Array.from(r))
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const step = (high - low) / SHADES || 1
  return Array.from(row, (v) => Number((low + Math.round((v - low) / step) * step).toPrecision(4)))
}

/** Stretches of equal values: each becomes one rectangle. */
function runs(row: readonly number[]): { from: number; to: number; v: number }[] {
  const starts = row.flatMap((v, i) => (i === 0 || v !== row[i - 1] ? [i] : []))
  return starts.map((from, k) => ({ from, to: starts[k + 1] ?? row.length, v: row[from] }))
}

function matrixSpec({ title, entries, decimals, texts, rows, columns, side = 38 }: Matrix): Spec {
  const all = entries.flatMap((row) => Array.from(row))
  const shown = decimals ?? Math.max(...all.map((v) => (Number.isInteger(v) ? 0 : 2)))
  const textOf = (v: number, j: number, i: number): string => texts?.[j]?.[i] ?? v.toFixed(shown)
  const values = entries.flatMap((row, j) => Array.from(row, (v, i) => ({ i, j, v, text: textOf(v, j, i) })))
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const reach = Math.max(-low, high, 1e-9)
  const scale =
    low < 0
      ? { range: DIVERGING, domain: [-reach, 0, reach], interpolate: 'rgb' }
      : { range: ['#ffffff', '#a9cfea'], domain: [0, reach], interpolate: 'rgb' }
  const cell = {
    x: { field: 'i', type: 'ordinal', axis: headingAxis(columns, side, 'top') },
    y: { field: 'j', type: 'ordinal', axis: headingAxis(rows, side, 'left') },
  }
  const fontSize = Math.min(12, Math.floor(side / 3))
  return {
    title: columns || rows ? title : { text: title, fontSize: 12 },
    width: { step: side },
    height: { step: side },
    data: { values },
    layer: [
      {
        mark: { type: 'rect', stroke: '#bbbbbb', strokeWidth: 0.5, opacity: 0.8 },
        encoding: { ...cell, color: { field: 'v', type: 'quantitative', scale, legend: null } },
      },
      { mark: { type: 'text', fontSize, color: '#222222' }, encoding: { ...cell, text: { field: 'text' } } },
    ],
  }
}

/** Letters beside a cell that names on top of it can have before they must stand upright. */
const LETTERS = 5

function headingAxis(headings: Headings | undefined, side: number, orient: 'top' | 'left'): Spec | null {
  if (!headings) return null
  const upright = orient === 'top' && headings.names.some((name) => name.length > LETTERS)
  return {
    title: headings.title,
    orient,
    labelExpr: `${JSON.stringify(headings.names)}[datum.value]`,
    labelAngle: upright ? -90 : 0,
    labelFontSize: Math.min(11, side),
    labelLimit: 160,
    // A name for each, or where there is no room for letters none.
    labels: side >= 9,
    labelOverlap: false,
    ticks: false,
    domain: false,
    grid: false,
  }
}

/** Values that a scale cannot show (not finite, or not positive where it is logarithmic) are gaps. */
function pairs(
  { x, y }: Line | Points,
  { x: xAxis, y: yAxis }: Chart,
): { i: number; x: number | null; y: number | null }[] {
  const shown = (value: number, { scale }: Axis): number | null =>
    Number.isFinite(value) && (scale !== 'log' || value > 0) ? value : null
  return Array.from(x, (value, i) => ({ i, x: shown(value, xAxis), y: shown(y[i], yAxis) }))
}
