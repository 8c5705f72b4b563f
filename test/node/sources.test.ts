import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import type { Picture } from '../../src/data/image.ts'
import { DataLoader } from '../../src/data/loader.ts'
import { cocoMask } from '../../src/data/readers/coco.ts'
import { encodeNpy, encodeNpz } from '../../src/data/readers/npy.ts'
import { encodeWav } from '../../src/data/readers/wav.ts'
import { collect, type Item, type StreamSource } from '../../src/data/source.ts'
import { columnNamed } from '../../src/data/table.ts'
import { BpeTokenizer } from '../../src/data/transforms/bpe.ts'
import { readMovieLens, readNpy, readNpz, readWav } from '../../src/node/arrays.ts'
import { readCifarDirectory } from '../../src/node/cifar.ts'
import { cocoFolder, imageFolder, yoloFolder } from '../../src/node/folder.ts'
import { encodePng } from '../../src/node/image.ts'
import { readBytes, readText } from '../../src/node/read.ts'
import {
  csvSource,
  jsonLinesSource,
  parquetSource,
  readCsv,
  readJsonLines,
  readParquet,
  textSource,
} from '../../src/node/tables.ts'
import { readTokenizer } from '../../src/node/tokenizer.ts'
import { WorkerPool } from '../../src/node/workers.ts'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'glia-sources-'))
})
afterAll(() => rm(dir, { recursive: true }))

async function put(path: string, content: string | Uint8Array): Promise<string> {
  const full = join(dir, path)
  await mkdir(join(full, '..'), { recursive: true })
  await writeFile(full, path.endsWith('.gz') ? gzipSync(content) : content)
  return full
}

const png = (width: number, height: number, value: number): Uint8Array =>
  encodePng({ width, height, channels: 1, data: new Uint8Array(width * height).fill(value) })

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
const rows = <T>(source: StreamSource<T>): Promise<T[]> => all(source.stream(1))

describe('files', () => {
  test('gzipped or not, with errors that name them', async () => {
    expect(await readText(await put('a.txt.gz', 'é\n'))).toBe('é\n')
    await expect(readBytes(join(dir, 'no.txt'))).rejects.toThrow('no.txt cannot be read: it does not exist.')
    await expect(readBytes(dir)).rejects.toThrow('it is a directory')
    const bomb = await put('bomb.gz', new Uint8Array(100_000))
    await expect(readBytes(bomb, 1000)).rejects.toThrow('bomb.gz cannot be read: it unpacks to too many bytes.')
    await writeFile(join(dir, 'cut.gz'), gzipSync(Buffer.from('a'.repeat(1000))).subarray(0, 20))
    await expect(readBytes(join(dir, 'cut.gz'))).rejects.toThrow('its gzip data ends too early')
    await expect(rows(textSource(join(dir, 'cut.gz')))).rejects.toThrow('cut.gz cannot be read')
    await expect(rows(textSource(join(dir, 'no.txt')))).rejects.toThrow('no.txt cannot be read: it does not exist.')
  })

  test('tables and streams of records', async () => {
    const tsv = await put('t.tsv.gz', 'a\tb\n1\tx,y\n2\tz\n')
    const table = await readCsv(tsv)
    expect([...table.columns.keys()]).toEqual(['a', 'b'])
    expect(await rows(csvSource(tsv))).toEqual([
      { cells: { a: '1', b: 'x,y' }, line: 2 },
      { cells: { a: '2', b: 'z' }, line: 3 },
    ])
    await expect(readCsv(await put('r.csv', 'a,b\n1\n'))).rejects.toThrow('r.csv, line 2: the row has 1 cells')
    const latin = await put('l.csv', Uint8Array.of(97, 10, 0xe9, 10))
    await expect(readCsv(latin)).rejects.toThrow('l.csv, line 2: the bytes are not UTF-8')
    expect(columnNamed(await readCsv(latin, { encoding: 'windows-1252' }), 'a')).toMatchObject({ categories: ['é'] })
    const lines = await put('j.jsonl', '{"a":1}\nx\n{"a":2}\n')
    expect((await readJsonLines(lines, { onError: 'skip' })).skipped.length).toBe(1)
    await expect(rows(jsonLinesSource(lines))).rejects.toThrow('j.jsonl, line 2')
    const parquet = join(import.meta.dirname, '../data/fixtures/small.parquet')
    expect((await readParquet(parquet)).length).toBe(6)
    expect((await rows(parquetSource(parquet)))[2]).toEqual({ n: -2, id: 2 ** 40, name: null, ok: true })
  })

  test('a stream of a file through a loader', async () => {
    const path = await put('many.txt', Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''))
    const loader = new DataLoader(textSource(path), { batchSize: 40, shuffle: true, buffer: 30 })
    const texts = (await all(loader)).flatMap(({ text }) => text)
    expect(new Set(texts).size).toBe(100)
  })

  test('arrays, sounds, ratings', async () => {
    const array = { shape: [2], data: Float32Array.of(1, 2) }
    expect(await readNpy(await put('a.npy', encodeNpy(array)))).toEqual(array)
    expect(await readNpz(await put('a.npz', await encodeNpz(new Map([['x', array]]))))).toEqual(new Map([['x', array]]))
    const sound = { sampleRate: 100, shape: [1, 2] as const, data: Float32Array.of(0.5, -0.5) }
    expect(await readWav(await put('a.wav', encodeWav(sound)))).toEqual(sound)
    await put('ml/u.data', '1\t2\t3\t4\n')
    expect((await readMovieLens(join(dir, 'ml'))).length).toBe(1)
    await expect(readMovieLens(dir)).rejects.toThrow('has no ratings: looked for ratings.csv, ratings.csv.gz')
  })

  test('tokenizers of models', async () => {
    const trained = BpeTokenizer.train(['a b a b a b'], { size: 260, specials: ['<eos>'] })
    await put('model/tokenizer.json', JSON.stringify(trained.toHuggingFace()))
    expect((await readTokenizer(join(dir, 'model'))).encode('a b<eos>')).toEqual(trained.encode('a b<eos>'))
    await put('model/tokenizer_config.json', '{')
    await expect(readTokenizer(join(dir, 'model'))).rejects.toThrow('tokenizer_config.json is not JSON')
    await expect(readTokenizer(dir)).rejects.toThrow('tokenizer.json cannot be read: it does not exist.')
  })

  test('CIFAR directories', async () => {
    const record = (...labels: number[]) => Uint8Array.from([...labels, ...new Array(3072).fill(5)])
    await put('c10/data_batch_1.bin', record(1))
    await put('c10/data_batch_2.bin.gz', record(2))
    await put('c10/test_batch-first1.bin', record(3))
    const { train, test: rest } = await readCifarDirectory(join(dir, 'c10'))
    expect([train.length, [...train.y.data], [...rest.y.data], train.x.data.length]).toEqual([2, [1, 2], [3], 6144])
    await put('c100/train.bin', record(1, 50))
    await expect(readCifarDirectory(join(dir, 'c100'))).rejects.toThrow('has no test set')
    await put('c100/test.bin', record(2, 51))
    expect([...(await readCifarDirectory(join(dir, 'c100'))).test.y.data]).toEqual([51])
  })
})

describe('imageFolder', () => {
  test('reads a folder per class, leaves out and lists what cannot be read', async () => {
    await put('pets/dog/b.png', png(2, 3, 9))
    await put('pets/dog/more/c.PNG', png(2, 3, 7))
    await put('pets/cat/a.png', png(4, 4, 5))
    await put('pets/cat/bad.png', png(4, 4, 5).slice(0, 40))
    await put('pets/cat/notes.txt', 'no picture')
    await put('pets/.DS_Store', 'x')
    const folder = await imageFolder(join(dir, 'pets'), { channels: 1, size: [2, 2] })
    expect(folder.classes).toEqual(['cat', 'dog'])
    expect(folder.paths).toEqual(['cat/a.png', 'cat/bad.png', 'dog/b.png', 'dog/more/c.PNG'])
    expect([...folder.labels]).toEqual([0, 0, 1, 1])
    expect(folder.ignored).toEqual(['.DS_Store', 'cat/notes.txt'])
    await expect(collect(folder)).rejects.toThrow('pets/cat/bad.png is not a sound PNG file')
    const loader = new DataLoader(folder, { onError: 'skip' })
    const [{ x, y }] = await all(loader)
    expect(x).toEqual({ data: Uint8Array.of(5, 5, 5, 5, 9, 9, 9, 9, 7, 7, 7, 7), shape: [3, 1, 2, 2] })
    expect([...y.data]).toEqual([0, 1, 1])
    expect(loader.skipped[0]).toMatchObject({ index: 1, reason: expect.stringContaining('cat/bad.png') })
  })

  test('colour by default, sizes as they are, and mixed sizes are refused with the way out', async () => {
    const folder = await imageFolder(join(dir, 'pets'))
    expect((await folder.get(0)).x.shape).toEqual([3, 4, 4])
    await expect(all(new DataLoader(folder, { onError: 'skip' }))).rejects.toThrow(/Make them alike with a transform/)
  })

  test('says what is wrong with a directory', async () => {
    await expect(imageFolder(join(dir, 'none'))).rejects.toThrow('none cannot be read: it does not exist.')
    await mkdir(join(dir, 'empty'))
    await expect(imageFolder(join(dir, 'empty'))).rejects.toThrow('(it is empty); put each class into its own folder')
    await put('flat/a.png', png(1, 1, 0))
    await expect(imageFolder(join(dir, 'flat'))).rejects.toThrow('(it has a.png)')
    await put('one/cat/a.png', png(1, 1, 0))
    await expect(imageFolder(join(dir, 'one'))).rejects.toThrow('has one class only, cat')
    await put('one/dog/a.txt', '')
    await expect(imageFolder(join(dir, 'one'))).rejects.toThrow('the class dog has no pictures')
    await expect(imageFolder(join(dir, 'pets'), { classes: ['cat', 'cow'] })).rejects.toThrow(
      'a folder dog, which is none',
    )
  })
})

describe('WorkerPool', () => {
  /** The worker as a package would have it: one JavaScript file. */
  async function built(entry: string, name: string): Promise<URL> {
    const outfile = join(dir, name)
    await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' })
    return pathToFileURL(outfile)
  }

  test('decodes in threads what this thread decodes', async () => {
    const module = await built(join(import.meta.dirname, '../../src/node/decode-worker.ts'), 'decode-worker.mjs')
    const pool = new WorkerPool<{ bytes: Uint8Array; name: string }, Picture>(module, { threads: 2 })
    try {
      const options = { channels: 1, size: [2, 2] } as const
      const here = await imageFolder(join(dir, 'pets'), options)
      const there = await imageFolder(join(dir, 'pets'), {
        ...options,
        decode: (bytes, name) => pool.run({ bytes, name }),
      })
      const examples = await Promise.all([0, 2, 3].map((i) => there.get(i)))
      expect(examples).toEqual(await Promise.all([0, 2, 3].map((i) => here.get(i))))
      const error = await there.get(1).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(GliaError)
      expect(String(error)).toContain('cat/bad.png is not a sound PNG file')
    } finally {
      await pool.close()
    }
    await expect(pool.run({ bytes: new Uint8Array(1), name: '' })).rejects.toThrow('the pool is closed')
  })

  test('a thread that ends takes its own work alone with it', async () => {
    const file = join(dir, 'exits.mjs')
    await writeFile(file, 'export default (n) => { if (n === 1) process.exit(3); return n * 2 }')
    const pool = new WorkerPool<number, number>(pathToFileURL(file), { threads: 1 })
    try {
      const results = await Promise.allSettled([0, 1, 2].map((n) => pool.run(n)))
      expect(results.map((r) => (r.status === 'fulfilled' ? r.value : String(r.reason)))).toEqual([
        0,
        expect.stringContaining('exit code 3'),
        4,
      ])
    } finally {
      await pool.close()
    }
  })

  test('a module that is not there is an error for each piece of work', async () => {
    const pool = new WorkerPool<number, number>(pathToFileURL(join(dir, 'nowhere.mjs')), { threads: 1 })
    await expect(pool.run(1)).rejects.toThrow('nowhere.mjs')
    await pool.close()
    expect(() => new WorkerPool('x', { threads: 0 })).toThrow('threads must be a whole number of at least 1')
  })
})

describe('objects', () => {
  test('YOLO labels beside pictures', async () => {
    await put('yolo/images/a.png', png(10, 20, 1))
    await put('yolo/images/b.png', png(10, 20, 1))
    await put('yolo/labels/a.txt', '2 0.5 0.5 0.2 0.1\n')
    const source = await yoloFolder(join(dir, 'yolo/images'), join(dir, 'yolo/labels'), { classes: 3 })
    const { x, boxes, labels } = await source.get(0)
    expect([x.shape, [...boxes.data], [...labels.data]]).toEqual([[3, 20, 10], [4, 9, 6, 11], [2]])
    expect((await source.get(1)).boxes.shape).toEqual([0, 4])
  })
})

function boxOf(mask: Item['data'], width: number): number[] {
  let [left, top, right, bottom] = [width, mask.length, 0, 0]
  mask.forEach((value: number, i: number) => {
    if (value === 0) return
    const [x, y] = [i % width, Math.floor(i / width)]
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x + 1)
    bottom = Math.max(bottom, y + 1)
  })
  return [left, top, right, bottom]
}

const data = process.env.GLIA_DATA ?? ''
describe.runIf(existsSync(join(data, 'coco')))('published files (needs GLIA_DATA)', () => {
  test('MovieLens', async () => {
    const ratings = await readMovieLens(join(data, 'movielens'))
    expect([ratings.length, ratings.userIds.length, ratings.itemIds.length]).toEqual([100_836, 610, 9724])
    expect((await readCsv(join(data, 'movielens/movies.csv.gz'))).length).toBe(9742)
  })

  test('CIFAR-10', async () => {
    const { train, test: rest } = await readCifarDirectory(join(data, 'cifar-10'))
    expect([train.length, rest.length, train.classes?.[train.y.data[0]]]).toEqual([8000, 1000, 'frog'])
  })

  test('tables', async () => {
    const iris = await readCsv(join(data, 'tabular/iris.csv'), { header: ['a', 'b', 'c', 'd', 'kind'] })
    const kind = columnNamed(iris, 'kind')
    expect([iris.length, kind.type === 'category' && kind.categories.length]).toEqual([150, 3])
    const houses = await readCsv(join(data, 'tabular/california-housing.csv.gz'))
    expect(houses.length).toBe(20_640)
  })

  test('COCO: pictures, and masks whose areas are those of the file', async () => {
    const annotations = join(data, 'coco/instances_val2017_tiny80.json.gz')
    await mkdir(join(dir, 'coco'))
    await copyFile(join(data, 'images/coco-val2017-000000416256.jpg'), join(dir, 'coco/000000416256.jpg'))
    const source = await cocoFolder(annotations, join(dir, 'coco'))
    expect([source.length, source.coco.classes.length]).toEqual([80, 80])
    const index = source.coco.images.findIndex(({ file }) => file === '000000416256.jpg')
    const { x, boxes } = await source.get(index)
    expect([x.shape, boxes.shape]).toEqual([
      [3, 375, 500],
      [3, 4],
    ])
    const raw: { annotations: { image_id: number; area: number; category_id: number }[] } = JSON.parse(
      await readText(annotations),
    )
    let [count, crowds] = [0, 0]
    for (const { id, width, height, segmentations, boxes, crowd } of source.coco.images) {
      const areas = raw.annotations.filter((a) => a.image_id === id).map((a) => a.area)
      segmentations.forEach((segmentation, i) => {
        if (segmentation === null || areas[i] < 2000) return
        const mask = cocoMask(segmentation, width, height)
        if (crowd.data[i]) {
          // The areas of crowds were measured on something else; their boxes fit.
          const box = boxes.data.subarray(4 * i, 4 * i + 4)
          boxOf(mask.data, width).forEach((edge, side) => {
            expect(Math.abs(edge - box[side])).toBeLessThanOrEqual(2)
          })
          crowds++
        } else {
          let area = 0
          for (const value of mask.data) area += value
          expect(Math.abs(area / areas[i] - 1)).toBeLessThan(0.03)
          count++
        }
      })
    }
    expect(crowds).toBeGreaterThan(5)
    expect(count).toBeGreaterThan(200)
    expect((await readFile(join(dir, 'coco/000000416256.jpg'))).length).toBe(109_831)
  })
})
