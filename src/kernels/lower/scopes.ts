/**
 * @file Where things are known. A kernel's loops are nested scopes; a value belongs to the outermost scope in which all
 * that it depends on is known, and is computed there once. Integer arithmetic is numbered by value: asking twice for
 * the same sum of the same registers gives the same register.
 */
import { add, constantIndex, type Index, indexOf, newVar, scale, type Var } from '../index.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { I2, Instr, IntOperand, Reg } from '../vector.ts'

/** Where the value of a loop variable is: `reg + offset`. */
export interface Binding {
  /** Integer register; null: the value is `offset` itself. */
  readonly reg: Reg | null
  /** Default 0. */
  readonly offset?: number
  /** `reg` is a multiple of `step` (default 1) … */
  readonly step?: number
  /** … below `step × count`. Default: the extent divided by step, rounded up. Sharper bounds let guards vanish. */
  readonly count?: number
}

export interface Bound {
  readonly reg: Reg | null
  readonly offset: number
  readonly step: number
  readonly count: number
  /** Active lanes where this is the vector variable, else 0. */
  readonly lanes: number
  /** The value (of lane 0) in terms of a variable that counts steps; null when that is the variable itself. */
  readonly index: Index | null
  /** Equal numbers mean equal bindings of the same variable. */
  readonly id: number
  readonly scope: number
}

/** What an expression may depend on besides variables: results of reductions, accumulators, the state of memory. */
export type Slot = Var | string

interface Scope {
  readonly block: Instr[]
  readonly memo: Map<string, Reg>
  readonly values: Map<object, Map<string, Reg>>
  readonly shadowed: [Slot, Bound | undefined][]
}

/** A variable that counts the steps of a register. */
interface Counter {
  readonly reg: Reg
  readonly step: number
}

export class Scopes {
  readonly b: ProgramBuilder
  readonly #scopes: Scope[] = []
  readonly #bound = new Map<Slot, Bound>()
  readonly #scopeOfReg = new Map<Reg, number>()
  #changes = 0
  readonly #ids = new Map<string, number>()
  readonly #counters = new Map<string, Var>()
  readonly #counted = new Map<Var, Counter>()

  constructor(b: ProgramBuilder) {
    this.b = b
    this.enter()
  }

  /** The innermost scope; 0 is the whole program. */
  get depth(): number {
    return this.#scopes.length - 1
  }

  enter(): void {
    this.#scopes.push({ block: this.b.current, memo: new Map(), values: new Map(), shadowed: [] })
  }

  leave(): void {
    const scope = this.#scopes.pop()
    for (const [slot, before] of scope?.shadowed.reverse() ?? []) {
      if (before === undefined) this.#bound.delete(slot)
      else this.#bound.set(slot, before)
    }
  }

  // Variables ------------------------------------------------------------------------------------------------------

  bind(v: Var, at: Binding, lanes: number): void {
    const { reg, offset = 0, step = 1 } = at
    const count = at.count ?? Math.max(1, Math.ceil((v.extent - offset) / step))
    const scope = this.depth
    if (reg !== null) this.known(reg)
    let index: Index | null = constantIndex(offset)
    if (reg !== null && (offset !== 0 || step !== 1 || count !== v.extent)) {
      index = add(scale(indexOf(this.#counter(reg, step, count)), step), offset)
    } else if (reg !== null) index = null
    this.#set(v, {
      reg,
      offset,
      step,
      count,
      lanes,
      index,
      id: this.#id(`${reg},${offset},${step},${count},${lanes}`),
      scope,
    })
  }

  /** Says that `slot` now stands for `reg`, as known from the present scope on. */
  assign(slot: string, reg: Reg): void {
    this.#set(slot, {
      reg,
      offset: 0,
      step: 1,
      count: 1,
      lanes: 0,
      index: null,
      id: this.#id(`${slot},${reg}`),
      scope: this.depth,
    })
  }

  /** Changes whenever a binding does. */
  get changes(): number {
    return this.#changes
  }

  #set(slot: Slot, bound: Bound): void {
    this.#changes++
    this.#scopes[this.depth].shadowed.push([slot, this.#bound.get(slot)])
    this.#bound.set(slot, bound)
  }

  of(slot: Slot): Bound {
    const bound = this.#bound.get(slot)
    if (bound !== undefined) return bound
    if (typeof slot !== 'string' && slot.extent <= 1) return nothing
    throw new Error(`nothing is known about ${typeof slot === 'string' ? slot : `variable ${slot.key}`} here`)
  }

  #id(key: string): number {
    let id = this.#ids.get(key)
    if (id === undefined) {
      id = this.#ids.size
      this.#ids.set(key, id)
    }
    return id
  }

  #counter(reg: Reg, step: number, count: number): Var {
    const key = `${reg},${step},${count}`
    let v = this.#counters.get(key)
    if (v === undefined) {
      v = newVar(count)
      this.#counters.set(key, v)
      this.#counted.set(v, { reg, step })
    }
    return v
  }

  /** The register that a counting variable belongs to. */
  counted(v: Var): Counter | undefined {
    return this.#counted.get(v)
  }

  // Values ---------------------------------------------------------------------------------------------------------

  /** Says that a register made elsewhere is known from the present scope on. */
  known(reg: Reg): void {
    if (!this.#scopeOfReg.has(reg)) this.#scopeOfReg.set(reg, this.depth)
  }

  scopeOf(reg: Reg): number {
    return this.#scopeOfReg.get(reg) ?? 0
  }

  /** Values of expressions that belong to a scope. */
  values(scope: number, of: object): Map<string, Reg> {
    const { values } = this.#scopes[scope]
    let known = values.get(of)
    if (known === undefined) {
      known = new Map()
      values.set(of, known)
    }
    return known
  }

  within<T>(scope: number, write: () => T): T {
    const { block } = this.#scopes[scope]
    return block === this.b.current ? write() : this.b.within(block, write)
  }

  /** The register that `make` emits in `scope`, once for each key. */
  once(scope: number, key: string, make: () => Reg): Reg {
    const { memo } = this.#scopes[scope]
    let reg = memo.get(key)
    if (reg === undefined) {
      reg = this.within(scope, make)
      memo.set(key, reg)
      this.#scopeOfReg.set(reg, scope)
    }
    return reg
  }

  // Integers -------------------------------------------------------------------------------------------------------

  int(value: number): Reg {
    return this.once(0, `int${value}`, () => this.b.int(value))
  }

  i2(fn: I2, a: Reg, b: IntOperand): Reg {
    const register = typeof b === 'number'
    const scope = register ? Math.max(this.scopeOf(a), this.scopeOf(b)) : this.scopeOf(a)
    return this.once(scope, `${fn}${a},${register ? b : `#${b.imm}`}`, () => this.b.i2(fn, a, b))
  }

  addImm(a: Reg, imm: number): Reg {
    return imm === 0 ? a : this.i2('add', a, { imm })
  }

  times(a: Reg, k: number): Reg {
    if (k === 1) return a
    const shift = Math.log2(k)
    return Number.isInteger(shift) ? this.i2('shl', a, { imm: shift }) : this.i2('mul', a, { imm: k })
  }

  /** floor(a / d) for a ≥ low. */
  div(a: Reg, d: number, low: number): Reg {
    if (d === 1) return a
    const shift = Math.log2(d)
    if (Number.isInteger(shift)) return this.i2('shr', a, { imm: shift })
    const up = low < 0 ? Math.ceil(-low / d) : 0
    return this.addImm(this.i2('div', this.addImm(a, up * d), { imm: d }), -up)
  }

  /** a − d·floor(a / d) for a ≥ low. */
  rem(a: Reg, d: number, low: number): Reg {
    if (Number.isInteger(Math.log2(d))) return this.i2('and', a, { imm: d - 1 })
    const up = low < 0 ? Math.ceil(-low / d) : 0
    return this.i2('rem', this.addImm(a, up * d), { imm: d })
  }

  // Vectors --------------------------------------------------------------------------------------------------------

  splat(a: Reg): Reg {
    return this.once(this.scopeOf(a), `splat${a}`, () => this.b.splat(a))
  }

  lanes(bits: readonly number[]): Reg {
    if (bits.every((x) => x === bits[0])) return this.b.constant(bits[0])
    return this.once(0, `lanes${bits.join()}`, () => this.b.laneConst(bits))
  }
}

const nothing: Bound = {
  reg: null,
  offset: 0,
  step: 1,
  count: 1,
  lanes: 0,
  index: constantIndex(0),
  id: -1,
  scope: 0,
}
