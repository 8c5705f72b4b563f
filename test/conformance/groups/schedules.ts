/** @file Learning rate schedules of `glia/optim`: the rates and momenta that an optimizer gets, step by step. */
import { Parameter, zeros } from '../../../src/index.ts'
import { ReduceOnPlateau, type Schedule, Scheduler, SGD, schedule } from '../../../src/optim/index.ts'
import { type Case, type Check, type Comparison, close, type Group } from '../harness.ts'

interface ScheduleCase extends Case {
  /** How many rates are compared (default 30). */
  readonly steps?: number
  /** What a plateau is looked for in. */
  readonly results?: readonly (number | string)[]
}

type Maker = (...args: readonly unknown[]) => Schedule

const makers = schedule as unknown as Readonly<Record<string, Maker>>

const factors: Readonly<Record<string, (step: number) => number>> = { halfOfOdd: (step) => (step % 2 === 1 ? 0.5 : 1) }

/** `{ "$schedule": "cosine", "args": [10] }` is a schedule, `{ "$factor": … }` one of the functions above. */
function argument(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(argument)
  if (value === null || typeof value !== 'object') return value
  if ('$schedule' in value) return make(String(value.$schedule), value as Case)
  return '$factor' in value ? factors[String(value.$factor)] : value
}

function make(name: string, c: Case): Schedule {
  if (name === 'constant') return schedule.constant
  return makers[name](...(c.args ?? []).map(argument), ...(c.options ? [c.options] : []))
}

function run({ item, case: c, expected }: Check): Comparison[] {
  const { results, steps = 30 } = c as ScheduleCase
  const optimizer = new SGD([new Parameter(zeros([1]))], { lr: 0.5, momentum: 0.9 })
  const [group] = optimizer.groups
  const rates: number[] = []
  const momenta: number[] = []
  if (item === 'ReduceOnPlateau') {
    const scheduler = new ReduceOnPlateau(optimizer, c.options)
    for (const result of results ?? []) {
      scheduler.step(Number(result))
      rates.push(group.lr)
    }
  } else {
    const scheduler = new Scheduler(optimizer, make(item, c))
    for (let k = 0; k < steps; k++) {
      rates.push(group.lr)
      momenta.push(group.momentum ?? Number.NaN)
      scheduler.step()
    }
  }
  const [wantedRates, wantedMomenta] = expected?.outputs ?? []
  // Rates are kept in float32: relative to the greatest, rounding is the only difference.
  return [
    close('rates', rates, wantedRates.data, c.tolerance ?? 1e-6),
    close('momenta', momenta, wantedMomenta.data, c.tolerance ?? 1e-6),
  ]
}

export const group: Group = {
  name: 'schedules',
  module: 'glia/optim schedule',
  items: () => [...Object.keys(makers), 'ReduceOnPlateau'],
  run,
}
