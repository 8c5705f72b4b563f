/**
 * @file Random tensors. The bits of a draw depend on (seed, number of the draw) and the element's position alone, so a
 * seed gives the same numbers on every device, and a compiled step that replays gets fresh ones by counting on.
 */
import { barrier } from '../autograd/leaves.ts'
import { GliaError } from '../core/errors.ts'
import { type Shape, showShape, sizeOf } from '../core/shape.ts'
import { Cell } from '../graph/cell.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { activeTrace, type Trace } from '../graph/trace.ts'
import { type Device, defaultDevice } from '../plan/device.ts'
import { type Operand, sharedDevice, toFloat } from './apply.ts'
import type { TensorBase } from './base.ts'
import { Tensor } from './tensor.ts'

/** A position among the iterations of the loops being recorded, and how many there are. */
interface LoopPosition {
  readonly index: Node
  readonly count: number
  /** Whether it is one of the iterations of a loop, rather than of the examples of a batch alone. */
  readonly iterates: boolean
}

let loop: LoopPosition | null = null
let recorded: Node[] | null = null
let replayed: Node[] | null = null

/** A stream of random draws. Two generators with one seed draw the same numbers. */
export class Generator {
  /** int32 `[2]`: seed and number of draws so far. */
  readonly cell: Cell
  readonly #traced = new WeakMap<Trace, { readonly base: Node; draws: number }>()

  constructor(seed = 0) {
    this.cell = new Cell(Int32Array.of(checkSeed(seed), 0), [2], 'int32', 'random generator')
  }

  /** Starts the stream of `seed` from its beginning. Not for use in a compiled function. */
  manualSeed(seed: number): void {
    this.state = [checkSeed(seed), 0]
  }

  /** `[seed, number of draws so far]`: saved with a checkpoint, it continues the stream exactly. */
  get state(): readonly [seed: number, draws: number] {
    this.cell.evict()
    if (this.cell.value.op !== 'data') throw new GliaError('generator: its state depends on a step that has not run.')
    const [seed, draws] = this.cell.value.as('data').values
    return [seed, draws]
  }

  set state(state: readonly [seed: number, draws: number]) {
    if (activeTrace()) throw new GliaError('manualSeed: not in a compiled function; set the seed before the step runs.')
    this.cell.set(state)
  }

  /** Used by random operations: the key of the next draw, int32 `[2]`. */
  nextKey(): Node {
    const key = replayed ? (replayed.shift() as Node) : this.#advance(loop?.count ?? 1)
    recorded?.push(key)
    return loop ? ops.add(key, ops.mul(ops.iota(2), loop.index)) : key
  }

  #advance(by: number): Node {
    const trace = activeTrace()
    if (!trace) {
      const [seed, draws] = this.state
      this.cell.set([seed, (draws + by) | 0])
      return ops.data(Int32Array.of(seed, draws), [2], 'int32')
    }
    let traced = this.#traced.get(trace)
    if (!traced) {
      traced = { base: this.cell.read(), draws: 0 }
      this.#traced.set(trace, traced)
    }
    const key = offset(traced.base, traced.draws)
    traced.draws += by
    this.cell.assign(offset(traced.base, traced.draws))
    return key
  }
}

/** `[seed, draws + n]`. */
function offset(base: Node, n: number): Node {
  return n === 0 ? base : ops.add(base, ops.mul(ops.iota(2), n))
}

function checkSeed(seed: number): number {
  if (!Number.isSafeInteger(seed)) throw new GliaError(`seed: a seed must be a whole number; received ${seed}.`)
  return seed | 0
}

/** The stream that random operations draw from unless they are given another. It starts from seed 0. */
export const defaultGenerator = /* @__PURE__ */ new Generator(0)

/** Starts the default stream from `seed`: initial weights, dropout and random tensors follow from it. */
export function manualSeed(seed: number): void {
  defaultGenerator.manualSeed(seed)
}

/** Used by `scan`: draws in `fn` differ from iteration to iteration. */
export function inLoop<T>(index: Node, length: number, fn: () => T): T {
  return at({ index, count: length, iterates: true }, fn)
}

/** Used by `vmap`: draws in `fn` differ from example to example. */
export function inBatch<T>(index: Node, size: number, fn: () => T): T {
  return at({ index, count: size, iterates: loop?.iterates ?? false }, fn)
}

function at<T>({ index, count, iterates }: LoopPosition, fn: () => T): T {
  const outer = loop
  loop = {
    index: outer ? ops.add(ops.mul(outer.index, count), index) : index,
    count: (outer?.count ?? 1) * count,
    iterates,
  }
  try {
    return fn()
  } finally {
    loop = outer
  }
}

/** Whether the body of a loop is being recorded. */
export function isInLoop(): boolean {
  return loop?.iterates ?? false
}

/** Whether draws depend on a position: in the body of a loop or in a function that `vmap` runs. */
export function drawsByPosition(): boolean {
  return loop !== null
}

/** Used by `checkpoint`: the draws that `fn` makes. */
export function recordDraws<T>(fn: () => T): { result: T; draws: readonly Node[] } {
  const outer = recorded
  recorded = []
  try {
    return { result: fn(), draws: recorded }
  } finally {
    outer?.push(...recorded)
    recorded = outer
  }
}

/** Used by `checkpoint`: runs `fn` with draws made before. */
export function replayDraws<T>(draws: readonly Node[], fn: () => T): T {
  const outer = replayed
  replayed = [...draws]
  try {
    return fn()
  } finally {
    replayed = outer
  }
}

export interface RandomOptions {
  /** Default: the default device. */
  readonly device?: Device
  /** Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator
}

/** Independent uniform bits of one draw, one int32 per element. */
function bits(shape: Shape, options: RandomOptions): Node {
  const key = (options.generator ?? defaultGenerator).nextKey()
  return ops.reshape(ops.random(key, ops.iota(sizeOf(shape))), shape)
}

/** The upper 24 bits times 2⁻²⁴: exact in float32. */
function unit(randomBits: Node): Node {
  return ops.mul(ops.cast(ops.and(ops.shr(randomBits, 8), 0xffffff), 'float32'), 2 ** -24)
}

function wrap(node: Node, options: RandomOptions): Tensor {
  return new Tensor(node, options.device ?? defaultDevice())
}

/** A draw whose parameters may be tensors: on their device, with their gradients cut off. */
function drawn(
  operation: string,
  parameters: readonly Operand[],
  options: RandomOptions,
  build: (parameters: readonly (Node | number)[]) => Node,
): Tensor {
  const tensors = parameters.filter((p) => typeof p !== 'number')
  if (tensors.length === 0) return wrap(build(parameters as readonly number[]), options)
  const device = sharedDevice(operation, tensors)
  const node = build(parameters.map((p) => (typeof p === 'number' ? p : toFloat(barrier(p.node)))))
  return new Tensor(node, device)
}

/** Uniform in [0, 1). */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return wrap(unit(bits(shape, options)), options)
}

/** Normal with mean 0 and standard deviation 1 (Box & Muller 1958). */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  const size = sizeOf(shape)
  const pairs = Math.ceil(size / 2)
  const u = unit(bits([2, pairs], options))
  const row = (k: number): Node => ops.reshape(ops.slice(u, [k, 0], [1, pairs]), [pairs])
  // 1 − u lies in (0, 1], so the logarithm is finite.
  const radius = ops.sqrt(ops.mul(ops.log(ops.sub(1, row(0))), -2))
  const angle = ops.mul(row(1), 2 * Math.PI)
  const both = ops.concat([ops.mul(radius, ops.cos(angle)), ops.mul(radius, ops.sin(angle))], 0)
  return wrap(ops.reshape(ops.slice(both, [0], [size]), shape), options)
}

/** Normal with the mean and standard deviation given; tensors broadcast to `shape`. */
export function normal(mean: Operand, std: Operand, shape: Shape, options: RandomOptions = {}): Tensor {
  if (typeof std === 'number' && !(std >= 0)) {
    throw new GliaError(`normal: the standard deviation must be at least 0; received ${std}.`)
  }
  return drawn('normal', [mean, std], options, ([m, s]) => ops.add(ops.mul(randn(shape, options).node, s), m))
}

/** Uniform in [low, high). */
export function uniform(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  if (!(low <= high)) throw new GliaError(`uniform: low must not be above high; received ${low} and ${high}.`)
  return wrap(ops.add(ops.mul(unit(bits(shape, options)), high - low), low), options)
}

/** Exponential with mean 1 / `rate`. */
export function exponential(rate: Operand, shape: Shape, options: RandomOptions = {}): Tensor {
  if (typeof rate === 'number' && !(rate > 0)) {
    throw new GliaError(`exponential: the rate must be above 0; received ${rate}.`)
  }
  return drawn('exponential', [rate], options, ([r]) => ops.div(standardExponential(shape, options), r))
}

/** −log u with u in (0, 1]. */
function standardExponential(shape: Shape, options: RandomOptions): Node {
  return ops.neg(ops.log(ops.sub(1, unit(bits(shape, options)))))
}

/** Standard Gumbel, −log(−log u): what added to logits makes their argmax a draw of the categories. */
export function gumbel(shape: Shape, options: RandomOptions = {}): Tensor {
  // Of the tiniest exponential, 0, the logarithm is kept finite.
  const e = ops.max(standardExponential(shape, options), 2 ** -25)
  return wrap(ops.neg(ops.log(e)), options)
}

export interface MultinomialOptions extends RandomOptions {
  /** Whether a category may be drawn several times (default false). */
  readonly replacement?: boolean
}

/**
 * int32: `count` categories drawn with probabilities in proportion to `weights` (not negative, one at least not 0): `[n]` →
 * `[count]`, `[rows, n]` → `[rows, count]`. Without replacement the categories that arrive first in an exponential race
 * win, in order of arrival (Efraimidis & Spirakis 2006).
 *
 * @throws GliaError for other ranks, and for more draws without replacement than there are categories
 */
export function multinomial(weights: TensorBase, count: number, options: MultinomialOptions = {}): Tensor {
  const n = weights.shape[weights.rank - 1] ?? 0
  const { replacement = false } = options
  const bad = !Number.isInteger(count) || count < 1 || n < 1 || (!replacement && count > n)
  if (bad || weights.rank < 1 || weights.rank > 2) {
    throw new GliaError(
      `multinomial: received weights of shape ${showShape(weights.shape)} and ${count} draws; it takes [n] or [rows, n], ` +
        `and a whole number of draws from 1${replacement ? '' : ' to n (unless with replacement)'}.`,
    )
  }
  const lead = weights.shape.slice(0, -1)
  const draws = replacement ? [...lead, count, n] : [...lead, n]
  return drawn('multinomial', [weights], options, ([w]) => {
    const chances = replacement ? ops.reshape(w as Node, [...lead, 1, n]) : (w as Node)
    // Weight 0 never arrives.
    const arrival = ops.select(
      ops.broadcastTo(ops.lt(0, chances), draws),
      ops.div(standardExponential(draws, options), chances),
      Infinity,
    )
    if (replacement) return ops.argmin(arrival, draws.length - 1)
    const order = ops.argsort(arrival, lead.length, false)
    return ops.slice(
      order,
      draws.map(() => 0),
      [...lead, count],
    )
  })
}

/** Whole numbers in [low, high), int32. @throws GliaError if the range is empty or wider than 2²⁴ */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  const range = high - low
  if (!Number.isInteger(low) || !Number.isInteger(high) || range < 1 || range > 2 ** 24) {
    throw new GliaError(`randint: needs whole numbers low < high at most 2²⁴ apart; received ${low} and ${high}.`)
  }
  const scaled = ops.floor(ops.mul(unit(bits(shape, options)), range))
  return wrap(ops.add(ops.cast(scaled, 'int32'), low), options)
}

/** bool, true with probability `p`; a tensor of probabilities broadcasts to `shape`. Gradients do not flow to `p`. */
export function bernoulli(p: Operand, shape: Shape, options: RandomOptions = {}): Tensor {
  return drawn('bernoulli', [p], options, ([probability]) => ops.lt(unit(bits(shape, options)), probability))
}

/** The numbers 0 … n − 1 in random order, int32. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  return rand([n], options).argsort(0)
}
