/** @file Recipes for users' files: what they decide, what they refuse, and that they learn. */

import { beforeEach, describe, expect, it } from 'vitest'
import { createDevice, manualSeed, setDefaultDevice, tensor } from '../../src/index.ts'
import { encodable, fitColumns } from '../../src/recipes/files/columns.ts'
import { type FileOptions, fileRecipes, type Prepared } from '../../src/recipes/files/index.ts'
import { readTable } from '../../src/recipes/files/table.ts'
import { evaluate, fit, type Model } from '../../src/train/index.ts'

const csv = (text: string): { name: string; text: string } => ({ name: 'a.csv', text })

beforeEach(async () => {
  setDefaultDevice(await createDevice('wasm', { threads: 1 }))
  manualSeed(0)
})

/** Trains as `glia train` does, without stopping early. */
async function learn({ task, train, defaults }: Prepared, epochs = defaults.epochs): Promise<Model> {
  const model = task.build()
  const { batchSize, lr } = defaults
  const steps = Math.ceil(train.length / batchSize) * epochs
  await fit(model, train, {
    loss: task.loss,
    ...(task.schedule ? { schedule: task.schedule(steps) } : {}),
    optimizer: task.optimizer(model.parameters(), lr),
    metrics: task.metrics,
    epochs,
    batchSize,
  })
  return model
}

/** y = 30 a + 10 (c is red), with a gap and a column that says nothing. */
const points = Array.from({ length: 200 }, (_, i) => {
  const a = ((i * 37) % 100) / 10
  const colour = ['red', 'blue', 'green'][i % 3]
  return `${i === 5 ? '' : a},${colour},7,id${i},${30 * a + (colour === 'red' ? 10 : 0)}`
})
const pointsFile = csv(`a,colour,same,id,y\n${points.join('\n')}\n`)

describe('tables', () => {
  it('tell names from values, and separators apart', async () => {
    expect(await readTable(csv('x,y\n1,2\n'))).toMatchObject({ columns: ['x', 'y'], rows: [['1', '2']], header: true })
    const plain = await readTable(csv('5.1;setosa\n4.9;setosa\n'))
    expect(plain).toMatchObject({ columns: ['column 1', 'column 2'], header: false })
    expect((await readTable(csv('"a\n(kg)",b\n1,"2, 3"\n'))).columns).toEqual(['a\n(kg)', 'b'])
    expect((await readTable({ name: 'a.tsv', text: 'a, b\tc\nd, e\tf\n' })).rows).toEqual([['d, e', 'f']])
  })

  it('encode numbers, logarithms, categories and gaps by the training rows', async () => {
    const table = await readTable(csv(`n,big,c\n1,1,a\n3,10,a\n,10000000,b\n5,3,b\n9,3,zebra\n`))
    const { encoder } = fitColumns(table, [0, 1, 2, 3], new Set())
    expect(encoder.features).toEqual(['n', 'n is missing', 'big', 'c=a', 'c=b'])
    const { data: x } = encoder.inputs(encodable(table, encoder))
    // n has a feature for gaps, c one for each of a and b.
    const rows = Array.from({ length: 5 }, (_, i) => [...x.subarray(i * 5, i * 5 + 5)])
    expect(rows.map((row) => row[1])).toEqual([0, 0, 1, 0, 0])
    expect(rows[1][0]).toBeCloseTo(0, 6)
    expect(rows[3][0]).toBeCloseTo(2 / Math.sqrt(8 / 3), 5)
    expect(rows.map((row) => row.slice(3))).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 0],
    ])
  })
})

describe('tabular', () => {
  const prepare = (options: FileOptions, source = pointsFile): Promise<Prepared> =>
    fileRecipes.tabular.prepare(source, options)

  it('decides between numbers and classes, and says what it does not look at', async () => {
    const { choices, train, validation, test } = await prepare({ target: 'y' })
    expect([train.length, validation.length, test.length]).toEqual([160, 20, 20])
    const said = choices.map(([name, value]) => `${name} ${value}`)
    expect(said).toContain('target y: regression, since it holds numbers')
    expect(said).toContain('categories colour')
    expect(said).toContain('ignored same: never changes')
    expect(said).toContain('ignored id: every value is rare')
    const words = await prepare({ target: 'colour', ignore: 'id, same' })
    expect(words.task.classes).toEqual(['blue', 'green', 'red'])
    expect(words.choices[0]).toEqual(['target', 'colour: classification, since it holds words: 3 classes'])
    const forced = await prepare({ target: 'a', task: 'regression' }, csv(`a,b\n${'1,2\n2,1\n'.repeat(20)}`))
    expect(forced.task.classes).toEqual([])
  })

  it('lets what holds the network back be chosen, and says what it is', async () => {
    const target = 'colour'
    const said = async (options: FileOptions): Promise<string> =>
      (await prepare({ target, ignore: 'id', ...options })).choices.map((choice) => choice.join(' ')).join('; ')
    expect(await said({})).toContain('2 hidden layers of 64 units; dropout 0.1; weight decay 0.01; label smoothing 0.1')
    const none = { width: 8, layers: 1, dropout: 0, weightDecay: 0, labelSmoothing: 0 }
    expect(await said(none)).toContain('1 hidden layers of 8 units; dropout 0; weight decay 0; label smoothing 0')
    const [smooth, sharp] = await Promise.all([prepare({ target }), prepare({ target, labelSmoothing: 0 })])
    const logits = tensor([[4, 0, 0]])
    const label = tensor([0], { dtype: 'int32' })
    const losses = await Promise.all(
      [smooth, sharp].map(({ task }) => (task.objective ?? task.loss)(logits, label).item()),
    )
    // A thirtieth of the label goes to each of the two others, which lie 4 lower.
    expect(losses[0] - losses[1]).toBeCloseTo((2 / 30) * 4, 5)
  })

  it('takes the split from a column, and lends validation rows from training', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i < 30 ? 'train' : 'test'},${i},${2 * i + 0.5}`)
    const { train, validation, test } = await prepare(
      { target: 'y', splitColumn: 'set' },
      csv(`set,x,y\n${rows.join('\n')}`),
    )
    expect([train.length, validation.length]).toEqual([27, 3])
    expect([...test.y.data]).toEqual(Array.from({ length: 10 }, (_, i) => 2 * (30 + i) + 0.5))
  })

  it('divides into folds that hold every row once', async () => {
    const tests = await Promise.all([0, 1, 2, 3].map((part) => prepare({ target: 'y', fold: [part, 4] })))
    const targets = tests.flatMap(({ test }) => [...test.y.data]).sort((a, b) => a - b)
    const all = await prepare({ target: 'y' })
    const every = [all.train, all.validation, all.test].flatMap(({ y }) => [...y.data]).sort((a, b) => a - b)
    expect(targets).toEqual(every)
  })

  it('learns numbers, in their own units, and predicts them from a saved task', async () => {
    const prepared = await prepare({ target: 'y' })
    const model = await learn(prepared, 60)
    const { loss, metrics } = prepared.task
    const scores = await evaluate(model, prepared.test, { loss, metrics })
    expect(scores.r2).toBeGreaterThan(0.97)
    expect(scores.rmse).toBeLessThan(15)
    const again = fileRecipes.tabular.restore(JSON.parse(JSON.stringify(prepared.task.spec)))
    const table = await again.predict(model, csv('colour,id,a,same\nred,"x,y",5,7\nblue,z,5,7\n'))
    const [header, red, blue] = table.trim().split('\n')
    expect(header).toBe('colour,id,a,same,predicted y')
    expect(red.startsWith('red,"x,y",5,7,')).toBe(true)
    const value = (line: string): number => Number(line.split(',').at(-1))
    expect(Math.abs(value(red) - 160)).toBeLessThan(15)
    expect(value(red)).toBeGreaterThan(value(blue))
  })

  it.each<[what: string, options: FileOptions, text: string, message: RegExp]>([
    ['no target', {}, 'a,b\n1,2\n', /say with --target which column/],
    ['an unknown target', { target: 'z' }, 'a,b\n1,2\n', /a\.csv has no column "z"; it has a, b/],
    ['an empty file', { target: 'z' }, '', /a\.csv is empty/],
    ['ragged rows', { target: 'a' }, 'a,b\n1,2\n3\n', /a\.csv, line 3: the row has 1 cells, but there are 2 columns/],
    ['a constant target', { target: 'b' }, `a,b\n${'1,2.5\n2,2.5\n'.repeat(20)}`, /2\.5 in every training row/],
    ['one class', { target: 'b' }, `a,b\n${'1,x\n2,x\n'.repeat(20)}`, /one class only, x/],
    [
      'a gap in the target',
      { target: 'b' },
      `a,b\n${'1,2.5\n2,3.5\n'.repeat(20)}4,\n`,
      /line 42: the column b holds "", no/,
    ],
    ['an odd split', { target: 'b', splitColumn: 'a' }, 'a,b\nfirst,1.5\n', /"first" in line 2; known are train/],
    ['an unknown task', { target: 'b', task: 'guess' }, 'a,b\n1,2\n', /regression or classification; received "guess"/],
    ['too few rows', { target: 'b' }, 'a,b\n1,2.5\n2,3.5\n', /of 2 examples none is left for/],
    ['shares of all', { target: 'b', test: 0.6, validation: 0.4 }, 'a,b\n1,2.5\n', /leave something to train on/],
    ['nothing to learn from', { target: 'b' }, `b\n${'1.5\n2.5\n'.repeat(20)}`, /no column to predict from/],
    ['names that come twice', { target: 'b' }, 'b,b\n1,2\n', /two columns called "b"/],
  ])('refuses %s', async (_, options, text, message) => {
    await expect(prepare(options, csv(text))).rejects.toThrow(message)
  })

  it('refuses tables that lack what it was trained with', async () => {
    const { task } = await prepare({ target: 'y' })
    await expect(task.predict(task.build(), csv('colour\nred\n'))).rejects.toThrow(/a\.csv lacks a, which/)
    expect(() => fileRecipes.tabular.restore({ target: 'y' })).toThrow(/does not describe a task/)
  })
})
