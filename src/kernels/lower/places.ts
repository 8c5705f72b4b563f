/**
 * @file Symbolic indices as registers. An index is looked at lane by lane: where the lanes differ only by constants it
 * is a scalar address with a static pattern of lanes; elsewhere it becomes a vector of int32.
 */
import type { Guard } from '../expr.ts'
import { type Atom, add, Index, indexOf, strideOf, substitute, type Term, type Var, variablesOf } from '../index.ts'
import type { Reg } from '../vector.ts'
import type { Scopes } from './scopes.ts'

/** `constant + Σ factor × reg`, bounds included. */
export interface Linear {
  readonly constant: number
  readonly terms: readonly LinearTerm[]
  readonly lo: number
  readonly hi: number
}

interface LinearTerm {
  readonly reg: Reg
  readonly factor: number
  /** Bounds of `factor × reg`. */
  readonly lo: number
  readonly hi: number
}

/** An index whose lanes differ by constants: lane l is `at + pattern[l]`. */
export interface Lanes {
  readonly at: Linear
  readonly pattern: readonly number[]
  /** By how much each lane is ahead of the one before it; null where that differs. */
  readonly stride: number | null
}

/** What guards leave of the active lanes. */
export interface Mask {
  /** Lanes that may hold. */
  readonly open: readonly boolean[]
  /** Non-negative where the guards that are the same for all lanes hold. */
  readonly margin: Reg | null
  /** Vector mask of the guards that differ from lane to lane in a way not known beforehand. */
  readonly vector: Reg | null
}

export class Places {
  readonly #scopes: Scopes
  readonly #width: number
  /** Lanes at equal distances, which most accesses have, by distance and number. */
  readonly #patterns = new Map<number, readonly number[]>()
  #vector: Var | null = null

  constructor(scopes: Scopes, width: number) {
    this.#scopes = scopes
    this.#width = width
  }

  setVector(v: Var | null): void {
    this.#vector = v
  }

  /** The vector variable, while it is bound to lanes. */
  get vector(): Var | null {
    return this.#vector
  }

  /** Active lanes. */
  get active(): number {
    return this.#vector === null ? 1 : this.#scopes.of(this.#vector).lanes
  }

  // Scalars --------------------------------------------------------------------------------------------------------

  /** The value of an index for the first lane. */
  linear(index: Index): Linear {
    return index.affine ? this.#affine(index) : this.#general(this.#replaced(index, 0))
  }

  #affine(index: Index): Linear {
    let constant = index.constant
    let [lo, hi] = [constant, constant]
    const terms: LinearTerm[] = []
    for (const { atom, factor } of index.terms) {
      const { reg, offset, step, count } = this.#scopes.of(atom as Var)
      constant += factor * offset
      lo += factor * offset
      hi += factor * offset
      const reach = reg === null ? 0 : factor * step * (count - 1)
      if (reach === 0) continue
      const term = { reg: reg as Reg, factor, lo: Math.min(0, reach), hi: Math.max(0, reach) }
      terms.push(term)
      lo += term.lo
      hi += term.hi
    }
    return { constant, terms, lo, hi }
  }

  /** The index with variables replaced by what they are bound to; the vector variable stands for lane `lane`. */
  #replaced(index: Index, lane: number): Index {
    const variables = new Set<Var>()
    variablesOf(index, variables)
    const by = new Map<Var, Index>()
    for (const v of variables) {
      const bound = this.#scopes.of(v)
      const value = bound.index
      if (v === this.#vector) by.set(v, add(value ?? indexOf(v), lane))
      else if (value !== null) by.set(v, value)
    }
    return substitute(index, by)
  }

  /** An index over counting variables and plainly bound ones. */
  #general(index: Index): Linear {
    const terms: LinearTerm[] = []
    for (const { atom, factor } of index.terms) {
      const [reg, scale] = this.#atom(atom, factor)
      const [p, q] = [factor * atom.lo, factor * atom.hi]
      terms.push({ reg, factor: scale, lo: Math.min(p, q), hi: Math.max(p, q) })
    }
    return { constant: index.constant, terms, lo: index.lo, hi: index.hi }
  }

  /** A register and the factor by which it counts instead of `factor × atom`. */
  #atom(atom: Atom, factor: number): [Reg, number] {
    const s = this.#scopes
    if (atom.kind === 'var') {
      const counter = s.counted(atom)
      if (counter === undefined) return [s.of(atom).reg as Reg, factor]
      const { reg, step } = counter
      return factor % step === 0 ? [reg, factor / step] : [s.div(reg, step, 0), factor]
    }
    const x = this.int(this.#general(atom.of))
    return [atom.kind === 'div' ? s.div(x, atom.by, atom.of.lo) : s.rem(x, atom.by, atom.of.lo), factor]
  }

  /** `base + value × size` as a register that leaves out the constant: outer terms first, so that they are shared. */
  sum(terms: readonly LinearTerm[], size: number, base: Reg | null): Reg {
    const s = this.#scopes
    const ordered = terms.length > 1 ? [...terms].sort((p, q) => s.scopeOf(p.reg) - s.scopeOf(q.reg)) : terms
    let total = base
    for (const { reg, factor } of ordered) {
      const k = factor * size
      if (total === null) total = s.times(reg, k)
      else if (k < 0) total = s.i2('sub', total, s.times(reg, -k))
      else total = s.i2('add', total, s.times(reg, k))
    }
    return total ?? s.int(0)
  }

  /** The whole value in one register. */
  int(x: Linear): Reg {
    if (x.terms.length === 0) return this.#scopes.int(x.constant)
    return this.#scopes.addImm(this.sum(x.terms, 1, null), x.constant)
  }

  scopeOf(x: Linear): number {
    let scope = 0
    for (const t of x.terms) scope = Math.max(scope, this.#scopes.scopeOf(t.reg))
    return scope
  }

  // Lanes ----------------------------------------------------------------------------------------------------------

  /** The active lanes of an index, or null where they do not differ by constants. */
  lanes(index: Index): Lanes | null {
    const v = this.#vector
    const active = this.active
    const stride = v === null ? 0 : strideOf(index, v)
    if (stride !== null) return { at: this.linear(index), pattern: this.#steps(stride, active), stride }
    const first = this.#replaced(index, 0)
    const shape = keyOfTerms(first)
    const pattern = [0]
    for (let lane = 1; lane < active; lane++) {
      const at = this.#replaced(index, lane)
      if (keyOfTerms(at) !== shape) return null
      pattern.push(at.constant - first.constant)
    }
    return { at: this.#general(first), pattern, stride: null }
  }

  #steps(stride: number, lanes: number): readonly number[] {
    const key = stride * (this.#width + 1) + lanes
    let pattern = this.#patterns.get(key)
    if (pattern === undefined) {
      pattern = Array.from({ length: lanes }, (_, l) => stride * l)
      this.#patterns.set(key, pattern)
    }
    return pattern
  }

  /** An index in every lane, as int32; lanes past the active ones are arbitrary. */
  vectorOf(index: Index): Reg {
    const lanes = this.lanes(index)
    if (lanes !== null) return this.laneValues(lanes)
    const { b } = this.#scopes
    const known: Term[] = []
    const parts: Reg[] = []
    for (const t of index.terms) {
      if (t.atom.kind === 'var' || this.lanes(new Index(0, [t])) !== null) {
        known.push(t)
        continue
      }
      const { kind, of, by } = t.atom
      const x = this.vectorOf(of)
      const part = kind === 'div' ? this.#divLanes(x, of, by) : this.#remLanes(x, of, by)
      parts.push(t.factor === 1 ? part : b.v2('i.mul', part, b.i32(t.factor)))
    }
    const rest = this.vectorOf(new Index(index.constant, known))
    return parts.reduce((sum, part) => b.v2('i.add', sum, part), rest)
  }

  laneValues({ at, pattern }: Lanes): Reg {
    const s = this.#scopes
    const bits = Array.from(
      { length: this.#width },
      (_, l) => (pattern[l] ?? pattern[pattern.length - 1]) + at.constant,
    )
    if (at.terms.length === 0) return s.lanes(bits)
    const base = s.splat(this.sum(at.terms, 1, null))
    if (bits.every((x) => x === 0)) return base
    const offsets = s.lanes(bits)
    return s.once(this.scopeOf(at), `i.add${base},${offsets}`, () => s.b.v2('i.add', base, offsets))
  }

  #divLanes(x: Reg, of: Index, by: number): Reg {
    const { b } = this.#scopes
    const shift = Math.log2(by)
    if (Number.isInteger(shift)) return b.shift('i.shr', x, shift)
    const up = of.lo < 0 ? Math.ceil(-of.lo / by) : 0
    const positive = up === 0 ? x : b.v2('i.add', x, b.i32(up * by))
    const q = this.#quotient(positive, of.hi + up * by, by)
    return up === 0 ? q : b.v2('i.sub', q, b.i32(up))
  }

  #remLanes(x: Reg, of: Index, by: number): Reg {
    const { b } = this.#scopes
    if (Number.isInteger(Math.log2(by))) return b.v2('and', x, b.i32(by - 1))
    return b.v2('i.sub', x, b.v2('i.mul', this.#divLanes(x, of, by), b.i32(by)))
  }

  /** For 0 ≤ x ≤ hi. Below 2²¹ float32 is exact enough: (x + ½) / by keeps ½ / by away from the next integer. */
  #quotient(x: Reg, hi: number, by: number): Reg {
    const { b } = this.#scopes
    if (hi >= 2 ** 21) return b.v2('i.div', x, b.i32(by))
    const half = b.v2('f.add', b.v1('i.toFloat', x), b.f32(0.5))
    return b.v1('f.toInt', b.v2('f.mul', half, b.f32(1 / by)))
  }

  // Guards ---------------------------------------------------------------------------------------------------------

  mask(guards: readonly Guard[]): Mask {
    const s = this.#scopes
    const active = this.active
    const open: boolean[] = new Array(active).fill(true)
    let margin: Reg | null = null
    let vector: Reg | null = null
    for (const g of guards) {
      const lanes = this.lanes(g.index)
      if (lanes === null) {
        vector = this.#and(vector, this.#compare(this.vectorOf(g.index), g, true, true))
        continue
      }
      const { at, pattern } = lanes
      let [low, high] = [false, false]
      for (let l = 0; l < active; l++) {
        const [lo, hi] = [at.lo + pattern[l], at.hi + pattern[l]]
        if (hi < g.lo || lo >= g.hi) open[l] = false
        else {
          low ||= lo < g.lo
          high ||= hi >= g.hi
        }
      }
      if (!low && !high) continue
      if (pattern.every((p) => p === pattern[0])) {
        const x = this.sum(at.terms, 1, null)
        const constant = at.constant + pattern[0]
        if (low) margin = this.#least(margin, s.addImm(x, constant - g.lo))
        if (high) margin = this.#least(margin, s.i2('sub', s.int(g.hi - 1 - constant), x))
      } else {
        vector = this.#and(vector, this.#compare(this.laneValues(lanes), g, low, high))
      }
    }
    return { open, margin, vector }
  }

  #least(a: Reg | null, b: Reg): Reg {
    return a === null ? b : this.#scopes.i2('min', a, b)
  }

  #and(a: Reg | null, b: Reg): Reg {
    return a === null ? b : this.#scopes.b.v2('and', a, b)
  }

  #compare(x: Reg, g: Guard, low: boolean, high: boolean): Reg {
    const { b } = this.#scopes
    const above = low ? b.v2('i.le', b.i32(g.lo), x) : null
    if (!high) return above ?? b.i32(-1)
    return this.#and(above, b.v2('i.lt', x, b.i32(g.hi)))
  }

  /** All ones in every lane where a margin is negative. */
  outside(margin: Reg): Reg {
    return this.#scopes.splat(this.#scopes.i2('shr', margin, { imm: 31 }))
  }

  /** 1 where a margin is not negative, else 0. */
  flag(margin: Reg): Reg {
    return this.#scopes.addImm(this.#scopes.i2('shr', margin, { imm: 31 }), 1)
  }
}

function keyOfTerms(index: Index): string {
  return index.terms.map((t) => `${t.factor}*${t.atom.key}`).join('+')
}
