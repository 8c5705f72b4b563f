/**
 * @file Learning rate schedules: functions from the number of steps (or epochs) so far to a factor of the first rate. Any
 * function of that kind is a schedule; some also say how momentum moves.
 */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'

/** Factor of the initial learning rate after `step` steps. */
export interface Schedule {
  (step: number): number
  /** Momentum (of Adam and the like: β₁) after `step` steps. */
  readonly momentum?: (step: number) => number
}

/** 1 throughout. */
export const constant: Schedule = () => 1

/** `factor` (default 1/3) for the first `total` steps (default 5), then 1. PyTorch's ConstantLR. */
export function constantFactor(factor = 1 / 3, total = 5): Schedule {
  checkNumber('constantFactor', 'factor', factor, { min: 0 })
  checkNumber('constantFactor', 'total', total, { min: 0 })
  return (step) => (step < total ? factor : 1)
}

/** Half a cosine from 1 down to `floor` over `total` steps, then `floor` (Loshchilov & Hutter 2017). */
export function cosine(total: number, floor = 0): Schedule {
  check('cosine', 'total', total)
  return (step) => floor + (1 - floor) * 0.5 * (1 + Math.cos((Math.PI * Math.min(step, total)) / total))
}

/**
 * Half cosines from 1 down to `floor`, each starting over from 1 (Loshchilov & Hutter 2017, SGDR): the first takes `first`
 * steps, each further one `times` as many as that before it (default 1).
 */
export function cosineRestarts(first: number, times = 1, floor = 0): Schedule {
  check('cosineRestarts', 'first', first)
  checkNumber('cosineRestarts', 'times', times, { min: 1 })
  return (step) => {
    let [start, length] = [0, first]
    if (times === 1) start = Math.floor(step / first) * first
    else for (; step >= start + length; length *= times) start += length
    return floor + (1 - floor) * 0.5 * (1 + Math.cos((Math.PI * (step - start)) / length))
  }
}

/** Times `gamma` (default 0.1) every `every` steps. */
export function stepDecay(every: number, gamma = 0.1): Schedule {
  check('stepDecay', 'every', every)
  checkNumber('stepDecay', 'gamma', gamma, { min: 0 })
  return (step) => gamma ** Math.floor(step / every)
}

/** Times `gamma` (default 0.1) at each of the `milestones`, numbers of steps. */
export function multiStep(milestones: readonly number[], gamma = 0.1): Schedule {
  for (const m of milestones) checkNumber('multiStep', 'a milestone', m, { min: 0 })
  checkNumber('multiStep', 'gamma', gamma, { min: 0 })
  return (step) => gamma ** milestones.filter((m) => m <= step).length
}

/** Times `gamma` at each step. */
export function exponential(gamma: number): Schedule {
  checkNumber('exponential', 'gamma', gamma, { min: 0 })
  return (step) => gamma ** step
}

/** In a straight line from `start` (default 1/3) to `end` (default 1) over `total` steps (default 5), then `end`. */
export function linear(start = 1 / 3, end = 1, total = 5): Schedule {
  checkNumber('linear', 'start', start, { min: 0 })
  checkNumber('linear', 'end', end, { min: 0 })
  check('linear', 'total', total)
  return (step) => start + (end - start) * (Math.min(step, total) / total)
}

/** In a straight line from 1 down to `floor` over `total` steps, then `floor`. */
export function linearDecay(total: number, floor = 0): Schedule {
  check('linearDecay', 'total', total)
  return (step) => 1 - (1 - floor) * (Math.min(step, total) / total)
}

/** (1 − step / total)^power (default 1), then 0. */
export function polynomial(total: number, power = 1): Schedule {
  check('polynomial', 'total', total)
  checkNumber('polynomial', 'power', power, { min: 0 })
  return (step) => (1 - Math.min(step, total) / total) ** power
}

/** The product of `factor(1)` … `factor(step)`. PyTorch's MultiplicativeLR. */
export function multiplicative(factor: (step: number) => number): Schedule {
  const products = [1]
  return (step) => {
    while (products.length <= step) products.push(products[products.length - 1] * factor(products.length))
    return products[step]
  }
}

/** In a straight line up to 1 over `steps` steps, starting from 1 / steps; then `after`, which starts counting there. */
export function warmup(steps: number, after: Schedule = constant): Schedule {
  check('warmup', 'steps', steps)
  const { momentum } = after
  const rate: Schedule = (step) => (step < steps ? (step + 1) / steps : after(step - steps))
  return momentum ? Object.assign(rate, { momentum: (step: number) => momentum(Math.max(0, step - steps)) }) : rate
}

/** The schedules one after the other: from each milestone (a number of steps) on the next, which starts counting there. */
export function sequential(schedules: readonly Schedule[], milestones: readonly number[]): Schedule {
  const rising = milestones.every((m, i) => m > (i === 0 ? 0 : milestones[i - 1]))
  if (schedules.length !== milestones.length + 1 || !rising) {
    throw new GliaError(
      `sequential: needs a rising milestone between each two schedules; received ${schedules.length} schedules and ` +
        `milestones [${milestones}].`,
    )
  }
  return (step) => {
    const at = milestones.filter((m) => m <= step).length
    return schedules[at](at === 0 ? step : step - milestones[at - 1])
  }
}

/** The product of the schedules' factors. */
export function chained(...schedules: readonly Schedule[]): Schedule {
  return (step) => schedules.reduce((factor, schedule) => factor * schedule(step), 1)
}

export interface OneCycleOptions {
  /** Share of the steps in which the rate rises (default 0.3). */
  readonly pctStart?: number
  /** How rates move: half cosines (the default) or straight lines. */
  readonly anneal?: 'cosine' | 'linear'
  /** The first factor is 1 / divFactor (default 25). */
  readonly divFactor?: number
  /** The last factor is the first divided by this (default 1e4). */
  readonly finalDivFactor?: number
  /** Whether to fall as fast as it rose before dying out (default false). */
  readonly threePhase?: boolean
  /** Momentum at the greatest rate and at the first and last: [0.85, 0.95] in the paper. Default: momentum stays. */
  readonly momentum?: readonly [least: number, most: number]
}

/**
 * One cycle of `total` steps (Smith & Topin 2018): up to 1, the optimizer's rate, and down far below the start, while
 * momentum moves the other way.
 */
export function oneCycle(total: number, options: OneCycleOptions = {}): Schedule {
  const { pctStart = 0.3, anneal = 'cosine', divFactor = 25, finalDivFactor = 1e4, threePhase = false } = options
  checkNumber('oneCycle', 'total', total, { above: 0, whole: true })
  checkNumber('oneCycle', 'pctStart', pctStart, { above: 0, max: threePhase ? 0.5 : 1 })
  check('oneCycle', 'divFactor', divFactor)
  check('oneCycle', 'finalDivFactor', finalDivFactor)
  const first = 1 / divFactor
  const rise = pctStart * total - 1
  const ends = threePhase ? [rise, 2 * pctStart * total - 2, total - 1] : [rise, total - 1]
  const last = first / finalDivFactor
  const rates = threePhase ? [first, 1, first, last] : [first, 1, last]
  const rate = piecewise(ends, rates, anneal)
  if (!options.momentum) return rate
  const [least, most] = options.momentum
  return Object.assign(rate, {
    momentum: piecewise(ends, threePhase ? [most, least, most, most] : [most, least, most], anneal),
  })
}

/** Moves from value to value, arriving at the i-th end at value i + 1. */
function piecewise(ends: readonly number[], values: readonly number[], anneal: 'cosine' | 'linear'): Schedule {
  return (step) => {
    const within = ends.findIndex((end) => step <= end)
    if (within < 0) return values[values.length - 1]
    const start = within === 0 ? 0 : ends[within - 1]
    const part = (step - start) / (ends[within] - start)
    const [from, to] = [values[within], values[within + 1]]
    return anneal === 'linear' ? from + (to - from) * part : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part))
  }
}

export interface CyclicOptions {
  /** The greatest factor; the least is 1, the optimizer's rate. */
  readonly peak: number
  /** Steps of the way up (default 2000). */
  readonly up?: number
  /** Steps of the way down (default: those of the way up). */
  readonly down?: number
  /** Whether cycles keep their height (the default), halve it each time, or lose it by `gamma` at each step. */
  readonly mode?: 'triangular' | 'triangular2' | 'expRange'
  /** For `expRange` (default 1). */
  readonly gamma?: number
  /** Momentum at the greatest rate and at the least, such as [0.8, 0.9]. Default: momentum stays. */
  readonly momentum?: readonly [least: number, most: number]
}

/** Up and down in straight lines, again and again (Smith 2017). */
export function cyclic(options: CyclicOptions): Schedule {
  const { peak, up = 2000, down = up, mode = 'triangular', gamma = 1 } = options
  checkNumber('cyclic', 'peak', peak, { min: 0 })
  check('cyclic', 'up', up)
  check('cyclic', 'down', down)
  checkNumber('cyclic', 'gamma', gamma, { min: 0 })
  const height = (step: number): number => {
    const cycle = Math.floor(step / (up + down))
    const within = step - cycle * (up + down)
    const part = within <= up ? within / up : 1 - (within - up) / down
    return part * (mode === 'triangular' ? 1 : mode === 'triangular2' ? 2 ** -cycle : gamma ** step)
  }
  const rate: Schedule = (step) => 1 + (peak - 1) * height(step)
  if (!options.momentum) return rate
  const [least, most] = options.momentum
  return Object.assign(rate, { momentum: (step: number) => most - (most - least) * height(step) })
}

function check(operation: string, name: string, value: number): void {
  checkNumber(operation, name, value, { above: 0 })
}
