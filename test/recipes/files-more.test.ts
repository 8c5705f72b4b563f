/** @file Recipes for files of texts, ratings, series and pictures: they learn, predict, and refuse what they cannot use. */

import { beforeEach, describe, expect, it } from 'vitest'
import { digits } from '../../src/data/digits.ts'
import { timeSeries } from '../../src/data/generated/series.ts'
import { createDevice, manualSeed, ones, setDefaultDevice } from '../../src/index.ts'
import { decodeImage } from '../../src/node/decode.ts'
import { encodePng } from '../../src/node/image.ts'
import { solveBiases } from '../../src/recipes/files/baselines.ts'
import { fileRecipes, type Prepared, type Source, type Task } from '../../src/recipes/files/index.ts'
import { evaluate, fit, type Model, type Scores } from '../../src/train/index.ts'

const csv = (lines: readonly string[]): Source => ({ name: 'a.csv', text: `${lines.join('\n')}\n` })
const whole = (n: number): string[] => Array.from({ length: n }, (_, i) => String(i))

beforeEach(async () => {
  setDefaultDevice(await createDevice('wasm', { threads: 1 }))
  manualSeed(0)
})

async function learn({ task, train, test, defaults }: Prepared, epochs: number): Promise<[Model, Scores]> {
  const model = task.build(train)
  const { batchSize, lr } = defaults
  const { loss, metrics } = task
  await fit(model, train, { loss, metrics, optimizer: task.optimizer(model.parameters(), lr), epochs, batchSize })
  return [model, await evaluate(model, test, { loss, metrics })]
}

/** As `run.json` gives it back. */
const restored = (recipe: string, task: Task): Task =>
  fileRecipes[recipe].restore(JSON.parse(JSON.stringify(task.spec)))

describe('recommender', () => {
  // Even users like even items.
  const rows = whole(900).map((_, i) => {
    const [user, item] = [i % 30, (i * 7 + Math.floor(i / 30)) % 31]
    return `u${user},m${item},${user % 2 === item % 2 ? 5 : 1}`
  })

  it('learns tastes, and predicts about the mean for strangers', async () => {
    const prepared = await fileRecipes.recommender.prepare(csv(['user,item,stars', ...rows]))
    const [model, { rmse }] = await learn(prepared, 40)
    // Who predicts the mean is off by 2.
    expect(rmse).toBeLessThan(1)
    const again = restored('recommender', prepared.task)
    const table = await again.predict(model, csv(['item,user', 'm4,u2', 'm4,u3', 'm99,u99']))
    const [header, like, dislike, stranger] = table.trim().split('\n')
    const stars = (line: string): number => Number(line.split(',')[2])
    expect(header).toBe('item,user,predicted stars')
    expect(stars(like)).toBeGreaterThan(stars(dislike) + 2)
    expect(Math.abs(stars(stranger) - 3)).toBeLessThan(0.2)
  })

  it('shows what biases alone come to, with the penalty that the validation ratings choose', async () => {
    const { baselines, train, test, choices } = await fileRecipes.recommender.prepare(csv(['user,item,stars', ...rows]))
    // Whoever knows no tastes is off by 2.
    const [{ name, scores: reached }] = baselines ?? []
    expect(name).toBe('biases of users and items alone')
    expect(Math.abs(reached.rmse - 2)).toBeLessThan(0.2)
    expect(choices.find(([key]) => key === 'model')?.[1]).toMatch(
      /^biases \(penalty \d+\), and vectors of 64 features$/,
    )
    expect(test.length).toBe(90)
    const { choices: given } = await fileRecipes.recommender.prepare(csv(['user,item,stars', ...rows]), {
      penalty: 7.5,
    })
    expect(given.find(([key]) => key === 'model')?.[1]).toContain('(penalty 7.5)')
    // At the minimum the derivatives by all biases vanish: Σ (r − mean − bᵤ − bᵢ) = λ bᵤ.
    const { mean, users, items } = solveBiases(train, 4)
    const rests = new Float64Array(users.length)
    for (let i = 0; i < train.length; i++) {
      const [user, item] = [train.x.data[2 * i], train.x.data[2 * i + 1]]
      rests[user] += train.y.data[i] - mean - users[user] - items[item]
    }
    for (let user = 1; user < users.length; user++) expect(rests[user]).toBeCloseTo(4 * users[user], 6)
  })

  it('refuses tables of two columns, ratings that are no numbers, and equal ones', async () => {
    const { prepare } = fileRecipes.recommender
    await expect(prepare(csv(['user,item', 'a,b']))).rejects.toThrow(/has 2 columns/)
    await expect(prepare(csv(['user,item,stars', 'a,b,good']))).rejects.toThrow(/line 2: the column stars holds "good"/)
    const same = whole(30).map((i) => `u${i},m,3`)
    await expect(prepare(csv(['user,item,stars', ...same]))).rejects.toThrow(/every training rating is 3/)
  })
})

describe('forecast', () => {
  const rows = whole(400).map((day) => `d${day},${(20 + 8 * Math.sin(Number(day) / 4)).toFixed(4)},1`)
  const source = csv(['day,temperature,same', ...rows])

  it('learns a wave, and continues it after the last row', async () => {
    const prepared = await fileRecipes.forecast.prepare(source, { target: 'temperature', horizon: 2, window: 10 })
    const { train, validation, test } = prepared
    // Every row after the first window is the first target once.
    expect([train.length, validation.length, test.length]).toEqual([320 - 11, 39, 39])
    expect(validation.y.data[0]).toBeCloseTo(20 + 8 * Math.sin(320 / 4), 3)
    const [model, { r2 }] = await learn(prepared, 12)
    expect(r2).toBeGreaterThan(0.98)
    const lines = (await restored('forecast', prepared.task).predict(model, source)).trim().split('\n')
    expect(lines[0]).toBe('rows ahead,predicted temperature')
    for (const ahead of [1, 2]) {
      const [n, value] = lines[ahead].split(',').map(Number)
      expect(n).toBe(ahead)
      expect(Math.abs(value - (20 + 8 * Math.sin((399 + ahead) / 4)))).toBeLessThan(2)
    }
  })

  it('finds the season, ignores clocks, learns from categories, and shows what naive forecasts come to', async () => {
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
    const week = whole(210).map((t) => `${t},${days[Number(t) % 7]},${Number(t) % 7 === 6 ? 10 : Number(t) % 7}`)
    const given = { target: 'sales', horizon: 2 }
    const prepared = await fileRecipes.forecast.prepare(csv(['t,day,sales', ...week]), given)
    const said = prepared.choices.map((choice) => choice.join(' '))
    expect(said).toContain('ignored t: only ever rises or falls, as a clock')
    expect(said).toContain('season 7 rows')
    expect(said).toContain('categories day')
    expect(prepared.train.x.shape).toEqual([21, 8])
    const [last, before] = prepared.baselines ?? []
    expect([last.name, before.name]).toEqual(['the last value', 'the value 7 rows before'])
    expect(before.scores).toEqual({ rmse: 0, mae: 0 })
    // From t on, two values, each compared with the one at t − 1.
    const sales = week.map((row) => Number(row.split(',')[2]))
    const misses = whole(prepared.test.length).flatMap((i) =>
      [0, 1].map((ahead) => Math.abs(sales[189 + Number(i) + ahead] - sales[188 + Number(i)])),
    )
    expect(last.scores.mae).toBeCloseTo(misses.reduce((a, b) => a + b) / misses.length, 9)
    await expect(
      fileRecipes.forecast.prepare(csv(['t,day,sales', ...week]), { ...given, season: 200 }),
    ).rejects.toThrow(/--season must be at most 189/)
  })

  it('forecasts better than naive rules, on a level that training never saw', async () => {
    const series = timeSeries({ length: 400, seed: 1, trend: 0.01 })
    const prepared = await fileRecipes.forecast.prepare(csv(['y', ...Array.from(series, String)]), { target: 'y' })
    const [, { rmse }] = await learn(prepared, 20)
    for (const { scores: reached } of prepared.baselines ?? []) expect(rmse).toBeLessThan(0.7 * reached.rmse)
  })

  it('refuses series too short, constant or with gaps', async () => {
    const { prepare } = fileRecipes.forecast
    const target = 'x'
    await expect(prepare(source)).rejects.toThrow(/say with --target/)
    await expect(prepare(csv(['x', ...whole(20)]), { target, window: 19 })).rejects.toThrow(/rows are too few for/)
    await expect(prepare(csv(['x', ...whole(50).map(() => '7')]), { target })).rejects.toThrow(/x never changes/)
    await expect(prepare(csv(['x,y', '1,1', ',2']), { target })).rejects.toThrow(/line 3: the column x holds ""/)
  })
})

describe('image-classifier', () => {
  const file = (path: string, bytes: Uint8Array): { path: string; bytes(): Promise<Uint8Array> } => ({
    path,
    bytes: async () => bytes,
  })

  it('learns pictures in folders, leaving out damaged ones', async () => {
    const { train } = await digits({ train: 400, test: 0 })
    const pictures = Array.from({ length: train.length }, (_, i) => i).flatMap((i) => {
      const data = train.x.data.slice(i * 784, (i + 1) * 784) as Uint8Array
      const label = train.y.data[i]
      if (label > 2) return []
      return [file(`${label}/${i}.png`, encodePng({ width: 28, height: 28, channels: 1, data }))]
    })
    const files = [...pictures, file('0/damaged.png', Uint8Array.of(0x89, 1, 2, 3))]
    const source: Source = { name: 'digits', text: '', pictures: { files, decode: decodeImage } }
    const prepared = await fileRecipes['image-classifier'].prepare(source, { width: 8, size: 16 })
    expect(prepared.task.classes).toEqual(['0', '1', '2'])
    expect(prepared.train.length + prepared.validation.length + prepared.test.length).toBe(pictures.length)
    expect(prepared.choices.find(([name]) => name === 'left out')?.[1]).toContain('digits/0/damaged.png')
    const [model, { accuracy }] = await learn(prepared, 16)
    expect(accuracy).toBeGreaterThan(0.8)
    const again = restored('image-classifier', prepared.task)
    const one: Source = { ...source, pictures: { files: [{ ...pictures[0], path: 'new.png' }], decode: decodeImage } }
    expect(await again.predict(model, one)).toMatch(/^file,predicted class,probability\nnew\.png,[012],[01].*\n$/)
  })

  it('moves and mirrors training pictures, unless classes are characters or the user says otherwise', async () => {
    const data = new Uint8Array(16 * 16).fill(255)
    const png = encodePng({ width: 16, height: 16, channels: 1, data })
    const decide = async (
      names: readonly string[],
      augment?: string,
    ): Promise<readonly [unknown, string | undefined]> => {
      const files = names.flatMap((name) => whole(12).map((i) => file(`${name}/${i}.png`, png)))
      const source: Source = { name: 'pictures', text: '', pictures: { files, decode: decodeImage } }
      const { prepare } = fileRecipes['image-classifier']
      const { task, choices } = await prepare(source, augment === undefined ? {} : { augment })
      const said = choices.find(([name]) => name === 'augmentation')?.[1]
      const changed = await task
        .augment?.(ones([64, 1, 16, 16]))
        .sum([1, 2, 3])
        .data()
      expect(restored('image-classifier', task).augment === undefined).toBe(task.augment === undefined)
      // What is moved loses pixels at the edge.
      return [changed && Math.min(...changed) < 256, said]
    }
    expect(await decide(['cats', 'dogs'])).toEqual([true, 'moved and mirrored at random'])
    expect(await decide(['a', 'dogs'])).toEqual([true, 'moved at random, not mirrored, since there is a class a'])
    expect(await decide(['turn left', 'go on'])).toEqual([
      true,
      'moved at random, not mirrored, since there is a class turn left',
    ])
    expect(await decide(['3', '4'], 'flip')).toEqual([false, 'mirrored at random'])
    expect(await decide(['cats', 'dogs'], 'none')).toEqual([undefined, 'none'])
    await expect(decide(['cats', 'dogs'], 'twist')).rejects.toThrow(/--augment must be one of none, flip, shift, all/)
  })

  it('refuses text files, and directories of one class', async () => {
    const { prepare } = fileRecipes['image-classifier']
    await expect(prepare(csv(['a']))).rejects.toThrow(/a\.csv holds no pictures/)
    const data = new Uint8Array(16 * 16)
    const files = [file('cats/1.png', encodePng({ width: 16, height: 16, channels: 1, data }))]
    const source: Source = { name: 'pets', text: '', pictures: { files, decode: decodeImage } }
    await expect(prepare(source)).rejects.toThrow(/pets has one class only, cats/)
  })
})
