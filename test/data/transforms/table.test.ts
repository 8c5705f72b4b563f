import { describe, expect, test } from 'vitest'
import { parseCsv } from '../../../src/data/readers/csv.ts'
import { TableEncoder } from '../../../src/data/transforms/table.ts'

const train = await parseCsv('age,colour,same,wage\n20,red,5,1\n40,blue,5,2\n,red,5,3\n', { name: 'train.csv' })
const rows = (x: { data: ArrayLike<number>; shape: readonly number[] }): number[][] => {
  const values = Array.from(x.data, (v) => Math.round(v * 1e5) / 1e5)
  return Array.from({ length: values.length / x.shape[0] }, (_, i) =>
    values.slice(i * x.shape[0], (i + 1) * x.shape[0]),
  )
}

describe('TableEncoder', () => {
  test('scales numbers, fills gaps, spreads categories, leaves out constants', () => {
    const encoder = TableEncoder.fit(train, { target: 'wage' })
    expect(encoder.features).toEqual(['age', 'colour=blue', 'colour=red'])
    expect(encoder.constant).toEqual(['same'])
    const { x, y } = encoder.dataset(train)
    expect(rows(x)).toEqual([
      [-1, 0, 1],
      [1, 1, 0],
      [0, 0, 1],
    ])
    expect(y).toEqual({ data: Float32Array.of(1, 2, 3), shape: [] })
  })

  test('other scales, medians, indicators, scaled targets', () => {
    const encoder = TableEncoder.fit(train, {
      target: 'wage',
      drop: ['colour'],
      scale: 'minmax',
      impute: 'zero',
      indicators: true,
      scaleTarget: true,
    })
    expect(encoder.features).toEqual(['age', 'age is missing'])
    const { x, y } = encoder.dataset(train)
    expect(rows(x)).toEqual([
      [0, 0],
      [1, 0],
      [-1, 1],
    ])
    expect([...encoder.targetsOf(y.data)].map((v) => Math.round(v * 1e5) / 1e5)).toEqual([1, 2, 3])
    expect([...y.data].reduce((a, b) => a + b)).toBeCloseTo(0, 5)
  })

  test('logarithms of numbers over several orders of magnitude, on request', async () => {
    const text = `even,wide,below\n${Array.from({ length: 40 }, (_, i) => `${i},${2 ** i},${-(2 ** i)}`).join('\n')}`
    const table = await parseCsv(text)
    const encoder = TableEncoder.fit(table, { logarithms: true, scale: 'none' })
    expect(encoder.columns).toEqual([
      { column: 'even', kind: 'number' },
      { column: 'wide', kind: 'logarithm' },
      { column: 'below', kind: 'logarithm' },
    ])
    const x = rows(TableEncoder.fromJSON(JSON.parse(JSON.stringify(encoder))).inputs(table))
    expect(x[39]).toEqual([39, 27.03274, -27.03274])
    expect(TableEncoder.fit(table, { scale: 'none' }).columns.map(({ kind }) => kind)).toEqual(Array(3).fill('number'))
    // Gaps are filled with the mean, median or 0 of what is scaled, the logarithms.
    const gap = await parseCsv('even,wide,below\n0,,0', { types: { wide: 'number' } })
    const centred = TableEncoder.fit(table, { logarithms: true })
    expect(centred.inputs(gap).data[1]).toBeCloseTo(0, 6)
  })

  test('rare categories, and those beyond the most frequent, count as unknown', async () => {
    const table = await parseCsv(`kind,id,empty\n${[...'aabbbccd'].map((k, i) => `${k},n${i},`).join('\n')}`, {
      types: { empty: 'category' },
    })
    const encoder = TableEncoder.fit(table, { rare: 2 })
    expect(encoder.features).toEqual(['kind=a', 'kind=b', 'kind=c'])
    expect(encoder.ignored).toEqual([
      { column: 'id', reason: 'every value is rare' },
      { column: 'empty', reason: 'every value is missing' },
    ])
    expect(encoder.constant).toEqual(['empty'])
    expect(rows(encoder.inputs(table))[7]).toEqual([0, 0, 0])
    // Of equally frequent ones, the first.
    expect(TableEncoder.fit(table, { drop: ['id'], maxCategories: 2 }).features).toEqual(['kind=a', 'kind=b'])
  })

  test('test rows use what was learnt, also after saving', async () => {
    const encoder = TableEncoder.fromJSON(JSON.parse(JSON.stringify(TableEncoder.fit(train, { impute: 'median' }))))
    const table = await parseCsv('wage,colour,age,same\n2,green,60,9\n2,,,9\n', { types: { age: 'number' } })
    expect(rows(encoder.inputs(table))).toEqual([
      [3, 0, 0, 0],
      [0, 0, 0, 0],
    ])
    const strict = TableEncoder.fit(train, { unknown: 'error' })
    expect(() => strict.inputs(table)).toThrow(
      'line 2: column colour has the category "green", which the training rows lack',
    )
    expect(() => TableEncoder.fit(train, { impute: 'error' }).inputs(train)).toThrow(
      'train.csv, line 4: column age is empty.',
    )
  })

  test('classes', async () => {
    const encoder = TableEncoder.fit(train, { target: 'colour' })
    expect(encoder.classes).toEqual(['blue', 'red'])
    const { y, classes } = encoder.dataset(train)
    expect([[...y.data], classes]).toEqual([
      [1, 0, 1],
      ['blue', 'red'],
    ])
    const other = await parseCsv('age,colour,wage,same\n1,green,1,1\n')
    expect(() => encoder.dataset(other)).toThrow('line 2: the class "green" is not among those of the training rows')
  })

  test('says what is wrong with a table', async () => {
    const fit = async (text: string, options = {}) => TableEncoder.fit(await parseCsv(text, { name: 't.csv' }), options)
    await expect(fit('a,y\n1,1\n2,\n', { target: 'y' })).rejects.toThrow(
      "the target y is missing in 1 of 2 rows, first in line 3. Leave them out with missingTarget: 'drop'.",
    )
    const dropped = await fit('a,y\n1,1\n2,\n3,2\n', { target: 'y', missingTarget: 'drop' })
    expect(dropped.dataset(await parseCsv('a,y\n1,1\n2,\n3,2\n')).length).toBe(2)
    await expect(fit('a,y\n1,7\n2,7\n', { target: 'y' })).rejects.toThrow('the target y of t.csv is constant')
    await expect(fit('a,y\n1,k\n2,k\n', { target: 'y' })).rejects.toThrow('has one class only (k)')
    await expect(fit('a,y\n1,1\ninf,2\n', { target: 'y' })).rejects.toThrow('t.csv, line 3: column a is Infinity')
    await expect(fit('a\n1\n1\n')).rejects.toThrow('no column left that varies')
    await expect(fit('a\n1\n', { target: 'b' })).rejects.toThrow('no column "b"; it has a')
    const text = await parseCsv('a,b\n1,x\n2,y', { types: { b: 'text' } })
    expect(() => TableEncoder.fit(text)).toThrow('column "b" of The table is text; leave it out with drop')
    expect(() => TableEncoder.fromJSON({})).toThrow('not what TableEncoder.toJSON returned')
    const changed = await parseCsv('age,colour,same\nold,red,5\n')
    expect(() => TableEncoder.fit(train).inputs(changed)).toThrow('column age must be numbers')
  })
})
