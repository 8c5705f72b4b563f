/** @file Bad input to trainings on users' files: one sentence that names file and line, and everything left out is listed. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { encodePng } from '../../src/node/index.ts'
import { useGlia } from './glia.ts'

const glia = useGlia()
const at = (...path: string[]): string => join(glia.directory, ...path)
/** The arguments of a line. */
const run = (line: string): ReturnType<typeof glia.run> => glia.run(...line.split(' '))

function put(name: string, content: string | Uint8Array): void {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), content)
}

/** Each file is refused with one sentence, and leaves no run behind. */
async function refuse(cases: readonly (readonly [line: string, sentence: RegExp])[]): Promise<void> {
  for (const [line, sentence] of cases) {
    const { status, stdout, stderr } = await run(`${line} --out refused`)
    expect(stderr).toMatch(/^glia: [^\n]*\.\n$/)
    expect(stderr.slice('glia: '.length, -1)).toMatch(sentence)
    expect([line, status, stdout]).toEqual([line, 1, ''])
    expect(existsSync(at('refused'))).toBe(false)
  }
}

const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${(i * 3) % 11},${'ab'[i % 2]}`)
const table = (lines: readonly string[], header = 'x,y,kind'): string => `${[header, ...lines].join('\n')}\n`
/** `rows` with another line 12. */
const with12 = (line: string, of: readonly string[] = rows): string =>
  table([...of.slice(0, 10), line, ...of.slice(10)])

describe('tables', () => {
  it('without rows, with ragged ones, open quotes or names that come twice', async () => {
    put('empty.csv', '')
    put('names.csv', 'x,y,kind\n')
    put('ragged.csv', with12('1,2'))
    put('quote.csv', with12('1,"2,a'))
    put('twice.csv', table(rows, 'x,x,kind'))
    put('few.csv', table(rows.slice(0, 2)))
    await refuse([
      ['train tabular --data empty.csv --target kind', /^empty\.csv is empty: it has no rows\.$/],
      ['train tabular --data names.csv --target kind', /^names\.csv has column names but no rows\.$/],
      ['train tabular --data ragged.csv --target kind', /^ragged\.csv, line 12: the row has 2 cells, but there are 3/],
      ['train forecast --data ragged.csv --target x', /^ragged\.csv, line 12: /],
      ['train recommender --data ragged.csv', /^ragged\.csv, line 12: /],
      ['train tabular --data quote.csv --target kind', /^quote\.csv, line 12: a quote is not closed/],
      ['train tabular --data twice.csv --target kind', /^twice\.csv has two columns called "x"/],
      ['train tabular --data few.csv --target kind', /^few\.csv: of 2 examples none is left for validation/],
    ])
  })

  it('in other encodings, or packed badly or too well', async () => {
    put('latin.csv', Buffer.from(with12('1,2,é'), 'latin1'))
    put('cut.csv.gz', gzipSync(table(rows)).subarray(0, 60))
    // A gzip file may have several members, one after the other.
    const member = gzipSync(Buffer.alloc(2 ** 26, '\n'), { level: 1 })
    put('bomb.txt.gz', Buffer.concat(Array.from({ length: 8 }, () => member)))
    await refuse([
      ['train tabular --data latin.csv --target kind', /^latin\.csv, line 12: the bytes are not UTF-8\. Save the file/],
      ['train tabular --data cut.csv.gz --target kind', /^cut\.csv\.gz is not a sound gzip file/],
      ['train text-generator --data bomb.txt.gz', /^bomb\.txt\.gz holds more than 511 MiB of text/],
    ])
    put('wide.csv', Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(table(rows), 'utf16le')]))
    const { status } = await run('train tabular --data wide.csv --target kind --epochs 1 --out wide')
    expect(status).toBe(0)
  })

  it('whose target is one value, missing, no number or too large a one', async () => {
    const numbers = rows.map((row, i) => row.replace(/[ab]$/, `${i}.5`))
    put('one.csv', table(rows.map((row) => row.replace('b', 'a'))))
    put('gap.csv', with12('1,2,'))
    put('constant.csv', table(rows.map((row) => row.replace(/[ab]$/, '5.5'))))
    put('nan.csv', with12('1,2,NaN', numbers))
    put('huge.csv', with12('1,2,1e300', numbers))
    await refuse([
      ['train tabular --data one.csv --target kind', /^one\.csv: the column kind holds one class only, a; /],
      ['train tabular --data gap.csv --target kind', /^gap\.csv: the column kind is empty in line 12; /],
      [
        'train tabular --data constant.csv --target kind',
        /^constant\.csv: the target kind is 5\.5 in every training row/,
      ],
      ['train forecast --data constant.csv --target kind', /^constant\.csv: kind never changes/],
      ['train recommender --data constant.csv', /^constant\.csv: every training rating is 5\.5; /],
      ['train tabular --data nan.csv --target kind', /^nan\.csv, line 12: the column kind holds "NaN", no number\./],
      ['train forecast --data nan.csv --target kind', /^nan\.csv, line 12: the column kind holds "NaN", no number\./],
      ['train recommender --data nan.csv', /^nan\.csv, line 12: the column kind holds "NaN", no number\./],
      ['train tabular --data huge.csv --target kind', /^huge\.csv, line 12: .* holds "1e300", which is too large/],
    ])
  })

  it('with gaps elsewhere are learned from, and the gaps counted; ratings need user and item', async () => {
    put('holes.csv', table(rows.map((row, i) => (i % 5 === 0 ? row.replace(/^\d/, i % 2 ? 'NaN' : '') : row))))
    const { status, stdout } = await run('train tabular --data holes.csv --target kind --epochs 1 --out holes')
    expect([status, stdout]).toEqual([0, expect.stringMatching(/missing +x: of 48 training cells \d+ empty\n/)])
    put(
      'nobody.csv',
      with12(
        ',2,4',
        rows.map((row) => row.replace(/[ab]$/, '3')),
      ),
    )
    await refuse([['train recommender --data nobody.csv', /^nobody\.csv, line 12: the column x is empty; /]])
  })

  it('may have numbers of rows under an empty name', async () => {
    put(
      'numbered.csv',
      table(
        rows.map((row, i) => `${i},${row}`),
        ',x,y,kind',
      ),
    )
    const { status, stdout } = await run('train tabular --data numbered.csv --target kind --epochs 1 --out numbered')
    expect([status, stdout]).toEqual([0, expect.stringContaining('kind: classification')])
  })
})

describe('texts', () => {
  const words = ['good', 'bad', 'dull', 'film', 'plot', 'nice']
  const texts = Array.from({ length: 60 }, (_, i) => `${words[i % 6]} ${words[(i * 5) % 4]} ${words[i % 3]}\t${i % 2}`)
  const tsv = (lines: readonly string[]): string => `text\tlabel\n${lines.join('\n')}\n`
  const ask = '--text text --label label'

  it('without words are left out and listed; a file of nothing else is refused', async () => {
    put('gaps.tsv', tsv([...texts.slice(0, 20), '\t1', '   \t0', ...texts.slice(20)]))
    const { status, stdout } = await run(`train text-classifier --data gaps.tsv ${ask} --epochs 1 --out gaps`)
    expect([status, stdout]).toEqual([0, expect.stringMatching(/left out +2 texts without words: lines 22, 23\n/)])
    put('void.tsv', tsv(texts.map((line) => line.replace(/^[^\t]*/, ''))))
    put('unclassed.tsv', tsv([...texts.slice(0, 20), 'good film\t', ...texts.slice(20)]))
    put('same.tsv', tsv(texts.map((line) => line.replace(/\d$/, '1'))))
    put('halves.txt', Buffer.concat([Buffer.from('abc\n'.repeat(90)), Buffer.of(0xed, 0xa0, 0x80)]))
    put('short.txt', 'hello')
    await refuse([
      [`train text-classifier --data void.tsv ${ask}`, /^void\.tsv: /],
      [`train text-classifier --data unclassed.tsv ${ask}`, /^unclassed\.tsv: the column label is empty in line 22; /],
      [`train text-classifier --data same.tsv ${ask}`, /^same\.tsv: the column label holds one class only, 1; /],
      ['train text-generator --data halves.txt', /^halves\.txt, line 91: the bytes are not UTF-8\./],
      ['train text-generator --data short.txt', /^short\.txt has 5 characters/],
      ['train text-generator --data empty.csv', /^empty\.csv has 0 characters/],
    ])
  })

  it('of classes that were not learned are refused by eval, naming the line', async () => {
    put('new.tsv', tsv(['good film\t1', 'dull plot\t2']))
    await refuseEval('eval gaps --data new.tsv', /^new\.tsv, line 3: the class "2" is none of those learned: 0, 1\.$/)
    await refuseEval('eval gaps --limit 5', /^--limit is for recipes with data of their own/, 2)
    await refuseEval('predict gaps holes.csv', /holes\.csv has no column "text"; it has x, y, kind\.$/)
  })

  it('a run of another model or of a later version is refused', async () => {
    const record = JSON.parse(readFileSync(at('gaps/run.json'), 'utf8'))
    mkdirSync(at('later'))
    put('later/run.json', JSON.stringify({ ...record, format: 99 }))
    await refuseEval('eval later', /^later\/run\.json was written by a later version of Glia/)
    mkdirSync(at('other'))
    put('other/run.json', JSON.stringify(record))
    put('other/model.safetensors', readFileSync(at('holes/model.safetensors')))
    await refuseEval('eval other', /^other\/model\.safetensors does not fit the recipe text-classifier: it lacks /)
    const { status, stderr } = await run('train text-classifier --resume holes')
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^glia: holes is a run of tabular, not of text-classifier;/),
    ])
  })

  async function refuseEval(line: string, sentence: RegExp, expected = 1): Promise<void> {
    const { status, stdout, stderr } = await run(line)
    expect(stderr.slice('glia: '.length, -1)).toMatch(sentence)
    expect([line, status, stdout]).toEqual([line, expected, ''])
  }
})

describe('pictures', () => {
  const png = (width: number, height: number, value: number): Uint8Array =>
    encodePng({ width, height, channels: 1, data: new Uint8Array(width * height).fill(value) })
  /** Announces other sizes than it has, for which its checksum is made right. */
  const lying = (width: number, height: number, of: Uint8Array): Uint8Array => {
    const bytes = Uint8Array.from(of)
    new DataView(bytes.buffer).setUint32(16, width)
    new DataView(bytes.buffer).setUint32(20, height)
    return bytes
  }

  function folder(name: string, classes: readonly string[] = ['cats', 'dogs']): void {
    for (const [k, kind] of classes.entries()) {
      for (let i = 0; i < 20; i++) put(`${name}/${kind}/${i}.png`, png(8 + (i % 3), 9, 5 * i + 100 * k))
    }
  }

  it('that are damaged, lie about their size, or are none are left out and listed; sizes may differ', async () => {
    folder('pets')
    put('pets/cats/cut.png', png(8, 8, 1).subarray(0, 50))
    put('pets/cats/void.png', '')
    put('pets/dogs/bomb.png', lying(60_000, 60_000, png(8, 8, 1)))
    put('pets/dogs/packed.png', lying(4, 4, png(2000, 2000, 1)))
    put('pets/dogs/words.jpg', 'hello')
    put('pets/dogs/notes.txt', 'hello')
    put('pets/stray.png', png(8, 8, 1))
    mkdirSync(at('pets/birds'))
    const { status, stdout } = await run(
      'train image-classifier --data pets --size 8 --width 4 --epochs 1 --out pets-run',
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(/pictures +40, scaled to 8 × 8 pixels\n/)
    expect(stdout).toMatch(/left out +pets\/cats\/cut\.png is not a sound PNG file \(it is cut short\)\.\n/)
    expect(stdout).toMatch(/left out +2 more damaged pictures\n/)
    expect(stdout).toMatch(/not read +2 files that are no pictures of a class: dogs\/notes\.txt, stray\.png\n/)
    expect(stdout).toMatch(/not read +1 folders? without pictures: birds\n/)
    const skipped = readFileSync(at('pets-run/skipped.txt'), 'utf8').trim().split('\n')
    expect(skipped).toHaveLength(7)
    expect(skipped.join('\n')).toMatch(/bomb\.png has 60000 × 60000 pixels; at most \d+ are read/)
    expect(readFileSync(at('pets-run/worst.csv'), 'utf8')).toMatch(/\n(cats|dogs)\/\d+\.png,(cats|dogs),/)
    expect(existsSync(at('pets-run/worst.svg'))).toBe(true)
  })

  it('of one class, in no folders, in empty folders or all damaged are refused', async () => {
    folder('single', ['cats'])
    mkdirSync(at('nothing/cats'), { recursive: true })
    put('loose/a.png', png(8, 8, 1))
    for (const kind of ['cats', 'dogs']) put(`junk/${kind}/a.png`, 'nonsense')
    await refuse([
      ['train image-classifier --data single', /^single has one class only, cats; /],
      ['train image-classifier --data nothing', /^nothing holds no pictures in folders of classes/],
      ['train image-classifier --data loose', /^loose holds no pictures in folders of classes \(it has a\.png\)/],
      [
        'train image-classifier --data junk',
        /^junk: no picture can be read; the first: junk\/cats\/a\.png is no picture/,
      ],
      ['train image-classifier --data nowhere', /^There is nothing at nowhere\.$/],
    ])
  })
})
