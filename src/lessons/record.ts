/** @file Runs lessons and keeps what they put out: lines, checks, drawings. */
import { GliaError } from '../core/errors.ts'
import { manualSeed } from '../tensor/random.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Figure } from './figure.ts'
import type { Bounds, Lesson, LessonOutput, Panels, Value } from './lesson.ts'

/** A check that held. */
export interface Check {
  readonly what: string
  readonly got: Value
  readonly want: Value | Bounds
  /** Figures compared: more than one for a table. */
  readonly figures: number
}

export type Drawing =
  | { readonly name: string; readonly figure: Figure }
  | { readonly name: string; readonly panels: Panels }

/** What a lesson has put out. */
export class LessonRecord implements LessonOutput {
  readonly lines: string[] = []
  readonly checks: Check[] = []
  readonly drawings: Drawing[] = []
  readonly #lesson: string
  readonly #listen: (line: string) => void

  /** @param listen is told each line as it comes */
  constructor(lesson: string, listen: (line: string) => void = () => {}) {
    this.#lesson = lesson
    this.#listen = listen
  }

  /** Number of figures that came out as printed. */
  get figures(): number {
    return this.checks.reduce((n, c) => n + c.figures, 0)
  }

  print(text: string): void {
    for (const line of text.split('\n')) {
      this.lines.push(line)
      this.#listen(line)
    }
  }

  table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const cells = [headings, ...rows].map((row) => row.map((c) => (typeof c === 'number' ? show(c) : c)))
    const widths = headings.map((_, k) => Math.max(...cells.map((row) => row[k]?.length ?? 0)))
    const isNumber = headings.map((_, k) => rows.every((row) => typeof row[k] === 'number'))
    const line = (row: readonly string[]): string =>
      row.map((c, k) => (isNumber[k] ? c.padStart(widths[k]) : c.padEnd(widths[k]))).join('  ')
    this.print(`  ${line(cells[0]).trimEnd()}`)
    this.print(`  ${widths.map((w) => '─'.repeat(w)).join('  ')}`)
    for (const row of cells.slice(1)) this.print(`  ${line(row).trimEnd()}`)
  }

  check(what: string, got: Value | Tensor, want: Value | Bounds, tolerance = 0): void {
    const value = got instanceof Tensor ? (got.arraySync() as Value) : got
    const problem = differs(value, want, tolerance)
    if (problem !== null) throw new GliaError(`Lesson ${this.#lesson}: ${what}: ${problem}.`)
    const figures = leaves(value)
    this.checks.push({ what, got: value, want, figures })
    this.print(
      `  ✓ ${what}${Array.isArray(value) ? ` (${figures} ${figures === 1 ? 'figure' : 'figures'})` : `: ${showValue(value)}`}`,
    )
  }

  plot(name: string, figure: Figure): void {
    this.#draw({ name, figure })
  }

  picture(name: string, panels: Panels): void {
    this.#draw({ name, panels })
  }

  #draw(drawing: Drawing): void {
    if (!/^[a-z0-9-]+$/.test(drawing.name) || this.drawings.some((d) => d.name === drawing.name)) {
      throw new GliaError(
        `Lesson ${this.#lesson}: a drawing's name must be new and of lower-case letters, digits and hyphens; received ` +
          `${JSON.stringify(drawing.name)}.`,
      )
    }
    this.drawings.push(drawing)
  }
}

/**
 * Runs a lesson from a fixed seed, so that it does not depend on what ran before.
 * @throws GliaError where a figure does not come out as printed
 */
export async function runLesson(lesson: Lesson, listen?: (line: string) => void): Promise<LessonRecord> {
  const record = new LessonRecord(lesson.name, listen)
  manualSeed(0)
  await lesson.run(record)
  return record
}

/** What is wrong with `got`, or null. */
function differs(got: Value, want: Value | Bounds, tolerance: number, place = ''): string | null {
  const at = place === '' ? '' : ` at ${place}`
  if (isBounds(want)) {
    const { above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = want
    if (typeof got === 'number' && got > above && got < below) return null
    return `got ${showValue(got)}${at}, expected it ${showBounds(want)}`
  }
  if (Array.isArray(want) || Array.isArray(got)) {
    if (!Array.isArray(want) || !Array.isArray(got) || want.length !== got.length) {
      return `got ${showValue(got)}${at}, expected ${showValue(want)}`
    }
    for (const [i, w] of want.entries()) {
      const problem = differs(got[i], w, tolerance, `${place}[${i}]`)
      if (problem !== null) return problem
    }
    return null
  }
  const same = typeof got === 'number' && typeof want === 'number' ? Math.abs(got - want) <= tolerance : got === want
  if (same) return null
  return `got ${showValue(got)}${at}, expected ${showValue(want)}${tolerance > 0 ? ` ± ${tolerance}` : ''}`
}

function isBounds(want: Value | Bounds): want is Bounds {
  return typeof want === 'object' && !Array.isArray(want)
}

function leaves(value: Value): number {
  return Array.isArray(value) ? value.reduce((n: number, v: Value) => n + leaves(v), 0) : 1
}

/** Six digits are enough for a reader; a check that failed shows them all. */
function show(x: number): string {
  return Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(6)))
}

function showValue(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`
  return typeof value === 'number' ? show(value) : String(value)
}

function showBounds({ above, below }: Bounds): string {
  const parts = [above === undefined ? [] : `above ${above}`, below === undefined ? [] : `below ${below}`]
  return parts.flat().join(' and ')
}
