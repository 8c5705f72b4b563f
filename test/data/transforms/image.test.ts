import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/data/random.ts'
import type { Item } from '../../../src/data/source.ts'
import {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  channelStatistics,
  colour,
  cutout,
  grey,
  noise,
  normalise,
} from '../../../src/data/transforms/colour.ts'
import { inverse, project, projection } from '../../../src/data/transforms/geometry.ts'
import { cutmix, mixup } from '../../../src/data/transforms/mix.ts'
import { imageTransform } from '../../../src/data/transforms/saved.ts'
import { chain, type Scene, sometimes } from '../../../src/data/transforms/scene.ts'
import {
  centreCrop,
  flip,
  perspective,
  randomCrop,
  randomResizedCrop,
  resize,
  resizeShorter,
  rotate,
  shift,
  zoom,
} from '../../../src/data/transforms/spatial.ts'

const bytes = (shape: number[], ...data: number[]): Item => ({ data: Uint8Array.from(data), shape })
const floats = (shape: number[], ...data: number[]): Item => ({ data: Float32Array.from(data), shape })
const random = (): Random => new Random(1)

/** By torchvision, of a float picture [3, 5, 6]. */
const torchvision: Record<string, number[]> = JSON.parse(
  readFileSync(new URL('../fixtures/torchvision.json', import.meta.url), 'utf8'),
)
const sample = floats([3, 5, 6], ...torchvision.x)

function near(actual: Item, expected: readonly number[], tolerance = 2e-5): void {
  expect(actual.data.length).toBe(expected.length)
  actual.data.forEach((value: number, i: number) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(tolerance)
  })
}

describe('as torchvision does', () => {
  test.each([
    ['brightness 1.4', (x: Item) => adjustBrightness(x, 1.4)],
    ['contrast 0.6', (x: Item) => adjustContrast(x, 0.6)],
    ['contrast 1.5', (x: Item) => adjustContrast(x, 1.5)],
    ['saturation 0.3', (x: Item) => adjustSaturation(x, 0.3)],
    ['saturation 1.8', (x: Item) => adjustSaturation(x, 1.8)],
    ['hue 0.2', (x: Item) => adjustHue(x, 0.2)],
    ['hue -0.45', (x: Item) => adjustHue(x, -0.45)],
    ['rotate 30', (x: Item) => rotate({ degrees: [30, 30] })({ x }, random()).x],
    ['rotate -75', (x: Item) => rotate({ degrees: [-75, -75] })({ x }, random()).x],
  ])('%s', (name, apply) => near(apply(sample), torchvision[name]))
})

/** A picture whose bright square is what its box, its mask and its keypoint say. */
function scene(): Required<Scene> {
  const x = new Uint8Array(8 * 10)
  const mask = new Uint8Array(80)
  for (let row = 2; row < 5; row++) {
    for (let column = 1; column < 5; column++) {
      x[row * 10 + column] = 200
      mask[row * 10 + column] = 1
    }
  }
  return {
    x: { data: x, shape: [1, 8, 10] },
    boxes: floats([1, 4], 1, 2, 5, 5),
    labels: { data: Int32Array.of(7), shape: [1] },
    masks: { data: mask, shape: [1, 8, 10] },
    keypoints: floats([1, 1, 3], 3, 3.5, 2),
  }
}

/** The box around what is brighter than half of the square. */
function seen({ data, shape }: Item, level = 100): number[] {
  const [h, w] = shape.slice(-2)
  let [left, top, right, bottom] = [w, h, 0, 0]
  data.forEach((value: number, i: number) => {
    if (value < level) return
    const [x, y] = [i % w, Math.floor(i / w)]
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x + 1)
    bottom = Math.max(bottom, y + 1)
  })
  return [left, top, right, bottom]
}

describe('geometry moves everything alike', () => {
  test.each([
    ['flip', flip({ p: 1 })],
    ['flip, vertical', flip({ p: 1, axis: 'vertical' })],
    ['shift', shift({ max: 0.2 })],
    ['resize', resize({ size: [16, 20] })],
    ['resize, smaller', resize({ size: [8, 5] })],
    ['resizeShorter', resizeShorter({ to: 24 })],
    ['crop', centreCrop({ size: [6, 10] })],
    ['larger crop', centreCrop({ size: [12, 14] })],
    ['random crop', randomCrop({ size: [8, 10], padding: 2 })],
    ['a right angle', rotate({ degrees: [90, 90] })],
    ['zoom', zoom({ scale: [1.5, 1.5] })],
    ['several', chain(flip({ p: 1 }), resize({ size: [24, 30] }), shift({ max: 0.1 }))],
  ])('%s', (_, transform) => {
    for (let seed = 0; seed < 5; seed++) {
      const out = transform(scene(), new Random(seed))
      const [h, w] = out.x.shape.slice(1)
      expect(out.masks.shape).toEqual([1, h, w])
      const box = [...out.boxes.data]
      expect(out.labels.data).toEqual(Int32Array.of(7))
      for (const found of [seen(out.x), seen(out.masks, 1)]) {
        found.forEach((edge, side) => {
          expect(Math.abs(edge - box[side])).toBeLessThanOrEqual(1)
        })
      }
      const [x, y, visible] = out.keypoints.data
      expect(visible).toBe(2)
      expect(Math.abs(x - (box[0] + box[2]) / 2)).toBeLessThan(1.01)
      expect(Math.abs(y - (box[1] + box[3]) / 2)).toBeLessThan(1.01)
    }
  })

  test('flips and shifts by pixels copy, and twice a flip is nothing', () => {
    const once = flip({ p: 1 })({ x: bytes([1, 2, 3], 1, 2, 3, 4, 5, 6) }, random())
    expect(once.x).toEqual(bytes([1, 2, 3], 3, 2, 1, 6, 5, 4))
    const whole = scene()
    expect(flip({ p: 1 })(flip({ p: 1 })(whole, random()), random())).toEqual(whole)
    expect(flip({ p: 0 })(whole, random())).toEqual(whole)
  })

  test('what leaves the picture is taken away', () => {
    const out = centreCrop({ size: [2, 2] })(scene(), random())
    expect([out.boxes.shape, out.labels.shape, out.masks.shape, out.keypoints.shape]).toEqual([
      [1, 4],
      [1],
      [1, 2, 2],
      [1, 1, 3],
    ])
    const away = rotate({ degrees: [180, 180] })(centreCrop({ size: [4, 4] })(scene(), random()), random())
    expect(away.boxes.shape[0]).toBe(1)
    const gone = randomCrop({ size: [2, 2] })({ ...scene(), boxes: floats([1, 4], -5, -5, -1, -1) }, random())
    expect([gone.boxes.shape, gone.labels.shape, gone.masks.shape]).toEqual([[0, 4], [0], [0, 2, 2]])
    expect([...gone.keypoints.shape]).toEqual([0, 1, 3])
  })

  test('fill, padding and sizes', () => {
    expect(centreCrop({ size: [1, 3], fill: 9 })({ x: bytes([1, 1, 1], 5) }, random()).x).toEqual(
      bytes([1, 1, 3], 9, 5, 9),
    )
    const tall = { x: bytes([1, 4, 2], ...new Array(8).fill(3)) }
    expect(resizeShorter({ to: 4 })(tall, random()).x.shape).toEqual([1, 8, 4])
    expect(randomResizedCrop({ size: [3, 3] })(tall, random()).x).toEqual(bytes([1, 3, 3], ...new Array(9).fill(3)))
    expect(() => randomCrop({ size: [5, 5] })(tall, random())).toThrow(
      'a picture of 4 × 2 with a border of 0 is smaller',
    )
    expect(() => resize({ size: [0, 1] })).toThrow('size must be [height, width]')
    expect(() => flip({})({ x: bytes([4], 1, 2, 3, 4) }, random())).toThrow(
      'x must be a picture [C, H, W]; received uint8 [4]',
    )
  })

  test('a projective map takes points where it is told, and back', () => {
    const point = fc.tuple(fc.double({ min: 0, max: 4, noNaN: true }), fc.double({ min: 0, max: 4, noNaN: true }))
    fc.assert(
      fc.property(point, point, point, point, (a, b, c, d) => {
        const from = [
          [0, 0],
          [10, 0],
          [10, 10],
          [0, 10],
        ] as const
        const to = [a, [b[0] + 6, b[1]], [c[0] + 6, c[1] + 6], [d[0], d[1] + 6]] as [number, number][]
        const map = projection(from, to)
        from.forEach(([x, y], i) => {
          const [u, v] = project(map, x, y)
          expect(Math.hypot(u - to[i][0], v - to[i][1])).toBeLessThan(1e-6)
          const [p, q] = project(inverse(map), u, v)
          expect(Math.hypot(p - x, q - y)).toBeLessThan(1e-6)
        })
      }),
      { numRuns: 50 },
    )
    const out = perspective({ distortion: 0.5 })(scene(), random())
    seen(out.masks, 1).forEach((edge, side) => {
      expect(Math.abs(edge - out.boxes.data[side])).toBeLessThanOrEqual(1)
    })
  })
})

describe('values', () => {
  test('bytes stay bytes and within their range', () => {
    const x = bytes([3, 1, 2], 10, 250, 20, 240, 30, 230)
    const out = chain(colour({ brightness: 0.9, contrast: 0.9, saturation: 0.9, hue: 0.5 }), noise({ std: 0.2 }))(
      { x },
      random(),
    )
    expect(out.x.data).toBeInstanceOf(Uint8Array)
    expect(out.x.data).not.toEqual(x.data)
    expect(colour({})({ x }, random()).x).toEqual(x)
    const [r, g, b] = [0, 2, 4].map((i) => grey({})({ x }, random()).x.data[i])
    expect([r, g, b]).toEqual([18, 18, 18])
  })

  test('noise has the spread that it says', () => {
    const x = floats([1, 50, 50], ...new Array(2500).fill(0.5))
    const { data } = noise({ std: 0.1 })({ x }, random()).x
    const spread = Math.sqrt([...data].reduce((sum, v) => sum + (v - 0.5) ** 2, 0) / 2500)
    expect(Math.abs(spread - 0.1)).toBeLessThan(0.01)
  })

  test('cutout covers one square', () => {
    for (let seed = 0; seed < 20; seed++) {
      const x = bytes([2, 6, 8], ...new Array(96).fill(1))
      const { data } = cutout({ side: 0.5 })({ x }, new Random(seed)).x
      const covered = [...data].filter((v) => v === 0).length
      expect(covered).toBeGreaterThan(0)
      expect(covered).toBeLessThanOrEqual(2 * 9)
      expect(data.subarray(0, 48)).toEqual(data.subarray(48))
    }
  })

  test('normalised with its own statistics a set has mean 0 and spread 1', async () => {
    const pictures = [bytes([2, 1, 2], 0, 51, 255, 204), bytes([2, 1, 2], 102, 153, 51, 0)]
    const source = { length: 2, get: (i: number) => ({ x: pictures[i] }) }
    const statistics = await channelStatistics(source)
    expect(statistics.mean[0]).toBeCloseTo(0.3, 6)
    expect(statistics.std[0]).toBeCloseTo(Math.sqrt(0.05), 6)
    const values = pictures.flatMap((x) => [...normalise(statistics)({ x }, random()).x.data.subarray(0, 2)])
    expect(values.reduce((a, b) => a + b)).toBeCloseTo(0, 5)
    expect(values.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 5)
    await expect(channelStatistics({ length: 1, get: () => ({ x: bytes([1, 1, 2], 5, 5) }) })).rejects.toThrow(
      'channel 0 is constant',
    )
    expect(() => normalise({ mean: [0], std: [0] })).toThrow('std must be above 0')
    expect(() => normalise({ mean: [0, 0, 0], std: [1] })({ x: pictures[0] }, random())).toThrow(
      'mean has 3 values for 2 channels',
    )
  })
})

test('a chain can be saved, and does the same again', () => {
  const transform = chain(
    resize({ size: [9, 9] }),
    sometimes(0.7, flip({ axis: 'vertical' })),
    rotate({ degrees: 20 }),
    colour({ brightness: 0.3 }),
    cutout({}),
    normalise({ mean: [0.5], std: [0.2] }),
  )
  const again = imageTransform(JSON.parse(JSON.stringify(transform)))
  for (let seed = 0; seed < 5; seed++) {
    expect(again(scene(), new Random(seed))).toEqual(transform(scene(), new Random(seed)))
  }
  expect(() => imageTransform({ op: 'toString' })).toThrow('there is no transform toString; there are centreCrop')
})

describe('mixtures', () => {
  const x = floats([4, 1, 4, 4], ...Array.from({ length: 64 }, (_, i) => Math.floor(i / 16)))
  const y: Item = { data: Int32Array.of(0, 1, 2, 3), shape: [4] }

  test('mixup blends pictures and classes by the same share', () => {
    for (let seed = 0; seed < 20; seed++) {
      const out = mixup({ classes: 4, alpha: 1 })({ x, y }, new Random(seed))
      for (let i = 0; i < 4; i++) {
        const row = [...out.y.data.subarray(4 * i, 4 * i + 4)]
        expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
        // The picture of class k is k everywhere, so that a pixel is the mean class.
        expect(out.x.data[16 * i]).toBeCloseTo(
          row.reduce((sum, share, k) => sum + share * k, 0),
          5,
        )
      }
    }
  })

  test('cutmix shares by area', () => {
    for (let seed = 0; seed < 20; seed++) {
      const out = cutmix({ classes: 4 })({ x, y }, new Random(seed))
      for (let i = 0; i < 4; i++) {
        const own = out.x.data.subarray(16 * i, 16 * i + 16).filter((v: number) => v === i).length / 16
        expect(out.y.data[4 * i + i]).toBeCloseTo(own, 5)
      }
    }
  })

  test('shares follow Beta(α, α)', () => {
    for (const alpha of [0.2, 1, 3]) {
      const draws = Array.from({ length: 1500 }, (_, seed) => {
        const { y: shares } = mixup({ classes: 2, alpha })(
          { x: floats([2, 1, 1, 1], 0, 1), y: { data: Int32Array.of(0, 1), shape: [2] } },
          new Random(seed, 9),
        )
        return shares.data[0]
      }).filter((share) => share !== 1)
      const variance = draws.reduce((sum, v) => sum + (v - 0.5) ** 2, 0) / draws.length
      // Without the examples that were mixed with themselves.
      expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.025)
    }
    expect(() => mixup({ classes: 2 })({ x, y }, random())).toThrow('class numbers [B] below 2; received 2')
    expect(() => mixup({ classes: 4, alpha: 0 })({ x, y }, random())).toThrow('alpha must be above 0')
  })
})
