/**
 * @file Turns expressions into vector instructions. The emitter knows where the value of every loop variable is; it
 * computes each expression once, in the outermost scope where all that it depends on is known.
 */
import { type Expr, type Guard, operands, type Store } from '../expr.ts'
import type { Index, Var } from '../index.ts'
import type { BufferInfo } from '../kernel.ts'
import { threefry2x32 } from '../math.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import { bitsOf, type IntOperand, type Reg } from '../vector.ts'
import { emitBinary, emitCast, emitUnary, powers, registerClass } from './functions.ts'
import { type Extra, Memory } from './memory.ts'
import { Places } from './places.ts'
import { type Binding, Scopes, type Slot } from './scopes.ts'

export type { Binding } from './scopes.ts'

export interface EmitterOptions {
  readonly buffers: readonly BufferInfo[]
  /** The register that holds the address of a buffer; known from the program's start. */
  readonly address: (buffer: number) => Reg
  /** The register that holds the address of the status block; needed when an expression has `bound`. */
  readonly status?: Reg
  /** Buffers that the program writes: what is loaded from them is forgotten by `forget`. */
  readonly written?: ReadonlySet<number>
  /** Whether the machine pairs neighbouring vectors (see `Machine`). */
  readonly pairs?: boolean
}

/** What an expression depends on: the slots whose bits are set. */
type Dependencies = number
/** Stands for every slot past the first 30: such expressions are computed anew in the innermost scope. */
const ANY = 1 << 30

const MEMORY = 'memory'
const ACCUMULATOR = 'accumulator'

/**
 * Usage: inside a loop's block call `scope` (or use `loop`); there `bind` the variables that the loop moves, then
 * `value` and `store`. Binding a variable again (the next row of a tile: another `offset`, same register) is how
 * unrolled code is written: addresses and expressions that do not depend on it are shared. Unbound variables of
 * extent 1 are 0.
 */
export class ExprEmitter {
  readonly b: ProgramBuilder
  readonly scopes: Scopes
  readonly places: Places
  readonly #memory: Memory
  readonly #status: Reg | undefined
  readonly #pairs: boolean
  readonly #written: ReadonlySet<number>
  readonly #bits = new Map<Slot, number>()
  readonly #slots: Slot[] = []
  readonly #checking = new Map<Expr, boolean>()
  readonly #dependencies = new Map<Expr, Dependencies>()
  /** Reductions whose lanes belong to those of the vector variable. */
  readonly #varying = new Set<string>([ACCUMULATOR])
  #epoch = 0

  constructor(b: ProgramBuilder, options: EmitterOptions) {
    this.b = b
    this.scopes = new Scopes(b)
    this.places = new Places(this.scopes, b.lanes)
    this.#memory = new Memory(this.scopes, this.places, options.buffers, options.address)
    this.#status = options.status
    this.#pairs = options.pairs ?? false
    this.#written = options.written ?? new Set()
    this.scopes.assign(MEMORY, 0)
  }

  // Scopes ---------------------------------------------------------------------------------------------------------

  /** What is bound and computed inside `write` belongs to the block being written now. */
  scope<T>(write: () => T): T {
    const vector = this.places.vector
    this.scopes.enter()
    const result = write()
    this.scopes.leave()
    this.places.setVector(vector)
    return result
  }

  /** A loop whose body is a scope. */
  loop(from: IntOperand, to: IntOperand, step: number, body: (i: Reg) => void): void {
    this.b.loop(from, to, step, (i) =>
      this.scope(() => {
        this.scopes.known(i)
        body(i)
      }),
    )
  }

  bind(v: Var, at: Binding | number): void {
    this.scopes.bind(v, typeof at === 'number' ? { reg: null, offset: at } : at, 0)
  }

  /**
   * Lane l stands for the value `reg + offset + l`, for `lanes` active lanes (default all). One variable is the vector
   * variable at a time; without one, all lanes hold the same and stores write one element.
   */
  bindVector(v: Var, at: Binding | number, lanes: number = this.b.lanes): void {
    this.scopes.bind(v, typeof at === 'number' ? { reg: null, offset: at } : at, lanes)
    this.places.setVector(v)
  }

  /** What `accumulator` stands for from now on. */
  setAccumulator(reg: Reg): void {
    this.scopes.assign(ACCUMULATOR, reg)
  }

  /** What reduction `id` stands for from now on. `varies`: its lanes differ, belonging to those of the vector variable. */
  setReduced(id: number, reg: Reg, varies: boolean): void {
    const slot = reductionSlot(id)
    this.scopes.assign(slot, reg)
    if (varies) this.#varying.add(slot)
    else this.#varying.delete(slot)
  }

  /** Values loaded from buffers that the program writes are loaded again from here on. */
  forget(): void {
    this.scopes.assign(MEMORY, ++this.#epoch)
  }

  // Values ---------------------------------------------------------------------------------------------------------

  /** float32, int32, or (bool) masks; lanes past the active ones are arbitrary. */
  value(e: Expr): Reg {
    const [scope, key] = this.#placeOf(this.#dependenciesOf(e))
    const known = this.scopes.values(scope, e)
    let reg = known.get(key)
    if (reg === undefined) {
      reg = this.scopes.within(scope, () => this.#compute(e))
      known.set(key, reg)
    }
    return reg
  }

  /** Says that `e` has the value `reg`, made in the innermost scope, under the present bindings. */
  preset(e: Expr, reg: Reg): void {
    const [scope, key] = this.#placeOf(this.#dependenciesOf(e))
    this.scopes.values(scope, e).set(key, reg)
  }

  /** Stores the active lanes of `s.value`. */
  store(s: Store): void {
    this.storeValue(s, this.value(s.value))
  }

  /** Stores the active lanes of `value`, as `value(s.value)` gives them, at the place of `s`. */
  storeValue(s: Store, value: Reg): void {
    const bits = s.value.dtype === 'bool' ? this.b.v2('and', value, this.b.i32(1)) : value
    this.#memory.store(s.buffer, s.index, bits)
  }

  /** The scope to which values with these dependencies belong, and what tells them apart from one binding to another. */
  #placeOf(d: Dependencies): [number, string] {
    if (d & ANY) return [this.scopes.depth, `${this.scopes.changes}`]
    let scope = 0
    let key = ''
    for (let bit = 0, rest = d; rest !== 0; bit++, rest >>>= 1) {
      if ((rest & 1) === 0) continue
      const bound = this.scopes.of(this.#slots[bit])
      if (bound.scope > scope) scope = bound.scope
      key += `${bound.id},`
    }
    return [scope, key]
  }

  #dependenciesOf(e: Expr): Dependencies {
    const known = this.#dependencies.get(e)
    if (known !== undefined) return known
    let d = 0
    for (const x of operands(e)) d |= this.#dependenciesOf(x)
    switch (e.op) {
      case 'load':
      case 'gather':
        d |= this.#ofIndex(e.index) | this.#ofGuards(e.guards)
        if (this.#written.has(e.buffer)) d |= this.#bit(MEMORY)
        break
      case 'index':
        d |= this.#ofIndex(e.index)
        break
      case 'inside':
      case 'bound':
        d |= this.#ofGuards(e.guards)
        break
      case 'reduced':
        d |= this.#bit(reductionSlot(e.id))
        break
      case 'accumulator':
        d |= this.#bit(ACCUMULATOR)
        break
      default:
        break
    }
    this.#dependencies.set(e, d)
    return d
  }

  #ofIndex(index: Index): Dependencies {
    let d = 0
    for (const { atom } of index.terms) d |= atom.kind === 'var' ? this.#bit(atom) : this.#ofIndex(atom.of)
    return d
  }

  #ofGuards(guards: readonly Guard[]): Dependencies {
    let d = 0
    for (const g of guards) d |= this.#ofIndex(g.index)
    return d
  }

  #bit(slot: Slot): Dependencies {
    let bit = this.#bits.get(slot)
    if (bit === undefined) {
      bit = this.#slots.length < 30 ? 1 << this.#slots.length : ANY
      this.#bits.set(slot, bit)
      this.#slots.push(slot)
    }
    return bit
  }

  #compute(e: Expr): Reg {
    const { b } = this
    switch (e.op) {
      case 'load':
        return this.#loaded(this.#memory.load(e.buffer, e.index, e.guards, null), e)
      case 'gather':
        return this.#loaded(this.#memory.load(e.buffer, e.index, e.guards, this.#position(e.at, e.stride)), e)
      case 'constant':
        return this.#constant(e)
      case 'index':
        return this.places.vectorOf(e.index)
      case 'inside':
        return this.#inside(e.guards)
      case 'unary':
        return emitUnary(b, e.fn, e.x.dtype, this.#operand(e.x, e))
      case 'binary':
        return this.#binary(e)
      case 'select':
        return this.#select(e)
      case 'cast':
        return emitCast(b, e.x.dtype, e.dtype, this.#operand(e.x, e))
      case 'bound':
        return this.#boundValue(e)
      case 'random':
        return threefry2x32(b, this.value(e.key0), this.value(e.key1), this.value(e.counter), b.i32(0))[0]
      case 'reduced':
        return this.scopes.of(reductionSlot(e.id)).reg as Reg
      case 'accumulator':
        return this.scopes.of(ACCUMULATOR).reg as Reg
    }
  }

  /**
   * An operand of `user`. Engines that pair vectors pair what these are computed from as well, unless they meet a
   * splat: results that all lanes share are made one where they enter what differs from lane to lane.
   */
  #operand(x: Expr, user: Expr): Reg {
    const reg = this.value(x)
    if (!this.#pairs || x.op === 'load' || x.op === 'constant') return reg
    const d = this.#dependenciesOf(x)
    if (this.#varies(d) || !this.#varies(this.#dependenciesOf(user))) return reg
    const [scope] = this.#placeOf(d)
    return this.scopes.once(scope, `resplat${reg}`, () => this.b.splat(this.b.extract(reg, 0)))
  }

  #loaded(bits: Reg, e: Expr): Reg {
    return e.dtype === 'bool' ? this.b.v2('i.ne', bits, this.b.i32(0)) : bits
  }

  #constant(e: Extract<Expr, { op: 'constant' }>): Reg {
    switch (registerClass(e.dtype)) {
      case 'float':
        return this.b.constant(bitsOf(e.value))
      case 'int':
        return this.b.i32(e.value | 0)
      case 'byte':
        return this.b.i32(e.value & 255)
      case 'bool':
        return this.b.i32(e.value === 0 ? 0 : -1)
    }
  }

  #binary(e: Extract<Expr, { op: 'binary' }>): Reg {
    const { a, b: second, fn } = e
    if (a.dtype === 'float32' && second.op === 'constant') {
      const power = fn === 'pow' ? powers.get(second.value) : undefined
      if (power !== undefined) return power(this.b, this.#operand(a, e))
      // The short instruction keeps a NaN of its first operand.
      if ((fn === 'max' || fn === 'min') && !Number.isNaN(second.value))
        return this.b.v2(`f.p${fn}`, this.#operand(a, e), this.value(second))
    }
    return emitBinary(this.b, fn, a.dtype, this.#operand(a, e), this.#operand(second, e))
  }

  /** Where guards hold for all lanes or for none, only one side is computed. */
  #select({ condition, a, b: other }: Extract<Expr, { op: 'select' }>): Reg {
    if (condition.op === 'inside' && !this.#checks(a) && !this.#checks(other)) {
      const { open, margin, vector } = this.places.mask(condition.guards)
      if (!open.includes(true)) return this.value(other)
      if (!open.includes(false) && margin === null && vector === null) return this.value(a)
    }
    return this.b.v3('select', this.value(condition), this.value(a), this.value(other))
  }

  /** Whether an expression checks indices: it may then fail, wanted or not. */
  #checks(e: Expr): boolean {
    if (this.#status === undefined) return false
    let checks = this.#checking.get(e)
    if (checks === undefined) {
      checks = e.op === 'bound' || operands(e).some((x) => this.#checks(x))
      this.#checking.set(e, checks)
    }
    return checks
  }

  /** Where `at` is the same in all lanes, it becomes part of a scalar address. */
  #position(at: Expr, stride: number): Extra {
    const reg = this.value(at)
    const d = this.#dependenciesOf(at)
    if (this.#varies(d)) return { reg, stride, uniform: false }
    const [scope] = this.#placeOf(d)
    return { reg: this.scopes.once(scope, `extract${reg}`, () => this.b.extract(reg, 0)), stride, uniform: true }
  }

  #varies(d: Dependencies): boolean {
    const { vector } = this.places
    if ((d & ANY) !== 0 || (vector !== null && (d & this.#bit(vector)) !== 0)) return true
    return this.#slots.some(
      (slot, bit) => typeof slot === 'string' && (d & (1 << bit)) !== 0 && this.#varying.has(slot),
    )
  }

  #inside(guards: readonly Guard[]): Reg {
    const { b } = this
    const { open, margin, vector } = this.places.mask(guards)
    let mask = this.scopes.lanes(Array.from({ length: b.lanes }, (_, l) => ((open[l] ?? open.at(-1)) ? -1 : 0)))
    if (vector !== null) mask = b.v2('and', mask, vector)
    if (margin !== null) mask = b.v2('andNot', mask, this.places.outside(margin))
    return mask
  }

  /** Negative values count from the end; lanes out of range give 0 and are reported. */
  #boundValue(e: Extract<Expr, { op: 'bound' }>): Reg {
    const { b } = this
    const x = this.value(e.x)
    const zero = b.i32(0)
    const wrapped = b.v2('i.add', x, b.v2('and', b.v2('i.lt', x, zero), b.i32(e.size)))
    const out = b.v2('or', b.v2('i.lt', wrapped, zero), b.v2('i.le', b.i32(e.size), wrapped))
    this.#report(e, x, out)
    return b.v2('andNot', wrapped, out)
  }

  #report(e: Extract<Expr, { op: 'bound' }>, x: Reg, out: Reg): void {
    const { b } = this
    const { active, vector } = this.places
    const lanes = vector === null ? 1 : active
    let wrong = out
    if (e.guards.length > 0) wrong = b.v2('and', wrong, this.#inside(e.guards))
    if (lanes < b.lanes) {
      wrong = b.v2('and', wrong, this.scopes.lanes(Array.from({ length: b.lanes }, (_, l) => (l < lanes ? -1 : 0))))
    }
    const status = this.#status
    if (status === undefined) throw new Error('an expression that checks indices needs the status block')
    b.if(b.extract(b.fold('i.min', wrong), 0), 'ne', { imm: 0 }, () => {
      for (let l = 0; l < lanes; l++) {
        b.if(b.extract(wrong, l), 'ne', { imm: 0 }, () => {
          b.storeInt(status, 8, b.extract(x, l))
        })
      }
      b.storeInt(status, 4, b.int(e.operation))
      b.storeInt(status, 12, b.int(e.size))
      b.storeInt(status, 0, b.int(1))
    })
  }
}

function reductionSlot(id: number): string {
  return `r${id}`
}
