/** @file What a chart shows, in words of its own: lessons describe, `draw.ts` knows how to draw. */

/** Numbers in order: arrays and typed arrays alike. */
export type Numbers = ArrayLike<number>

export interface Axis {
  readonly title: string
  /** Default linear. */
  readonly scale?: 'linear' | 'log' | 'symlog'
  /** First and last value shown (default: what the data need). Marks outside are cut off. */
  readonly domain?: readonly [number, number]
}

/** Points joined in the order given. Marks of one name share colour and legend entry. */
export interface Line {
  readonly mark: 'line'
  readonly name?: string
  readonly x: Numbers
  readonly y: Numbers
  readonly dashed?: boolean
}

export interface Points {
  readonly mark: 'points'
  readonly name?: string
  readonly x: Numbers
  readonly y: Numbers
  /** Area of each in square pixels (default 40). */
  readonly size?: number
}

/** One bar per label of the x axis; bars of several names stand side by side. */
export interface Bars {
  readonly mark: 'bars'
  readonly name?: string
  readonly labels: readonly string[]
  readonly values: Numbers
}

/** A function of two variables, as colour: `rows[j][i]` fills the cell in column i and row j of the area, from its lower left. */
export interface Heat {
  readonly mark: 'heat'
  readonly x: readonly [from: number, to: number]
  readonly y: readonly [from: number, to: number]
  readonly rows: readonly Numbers[]
  /** Of the colours' legend (default: no legend). */
  readonly legend?: string
  /** `'diverging'` puts white at 0 or, with `middle`, there (default `'sequential'`). */
  readonly colours?: 'sequential' | 'diverging'
  readonly middle?: number
}

/** A straight line across the chart. */
export interface Rule {
  readonly mark: 'rule'
  readonly name?: string
  readonly x?: number
  readonly y?: number
}

export type Mark = Line | Points | Bars | Heat | Rule

export interface Chart {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly marks: readonly Mark[]
  /** In pixels (default 420 × 280). */
  readonly width?: number
  readonly height?: number
}

/** A matrix as it is printed, its entries coloured by value. */
export interface Matrix {
  readonly title: string
  readonly entries: readonly Numbers[]
  /** Decimals shown (default: as many as the entries need, at most two). */
  readonly decimals?: number
  /** What is printed in place of the entries, which then only colour. */
  readonly texts?: readonly (readonly string[])[]
  /** What stands beside the rows and above the columns (default: nothing). */
  readonly rows?: Headings
  readonly columns?: Headings
  /** Of a cell, in pixels (default 38). */
  readonly side?: number
}

/** Names of a matrix's rows or columns, and what they are names of. */
export interface Headings {
  readonly title: string
  readonly names: readonly string[]
}

/** A chart or a matrix, or several in rows. */
export interface Figure {
  readonly title?: string
  readonly parts: readonly (Chart | Matrix)[]
  /** Parts in a row (default: all). */
  readonly columns?: number
}
