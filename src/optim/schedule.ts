/** @file Learning rate schedules: functions from the number of steps (or epochs) so far to a factor of the first rate. */
import { GliaError } from '../core/errors.ts'

/** Factor of the initial learning rate after `step` steps. */
export type Schedule = (step: number) => number

/** 1 throughout. */
export const constant: Schedule = () => 1

/** Half a cosine from 1 down to `floor` over `total` steps, then `floor` (Loshchilov & Hutter 2017). */
export function cosine(total: number, floor = 0): Schedule {
  check('cosine', 'total', total)
  return (step) => floor + (1 - floor) * 0.5 * (1 + Math.cos((Math.PI * Math.min(step, total)) / total))
}

/** Times `gamma` (default 0.1) every `every` steps. */
export function stepDecay(every: number, gamma = 0.1): Schedule {
  check('stepDecay', 'every', every)
  return (step) => gamma ** Math.floor(step / every)
}

/** Times `gamma` at each step. */
export function exponential(gamma: number): Schedule {
  return (step) => gamma ** step
}

/** In a straight line from 1 down to `floor` over `total` steps. */
export function linearDecay(total: number, floor = 0): Schedule {
  check('linearDecay', 'total', total)
  return (step) => 1 - (1 - floor) * (Math.min(step, total) / total)
}

/** In a straight line up to 1 over `steps` steps, starting from 1 / steps; then `after`, which starts counting there. */
export function warmup(steps: number, after: Schedule = constant): Schedule {
  check('warmup', 'steps', steps)
  return (step) => (step < steps ? (step + 1) / steps : after(step - steps))
}

function check(operation: string, name: string, value: number): void {
  if (!(value > 0)) throw new GliaError(`${operation}: ${name} must be positive; received ${value}.`)
}

/** Anything with learning rates to set: an optimizer. */
interface Rated {
  readonly groups: readonly { lr: number }[]
}

/** Sets an optimizer's learning rates to their initial values times a schedule's factor. */
export class Scheduler {
  readonly #groups: readonly { readonly group: { lr: number }; readonly base: number }[]
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
    this.#count++
    this.#set()
  }

  /** Steps so far; setting it resumes a schedule. */
  get count(): number {
    return this.#count
  }

  set count(value: number) {
    this.#count = value
    this.#set()
  }

  #set(): void {
    const factor = this.#schedule(this.#count)
    for (const { group, base } of this.#groups) group.lr = base * factor
  }
}
