/**
 * @file `DataLoader`: from a source to batches, read ahead and shuffled by seed, whose position can be kept.
 *
 * Examples pass through one pipeline: order, reading and transforming (several at once, in order), leaving out what
 * cannot be read, grouping. An example's random numbers follow from the seed, the epoch and its place in the order, never
 * from what was computed when; so neither read-ahead nor a restart changes a bit.
 */

import { GliaError } from '../core/errors.ts'
import { collate as stackFields } from './collate.ts'
import { Random } from './random.ts'
import { type Sampler, sequential, shuffled } from './sampler.ts'
import type { MapSource, StreamSource } from './source.ts'

const TRANSFORM = 5
const BATCH = 6
const BUFFER = 7

export interface LoaderOptions<T, E, B> {
  /** Examples per batch, 32 by default. */
  readonly batchSize?: number
  /** Another order in every epoch; false by default. Streams are shuffled within a buffer. */
  readonly shuffle?: boolean
  /** Of the order and of the random numbers that transforms get; 0 by default. */
  readonly seed?: number
  /** Another order than `shuffle` gives, for sources that read by number: see `weighted`. */
  readonly sampler?: Sampler
  /** Examples among which a stream is shuffled, 1,024 by default; as many are held in memory. */
  readonly buffer?: number
  /** Leave out an epoch's last batch if it is smaller than the others; false by default. */
  readonly dropLast?: boolean
  /** Applied to each example when it is read, with random numbers of its own. */
  readonly transform?: (example: T, random: Random) => E | Promise<E>
  /** Makes a batch of examples; `collate` by default. */
  readonly collate?: (examples: readonly E[]) => B
  /** Applied to each batch, such as mixup. */
  readonly batchTransform?: (batch: B, random: Random) => B
  /** Batches' worth of examples being read while one is used: this bounds memory. 2 by default, 0 reads one by one. */
  readonly prefetch?: number
  /** What to do when an example cannot be read (a `GliaError`): stop (default), or leave it out and list it in `skipped`. */
  readonly onError?: 'throw' | 'skip'
}

/** Options on which the order of examples, and their random numbers, depend. */
export interface LoaderSetup {
  readonly batchSize: number
  readonly shuffle: boolean
  readonly seed: number
  readonly dropLast: boolean
  /** Of streams alone. */
  readonly buffer?: number
}

/** Where a loader stands: plain JSON. */
export interface LoaderState {
  readonly epoch: number
  /** Examples of the epoch that were given out or left out. */
  readonly position: number
  readonly seed: number
}

/** A batch, and where the epoch goes on after it. */
export interface Placed<B> {
  readonly batch: B
  /** Examples of the epoch that were given out or left out until then. */
  readonly position: number
}

/** An example that was left out. */
export interface Skipped {
  readonly epoch: number
  /** Its index in the source; in a stream, its place. */
  readonly index: number
  readonly reason: string
}

interface Job<T> {
  readonly ordinal: number
  readonly index: number
  read(): T | Promise<T>
}

type Jobs<T> = Generator<Job<T>, void, undefined> | AsyncGenerator<Job<T>, void, undefined>

type Done<E> =
  | { readonly ordinal: number; readonly example: E }
  | { readonly ordinal: number; readonly skipped: Skipped }

/** Only the first of them are kept, so that a broken disk does not fill the memory. */
const LISTED = 1000

/**
 * Batches of a source, epoch after epoch.
 *
 * `for await (const batch of loader)` goes from where the loader stands to the end of the epoch, and leaves it at the
 * beginning of the next; a loop that is left early can be continued. `state()` says where it stands, and `restore` goes
 * there: what follows is, bit for bit, what would have followed. A stream is read again up to that point.
 *
 * @example
 * const loader = new DataLoader(fromArrays(train), { batchSize: 64, shuffle: true, seed: 1 })
 * for await (const { x, y } of loader) step(tensor(x.data, { shape: x.shape }), tensor(y.data, { shape: y.shape }))
 */
export class DataLoader<T, E = T, B = ReturnType<typeof stackFields<E & Record<string, unknown>>>> {
  readonly #source: MapSource<T> | StreamSource<T>
  readonly #options: LoaderOptions<T, E, B>
  readonly #batchSize: number
  readonly #seed: number
  readonly #depth: number
  readonly #skipped: Skipped[] = []
  #skips = 0
  #epoch = 1
  #position = 0

  /** @throws GliaError if a number in the options is not whole or too small, or a stream is given a sampler */
  constructor(source: MapSource<T> | StreamSource<T>, options: LoaderOptions<T, E, B> = {}) {
    const { batchSize = 32, seed = 0, prefetch = 2, buffer = 1024 } = options
    for (const [name, value, least] of [
      ['batchSize', batchSize, 1],
      ['buffer', buffer, 1],
      ['prefetch', prefetch, 0],
      ['seed', seed, Number.MIN_SAFE_INTEGER],
    ] as const) {
      if (Number.isSafeInteger(value) && value >= least) continue
      throw new GliaError(`DataLoader: ${name} must be a whole number of at least ${least}; received ${value}.`)
    }
    if ('get' in source && source.length === 0) throw new GliaError('DataLoader: the source is empty.')
    if (!('get' in source) && options.sampler) {
      throw new GliaError('DataLoader: a stream cannot be read by number, so it takes no sampler; use shuffle.')
    }
    this.#source = source
    this.#options = options
    this.#batchSize = batchSize
    this.#seed = seed
    this.#depth = Math.max(1, prefetch * batchSize)
  }

  /** Batches per epoch if nothing is left out; undefined for streams. */
  get length(): number | undefined {
    const count = this.#drawn()
    if (count === undefined) return undefined
    return this.#options.dropLast ? Math.floor(count / this.#batchSize) : Math.ceil(count / this.#batchSize)
  }

  /** Examples per epoch if none is left out; undefined for streams. */
  get examples(): number | undefined {
    const count = this.#drawn()
    return this.#options.dropLast && count !== undefined ? count - (count % this.#batchSize) : count
  }

  /** Whether a damaged example may be left out, so that an epoch can have fewer of them. */
  get skipping(): boolean {
    return this.#options.onError === 'skip'
  }

  /** What must be the same for a position to mean the same examples. */
  get setup(): LoaderSetup {
    const { shuffle = false, dropLast = false, buffer = 1024 } = this.#options
    const stream = 'get' in this.#source ? {} : { buffer }
    return { batchSize: this.#batchSize, shuffle, seed: this.#seed, dropLast, ...stream }
  }

  /** What was left out so far (the first 1,000). */
  get skipped(): readonly Skipped[] {
    return this.#skipped
  }

  /** How many examples were left out so far. */
  get skips(): number {
    return this.#skips
  }

  /** Where the loader stands: after the last batch that it gave out, whatever it has read ahead. */
  state(): LoaderState {
    return { epoch: this.#epoch, position: this.#position, seed: this.#seed }
  }

  /** @throws GliaError if the state is none, or belongs to another seed */
  restore(state: LoaderState): void {
    const { epoch, position, seed } = state
    const whole = (n: number, least: number): boolean => Number.isSafeInteger(n) && n >= least
    if (!whole(epoch, 1) || !whole(position, 0)) {
      throw new GliaError(`DataLoader.restore: epoch ${epoch}, position ${position} is no state of a loader.`)
    }
    if (seed !== this.#seed) {
      throw new GliaError(
        `DataLoader.restore: the state was made with seed ${seed}, but this loader has ${this.#seed}; the order would differ.`,
      )
    }
    this.#epoch = epoch
    this.#position = position
  }

  /** The rest of the epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    const epoch = this.#epoch
    for await (const { batch, position } of this.batchesFrom(epoch, this.#position)) {
      this.#position = position
      yield batch
    }
    this.#epoch = epoch + 1
    this.#position = 0
  }

  /** All batches of one epoch (counted from 1), without moving the loader: for looking at data. */
  async *epoch(epoch: number): AsyncGenerator<B, void, undefined> {
    for await (const { batch } of this.batchesFrom(epoch, 0)) yield batch
  }

  /**
   * The batches of an epoch (counted from 1) after so many examples, without moving the loader: what `fit` reads. A stream
   * is read from its beginning, and `position` examples of it are passed over.
   */
  async *batchesFrom(epoch: number, position: number): AsyncGenerator<Placed<B>, void, undefined> {
    const { dropLast = false, batchTransform } = this.#options
    const collate = this.#options.collate ?? (stackFields as unknown as (examples: readonly E[]) => B)
    const finish = (examples: readonly E[], position: number): Placed<B> => {
      const batch = collate(examples)
      return {
        batch: batchTransform ? batchTransform(batch, new Random(this.#seed, BATCH, epoch, position)) : batch,
        position,
      }
    }
    let examples: E[] = []
    let at = position
    for await (const done of inOrder(this.#jobs(epoch, position), (job) => this.#read(job, epoch), this.#depth)) {
      at = done.ordinal + 1
      if ('skipped' in done) {
        this.#skips++
        if (this.#skipped.length < LISTED) this.#skipped.push(done.skipped)
        continue
      }
      examples.push(done.example)
      if (examples.length < this.#batchSize) continue
      yield finish(examples, at)
      examples = []
    }
    if (examples.length > 0 && !dropLast) yield finish(examples, at)
  }

  /** Numbers in the source of the examples of an epoch's batch, if they are read by number and none is left out. */
  indices(epoch: number, batch: number): Int32Array {
    if (!('get' in this.#source) || this.skipping) return new Int32Array(0)
    return this.#order(this.#source, epoch).subarray(batch * this.#batchSize, (batch + 1) * this.#batchSize)
  }

  /** A promise only where there is something to wait for: promises cost more than small examples. */
  #read(job: Job<T>, epoch: number): Done<E> | Promise<Done<E>> {
    const { ordinal, index } = job
    const { transform, onError } = this.#options
    const done = (example: E): Done<E> => ({ ordinal, example })
    const changed = (raw: T): Done<E> | Promise<Done<E>> => {
      if (!transform) return done(raw as unknown as E)
      const example = transform(raw, new Random(this.#seed, TRANSFORM, epoch, ordinal))
      return example instanceof Promise ? example.then(done) : done(example)
    }
    const failed = (error: unknown): Done<E> => {
      if (onError !== 'skip' || !(error instanceof GliaError)) throw error
      return { ordinal, skipped: { epoch, index, reason: error.message } }
    }
    try {
      const raw = job.read()
      const result = raw instanceof Promise ? raw.then(changed) : changed(raw)
      return result instanceof Promise ? result.catch(failed) : result
    } catch (error) {
      return failed(error)
    }
  }

  /** Examples of an epoch; undefined for streams. */
  #drawn(): number | undefined {
    const { sampler } = this.#options
    if (!('get' in this.#source)) return undefined
    return sampler ? sampler(this.#source.length, this.#epoch).length : this.#source.length
  }

  #order({ length }: MapSource<T>, epoch: number): Int32Array {
    const { shuffle = false } = this.#options
    const sampler = this.#options.sampler ?? (shuffle ? shuffled(this.#seed) : sequential())
    return sampler(length, epoch)
  }

  #jobs(epoch: number, from: number): Jobs<T> {
    const source = this.#source
    return 'get' in source ? this.#numberedJobs(source, epoch, from) : this.#streamedJobs(source, epoch, from)
  }

  *#numberedJobs(source: MapSource<T>, epoch: number, from: number): Generator<Job<T>, void, undefined> {
    const order = this.#order(source, epoch)
    for (let ordinal = from; ordinal < order.length; ordinal++) {
      const index = order[ordinal]
      yield { ordinal, index, read: () => source.get(index) }
    }
  }

  async *#streamedJobs(source: StreamSource<T>, epoch: number, from: number): AsyncGenerator<Job<T>, void, undefined> {
    const { shuffle = false, buffer = 1024 } = this.#options
    const items = numbered(source.stream(epoch))
    let ordinal = 0
    for await (const { index, value } of shuffle
      ? mixed(items, buffer, new Random(this.#seed, BUFFER, epoch))
      : items) {
      if (ordinal >= from) yield { ordinal, index, read: () => value }
      ordinal++
    }
  }
}

async function* numbered<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<{ index: number; value: T }> {
  let index = 0
  for await (const value of items) yield { index: index++, value }
}

/** Each comes out when another takes its place in the buffer, at random; the last ones in random order. */
async function* mixed<T>(items: AsyncIterable<T>, size: number, random: Random): AsyncGenerator<T> {
  const held: T[] = []
  for await (const item of items) {
    if (held.length < size) {
      held.push(item)
      continue
    }
    const at = random.below(size)
    const out = held[at]
    held[at] = item
    yield out
  }
  while (held.length > 0) {
    const at = random.below(held.length)
    const out = held[at]
    held[at] = held[held.length - 1]
    held.pop()
    yield out
  }
}

/** Works on up to `depth` jobs at once, and gives their results in the order of the jobs. */
async function* inOrder<J, R>(
  jobs: Generator<J, void, undefined> | AsyncGenerator<J, void, undefined>,
  work: (job: J) => R | Promise<R>,
  depth: number,
): AsyncGenerator<R, void, undefined> {
  const queue: (R | undefined | Promise<R | undefined>)[] = []
  const begun = (next: IteratorResult<J, void>): R | undefined | Promise<R> =>
    next.done ? undefined : work(next.value)
  const start = (): void => {
    try {
      // An asynchronous generator answers overlapping calls one after the other.
      const next = jobs.next()
      const result = next instanceof Promise ? next.then(begun) : begun(next)
      // A failure is reported when its turn comes.
      if (result instanceof Promise) result.catch(() => {})
      queue.push(result)
    } catch (error) {
      const failure = Promise.reject(error)
      failure.catch(() => {})
      queue.push(failure)
    }
  }
  try {
    while (queue.length < depth) start()
    for (;;) {
      const first = queue.shift()
      const result = first instanceof Promise ? await first : first
      if (result === undefined) return
      start()
      yield result
    }
  } finally {
    await jobs.return()
  }
}
