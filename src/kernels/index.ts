/**
 * @file Symbolic addresses: integer expressions over loop variables, kept in a normal form
 * `constant + Σ coefficient × atom`, where an atom is a variable, a floor division or a remainder. Reshapes,
 * slices and pads become arithmetic on these; simplification by ranges makes nearly all of them affine again.
 */

/** A loop variable: runs over 0 … extent − 1. */
export interface Var {
  readonly kind: 'var'
  readonly key: string
  readonly extent: number
  readonly lo: number
  readonly hi: number
}

interface Quotient {
  readonly kind: 'div' | 'mod'
  readonly key: string
  readonly of: Index
  /** Positive divisor; division rounds down, so that a remainder lies in 0 … by − 1. */
  readonly by: number
  readonly lo: number
  readonly hi: number
}

export type Atom = Var | Quotient

export interface Term {
  readonly atom: Atom
  readonly factor: number
}

/** `constant + Σ factor × atom`, terms in the order of their keys, no factor 0. */
export class Index {
  readonly constant: number
  readonly terms: readonly Term[]
  /** Bounds of the value (both included). */
  readonly lo: number
  readonly hi: number
  #key: string | null = null

  constructor(constant: number, terms: readonly Term[]) {
    this.constant = constant
    this.terms = terms
    let lo = constant
    let hi = constant
    for (const { atom, factor } of terms) {
      lo += factor > 0 ? factor * atom.lo : factor * atom.hi
      hi += factor > 0 ? factor * atom.hi : factor * atom.lo
    }
    this.lo = lo
    this.hi = hi
  }

  /** Equal keys mean equal expressions. */
  get key(): string {
    this.#key ??= `${this.constant}${this.terms.map((t) => `+${t.factor}*${t.atom.key}`).join('')}`
    return this.#key
  }

  /** Whether only variables occur: no division, no remainder. */
  get affine(): boolean {
    return this.terms.every((t) => t.atom.kind === 'var')
  }
}

let nextVar = 0

/** A fresh loop variable. */
export function newVar(extent: number): Var {
  return { kind: 'var', key: `v${nextVar++}`, extent, lo: 0, hi: Math.max(0, extent - 1) }
}

export const zero: Index = new Index(0, [])

export function constantIndex(value: number): Index {
  return value === 0 ? zero : new Index(value, [])
}

/** The variable itself (0 when it has only one value). */
export function indexOf(v: Var): Index {
  return v.extent === 1 ? zero : new Index(0, [{ atom: v, factor: 1 }])
}

export function add(a: Index, b: Index | number): Index {
  if (typeof b === 'number') return b === 0 ? a : new Index(a.constant + b, a.terms)
  if (b.terms.length === 0) return add(a, b.constant)
  if (a.terms.length === 0) return add(b, a.constant)
  return fromTerms(a.constant + b.constant, [...a.terms, ...b.terms])
}

export function scale(a: Index, k: number): Index {
  if (k === 1) return a
  if (k === 0) return zero
  return new Index(
    a.constant * k,
    a.terms.map((t) => ({ atom: t.atom, factor: t.factor * k })),
  )
}

/** floor(a / d), d > 0. */
export function div(a: Index, d: number): Index {
  if (d === 1) return a
  const { whole, rest } = split(a, d)
  return add(whole, divRest(rest, d))
}

/** a − d·floor(a / d), in 0 … d − 1. */
export function mod(a: Index, d: number): Index {
  if (d === 1) return zero
  const { rest } = split(a, d)
  const q = Math.floor(rest.lo / d)
  if (q === Math.floor(rest.hi / d)) return add(rest, -q * d)
  if (rest.terms.length === 1) {
    const { atom, factor } = rest.terms[0]!
    // (x mod nd) mod d = x mod d
    if (factor === 1 && rest.constant === 0 && atom.kind === 'mod' && atom.by % d === 0) return mod(atom.of, d)
  }
  const g = commonDivisor(rest, d)
  if (g > 1) {
    const low = ((rest.constant % g) + g) % g
    return add(scale(mod(divideExactly(add(rest, -low), g), d / g), g), low)
  }
  return new Index(0, [{ atom: quotient('mod', rest, d), factor: 1 }])
}

/** Multi-index of position `linear` in a row-major array of `shape`. */
export function delinearise(linear: Index, shape: readonly number[]): Index[] {
  const out = new Array<Index>(shape.length)
  let rest = linear
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i]!
    if (n === 0) out[i] = zero
    else if (i === 0 && rest.lo >= 0 && rest.hi < n) out[i] = rest
    else {
      out[i] = mod(rest, n)
      rest = div(rest, n)
    }
  }
  return out
}

export function linearise(indices: readonly Index[], strides: readonly number[]): Index {
  let constant = 0
  const terms: Term[] = []
  for (let i = 0; i < indices.length; i++) {
    const s = strides[i]!
    const index = indices[i]!
    constant += index.constant * s
    for (const t of index.terms) terms.push({ atom: t.atom, factor: t.factor * s })
  }
  return fromTerms(constant, terms)
}

/** Replaces variables by expressions. */
export function substitute(a: Index, by: ReadonlyMap<Var, Index>): Index {
  let touched = false
  const parts: Index[] = []
  for (const t of a.terms) {
    const replaced = substituteAtom(t.atom, by)
    if (replaced !== null) touched = true
    parts.push(scale(replaced ?? new Index(0, [{ atom: t.atom, factor: 1 }]), t.factor))
  }
  if (!touched) return a
  return fromTerms(
    a.constant + parts.reduce((s, p) => s + p.constant, 0),
    parts.flatMap((p) => p.terms),
  )
}

function substituteAtom(atom: Atom, by: ReadonlyMap<Var, Index>): Index | null {
  if (atom.kind === 'var') return by.get(atom) ?? null
  const of = substitute(atom.of, by)
  if (of === atom.of) return null
  return atom.kind === 'div' ? div(of, atom.by) : mod(of, atom.by)
}

/** Adds every variable in `a` to `into`, those inside divisions included. */
export function variablesOf(a: Index, into: Set<Var>): void {
  for (const { atom } of a.terms) {
    if (atom.kind === 'var') into.add(atom)
    else variablesOf(atom.of, into)
  }
}

/** The value for given variables. */
export function evaluateIndex(a: Index, values: ReadonlyMap<Var, number>): number {
  let sum = a.constant
  for (const { atom, factor } of a.terms) {
    if (atom.kind === 'var') sum += factor * (values.get(atom) ?? 0)
    else {
      const x = evaluateIndex(atom.of, values)
      const q = Math.floor(x / atom.by)
      sum += factor * (atom.kind === 'div' ? q : x - q * atom.by)
    }
  }
  return sum
}

/** The factor of `v` where it occurs linearly, or null if it also occurs inside a division or remainder. */
export function strideOf(a: Index, v: Var): number | null {
  let stride = 0
  for (const { atom, factor } of a.terms) {
    if (atom === v) stride = factor
    else if (atom.kind !== 'var') {
      const inside = new Set<Var>()
      variablesOf(atom.of, inside)
      if (inside.has(v)) return null
    }
  }
  return stride
}

// Normal form ------------------------------------------------------------------------------------------------------

function fromTerms(constant: number, terms: readonly Term[]): Index {
  const merged = new Map<string, Term>()
  for (const t of terms) {
    const old = merged.get(t.atom.key)
    const factor = t.factor + (old?.factor ?? 0)
    if (factor === 0) merged.delete(t.atom.key)
    else merged.set(t.atom.key, { atom: t.atom, factor })
  }
  return recombine(constant, merged)
}

/** k·d·⌊x/d⌋ + k·(x mod d) = k·x: undoes a reshape that another reshape reverses. */
function recombine(constant: number, terms: Map<string, Term>): Index {
  for (const { atom, factor } of terms.values()) {
    if (atom.kind !== 'mod') continue
    const q = div(atom.of, atom.by)
    // The quotient must stand among the terms with d times the factor, all of it.
    if (q.terms.length === 0 || !q.terms.every((t) => terms.get(t.atom.key)?.factor === t.factor * factor * atom.by)) continue
    const rest = [...terms.values()].filter((t) => t.atom !== atom && !q.terms.some((u) => u.atom.key === t.atom.key))
    const whole = scale(atom.of, factor)
    return fromTerms(constant - q.constant * factor * atom.by + whole.constant, [...rest, ...whole.terms])
  }
  const sorted = [...terms.values()].sort((a, b) => (a.atom.key < b.atom.key ? -1 : 1))
  return new Index(constant, sorted)
}

/** a = d·whole + rest: the terms whose factors d divides, and the others with the constant in 0 … d − 1. */
function split(a: Index, d: number): { whole: Index; rest: Index } {
  const whole: Term[] = []
  const rest: Term[] = []
  for (const t of a.terms) {
    if (t.factor % d === 0) whole.push({ atom: t.atom, factor: t.factor / d })
    else rest.push(t)
  }
  const q = Math.floor(a.constant / d)
  return { whole: new Index(q, whole), rest: new Index(a.constant - q * d, rest) }
}

function divRest(rest: Index, d: number): Index {
  const q = Math.floor(rest.lo / d)
  if (q === Math.floor(rest.hi / d)) return constantIndex(q)
  const g = commonDivisor(rest, d)
  if (g > 1) return div(divideExactly(add(rest, -(((rest.constant % g) + g) % g)), g), d / g)
  if (rest.terms.length === 1 && rest.constant === 0) {
    const { atom, factor } = rest.terms[0]!
    if (factor === 1 && atom.kind === 'div') return div(atom.of, atom.by * d)
    // ⌊(x mod nd) / d⌋ = ⌊x / d⌋ mod n
    if (factor === 1 && atom.kind === 'mod' && atom.by % d === 0) return mod(div(atom.of, d), atom.by / d)
  }
  // A factor larger than d: c·x = d·⌊c/d⌋·x + (c mod d)·x helps when the remainder is then in range.
  const carried: Term[] = []
  const reduced: Term[] = []
  for (const t of rest.terms) {
    const whole = Math.floor(t.factor / d)
    if (whole !== 0) carried.push({ atom: t.atom, factor: whole })
    const left = t.factor - whole * d
    if (left !== 0) reduced.push({ atom: t.atom, factor: left })
  }
  if (carried.length > 0) {
    return add(new Index(0, carried), div(new Index(rest.constant, reduced), d))
  }
  return new Index(0, [{ atom: quotient('div', rest, d), factor: 1 }])
}

/** The greatest common divisor of d and all factors (the constant's remainder below it does not matter). */
function commonDivisor(a: Index, d: number): number {
  let g = d
  for (const t of a.terms) g = gcd(g, Math.abs(t.factor))
  return g
}

function divideExactly(a: Index, g: number): Index {
  return new Index(
    a.constant / g,
    a.terms.map((t) => ({ atom: t.atom, factor: t.factor / g })),
  )
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

function quotient(kind: 'div' | 'mod', of: Index, by: number): Quotient {
  const key = `(${of.key})${kind}${by}`
  return kind === 'div'
    ? { kind, key, of, by, lo: Math.floor(of.lo / by), hi: Math.floor(of.hi / by) }
    : { kind, key, of, by, lo: 0, hi: by - 1 }
}
