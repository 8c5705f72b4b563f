/** @file Transforms of a loader in threads of their own. */

import type { Random } from '../data/random.ts'
import type { ImageTransform, TransformSpec } from '../data/transforms/scene.ts'
import type { Change, Changed } from './transform-worker.ts'
import { WorkerPool, workerModule } from './workers.ts'

/** A transform for `DataLoader` that is done in other threads. */
export interface ThreadedTransform<T, E> {
  (example: T, random: Random): Promise<E>
  /** Ends the threads. Not needed at the end of a program: idle threads keep no process alive. */
  close(): Promise<void>
}

export interface ThreadOptions {
  /** As many as there are processors but one by default. */
  readonly threads?: number
}

/**
 * A transform in worker threads: of images, or the default export of a module, which takes an example and its random
 * numbers. Batches are, bit for bit, those of the same transform in the main thread, for any number of threads.
 *
 * Each example is copied to a thread and back, which takes some 30 µs: worth it for decoding and for large pictures, not
 * for cropping small ones. How many are under way is bounded by the loader's `prefetch`.
 *
 * @param transform an image transform, which travels as its JSON, or where the module is
 * @throws GliaError if `threads` is not a whole number of at least 1
 *
 * @example
 * const augmented = inThreads(chain(randomResizedCrop({ size: [224, 224] }), flip({})), { threads: 4 })
 * const loader = new DataLoader(folder, { transform: augmented, batchSize: 64, shuffle: true })
 *
 * @example
 * // spectrogram.js: export default async ({ path, y }, random) => ({ x: await spectrogramOf(path, random), y })
 * const loader = new DataLoader(files, { transform: inThreads<File, Example>(new URL('./spectrogram.js', import.meta.url)) })
 */
export function inThreads<T>(transform: ImageTransform, options?: ThreadOptions): ThreadedTransform<T, T>
export function inThreads<T, E>(module: URL | string, options?: ThreadOptions): ThreadedTransform<T, E>
export function inThreads<T, E>(
  transform: ImageTransform | URL | string,
  options: ThreadOptions = {},
): ThreadedTransform<T, E> {
  const data: Change = typeof transform === 'function' ? { spec: plain(transform) } : { module: String(transform) }
  const pool = new WorkerPool<Changed<T>, E>(workerModule('transform-worker'), { ...options, data })
  const run = (example: T, random: Random): Promise<E> => pool.run({ example, random: random.state })
  return Object.assign(run, { close: () => pool.close() })
}

/** Settings as they are written: a thread could not be sent a function among them. */
function plain(transform: ImageTransform): TransformSpec {
  return JSON.parse(JSON.stringify(transform)) as TransformSpec
}
