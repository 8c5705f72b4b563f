import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CsvRecord, parseCsv, streamCsv } from '../../../src/data/readers/csv.ts'
import { parseJsonLines, streamJsonLines } from '../../../src/data/readers/json-lines.ts'
import { parseRatings, ratingsDataset } from '../../../src/data/readers/movielens.ts'
import { readParquetTable, streamParquet } from '../../../src/data/readers/parquet.ts'
import { decodeText, type Line, linesOf, streamLines, wellFormed } from '../../../src/data/readers/text.ts'
import { cellAt, columnNamed, type Table, tableOfObjects, tableRows } from '../../../src/data/table.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const cells = (table: Table, column: string) =>
  Array.from({ length: table.length }, (_, i) => cellAt(columnNamed(table, column), i))

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('parseCsv', () => {
  test('finds numbers, categories and gaps', async () => {
    const table = await parseCsv('a,b,c\r\n1,red,x\r\n?,,"y, ""z"""\r\n-2.5e1,blue,NA\r\n')
    expect(cells(table, 'a')).toEqual([1, null, -25])
    expect(columnNamed(table, 'b')).toEqual({
      type: 'category',
      categories: ['blue', 'red'],
      values: Int32Array.of(1, -1, 0),
    })
    expect(cells(table, 'c')).toEqual(['x', 'y, "z"', null])
    expect([...table.lines]).toEqual([2, 3, 4])
    const texts = await parseCsv('a\n1\n2', { types: { a: 'text' } })
    expect(columnNamed(texts, 'a')).toEqual({ type: 'text', values: ['1', '2'] })
  })

  test('many different strings are text', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `s${i}`)
    expect(columnNamed(await parseCsv(`a\n${rows.join('\n')}`), 'a').type).toBe('text')
  })

  test('tabs, no header, given names, empty lines', async () => {
    const table = await parseCsv('1\tx\n\n2\ty\n\n', { delimiter: '\t', header: ['n', 's'] })
    expect(cells(table, 'n')).toEqual([1, 2])
    expect([...table.lines]).toEqual([1, 3])
    expect([...(await parseCsv('1,2', { header: false })).columns.keys()]).toEqual(['c0', 'c1'])
  })

  test('lines of records with line ends inside', async () => {
    const text = 'a,b\n"one\ntwo",1\nthree,x'
    const table = await parseCsv(text)
    expect([...table.lines]).toEqual([2, 4])
    await expect(parseCsv(text, { name: 'f.csv', types: { b: 'number' } })).rejects.toThrow(
      'f.csv: column "b", line 4: "x" is not a number.',
    )
  })

  test('ragged rows stop it with their line, or are listed', async () => {
    const text = 'a,b\n1,2\n3\n4,5,6\n7,8\n'
    await expect(parseCsv(text, { name: 'f.csv' })).rejects.toThrow(
      'f.csv, line 3: the row has 1 cells, but there are 2 columns.',
    )
    const table = await parseCsv(text, { onRagged: 'skip' })
    expect(cells(table, 'a')).toEqual([1, 7])
    expect(table.skipped.map(({ line }) => line)).toEqual([3, 4])
  })

  test('says what is wrong with a file', async () => {
    await expect(parseCsv('', { name: 'e.csv' })).rejects.toThrow('e.csv is empty')
    await expect(parseCsv('a,b\n')).rejects.toThrow('column names but no rows')
    await expect(parseCsv('a,a\n1,2')).rejects.toThrow('two columns called "a"')
    await expect(parseCsv('a\nx\n"open\ny')).rejects.toThrow('line 3: a quote is not closed')
    await expect(parseCsv('a\n1', { types: { z: 'text' } })).rejects.toThrow('no column "z"; it has a.')
  })

  test('rows can be picked', async () => {
    const table = tableRows(await parseCsv('a,b,c\n1,x,1\n2,y,2\n3,x,3', { types: { c: 'text' } }), [2, 0])
    expect(['a', 'b', 'c'].map((name) => cells(table, name))).toEqual([
      [3, 1],
      ['x', 'x'],
      ['3', '1'],
    ])
    expect([...table.lines]).toEqual([4, 2])
    expect(() => tableRows(table, [2])).toThrow('index 2 is not in a table of 2 rows')
  })
})

describe('streams', () => {
  const chunks = (bytes: Uint8Array, size: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size))

  test.each([1, 2, 7, 1000])('lines in chunks of %i bytes', async (size) => {
    const lines = await all(streamLines(chunks(utf8('\uFEFFé\r\n\n𝄞 x\nlast'), size)))
    expect(lines).toEqual([
      { text: 'é', line: 1 },
      { text: '', line: 2 },
      { text: '𝄞 x', line: 3 },
      { text: 'last', line: 4 },
    ])
  })

  test('a stream of CSV gives what the whole gives', async () => {
    const rows = Array.from({ length: 1300 }, (_, i) => `${i},"a ""b""\n${i}"`)
    const text = `n,s\n${rows.join('\n')}\n`
    const records: CsvRecord[] = await all(streamCsv(streamLines([utf8(text)])))
    const table = await parseCsv(text)
    expect(records.length).toBe(1300)
    expect(records.map(({ line }) => line)).toEqual([...table.lines])
    expect(records.map(({ cells }) => cells.s)).toEqual(cells(table, 's'))
    await expect(all(streamCsv(streamLines([utf8('a,b\n1,2\n3')])))).rejects.toThrow('line 3: the row has 1 cells')
  })

  test('a quote that is never closed does not read the whole file into memory', async () => {
    let read = 0
    const endless = async function* (): AsyncGenerator<Line> {
      for (;;) yield { text: read++ === 1 ? '"open' : 'a', line: read }
    }
    await expect(all(streamCsv(endless()))).rejects.toThrow('a quote opened between lines 1 and')
    expect(read).toBeLessThan(60_000)
  })

  test('JSON lines, whole and as a stream', async () => {
    const text = '{"a":1}\n\n[2]\n{"a":\n{"a":3}'
    expect(() => parseJsonLines(text, { name: 'f.jsonl' })).toThrow('f.jsonl, line 3: the line holds no JSON object')
    const { objects, skipped } = parseJsonLines(text, { onError: 'skip' })
    expect(objects).toEqual([{ a: 1 }, { a: 3 }])
    expect(skipped.map(({ line }) => line)).toEqual([3, 4])
    expect(await all(streamJsonLines(streamLines([utf8(text)]), { onError: 'skip' }))).toEqual(objects)
    const table = tableOfObjects([
      { a: 1, b: true },
      { a: null, c: { d: 1 } },
    ])
    expect(['a', 'b', 'c'].map((name) => cells(table, name))).toEqual([
      [1, null],
      ['true', null],
      [null, '{"d":1}'],
    ])
  })

  test('a file without line ends is not read into memory', async () => {
    const endless = function* (): Generator<Uint8Array> {
      for (;;) yield utf8('x'.repeat(1000))
    }
    await expect(all<Line>(streamLines(endless(), { maxLength: 5000 }))).rejects.toThrow('line 1 is longer than 5000')
  })
})

describe('text', () => {
  test('decodes UTF-8 and UTF-16 by their marks, others by name', () => {
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0xc3, 0xa9))).toBe('é')
    expect(decodeText(Uint8Array.of(0xff, 0xfe, 0xe9, 0))).toBe('é')
    expect(decodeText(Uint8Array.of(0xe9), { encoding: 'windows-1252' })).toBe('é')
    expect(linesOf('a\r\nb\rc\n\nd\n')).toEqual(['a', 'b', 'c', '', 'd'])
  })

  test('names the line of a wrong byte', async () => {
    const bytes = Uint8Array.of(97, 10, 98, 10, 0xe9, 10)
    expect(() => decodeText(bytes, { name: 'f.txt' })).toThrow('f.txt, line 3: the bytes are not UTF-8')
    await expect(all(streamLines([bytes], { name: 'f.txt' }))).rejects.toThrow('the bytes are not UTF-8')
    expect(() => decodeText(bytes, { encoding: 'no such' })).toThrow('"no such" is not known')
  })

  test('lone surrogates become U+FFFD', () => {
    expect(wellFormed('a\uD800b\uDC00\u{1D11E}\uD834')).toBe('a\uFFFDb\uFFFD\u{1D11E}\uFFFD')
  })
})

describe('ratings', () => {
  const expected = { users: [0, 1, 0], items: [1, 0, 0], ratings: [4.5, 3, 1] }

  test.each([
    ['csv', 'userId,movieId,rating,timestamp\n1,30,4.5,9\n5,2,3,9\n1,2,1,9\n'],
    ['dat', '1::30::4.5::9\n5::2::3::9\n1::2::1::9\n'],
    ['u.data', '1\t30\t4.5\t9\n5\t2\t3\t9\n1\t2\t1\t9\n'],
  ])('reads %s', (_, text) => {
    const ratings = parseRatings(text)
    expect([...ratings.users]).toEqual(expected.users)
    expect([...ratings.items]).toEqual(expected.items)
    expect(ratings.userIds).toEqual([1, 5])
    expect(ratings.itemIds).toEqual([2, 30])
    expect(ratingsDataset(ratings)).toMatchObject({
      x: { data: Int32Array.of(0, 1, 1, 0, 0, 0), shape: [2] },
      y: { data: Float32Array.from(expected.ratings), shape: [] },
    })
  })

  test('names a wrong line', () => {
    expect(() => parseRatings('1,2,3\n1,,3\n', 'r.csv')).toThrow('r.csv, line 2: "1,,3" is not user, item')
    expect(() => parseRatings('userId,movieId,rating\n')).toThrow('holds no ratings')
  })
})

describe('Parquet', () => {
  const file = new Uint8Array(readFileSync(new URL('../fixtures/small.parquet', import.meta.url)))

  test('reads what pyarrow wrote, over row groups', async () => {
    const table = await readParquetTable(file)
    expect(['n', 'id', 'name', 'ok'].map((name) => cells(table, name))).toEqual([
      [1.5, null, -2, 1.5, null, -2],
      [1, 2, 2 ** 40, 1, 2, 2 ** 40],
      ['a', 'b', null, 'a', 'b', null],
      ['true', 'false', 'true', 'true', 'false', 'true'],
    ])
    expect([...(await readParquetTable(file, { columns: ['id'] })).columns.keys()]).toEqual(['id'])
  })

  test('streams a file that is read piece by piece', async () => {
    const blob = new Blob([file])
    const access = {
      byteLength: blob.size,
      slice: (start: number, end?: number) => blob.slice(start, end).arrayBuffer(),
    }
    expect((await all(streamParquet(access))).length).toBe(6)
  })

  test('refuses other files', async () => {
    await expect(readParquetTable(utf8('no parquet file'), { name: 'f.parquet' })).rejects.toThrow(
      'f.parquet is not a Parquet file',
    )
    await expect(readParquetTable(file.slice(0, 900))).rejects.toThrow('is not a Parquet file')
  })
})
