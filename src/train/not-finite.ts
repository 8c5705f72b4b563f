/** @file The error of a training whose loss is no longer a number, with where it began and what likely causes it. */

import { GliaError } from '../core/errors.ts'
import type { Range } from './inspect.ts'
import type { Found } from './replay.ts'

/** Where the loss was seen. */
export interface Seen {
  /** Steps taken, that one included. */
  readonly step: number
  readonly epoch: number
  readonly lr: number
}

/** A loss was NaN or infinite. The model is left as it was before the step that began it, if that was found. */
export class NotFiniteError extends GliaError {
  /** What was seen, in words. */
  readonly begun: string
  /** Where the loss was seen. */
  readonly seen: Seen
  /** The operation that began it; null if that could not be found. */
  readonly origin: Found | null

  constructor(begun: string, seen: Seen, origin: Found | null) {
    super([begun, ...(origin ? [told(origin), advice(origin, seen)] : [UNKNOWN])].join(' '))
    this.begun = begun
    this.seen = seen
    this.origin = origin
  }
}

const UNKNOWN = 'Make the learning rate smaller, or look for values in the data that are not finite.'

/** What happened, in words. */
function told(origin: Found): string {
  const { phase, operation, layer, parameter, position, output, inputs, examples, indices } = origin
  const step = `step ${position.done + 1} of epoch ${position.epoch}`
  if (phase === 'data') {
    const which = (examples.length > 0 ? examples : [0]).slice(0, 5).map((i) => indices[i] ?? i)
    const column = operation === 'x' ? 'inputs' : 'targets'
    const among = indices.length > 0 ? '' : ' of the batch'
    return `It began in the data: in ${step}, the ${column} of example ${which.join(', ')}${among} hold ${kind(output)}.`
  }
  if (phase === 'weights') {
    return `It began before ${step}: ${operation} held ${kind(output)} already, which no training step put there.`
  }
  const where = layer ? ` of layer ${layer}` : phase === 'forward' ? ' of the loss' : ''
  const owner = parameter ? ` for ${parameter}` : ''
  const part = { forward: '', backward: ` in the gradient${owner}`, update: ` in the update${owner}` }[phase]
  const from = inputs.map(spread).join(' and ')
  const source = from === '' ? '' : `, from ${from}`
  return `It began in ${step}: the operation ${operation}${where}${part} gave ${kind(output)}${source}.`
}

function kind({ nan, infinite }: Range): string {
  return nan > 0 ? 'NaN' : infinite > 0 ? 'infinity' : 'no finite number'
}

function spread({ nan, infinite, least, most }: Range): string {
  const finite = least > most ? '' : least === most ? short(least) : `values from ${short(least)} to ${short(most)}`
  const others = nan > 0 ? 'NaN' : infinite > 0 ? 'infinities' : ''
  return [finite, others].filter((t) => t !== '').join(' with ')
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

const BY_OPERATION: Readonly<Record<string, string>> = {
  log: 'A logarithm of 0 or less: bound its argument from below (clamp), or use the loss that takes logits.',
  log1p: 'A logarithm of 0 or less: bound its argument from below (clamp), or use the loss that takes logits.',
  div: 'A division by 0: add a small number to the divisor, or clamp it.',
  sqrt: 'The square root of a negative number: clamp its argument; rounding makes small differences negative.',
  exp: 'An exponential beyond 3.4e38 (of more than 88.7): use logSoftmax, logsumexp or a loss that takes logits.',
  expm1: 'An exponential beyond 3.4e38 (of more than 88.7): use logSoftmax, logsumexp or a loss that takes logits.',
  pow: 'A power that is no finite number: of 0 with a negative exponent, or of a negative number with a fraction.',
}

/** What likely causes it, and what to do. */
function advice({ phase, operation, inputs }: Found, { lr }: Seen): string {
  if (phase === 'data') return 'Clean the data, or leave these examples out.'
  if (phase === 'weights')
    return 'Look at the initial values, at what was loaded, and at callbacks that change weights.'
  const large = inputs.some((r) => Math.max(Math.abs(r.least), Math.abs(r.most)) > 1e15 && r.least <= r.most)
  const growth =
    `Values this large come from weights that grow from step to step: make the learning rate (${lr}) or the momentum ` +
    'smaller, warm it up, clip the gradients, or bring inputs and targets to mean 0 and standard deviation 1.'
  if (large) return growth
  const known = BY_OPERATION[operation]
  if (phase === 'forward') return known ?? growth
  const gradient =
    'Where a function is steep without bound (sqrt at 0, a norm of zeros, pow), add a small number within.'
  return phase === 'backward'
    ? `${gradient} If gradients grow, clip them or make the learning rate (${lr}) smaller.`
    : growth
}
