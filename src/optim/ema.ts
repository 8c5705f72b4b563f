/** @file Running averages of weights, which often predict better than the last ones (Polyak & Juditsky 1992). */
import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { activeTrace } from '../graph/trace.ts'
import { Buffer, type Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { cellOf } from './cells.ts'
import { mix } from './formulas.ts'

export interface EMAOptions {
  /** Share of the average that is kept at each update (default 0.999). */
  readonly decay?: number
  /** Whether early updates count more: decay is at most (1 + n) / (10 + n) in update n (default false). */
  readonly warmup?: boolean
}

/**
 * Exponential moving averages of parameters: `average ← decay · average + (1 − decay) · parameter` at each `update`, also
 * in compiled steps.
 *
 * ```ts
 * const ema = new EMA(model.parameters(), { decay: 0.99 })
 * …  optimizer.minimize(loss); ema.update()
 * ema.swap()   // the model now holds the averages; swap() again puts the trained weights back
 * ```
 */
export class EMA {
  readonly #params: readonly Parameter[]
  readonly #averages: readonly Buffer[]
  /** Updates so far, int32 `[]`. */
  readonly #updates: Buffer
  readonly #options: Required<EMAOptions>
  #stored: readonly ArrayLike<number>[] | null = null

  /** Starts from the parameters' present values. */
  constructor(params: readonly Parameter[], options: EMAOptions = {}) {
    if (params.length === 0) throw new GliaError('EMA: received no parameters; pass model.parameters().')
    const { decay = 0.999, warmup = false } = options
    checkNumber('EMA', 'decay', decay, { min: 0, max: 1 })
    this.#params = params
    this.#options = { decay, warmup }
    this.#averages = params.map((p) => new Buffer(p.snapshot(), { name: `average of ${p.cell.name}` }))
    this.#updates = cellOf([], 0, 'updates of averages', params[0].device, 'int32')
  }

  /** Moves the averages towards the parameters. */
  update(): void {
    noGrad(() => {
      const { decay, warmup } = this.#options
      const n = this.#updates.add(1)
      this.#updates.assign(n)
      const keep = warmup ? n.add(1).float().div(n.add(10)).clamp(undefined, decay) : decay
      this.#averages.forEach((average, i) => {
        average.assign(mix(average, this.#params[i], keep))
      })
    })
  }

  /** The averages as of now, in the parameters' order. */
  values(): Tensor[] {
    return this.#averages.map((a) => a.snapshot())
  }

  /** Exchanges parameters and averages. */
  swap(): void {
    outside('swap')
    this.#params.forEach((p, i) => {
      const [own, average] = [p.dataSync(), this.#averages[i].dataSync()]
      p.set(average)
      this.#averages[i].set(own)
    })
  }

  /** Keeps a copy of the parameters for `restore`. */
  store(): void {
    outside('store')
    this.#stored = this.#params.map((p) => p.dataSync())
  }

  /** Gives the parameters the averages' values. */
  copyTo(): void {
    outside('copyTo')
    this.#params.forEach((p, i) => {
      p.set(this.#averages[i].dataSync())
    })
  }

  /** Gives the parameters the values that `store` kept. @throws GliaError if there are none */
  restore(): void {
    outside('restore')
    if (!this.#stored) throw new GliaError('EMA: there is nothing to restore; call store() first.')
    this.#params.forEach((p, i) => {
      p.set(this.#stored?.[i] ?? [])
    })
    this.#stored = null
  }

  /** What a resumed run needs: `updates`, and the averages by number. */
  stateDict(): Record<string, Tensor> {
    const averages = this.#averages.map((a, i) => [`${i}`, a.snapshot()])
    return { updates: this.#updates.snapshot(), ...Object.fromEntries(averages) }
  }

  /** Takes over what `stateDict` gave. @throws GliaError if it does not fit; nothing has changed then */
  loadStateDict(dict: Readonly<Record<string, Tensor>>): void {
    const named = new Map<string, Buffer>([
      ['updates', this.#updates],
      ...this.#averages.map((a, i) => [`${i}`, a] as const),
    ])
    for (const [name, own] of named) {
      if (dict[name] && sameShape(dict[name].shape, own.shape)) continue
      const received = dict[name] ? showShape(dict[name].shape) : 'nothing'
      throw new GliaError(`EMA: loadStateDict needs ${name} of shape ${showShape(own.shape)}; received ${received}.`)
    }
    for (const [name, own] of named) own.set(dict[name].dataSync())
  }
}

function outside(operation: string): void {
  if (activeTrace()) throw new GliaError(`EMA: ${operation} is not for compiled functions; call it between steps.`)
}
