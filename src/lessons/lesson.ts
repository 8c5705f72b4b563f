/**
 * @file What a lesson is: a page of a course as a program. It computes what the page shows, draws it, and checks every
 * figure that the page prints.
 */
import type { Picture } from '../data/image.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Figure } from './figure.ts'

export interface Lesson {
  /** What the command line calls it: lower-case words joined by hyphens. */
  readonly name: string
  readonly title: string
  /** The course, or courses, that it is from. */
  readonly course: string
  /** @throws GliaError where a figure does not come out as printed */
  run(out: LessonOutput): void | Promise<void>
}

/** A figure to compare: a number, a text, a truth value, or a table of these. */
export type Value = number | string | boolean | readonly Value[]

/** Bounds for what a course says in words ("falls", "about half"): `above` and `below` themselves are outside. */
export interface Bounds {
  readonly above?: number
  readonly below?: number
}

/** Pictures side by side, under each its caption. */
export interface Panels {
  readonly title: string
  readonly panels: readonly { readonly caption: string; readonly picture: Picture }[]
  /** Panels in a row (default: all). */
  readonly columns?: number
  /** Screen pixels per pixel (default 1). */
  readonly scale?: number
}

/** Where a lesson puts what it has to show. */
export interface LessonOutput {
  /** A line, or several. */
  print(text: string): void
  /** Columns under headings; numbers are rounded to six digits and end at the right. */
  table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): void
  /**
   * Compares what came out with what the course prints. Every number of a table counts as one check.
   *
   * @param want the printed figure, or bounds
   * @param tolerance absolute, for numbers (default 0: exactly)
   * @throws GliaError naming the figure, what came out and what was wanted
   */
  check(what: string, got: Value | Tensor, want: Value | Bounds, tolerance?: number): void
  /** A chart, or several; the file will be `<name>.svg`. */
  plot(name: string, figure: Figure): void
  /** Pictures made of pixels; the file will be `<name>.svg`. */
  picture(name: string, panels: Panels): void
}
