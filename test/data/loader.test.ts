import { describe, expect, test } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import { padding } from '../../src/data/collate.ts'
import { arrayDataset } from '../../src/data/dataset.ts'
import { DataLoader, type LoaderOptions } from '../../src/data/loader.ts'
import { permutation, type Random } from '../../src/data/random.ts'
import { balancedWeights, weighted } from '../../src/data/sampler.ts'
import { collect, fromArrays, label, type MapSource, mapped, selected } from '../../src/data/source.ts'

const numbers = (length: number): MapSource<{ n: number }> => ({ length, get: (n) => ({ n }) })
const lines = (length: number) => ({
  *stream() {
    for (let n = 0; n < length; n++) yield { n }
  },
})
type Numbers = { n: number }
type Options = LoaderOptions<Numbers, Numbers, number[]>
const flat = { collate: (examples: readonly Numbers[]) => examples.map(({ n }) => n) }

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('DataLoader', () => {
  test('stacks every example once, in order', async () => {
    const data = arrayDataset({
      x: { data: Uint8Array.of(1, 2, 3, 4, 5, 6), shape: [2] },
      y: { data: Int32Array.of(7, 8, 9), shape: [] },
    })
    const loader = new DataLoader(fromArrays(data), { batchSize: 2 })
    expect(loader.length).toBe(2)
    expect(await all(loader)).toEqual([
      { x: { data: Uint8Array.of(1, 2, 3, 4), shape: [2, 2] }, y: { data: Int32Array.of(7, 8), shape: [2] } },
      { x: { data: Uint8Array.of(5, 6), shape: [1, 2] }, y: { data: Int32Array.of(9), shape: [1] } },
    ])
  })

  test('shuffles each epoch as fit does', async () => {
    const loader = new DataLoader(numbers(10), { ...flat, shuffle: true, seed: 4, batchSize: 4 })
    expect((await all(loader)).flat()).toEqual([...permutation(10, 4, 1)])
    expect((await all(loader)).flat()).toEqual([...permutation(10, 4, 2)])
    expect((await all(loader.epoch(1))).flat()).toEqual([...permutation(10, 4, 1)])
  })

  test('leaves out a short last batch on demand', async () => {
    const loader = new DataLoader(numbers(10), { ...flat, batchSize: 4, dropLast: true })
    expect(await all(loader)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ])
    expect(loader.length).toBe(2)
  })

  test('a stream is shuffled within its buffer, by seed', async () => {
    const options: Options = { ...flat, shuffle: true, seed: 2, buffer: 8, batchSize: 5 }
    const order = (await all(new DataLoader(lines(40), options))).flat()
    expect(order).not.toEqual([...order].sort((a, b) => a - b))
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
    // Nothing can come out before it was read.
    order.forEach((n, place) => {
      expect(n).toBeLessThan(place + 9)
    })
    expect((await all(new DataLoader(lines(40), options))).flat()).toEqual(order)
    expect((await all(new DataLoader(lines(40), { ...options, seed: 3 }))).flat()).not.toEqual(order)
  })

  test.each(['by number', 'as a stream'])(
    'goes on from a kept state with the same random numbers, %s',
    async (kind) => {
      const options: Options = {
        ...flat,
        shuffle: true,
        seed: 1,
        batchSize: 3,
        buffer: 6,
        prefetch: 3,
        transform: ({ n }: Numbers, random: Random) => ({ n: n + random.uniform() }),
      }
      const make = () =>
        new DataLoader<Numbers, Numbers, number[]>(kind === 'by number' ? numbers(20) : lines(20), options)
      const whole = make()
      const expected = [...(await all(whole)), ...(await all(whole))]
      const first = make()
      const seen: number[][] = []
      for await (const batch of first) {
        seen.push(batch)
        if (seen.length === 3) break
      }
      const second = make()
      second.restore(JSON.parse(JSON.stringify(first.state())))
      expect([...seen, ...(await all(second)), ...(await all(second))]).toEqual(expected)
      expect(second.state()).toEqual({ epoch: 3, position: 0, seed: 1 })
    },
  )

  test('read-ahead changes nothing, and is bounded', async () => {
    let [open, most] = [0, 0]
    const slow: MapSource<Numbers> = {
      length: 50,
      async get(n) {
        most = Math.max(most, ++open)
        await new Promise((resolve) => setTimeout(resolve, n % 3))
        open--
        return { n }
      },
    }
    for (const prefetch of [0, 1, 2]) {
      most = 0
      const loader = new DataLoader<Numbers, Numbers, number[]>(slow, { ...flat, batchSize: 4, prefetch })
      expect((await all(loader)).flat()).toEqual(Array.from({ length: 50 }, (_, i) => i))
      expect(most).toBe(Math.max(1, 4 * prefetch))
    }
  })

  test('a stream is read no further ahead than asked', async () => {
    let read = 0
    const endless = {
      async *stream() {
        for (;;) yield { n: read++ }
      },
    }
    const loader = new DataLoader<Numbers, Numbers, number[]>(endless, { ...flat, batchSize: 5, prefetch: 2 })
    for await (const batch of loader) {
      expect(batch).toEqual([0, 1, 2, 3, 4])
      break
    }
    expect(read).toBeLessThanOrEqual(5 + 10 + 1)
  })

  test('stops at what cannot be read, or leaves it out and lists it', async () => {
    const source = mapped(numbers(7), ({ n }) => {
      if (n % 3 === 1) throw new GliaError(`picture ${n} is damaged`)
      return { n }
    })
    await expect(all(new DataLoader(source, { batchSize: 2 }))).rejects.toThrow('picture 1 is damaged')
    const loader = new DataLoader<Numbers, Numbers, number[]>(source, { ...flat, batchSize: 2, onError: 'skip' })
    expect(await all(loader)).toEqual([[0, 2], [3, 5], [6]])
    expect(loader.skips).toBe(2)
    expect(loader.skipped).toEqual([
      { epoch: 1, index: 1, reason: 'picture 1 is damaged' },
      { epoch: 1, index: 4, reason: 'picture 4 is damaged' },
    ])
  })

  test('a mistake in a transform is never left out', async () => {
    const transform = (): Numbers => {
      throw new TypeError('oops')
    }
    await expect(all(new DataLoader(numbers(3), { transform, onError: 'skip' }))).rejects.toThrow('oops')
  })

  test('refuses what makes no sense', () => {
    expect(() => new DataLoader(numbers(0))).toThrow('the source is empty')
    expect(() => new DataLoader(numbers(3), { batchSize: 0 })).toThrow('batchSize must be a whole number of at least 1')
    expect(() => new DataLoader(lines(3), { sampler: weighted([1, 1, 1]) })).toThrow('use shuffle')
    const loader = new DataLoader(numbers(3), { seed: 1 })
    expect(() => loader.restore({ epoch: 1, position: 0, seed: 2 })).toThrow('made with seed 2')
    expect(() => loader.restore({ epoch: 0, position: 0, seed: 1 })).toThrow('is no state')
  })
})

describe('collate', () => {
  const tokens = (...data: number[]) => ({ data: Int32Array.from(data), shape: [data.length] })

  test('numbers become float32, booleans bytes, strings a list', async () => {
    const source: MapSource<{ a: number; b: boolean; c: string }> = {
      length: 2,
      get: (i) => ({ a: i / 2, b: i === 1, c: `s${i}` }),
    }
    expect(await all(new DataLoader(source))).toEqual([
      {
        a: { data: Float32Array.of(0, 0.5), shape: [2] },
        b: { data: Uint8Array.of(0, 1), shape: [2] },
        c: ['s0', 's1'],
      },
    ])
  })

  test('different shapes are refused with the way out', async () => {
    const source = { length: 2, get: (i: number) => ({ x: tokens(...Array(i + 1).fill(1)) }) }
    await expect(all(new DataLoader(source))).rejects.toThrow(
      /x is int32 \[1\] in example 0 .* padding\(\{ x: \{\} \}\)/,
    )
  })

  test('pads every axis, keeps lengths, cuts what is longer', () => {
    const examples = [{ t: tokens(1, 2, 3) }, { t: tokens(4) }]
    expect(padding({ t: { value: 9 } })(examples)).toEqual({
      t: { data: Int32Array.of(1, 2, 3, 4, 9, 9), shape: [2, 3] },
      tLengths: { data: Int32Array.of(3, 1), shape: [2] },
    })
    expect(padding({ t: { multipleOf: 4 } })(examples).t).toEqual({
      data: Int32Array.of(1, 2, 3, 0, 4, 0, 0, 0),
      shape: [2, 4],
    })
    expect(padding({ t: { to: [2] } })(examples).t).toEqual({ data: Int32Array.of(1, 2, 4, 0), shape: [2, 2] })
    const boxes = [
      { b: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] } },
      { b: { data: Float32Array.of(5, 6, 7), shape: [1, 3] } },
    ]
    expect(padding({ b: {} })(boxes).b).toEqual({
      data: Float32Array.of(1, 2, 0, 3, 4, 0, 5, 6, 7, 0, 0, 0),
      shape: [2, 2, 3],
    })
  })
})

describe('samplers', () => {
  test('weights decide how often; 0 means never', () => {
    const counts = new Array(4).fill(0)
    for (const i of weighted([1, 0, 2, 1], { count: 8000, seed: 5 })(4, 1)) counts[i]++
    expect(counts[1]).toBe(0)
    // Five standard deviations.
    expect(Math.abs(counts[2] - 4000)).toBeLessThan(5 * Math.sqrt(8000 / 4))
    expect(Math.abs(counts[0] - 2000)).toBeLessThan(5 * Math.sqrt(1500))
  })

  test('without replacement each comes once, heavy ones early', () => {
    const sampler = weighted([1, 1, 0, 1000], { replacement: false, count: 3, seed: 1 })
    let heavyFirst = 0
    for (let epoch = 1; epoch <= 100; epoch++) {
      const order = sampler(4, epoch)
      expect([...order].sort()).toEqual([0, 1, 3])
      if (order[0] === 3) heavyFirst++
    }
    expect(heavyFirst).toBeGreaterThan(95)
    expect(() => weighted([1, 0], { replacement: false })).toThrow('1 have a weight above 0')
    expect(() => weighted([0, 0])).toThrow('at least one weight must be above 0')
    expect(() => weighted([1, Number.NaN])).toThrow('weight 1 must be a finite number')
  })

  test('balanced weights give classes equal shares', () => {
    expect([...balancedWeights([0, 0, 0, 1])]).toEqual([1 / 6, 1 / 6, 1 / 6, 1 / 2])
  })
})

describe('sources', () => {
  test('collect undoes fromArrays', async () => {
    const data = arrayDataset({
      x: { data: Float32Array.of(1, 2, 3, 4), shape: [1, 2] },
      y: { data: Int32Array.of(0, 1), shape: [] },
      classes: ['a', 'b'],
    })
    expect(await collect(fromArrays(data), ['a', 'b'])).toEqual(data)
    expect((await collect(selected(fromArrays(data), [1]))).x.data).toEqual(Float32Array.of(3, 4))
  })

  test('collect refuses mixed sizes', async () => {
    const source = {
      length: 2,
      get: (i: number) => ({ x: { data: new Uint8Array(i + 1), shape: [i + 1] }, y: label(0) }),
    }
    await expect(collect(source)).rejects.toThrow('x of example 1 is uint8 [2], but that of example 0 uint8 [1]')
  })
})
