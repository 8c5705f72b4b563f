/** @file Transforms in threads: the same batches, whatever the number of threads. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  arrayDataset,
  chain,
  colour,
  DataLoader,
  flip,
  fromArrays,
  type Item,
  label,
  type Random,
  randomCrop,
} from '../../src/data/index.ts'
import type * as threads from '../../src/node/threads.ts'
import { WorkerPool } from '../../src/node/workers.ts'

interface Example {
  readonly x: Item
  readonly y: Item
}

let dir = ''
/** As a package has it: JavaScript, the worker's module beside the caller's. */
let built: typeof threads

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'glia-threads-'))
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
  await build({
    entryPoints: ['threads', 'transform-worker'].map((name) => join(import.meta.dirname, `../../src/node/${name}.ts`)),
    outdir: dir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  })
  built = (await import(pathToFileURL(join(dir, 'threads.js')).href)) as typeof threads
})
afterAll(() => rm(dir, { recursive: true }))

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

const data = arrayDataset({
  x: { data: Uint8Array.from({ length: 40 * 108 }, (_, i) => (i * 37) % 256), shape: [3, 6, 6] },
  y: { data: Int32Array.from({ length: 40 }, (_, i) => i), shape: [] },
})
const augmented = chain(randomCrop({ size: [6, 6], padding: 2 }), flip({}), colour({ brightness: 0.3 }))
const order = { batchSize: 8, shuffle: true, seed: 3 }

describe('inThreads', () => {
  test.each([1, 2, 3])('gives the batches of the main thread with %i threads', async (count) => {
    const here = new DataLoader(fromArrays(data), { ...order, transform: augmented })
    const transform = built.inThreads<Example>(augmented, { threads: count })
    try {
      const there = new DataLoader<Example, Example>(fromArrays(data), { ...order, transform })
      const [expected, received] = [[...(await all(here)), ...(await all(here))], [] as unknown[]]
      received.push(...(await all(there)), ...(await all(there)))
      expect(received).toEqual(expected)
      // The data itself is still there: what threads get are copies.
      expect(data.x.data.length).toBe(40 * 108)
    } finally {
      await transform.close()
    }
  })

  test('calls the default export of a module, with the random numbers of the main thread', async () => {
    const file = join(dir, 'noisy.js')
    await writeFile(
      file,
      `export default async ({ x, y }, random) => {
        await new Promise((resolve) => setTimeout(resolve, y.data[0] % 3))
        if (y.data[0] === 7) throw new Error('seven')
        return { x: { data: Float32Array.from(x.data, (v) => v + random.uniform()), shape: x.shape }, y }
      }`,
    )
    const transform = built.inThreads<Example, Example>(pathToFileURL(file), { threads: 2 })
    const noisy = ({ x, y }: Example, random: Random): Example => ({
      x: { data: Float32Array.from(x.data, (v) => v + random.uniform()), shape: x.shape },
      y,
    })
    const few = { length: 6, get: (i: number): Example => ({ x: label(i), y: label(i) }) }
    try {
      const there = await all(new DataLoader<Example, Example>(few, { ...order, transform }))
      expect(there).toEqual(await all(new DataLoader<Example, Example>(few, { ...order, transform: noisy })))
      const more = { ...few, length: 9 }
      await expect(all(new DataLoader<Example, Example>(more, { transform }))).rejects.toThrow('seven')
    } finally {
      await transform.close()
    }
  })

  test('says when a module has no function to call', async () => {
    const file = join(dir, 'empty.js')
    await writeFile(file, 'export const x = 1')
    const transform = built.inThreads<Example, Example>(pathToFileURL(file), { threads: 1 })
    await expect(all(new DataLoader<Example, Example>(fromArrays(data), { transform }))).rejects.toThrow(
      'empty.js has no function as its default export',
    )
    await transform.close()
  })
})

describe('WorkerPool', () => {
  test('threads work while the main thread is busy', async () => {
    const file = join(dir, 'counts.js')
    await writeFile(
      file,
      'export default (n, count) => { Atomics.add(count, 0, 1); Atomics.notify(count, 0); return n }',
    )
    const count = new Int32Array(new SharedArrayBuffer(4))
    const pool = new WorkerPool<number, number>(pathToFileURL(file), { threads: 1, data: count })
    await pool.run(0)
    const work = [1, 2, 3, 4].map((n) => pool.run(n))
    // Nothing is handed out while this thread waits for all to be done.
    for (let done = 0; done < 5; done = Atomics.load(count, 0)) {
      expect(Atomics.wait(count, 0, done, 20_000)).not.toBe('timed-out')
    }
    expect(await Promise.all(work)).toEqual([1, 2, 3, 4])
    await pool.close()
  })

  test('an input that cannot be sent is its own error', async () => {
    const file = join(dir, 'same.js')
    await writeFile(file, 'export default (value, data) => [value, data]')
    const pool = new WorkerPool<unknown, unknown>(pathToFileURL(file), { threads: 1, data: { a: 1 } })
    const results = await Promise.allSettled([pool.run(1), pool.run(() => 0), pool.run([2])])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[2]).toMatchObject({ value: [[2], { a: 1 }] })
    await pool.close()
  })

  test('work that a broken thread had not begun is done by another', async () => {
    const file = join(dir, 'breaks.js')
    await writeFile(
      file,
      "export default (n) => { if (n === 2) setImmediate(() => { throw new Error('oh') }); return n === 2 ? new Promise(() => {}) : n }",
    )
    const pool = new WorkerPool<number, number>(pathToFileURL(file), { threads: 1 })
    const results = await Promise.allSettled([1, 2, 3, 4].map((n) => pool.run(n)))
    expect(results.map((r) => (r.status === 'fulfilled' ? r.value : String(r.reason)))).toEqual([
      1,
      expect.stringContaining('ended (oh)'),
      3,
      4,
    ])
    await pool.close()
  })
})
