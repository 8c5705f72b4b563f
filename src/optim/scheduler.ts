/** @file What applies schedules to an optimizer, and the one that looks at results. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import type { Schedule } from './schedule.ts'

/** Anything with learning rates to set: an optimizer. */
export interface Rated {
  readonly groups: readonly { lr: number; momentum?: number | null }[]
}

/** Sets an optimizer's learning rates to their initial values times a schedule's factor, and momentum if it says so. */
export class Scheduler {
  readonly #groups: readonly { readonly group: Rated['groups'][number]; readonly base: number }[]
  readonly #schedule: Schedule
  #count = 0

  /** Sets the factor of step 0 at once. */
  constructor(optimizer: Rated, schedule: Schedule) {
    this.#groups = optimizer.groups.map((group) => ({ group, base: group.lr }))
    this.#schedule = schedule
    this.#set()
  }

  /** Counts one step (or epoch: whatever the schedule counts) and sets the rates. */
  step(): void {
    this.count = this.#count + 1
  }

  /** Steps so far; setting it resumes a schedule. */
  get count(): number {
    return this.#count
  }

  set count(value: number) {
    checkNumber('Scheduler', 'count', value, { min: 0, whole: true })
    this.#count = value
    this.#set()
  }

  #set(): void {
    const factor = this.#schedule(this.#count)
    const momentum = this.#schedule.momentum?.(this.#count)
    for (const { group, base } of this.#groups) {
      group.lr = base * factor
      if (momentum !== undefined) group.momentum = momentum
    }
  }
}

export interface ReduceOnPlateauOptions {
  /** Whether less is better (`min`, the default) or more (`max`). */
  readonly mode?: 'min' | 'max'
  /** What rates are multiplied by (default 0.1). */
  readonly factor?: number
  /** Results without an improvement that are put up with (default 10). */
  readonly patience?: number
  /** The least improvement that counts (default 1e-4). */
  readonly threshold?: number
  /** Whether the threshold is a share of the best (`rel`, the default) or a difference (`abs`). */
  readonly thresholdMode?: 'rel' | 'abs'
  /** Results after a reduction that do not count as bad (default 0). */
  readonly cooldown?: number
  /** Rates are not reduced below this (default 0). */
  readonly minLr?: number
  /** Reductions by no more than this are left out (default 1e-8). */
  readonly eps?: number
}

/** Reduces an optimizer's learning rates when a result (a validation loss, an accuracy) no longer improves. */
export class ReduceOnPlateau {
  readonly #optimizer: Rated
  readonly #options: Required<ReduceOnPlateauOptions>
  #best: number
  #bad = 0
  #cooling = 0

  constructor(optimizer: Rated, options: ReduceOnPlateauOptions = {}) {
    const defaults = { mode: 'min', factor: 0.1, patience: 10, threshold: 1e-4, thresholdMode: 'rel' } as const
    const all = { ...defaults, cooldown: 0, minLr: 0, eps: 1e-8, ...options }
    checkNumber('ReduceOnPlateau', 'factor', all.factor, { min: 0, below: 1 })
    for (const name of ['patience', 'threshold', 'cooldown', 'minLr', 'eps'] as const) {
      checkNumber('ReduceOnPlateau', name, all[name], { min: 0 })
    }
    if (all.mode !== 'min' && all.mode !== 'max') {
      throw new GliaError(`ReduceOnPlateau: mode must be 'min' or 'max'; received ${String(all.mode)}.`)
    }
    this.#optimizer = optimizer
    this.#options = all
    this.#best = all.mode === 'min' ? Infinity : -Infinity
  }

  /** Takes note of a result, and reduces the rates if it was one too many without an improvement. NaN is none. */
  step(result: number): void {
    const { patience, cooldown } = this.#options
    if (this.#improves(result)) {
      this.#best = result
      this.#bad = 0
    } else this.#bad++
    if (this.#cooling > 0) {
      this.#cooling--
      this.#bad = 0
    }
    if (this.#bad <= patience) return
    this.#reduce()
    this.#cooling = cooldown
    this.#bad = 0
  }

  #improves(result: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options
    const best = this.#best
    const sign = mode === 'min' ? -1 : 1
    const bar = thresholdMode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold
    return mode === 'min' ? result < bar : result > bar
  }

  #reduce(): void {
    const { factor, minLr, eps } = this.#options
    for (const group of this.#optimizer.groups) {
      const lr = Math.max(group.lr * factor, minLr)
      if (group.lr - lr > eps) group.lr = lr
    }
  }

  /** What a resumed run needs besides the optimizer's own state. */
  get state(): { readonly best: number; readonly bad: number; readonly cooling: number } {
    return { best: this.#best, bad: this.#bad, cooling: this.#cooling }
  }

  set state({ best, bad, cooling }: { readonly best: number; readonly bad: number; readonly cooling: number }) {
    this.#best = best
    this.#bad = bad
    this.#cooling = cooling
  }
}
