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

/** A floor division or a remainder by a positive number; a remainder lies in 0 … by − 1. */
class Quotient {
  readonly kind: 'div' | 'mod'
  readonly of: Index
  readonly by: number
  readonly lo: number
  readonly hi: number
  readonly key: string
  #quotient: Index | null = null

  constructor(kind: 'div' | 'mod', of: Index, by: number) {
    this.kind = kind
    this.of = of
    this.by = by
    this.lo = kind === 'div' ? Math.floor(of.lo / by) : 0
    this.hi = kind === 'div' ? Math.floor(of.hi / by) : by - 1
    this.key = `(${of.key})${kind}${by}`
  }

  /** ⌊of / by⌋ */
  get quotient(): Index {
    this.#quotient ??= div(this.of, this.by)
    return this.#quotient
  }
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
    // Never −0.
    this.constant = constant + 0
    this.terms = terms
    let lo = this.constant
    let hi = this.constant
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
  return modRest(split(a, d).rest, d)
}

/** Multi-index of position `linear` in a row-major array of `shape`. */
export function delinearise(linear: Index, shape: readonly number[]): Index[] {
  const out = new Array<Index>(shape.length)
  let rest = linear
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i]
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
    const s = strides[i]
    const index = indices[i]
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
    else if (atom.kind !== 'var' && mentions(atom.of, v)) return null
  }
  return stride
}

/** Whether a variable occurs, inside divisions too. */
export function mentions(a: Index, v: Var): boolean {
  for (const { atom } of a.terms) if (atom === v || (atom.kind !== 'var' && mentions(atom.of, v))) return true
  return false
}

// Normal form ------------------------------------------------------------------------------------------------------

function fromTerms(constant: number, terms: readonly Term[]): Index {
  if (terms.every((t) => t.atom.kind === 'var')) return new Index(constant, sorted(sumsByAtom(terms)))
  const merged = new Map<string, Term>()
  for (const t of terms) {
    const old = merged.get(t.atom.key)
    const factor = t.factor + (old?.factor ?? 0)
    if (factor === 0) merged.delete(t.atom.key)
    else merged.set(t.atom.key, { atom: t.atom, factor })
  }
  return recombine(constant, merged)
}

/** One term for each variable, of which there are few, and no factor 0. */
function sumsByAtom(terms: readonly Term[]): Term[] {
  const sums: Term[] = []
  for (const t of terms) {
    const at = sums.findIndex((s) => s.atom === t.atom)
    if (at < 0) sums.push(t)
    else sums[at] = { atom: t.atom, factor: sums[at].factor + t.factor }
  }
  return sums.filter((t) => t.factor !== 0)
}

/**
 * Undoes reshapes that others reverse: k·d·⌊x/d⌋ + k·(x mod d) = k·x, and where the quotient itself was cut,
 * k·d·(⌊x/d⌋ mod n) + k·(x mod d) = k·(x mod nd).
 */
function recombine(constant: number, terms: Map<string, Term>): Index {
  for (const { atom, factor } of terms.values()) {
    if (atom.kind !== 'mod') continue
    const q = atom.quotient
    if (q.terms.length === 0) continue
    const step = factor * atom.by
    // The quotient must stand among the terms with `step` times its factors, all of it.
    if (q.terms.every((t) => terms.get(t.atom.key)?.factor === t.factor * step)) {
      const rest = without(terms, [atom, ...q.terms.map((t) => t.atom)])
      return fromTerms(constant - q.constant * step + factor * atom.of.constant, [
        ...rest,
        ...scale(atom.of, factor).terms,
      ])
    }
    for (const other of terms.values()) {
      const cut = other.atom
      if (cut.kind !== 'mod' || other.factor !== step || !sameTerms(cut.of, q)) continue
      const shifted = add(atom.of, (cut.of.constant - q.constant) * atom.by)
      const joined = scale(mod(shifted, atom.by * cut.by), factor)
      return fromTerms(constant + joined.constant, [...without(terms, [atom, cut]), ...joined.terms])
    }
  }
  return new Index(constant, sorted([...terms.values()]))
}

function without(terms: ReadonlyMap<string, Term>, atoms: readonly Atom[]): Term[] {
  const keys = new Set(atoms.map((a) => a.key))
  return [...terms.values()].filter((t) => !keys.has(t.atom.key))
}

function sameTerms(a: Index, b: Index): boolean {
  return (
    a.terms.length === b.terms.length &&
    a.terms.every((t, i) => t.factor === b.terms[i].factor && t.atom.key === b.terms[i].atom.key)
  )
}

/** a = d·whole + rest: factors of the rest lie between −d and d, its constant in 0 … d − 1. */
function split(a: Index, d: number): { whole: Index; rest: Index } {
  const whole: Term[] = []
  const rest: Term[] = []
  for (const { atom, factor } of a.terms) {
    const q = Math.trunc(factor / d)
    if (q !== 0) whole.push({ atom, factor: q })
    if (factor !== q * d) rest.push({ atom, factor: factor - q * d })
  }
  const q = Math.floor(a.constant / d)
  return { whole: new Index(q, whole), rest: new Index(a.constant - q * d, rest) }
}

function divRest(rest: Index, d: number): Index {
  const q = Math.floor(rest.lo / d)
  if (q === Math.floor(rest.hi / d)) return constantIndex(q)
  const parts = separate(rest, d)
  if (parts !== null) return div(parts.high, d / parts.g)
  const only = onlyAtom(rest)
  // ⌊(⌊x/n⌋ + c) / d⌋ = ⌊(x + cn) / nd⌋
  if (only?.kind === 'div') return div(add(only.of, rest.constant * only.by), only.by * d)
  // ⌊(x mod nd) / d⌋ = ⌊x / d⌋ mod n
  if (only?.kind === 'mod' && rest.constant === 0 && only.by % d === 0) return mod(div(only.of, d), only.by / d)
  return new Index(0, [{ atom: new Quotient('div', rest, d), factor: 1 }])
}

function modRest(rest: Index, d: number): Index {
  const q = Math.floor(rest.lo / d)
  if (q === Math.floor(rest.hi / d)) return add(rest, -q * d)
  const parts = separate(rest, d)
  if (parts !== null) return add(scale(mod(parts.high, d / parts.g), parts.g), parts.low)
  const only = onlyAtom(rest)
  // ((x mod nd) + c) mod d = (x + c) mod d
  if (only?.kind === 'mod' && only.by % d === 0) return mod(add(only.of, rest.constant), d)
  return new Index(0, [{ atom: new Quotient('mod', rest, d), factor: 1 }])
}

/** The atom where nothing but a constant is added to it. */
function onlyAtom(a: Index): Atom | null {
  return a.terms.length === 1 && a.terms[0].factor === 1 ? a.terms[0].atom : null
}

/** a = g·high + low with 0 ≤ low < g, where g > 1 divides d: then ⌊a/d⌋ = ⌊high/(d/g)⌋. */
function separate(a: Index, d: number): { g: number; high: Index; low: Index } | null {
  const terms = [...a.terms].sort((p, q) => Math.abs(q.factor) - Math.abs(p.factor))
  const divisors: number[] = []
  let g = d
  for (const t of terms) {
    g = gcd(g, Math.abs(t.factor))
    divisors.push(g)
  }
  for (let n = terms.length; n > 0; n--) {
    g = divisors[n - 1]
    if (g === 1) continue
    const low = new Index(a.constant, sorted(terms.slice(n)))
    const q = Math.floor(low.lo / g)
    if (q !== Math.floor(low.hi / g)) continue
    const high = terms.slice(0, n).map((t) => ({ atom: t.atom, factor: t.factor / g }))
    return { g, high: new Index(q, sorted(high)), low: add(low, -q * g) }
  }
  return null
}

function sorted(terms: Term[]): Term[] {
  return terms.sort((a, b) => (a.atom.key < b.atom.key ? -1 : 1))
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
