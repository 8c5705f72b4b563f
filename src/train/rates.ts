/** @file The learning rates and momenta of a training's optimizers, which schedules move. */

import type { FitSchedule, Minimizer } from './options.ts'

/** Learning rate and momentum of one group. */
export interface Rate {
  readonly lr: number
  readonly momentum: number | null
}

/** All groups of some optimizers, with the rates that a schedule's factors multiply. */
export class Rates {
  readonly #groups: readonly { lr: number; momentum?: number | null }[]
  #base: readonly Rate[]

  constructor(optimizers: readonly Minimizer[]) {
    this.#groups = optimizers.flatMap((o): NonNullable<Minimizer['groups']> => o.groups ?? [o])
    this.#base = this.values
  }

  /** As they are now. */
  get values(): readonly Rate[] {
    return this.#groups.map(({ lr, momentum }) => ({ lr, momentum: momentum ?? null }))
  }

  set values(values: readonly Rate[]) {
    this.#groups.forEach((group, i) => {
      const { lr, momentum } = values[i]
      if (group.lr !== lr) group.lr = lr
      if (momentum !== null && group.momentum !== momentum) group.momentum = momentum
    })
  }

  /** What factors multiply: the values at the beginning. */
  get base(): readonly Rate[] {
    return this.#base
  }

  set base(base: readonly Rate[]) {
    this.#base = base
  }

  /** Sets what the schedule says for a step. */
  follow(schedule: FitSchedule, step: number, steps: number): void {
    const factor = schedule(step, steps)
    const momentum = schedule.momentum?.(step)
    this.#groups.forEach((group, i) => {
      group.lr = this.#base[i].lr * factor
      if (momentum !== undefined) group.momentum = momentum
    })
  }

  /** Puts the values of the beginning back. */
  reset(): void {
    this.values = this.#base
  }
}

/** A rate that went through float32, in as many digits as it has. */
export function shown(lr: number): number {
  return Number(lr.toPrecision(7))
}
