/** @file Pictures moved at random within the step: where each pixel comes from, and that a resumed training sees the same. */

import { beforeEach, describe, expect, it } from 'vitest'
import { arrayDataset } from '../../src/data/index.ts'
import { compile, manualSeed, rand, type Tensor, tensor } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Flatten, Linear, Sequential } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import { setDefaultDevice } from '../../src/plan/device.ts'
import { type Augment, cropAndFlip, wobble } from '../../src/recipes/index.ts'
import { type Callback, fit, type TrainingState } from '../../src/train/index.ts'
import { devices } from '../support/devices.ts'

/** Values that tell where a pixel was: 1 + place in the picture, other ones in each channel. */
function numbered(batch: number, channels: number, side: number): Tensor {
  const size = channels * side * side
  return tensor(
    Float32Array.from({ length: batch * size }, (_, i) => 1 + (i % size)),
    { shape: [batch, channels, side, side] },
  )
}

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => {
    setDefaultDevice(device)
    manualSeed(3)
  })

  it('cropAndFlip moves every channel of a picture alike, by whole pixels within the border, mirrored or not', async () => {
    const [batch, channels, side, padding] = [64, 2, 5, 2]
    const x = await numbered(batch, channels, side).data()
    const y = await cropAndFlip(padding)(numbered(batch, channels, side)).data()
    const area = side * side
    const seen = new Set<string>()
    for (let b = 0; b < batch; b++) {
      const fits = (dy: number, dx: number, flip: boolean): boolean =>
        Array.from({ length: channels * area }, (_, i) => {
          const row = (Math.floor(i / side) % side) + dy
          const across = i % side
          const column = (flip ? side - 1 - across : across) + dx
          const inside = row >= 0 && row < side && column >= 0 && column < side
          const from = (Math.floor(i / area) + b * channels) * area + row * side + column
          return y[b * channels * area + i] === (inside ? x[from] : 0)
        }).every(Boolean)
      const found: string[] = []
      for (let dy = -padding; dy <= padding; dy++) {
        for (let dx = -padding; dx <= padding; dx++) {
          for (const flip of [false, true]) if (fits(dy, dx, flip)) found.push(`${dy} ${dx} ${flip}`)
        }
      }
      expect(found).toHaveLength(1)
      seen.add(found[0])
    }
    // 50 ways, all as likely: 64 pictures show 36 of them on average.
    expect(seen.size).toBeGreaterThan(20)
  })

  it('moves without mirroring where asked to', async () => {
    const x = tensor(
      Float32Array.from({ length: 200 * 9 }, (_, i) => (i % 9 === 3 ? 1 : 0)),
      { shape: [200, 1, 3, 3] },
    )
    const y = await cropAndFlip(1, false)(x).data()
    // A pixel at the left of the middle row: within a step of it, never at the right.
    const places = new Set(Array.from({ length: 200 }, (_, b) => y.subarray(b * 9, b * 9 + 9).indexOf(1)))
    expect([...places].sort((a, b) => a - b)).toEqual([-1, 0, 1, 3, 4, 6, 7])
  })

  it('without a border half of the pictures are mirrored and half are as they were', async () => {
    const x = await numbered(200, 1, 3).data()
    const y = await cropAndFlip(0)(numbered(200, 1, 3)).data()
    let same = 0
    for (let b = 0; b < 200; b++) {
      const [was, is] = [x.subarray(9 * b, 9 * b + 9), y.subarray(9 * b, 9 * b + 9)]
      const mirrored = [2, 1, 0, 5, 4, 3, 8, 7, 6].map((i) => was[i])
      const kept = is.every((v, i) => v === was[i])
      if (!kept) expect([...is]).toEqual(mirrored)
      same += Number(kept)
    }
    expect(Math.abs(same - 100)).toBeLessThan(40)
  })

  it('wobble without movement changes nothing; moving alone keeps what stays inside', async () => {
    const x = rand([8, 2, 7, 7])
    const still = await wobble({ degrees: 0, shift: 0, scale: 0 })(x).data()
    expect([...still]).toEqual([...(await x.data())])
    // One bright pixel in the middle, moved by fractions: its light is shared among neighbours and none is lost.
    const point = Float32Array.from({ length: 49 }, (_, i) => Number(i === 24))
    const moved = await wobble({ degrees: 0, shift: 2, scale: 0 })(tensor(point, { shape: [1, 1, 7, 7] })).data()
    expect([...moved].reduce((a, b) => a + b)).toBeCloseTo(1, 5)
    expect(moved[24]).toBeLessThan(1)
  })

  it('wobble turns and scales about the middle', async () => {
    // The distance from the middle stays what it is when turned, and is divided by the factor when scaled.
    const [side, batch] = [9, 8]
    const distance = Float32Array.from({ length: batch * side * side }, (_, i) =>
      Math.hypot((i % side) - 4, (Math.floor(i / side) % side) - 4),
    )
    const cones = tensor(distance, { shape: [batch, 1, side, side] })
    const turned = await wobble({ degrees: 45, shift: 0, scale: 0 })(cones).data()
    const scaled = await wobble({ degrees: 0, shift: 0, scale: 0.3 })(cones).data()
    const factors = new Set<number>()
    for (let start = 0; start < distance.length; start += side * side) {
      const at = (row: number, column: number): number => start + row * side + column
      for (const i of [at(3, 3), at(3, 4), at(4, 2), at(5, 5), at(2, 4)]) {
        expect(Math.abs(turned[i] - distance[i])).toBeLessThan(0.2)
      }
      const factor = scaled[at(4, 6)] / 2
      expect(scaled[at(2, 4)] / 2).toBeCloseTo(factor, 5)
      expect(factor).toBeGreaterThan(1 / 1.31)
      expect(factor).toBeLessThan(1 / 0.69)
      factors.add(factor)
    }
    expect(factors.size).toBe(batch)
  })

  it('compiled, every call draws anew, and the seed says what', async () => {
    const augment = compile((x: Tensor) => wobble()(cropAndFlip(2)(x)))
    const x = rand([2, 1, 6, 6])
    const run = async (): Promise<number[][]> => {
      manualSeed(8)
      return [[...(await augment(x).data())], [...(await augment(x).data())]]
    }
    const [first, second] = await run()
    expect(first).not.toEqual(second)
    expect(await run()).toEqual([first, second])
  })
})

it('refuses what makes no sense', () => {
  expect(() => cropAndFlip(-1)).toThrow(/padding must be a whole number of at least 0; received -1/)
  expect(() => wobble({ scale: 1 })).toThrow(/scale must be a number of at least 0 and below 1; received 1/)
  expect(() => wobble({ shift: Number.NaN })).toThrow(/shift must be a number of at least 0; received NaN/)
  expect(() => cropAndFlip()(rand([3, 4]))).toThrow(/takes pictures \[B, C, H, W\]; received \[3, 4\]/)
})

it.each<[string, Augment]>([
  ['cropAndFlip', cropAndFlip(1)],
  ['wobble', wobble()],
])('a training with %s that is resumed gives the same bits as one that never stopped', async (_, augment) => {
  const x = { data: Uint8Array.from({ length: 24 * 32 }, (_, i) => (i * 37) % 256), shape: [2, 4, 4] }
  const data = arrayDataset({ x, y: { data: Uint8Array.from({ length: 24 }, (_, i) => i % 3), shape: [] } })
  const run = async (options: { resume?: TrainingState; callbacks?: readonly Callback[] } = {}): Promise<number[]> => {
    manualSeed(5)
    const model = new Sequential(new Flatten(), new Linear(32, 3))
    const optimizer = new SGD(model.parameters(), { lr: 0.1 })
    await fit(model, data, { loss: crossEntropy, optimizer, augment, batchSize: 4, epochs: 2, ...options })
    return [...model.parameters()[0].dataSync()]
  }
  let capture: (() => TrainingState) | undefined
  let state: TrainingState | undefined
  const whole = await run({
    callbacks: [
      {
        onTrainBegin: (info) => {
          capture = info.capture
        },
        onBatchEnd: ({ total }) => {
          if (total === 4) state = capture?.()
        },
      },
    ],
  })
  expect(state).toBeDefined()
  expect(await run(state ? { resume: state } : {})).toEqual(whole)
})
