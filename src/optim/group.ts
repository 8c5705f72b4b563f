/** @file Groups: parameters with options of their own, and the two that schedules change. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { activeTrace, guard } from '../graph/trace.ts'
import type { Operand } from '../tensor/apply.ts'
import type { Buffer, Parameter } from '../tensor/parameter.ts'
import { cellOf } from './cells.ts'

/** Options of every optimizer. */
export interface BaseOptions {
  /** Learning rate. */
  readonly lr: number
  /** Whether to go uphill (default false). */
  readonly maximize?: boolean
}

/** Parameters with options of their own; the rest are the optimizer's. */
export type GroupOptions<O> = Partial<O> & { readonly params: readonly Parameter[] }

/** What an optimizer takes: parameters, or groups of them. */
export type Parameters<O> = readonly Parameter[] | readonly GroupOptions<O>[]

/** Says which option is the momentum. */
interface Rule<O> {
  momentumOf(options: O): number | null
}

export class Group<O extends BaseOptions = BaseOptions> {
  readonly params: readonly Parameter[]
  /** Where the learning rate is kept. */
  readonly rate: Buffer
  readonly #index: number
  readonly #rule: Rule<O>
  #options: O
  /** Made when a momentum other than the options' is set. */
  #momentum: Buffer | null = null

  constructor(params: readonly Parameter[], options: O, index: number, rule: Rule<O>) {
    checkNumber('optimizer', 'lr', options.lr, { min: 0 })
    if (params.length === 0) {
      throw new GliaError(`optimizer: group ${index} has no parameters; pass model.parameters(), or leave it out.`)
    }
    this.params = params
    this.#options = options
    this.#index = index
    this.#rule = rule
    this.rate = cellOf([], options.lr, `lr of group ${index}`, params[0].device)
  }

  /** As given, with defaults filled in. A compiled step that saw others is recorded anew. */
  get options(): O {
    return guard(() => this.#options, 'an optimizer’s options were replaced')
  }

  /** Puts other options in place of the present ones. */
  replaceOptions(options: O): void {
    this.#options = options
  }

  /** Learning rate. Compiled steps follow changes. */
  get lr(): number {
    return this.rate.itemSync()
  }

  set lr(value: number) {
    if (activeTrace()) throw new GliaError('lr: not to be set in a compiled function; set it between steps.')
    checkNumber('optimizer', 'lr', value, { min: 0 })
    this.rate.set([value])
  }

  /** Momentum (of Adam and the like: β₁), null for optimizers without. Compiled steps follow changes. */
  get momentum(): number | null {
    return this.#momentum ? this.#momentum.itemSync() : this.#rule.momentumOf(this.#options)
  }

  set momentum(value: number | null) {
    if (activeTrace()) throw new GliaError('momentum: not to be set in a compiled function; set it between steps.')
    const initial = this.#rule.momentumOf(this.#options)
    if (!initial) {
      throw new GliaError('momentum: this optimizer was made without; give it a momentum above 0 when making it.')
    }
    checkNumber('optimizer', 'momentum', value ?? Number.NaN, { min: 0, below: 1 })
    this.#momentum ??= this.#cell(initial)
    this.#momentum.set([value ?? initial])
  }

  /** For update rules: momentum as a number, or as the cell where a schedule keeps it. */
  get momentumOperand(): Operand {
    return guard(() => this.#momentum, 'a momentum was set') ?? this.#rule.momentumOf(this.#options) ?? 0
  }

  #cell(momentum: number): Buffer {
    return cellOf([], momentum, `momentum of group ${this.#index}`, this.params[0].device)
  }

  /**
   * Cells to be saved, by name.
   *
   * @param wanted what a saved state holds: a momentum that a schedule had moved gets a cell here, too
   */
  cells(wanted: object = {}): [name: string, cell: Buffer][] {
    const name = `momentum.${this.#index}`
    const initial = this.#rule.momentumOf(this.#options)
    if (name in wanted && initial) this.#momentum ??= this.#cell(initial)
    const own: [string, Buffer][] = [[`lr.${this.#index}`, this.rate]]
    return this.#momentum ? [...own, [name, this.#momentum]] : own
  }
}
