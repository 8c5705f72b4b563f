/**
 * @file A hand that never writes a digit the same way twice: from a style to a line in pixels.
 *
 * Control points tremble, a free-form deformation bends the whole figure, an affine map slants and stretches it, and the
 * result is fitted and centred as MNIST's were: its longer side about 20 pixels, its centre of mass in the middle.
 */

import type { Random } from '../random.ts'
import type { Stroke, Style } from './glyphs.ts'

/** A line to be inked, in pixels: vertices, the pen's radius at each, and where each stroke begins. */
export interface Line {
  readonly x: number[]
  readonly y: number[]
  readonly radius: number[]
  /** Index of the first vertex of each stroke. */
  readonly starts: number[]
}

/** Samples of the curve between two control points, which lie 3 to 7 pixels apart. */
const SAMPLES = 5

export function write(style: Style, random: Random, side: number): Line {
  const line: Line = { x: [], y: [], radius: [], starts: [] }
  const tremble = random.uniform(0.008, 0.03)
  for (const stroke of style.strokes) trace(trembled(stroke, tremble, random), line)
  bend(line, random)
  slant(line, random)
  fit(line, random, side)
  return line
}

function trembled(stroke: Stroke, amount: number, random: Random): Stroke {
  return { points: stroke.points.map((v) => v + amount * random.bell()), corner: stroke.corner }
}

/** Appends a Catmull-Rom curve through the control points; at a corner the tangent comes from one side alone. */
function trace({ points, corner }: Stroke, line: Line): void {
  const last = points.length / 2 - 1
  line.starts.push(line.x.length)
  line.x.push(points[0])
  line.y.push(points[1])
  for (let i = 0; i < last; i++) {
    const before = i === 0 || corner[i] ? i : i - 1
    const after = i + 1 === last || corner[i + 1] ? i + 1 : i + 2
    for (let s = 1; s <= SAMPLES; s++) {
      const t = s / SAMPLES
      line.x.push(catmullRom(points[2 * before], points[2 * i], points[2 * i + 2], points[2 * after], t))
      line.y.push(catmullRom(points[2 * before + 1], points[2 * i + 1], points[2 * i + 3], points[2 * after + 1], t))
    }
  }
}

function catmullRom(p0: number, p1: number, p2: number, p3: number, t: number): number {
  return p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
}

/** Free-form deformation (Sederberg and Parry, 1986): a 4 × 4 lattice of random offsets blended by cubic Bernstein weights. */
function bend(line: Line, random: Random): void {
  const amount = random.uniform(0.03, 0.095)
  const offsets = Float64Array.from({ length: 32 }, () => amount * random.bell())
  const [u, v] = [new Float64Array(4), new Float64Array(4)]
  for (let i = 0; i < line.x.length; i++) {
    bernstein(line.x[i], u)
    bernstein(line.y[i], v)
    let [dx, dy] = [0, 0]
    for (let k = 0; k < 16; k++) {
      const weight = u[k & 3] * v[k >> 2]
      dx += weight * offsets[2 * k]
      dy += weight * offsets[2 * k + 1]
    }
    line.x[i] += dx
    line.y[i] += dy
  }
}

function bernstein(position: number, weights: Float64Array): void {
  const t = Math.min(1, Math.max(0, position))
  const s = 1 - t
  weights[0] = s * s * s
  weights[1] = 3 * t * s * s
  weights[2] = 3 * t * t * s
  weights[3] = t * t * t
}

/** Stretch, shear (people lean right) and turn, about the middle of the box. */
function slant(line: Line, random: Random): void {
  const stretch = random.uniform(0.6, 1.15)
  const shear = clamp(0.14 + 0.22 * random.bell(), -0.35, 0.55)
  // The angle's sine is drawn rather than the angle, because Math.sin may differ between engines.
  const sin = clamp(0.13 * random.bell(), -0.26, 0.26)
  const cos = Math.sqrt(1 - sin * sin)
  for (let i = 0; i < line.x.length; i++) {
    const y = line.y[i] - 0.5
    const x = (line.x[i] - 0.5) * stretch - y * shear
    line.x[i] = cos * x - sin * y
    line.y[i] = sin * x + cos * y
  }
}

/** Scales to pixels, sets the pen's radius, and puts the centre of mass in the middle, give or take a pixel. */
function fit(line: Line, random: Random, side: number): void {
  const [left, right] = range(line.x)
  const [top, bottom] = range(line.y)
  const pen = random.uniform(0.7, 1.8)
  const target = (side * 20) / 28 - 2 * pen + random.uniform(-3, 1)
  const scale = target / Math.max(right - left, bottom - top)

  const [cx, cy] = centre(line)
  const half = side / 2
  // low and high are the figure's extent about its centre of mass: the whole of it, pen included, stays on the page
  const limit = (shift: number, low: number, high: number): number => clamp(shift, 1 + pen - low, side - 1 - pen - high)
  const dx = limit(half + 1.1 * random.bell(), (left - cx) * scale, (right - cx) * scale)
  const dy = limit(half + 1.1 * random.bell(), (top - cy) * scale, (bottom - cy) * scale)
  const [lean, swell] = [0.18 * random.bell(), 0.15 * random.bell()]
  const n = line.x.length
  for (let i = 0; i < n; i++) {
    line.x[i] = (line.x[i] - cx) * scale + dx
    line.y[i] = (line.y[i] - cy) * scale + dy
    // Pressure drifts along the writing and swells or thins in its middle.
    const t = (2 * i) / n - 1
    line.radius[i] = pen * clamp(1 + lean * t + swell * (1 - 2 * t * t), 0.6, 1.5)
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

function range(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity]
  for (const v of values) {
    low = Math.min(low, v)
    high = Math.max(high, v)
  }
  return [low, high]
}

/** The centre of mass of the line, each piece weighing as much as it is long. */
function centre(line: Line): [x: number, y: number] {
  let [mass, mx, my] = [1e-9, 0, 0]
  let stroke = 0
  for (let i = 0; i < line.x.length; i++) {
    if (i === line.starts[stroke]) {
      stroke++
      continue
    }
    const [x0, y0, x1, y1] = [line.x[i - 1], line.y[i - 1], line.x[i], line.y[i]]
    const length = Math.sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0))
    mass += length
    mx += (length * (x0 + x1)) / 2
    my += (length * (y0 + y1)) / 2
  }
  return [mx / mass, my / mass]
}
