/**
 * @file Draws docs/images/lenet5.svg from a real run: what the command printed, the curves of its history, and what the
 * saved model takes some test digits for.
 *
 * Usage: npm run build && tsx scripts/readme-picture.ts
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digits } from '../src/data/index.ts'
import { encodePng } from '../src/node/index.ts'
import type { History } from '../src/train/index.ts'

const [WIDTH, HEIGHT, EDGE] = [1000, 660, 24]
const LINE = 18
const SHOWN = 15
const colours = {
  paper: '#ffffff',
  ink: '#1f2430',
  soft: '#8a93a5',
  grid: '#e6e9ef',
  train: '#8fa3c8',
  test: '#e4572e',
}
const sans = "font-family='Inter, Segoe UI, Helvetica, Arial, sans-serif'"
const mono = "font-family='SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace'"
const glia = join(import.meta.dirname, '../dist/cli/main.js')

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
const text = (x: number, y: number, content: string, style: string): string =>
  `<text x='${x}' y='${y}' xml:space='preserve' ${style}>${escaped(content)}</text>`

/** Runs the command in `cwd` and returns what it printed. */
function run(cwd: string, ...args: string[]): string {
  return execFileSync(process.execPath, [glia, ...args], { cwd, encoding: 'utf8' })
}

function terminal(printed: string): { svg: string; bottom: number } {
  const lines = ['$ glia train lenet5', ...printed.trimEnd().split('\n')]
  const height = 34 + lines.length * LINE + 14
  const rows = lines.map((line, i) => {
    const colour = i === 0 ? '#ffffff' : line.startsWith('Test') ? '#9fe29f' : '#c9d1e0'
    return text(EDGE + 18, EDGE + 50 + i * LINE, line, `${mono} font-size='12.5' fill='${colour}'`)
  })
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (c, i) => `<circle cx='${EDGE + 22 + 18 * i}' cy='${EDGE + 18}' r='5' fill='${c}'/>`,
  )
  const box = `<rect x='${EDGE}' y='${EDGE}' width='${WIDTH - 2 * EDGE}' height='${height}' rx='10' fill='#1b2030'/>`
  return { svg: [box, ...dots, ...rows].join('\n'), bottom: EDGE + height }
}

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Curve {
  readonly name: string
  readonly colour: string
  readonly values: readonly number[]
}

/** One chart with a few labelled levels; every curve is named at its end. */
function chart(title: string, area: Area, curves: readonly Curve[], show: (v: number) => string): string {
  const all = curves.flatMap((c) => c.values)
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const count = curves[0].values.length
  const x = (i: number): number => area.x + (area.width * i) / Math.max(1, count - 1)
  const y = (v: number): number => area.y + area.height * (1 - (v - low) / (high - low || 1))
  const levels = [low, (low + high) / 2, high].map((v) => {
    const label = text(area.x - 8, y(v) + 4, show(v), `${sans} font-size='11' fill='${colours.soft}' text-anchor='end'`)
    return `<path d='M${area.x} ${y(v)}h${area.width}' stroke='${colours.grid}'/>${label}`
  })
  const epochs = curves[0].values.map((_, i) =>
    text(
      x(i),
      area.y + area.height + 18,
      String(i + 1),
      `${sans} font-size='11' fill='${colours.soft}' text-anchor='middle'`,
    ),
  )
  const drawn = curves.map(({ colour, values }) => {
    const points = values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`)
    const dots = points.map((p) => `<circle cx='${p.split(',')[0]}' cy='${p.split(',')[1]}' r='2.6' fill='${colour}'/>`)
    return `<polyline points='${points.join(' ')}' fill='none' stroke='${colour}' stroke-width='2'/>${dots.join('')}`
  })
  const legend = curves.map((c, i) =>
    text(area.x + area.width - 108 + 66 * i, area.y - 16, `● ${c.name}`, `${sans} font-size='12' fill='${c.colour}'`),
  )
  const heading = text(area.x, area.y - 16, title, `${sans} font-size='14' font-weight='600' fill='${colours.ink}'`)
  return [heading, ...legend, ...levels, ...epochs, ...drawn].join('\n')
}

interface Guess {
  readonly actual: string
  readonly class: string
  readonly probability: number
  readonly png: string
}

function gallery(guesses: readonly Guess[], area: Area): string {
  const columns = 5
  const step = area.width / columns
  const cells = guesses.map((g, i) => {
    const [x, y] = [area.x + step * (i % columns), area.y + 72 * Math.floor(i / columns)]
    const colour = g.class === g.actual ? colours.ink : colours.test
    const label = `${g.class}  ${Math.round(100 * g.probability)} %`
    return [
      `<image x='${x}' y='${y}' width='46' height='46' style='image-rendering:pixelated' href='data:image/png;base64,${g.png}'/>`,
      text(x + 23, y + 60, label, `${sans} font-size='11' fill='${colour}' text-anchor='middle'`),
    ].join('')
  })
  const heading = text(
    area.x,
    area.y - 16,
    'glia predict',
    `${sans} font-size='14' font-weight='600' fill='${colours.ink}'`,
  )
  return [heading, ...cells].join('\n')
}

async function guesses(cwd: string): Promise<Guess[]> {
  const { test } = await digits({ train: 0, test: SHOWN })
  return Array.from({ length: SHOWN }, (_, i) => {
    const data = (test.x.data as Uint8Array).slice(784 * i, 784 * (i + 1))
    const png = encodePng({ width: 28, height: 28, channels: 1, data })
    writeFileSync(join(cwd, 'digit.png'), png)
    const { probabilities } = JSON.parse(run(cwd, 'predict', 'runs/lenet5-1', 'digit.png', '--json'))
    return { actual: String(test.y.data[i]), ...probabilities[0], png: Buffer.from(png).toString('base64') }
  })
}

const directory = mkdtempSync(join(tmpdir(), 'glia-picture-'))
try {
  const { svg, bottom } = terminal(run(directory, 'train', 'lenet5'))
  const { history } = JSON.parse(readFileSync(join(directory, 'runs/lenet5-1/run.json'), 'utf8')) as {
    history: History
  }
  const curve = (name: string, colour: string, metric: string, part: 'train' | 'val'): Curve => ({
    name,
    colour,
    values: history.epochs.map((e) => e[part]?.[metric] ?? 0),
  })
  const both = (metric: string): Curve[] => [
    curve('train', colours.train, metric, 'train'),
    curve('test', colours.test, metric, 'val'),
  ]
  const panel = { y: bottom + 56, width: 248, height: HEIGHT - bottom - 110 }
  const picture = [
    `<svg xmlns='http://www.w3.org/2000/svg' width='${WIDTH}' height='${HEIGHT}' viewBox='0 0 ${WIDTH} ${HEIGHT}'>`,
    `<rect width='${WIDTH}' height='${HEIGHT}' rx='12' fill='${colours.paper}'/>`,
    svg,
    chart('Loss', { ...panel, x: EDGE + 44 }, both('loss'), (v) => v.toFixed(2)),
    chart('Accuracy', { ...panel, x: EDGE + 362 }, both('accuracy'), (v) => `${(100 * v).toFixed(0)} %`),
    gallery(await guesses(directory), { ...panel, x: EDGE + 654, width: 300 }),
    '</svg>',
  ]
  const folder = join(import.meta.dirname, '../docs/images')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'lenet5.svg'), `${picture.join('\n')}\n`)
} finally {
  rmSync(directory, { recursive: true })
}
