/** @file Exported programs: each is type-checked, run, and predicts exactly what `glia predict` does. */

import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { definitions } from '../../scripts/export-sources.ts'
import { layerSource } from '../../src/cli/export/layers.ts'
import { literal, Program } from '../../src/cli/export/program.ts'
import { sources } from '../../src/cli/export/sources.ts'
import { exportRun } from '../../src/cli/export.ts'
import { readSource } from '../../src/cli/files/source.ts'
import { predictFile } from '../../src/cli/predict.ts'
import { type FileRecord, type RunRecord, saveRun } from '../../src/cli/run.ts'
import { Random } from '../../src/data/index.ts'
import { readSafetensors } from '../../src/io/index.ts'
import { Lambda, Sequential } from '../../src/nn/index.ts'
import { encodePng } from '../../src/node/index.ts'
import type { FileOptions } from '../../src/recipes/files/task.ts'
import { fileRecipes, recipes } from '../../src/recipes/index.ts'
import type { Model } from '../../src/train/index.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
// Within the project, where the package finds what it depends on.
const home = mkdtempSync(join(root, 'node_modules', '.glia-export-'))
const at = (...path: string[]): string => join(home, ...path)
const random = new Random(3)
/** Milliseconds: each test starts a process. */
const SLOW = 120_000

const entries = ['nn', 'optim', 'loss', 'metrics', 'data', 'node', 'train', 'recipes', 'io']

beforeAll(async () => {
  mkdirSync(at('node_modules', 'glia'), { recursive: true })
  copyFileSync(join(root, 'package.json'), at('node_modules', 'glia', 'package.json'))
  await build({
    entryPoints: Object.fromEntries([
      ['index', join(root, 'src/index.ts')],
      ...entries.map((name) => [name, join(root, 'src', name, 'index.ts')]),
    ]),
    outdir: at('node_modules', 'glia', 'dist', 'bundle'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  })
  writeData()
}, 60_000)
afterAll(() => rmSync(home, { recursive: true, force: true }))

function lines(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('')
}

/** One of some words. */
function pick(...words: string[]): string {
  return words[Math.floor(words.length * random.uniform())]
}

function writeData(): void {
  const soil = (): string => pick('wet', 'dry', "it's", '')
  const flower = (i: number): string =>
    `${i % 3},${i % 17 === 0 ? '' : random.bell().toFixed(2)},${soil()},${'abc'[i % 3]}`
  writeFileSync(at('flowers.csv'), `long,"wide, cm",soil,kind\n${lines(120, flower)}`)
  writeFileSync(at('new-flowers.csv'), 'soil,long,kind,"wide, cm"\nwet,1.5,?,oops\n,-,a,0.25\nnew,2,b,1e3\n')
  writeFileSync(at('houses.tsv'), `size\tprice\n${lines(90, (i) => `${i}\t${1000 * i + (i % 7)}`)}`)
  writeFileSync(
    at('bare.csv'),
    lines(90, (i) => `${i % 5};${i % 2}`),
  )
  const mood = (i: number): string =>
    `${i % 2 ? pick('good', 'fine') : pick('bad', 'poor')} film, ${pick('yes', 'no')}\t${i % 2 ? 'up' : 'down'}`
  writeFileSync(at('moods.tsv'), `text\tmood\n${lines(80, mood)}`)
  writeFileSync(
    at('rhyme.txt'),
    lines(80, () => 'one two three four five six'),
  )
  writeFileSync(at('prompt.txt'), 'one tw\n')
  writeFileSync(at('weather.csv'), `rain,warm\n${lines(200, (i) => `${(i % 3) / 2},${10 + (i % 24)}`)}`)
  const rating = (i: number): string => `u${i % 12},${(i * 7) % 800},${1 + (i % 5)}`
  writeFileSync(at('ratings.csv'), `user,item,stars\n${lines(1600, rating)}`)
  writeFileSync(at('pairs.csv'), 'item,user,stars\n3,u1,\n7,somebody,5\n9999,u2,1\n')
  for (const [c, name] of ['blue', 'red'].entries()) {
    mkdirSync(at('pictures', name), { recursive: true })
    for (let i = 0; i < 12; i++) writeFileSync(at('pictures', name, `${i}.png`), picture(20 + i, 18, c))
  }
  writeFileSync(at('one.png'), picture(40, 30, 0))
  writeFileSync(at('two.png'), picture(28, 28, 1))
}

function picture(width: number, height: number, hue: number): Uint8Array {
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => (i % 3 === 2 * hue ? 200 : 0) + Math.floor(50 * random.uniform()),
  )
  return encodePng({ width, height, channels: 3, data })
}

const record: Omit<RunRecord, 'format' | 'recipe' | 'classes'> = {
  glia: '0.1.0',
  settings: { epochs: 1, batch: 16, lr: 0.1, seed: 0, data: null, limit: null, target: 'auto', threads: 1 },
  history: { epochs: [], steps: 0, stopped: false, seconds: 0 },
}

/** Every weight that is no statistic at random, so that no two outputs are alike. */
function disturb(model: Model): Model {
  for (const [, p] of model.namedParameters()) p.set(Float32Array.from({ length: p.size }, () => 0.3 * random.bell()))
  return model
}

/** Saves a run as a training would, and exports it. */
async function exported(directory: string, recipe: string, data?: string, options: FileOptions = {}): Promise<void> {
  mkdirSync(directory)
  const own = recipes[recipe]
  if (own) {
    const { train } = await own.data({ train: 20, test: 1 })
    await saveRun(directory, disturb(own.build(train)), { ...record, recipe, classes: train.classes ?? [] })
  } else {
    const { task, train } = await fileRecipes[recipe].prepare(
      await readSource(fileRecipes[recipe], at(data ?? '')),
      options,
    )
    // As it is read back.
    const files: FileRecord = JSON.parse(JSON.stringify({ task: task.spec, options }))
    await saveRun(directory, disturb(task.build(train)), { ...record, recipe, classes: task.classes, files })
  }
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await exportRun(directory, {})
  expect(log.mock.calls).toEqual([
    [`Wrote ${join(directory, 'export', `${recipe}.ts`)} and ${join(directory, 'export', 'model.safetensors')}.`],
  ])
  log.mockRestore()
}

/** What `glia predict` prints. */
async function predicted(
  directory: string,
  file: string,
  options: { json?: boolean; length?: number },
): Promise<string> {
  let text = ''
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => {
    text += `${line}\n`
  })
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += part
    return true
  })
  try {
    await predictFile(directory, file, options)
  } finally {
    log.mockRestore()
    write.mockRestore()
  }
  return text
}

interface Case {
  readonly name: string
  readonly recipe: string
  readonly data?: string
  readonly options?: FileOptions
  /** To predict from. */
  readonly files: readonly string[]
}

const small = { context: 16, width: 32, layers: 1 }
const cases: readonly Case[] = [
  ...Object.keys(recipes).map((recipe) => ({ name: recipe, recipe, files: ['one.png', 'two.png'] })),
  { name: 'classes', recipe: 'tabular', data: 'flowers.csv', options: { target: 'kind' }, files: ['new-flowers.csv'] },
  { name: 'numbers', recipe: 'tabular', data: 'houses.tsv', options: { target: 'price' }, files: ['houses.tsv'] },
  { name: 'bare', recipe: 'tabular', data: 'bare.csv', options: { target: '2' }, files: ['bare.csv'] },
  {
    name: 'bag',
    recipe: 'text-classifier',
    data: 'moods.tsv',
    options: { text: 'text', label: 'mood' },
    files: ['moods.tsv'],
  },
  {
    name: 'lstm',
    recipe: 'text-classifier',
    data: 'moods.tsv',
    options: { text: 'text', label: 'mood', model: 'lstm', width: 8 },
    files: ['moods.tsv'],
  },
  { name: 'transformer', recipe: 'text-generator', data: 'rhyme.txt', options: small, files: ['prompt.txt'] },
  {
    name: 'gru',
    recipe: 'text-generator',
    data: 'rhyme.txt',
    options: { ...small, model: 'gru', tokens: 'bpe', vocabulary: 300 },
    files: ['prompt.txt'],
  },
  {
    name: 'photos',
    recipe: 'image-classifier',
    data: 'pictures',
    options: { size: 16, width: 4 },
    files: ['pictures'],
  },
  {
    name: 'weather',
    recipe: 'forecast',
    data: 'weather.csv',
    options: { target: 'warm', horizon: 3, width: 8 },
    files: ['weather.csv'],
  },
  { name: 'ratings', recipe: 'recommender', data: 'ratings.csv', files: ['pairs.csv'] },
]

describe('glia export', () => {
  it.each(cases)(
    '$recipe, $name: predicts what glia predict does',
    async ({ name, recipe, data, options, files }) => {
      const directory = at(name)
      await exported(directory, recipe, data, options)
      const program = join(directory, 'export', `${recipe}.ts`)
      const text = readFileSync(program, 'utf8')
      expect(
        [...text.matchAll(/from '([^']*)'/g)]
          .map(([, from]) => from.replace(/\/.*/, ''))
          .every((from) => /^(glia|node:.*)$/.test(from)),
      ).toBe(true)
      const arguments_ = recipe === 'text-generator' ? ['prompt.txt', '30'] : files
      const { stdout } = await run(process.execPath, ['--import', 'tsx', program, ...arguments_], { cwd: home })
      let known = ''
      for (const file of files) {
        // Programs are started where the files are.
        const outcome = await predicted(directory, at(file), { json: recipe in recipes, length: 30 })
        known += outcome.replaceAll(`${home}/`, '')
      }
      expect(known.length).toBeGreaterThan(20)
      expect(stdout).toBe(known)
    },
    SLOW,
  )

  it(
    'writes programs that type-check, as modules that others import',
    async () => {
      const uses = cases.map(
        ({ name, recipe }, i) => `import { predict as p${i} } from './${name}/export/${recipe}.ts'`,
      )
      writeFileSync(
        at('uses.ts'),
        `${uses.join('\n')}
import { predict as flowers } from './classes/export/tabular.ts'
const [{ class: kind }] = await flowers([{ long: 1, 'wide, cm': '2', soil: null }])
const known: 'a' | 'b' | 'c' = kind
// @ts-expect-error: soil is missing
await flowers([{ long: 1, 'wide, cm': 2 }])
export const all = [known, ${cases.map((_, i) => `p${i}`).join(', ')}]
`,
      )
      const entry = (name: string): [string, string[]] => [`glia/${name}`, [join(root, 'src', name, 'index.ts')]]
      const paths = {
        glia: [join(root, 'src/index.ts')],
        ...Object.fromEntries(entries.map(entry)),
        '#machine-code': [join(root, 'src/targets/x64/index.ts')],
      }
      const config = {
        extends: join(root, 'tsconfig.json'),
        compilerOptions: { paths },
        include: [at('uses.ts')],
        exclude: [],
      }
      writeFileSync(at('tsconfig.json'), JSON.stringify(config))
      const found = await run(join(root, 'node_modules/.bin/tsc'), ['-p', home]).catch((error) => error)
      expect(found.stdout).toBe('')
    },
    SLOW,
  )

  it('keeps small vocabularies in the program, and large ones with the weights', async () => {
    const text = readFileSync(at('ratings', 'export', 'recommender.ts'), 'utf8')
    expect(text).toContain("const USERS = ['u")
    expect(text).toContain("JSON.parse(metadata.get('items')")
    const { tensors, metadata } = readSafetensors(readFileSync(at('ratings', 'export', 'model.safetensors')))
    const items: unknown[] = JSON.parse(metadata.get('items') ?? '')
    expect(items.length).toBeGreaterThan(500)
    expect(tensors.get('itemFactors.weight')?.shape).toEqual([items.length + 1, 64])
    expect([metadata.get('recipe'), tensors.get('userFactors.weight')?.shape]).toEqual(['recommender', [13, 64]])
  })

  it('knows the definitions of the recipes as they are', async () => {
    expect(sources, 'run npm run export-sources').toEqual(await definitions())
  })

  it('says which layer it cannot write, and where it cannot write', async () => {
    const odd = new Sequential(new Lambda((x) => x))
    expect(() => layerSource(new Program(), odd)).toThrow(
      /a layer of the class Lambda cannot be written; known are Linear, /,
    )
    writeFileSync(at('file'), '')
    await expect(exportRun(at('mlp'), { out: at('file', 'there') })).rejects.toThrow('cannot be made (ENOTDIR)')
    await expect(exportRun(at('nothing'), {})).rejects.toThrow('holds no saved run')
  })
})

describe('literal', () => {
  it('writes values so that they read back', () => {
    const value = {
      a: [1, -2.5, 1e-7, true, null],
      'b c': 'it\'s "so"\n\u2028',
      deep: [{ x: 'y'.repeat(90) }, {}],
      long: Array.from({ length: 60 }, (_, i) => `w${i}`),
    }
    const text = literal(value)
    expect(new Function(`return ${text}`)()).toEqual(value)
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120)
    expect(() => literal({ f: () => 1 })).toThrow('cannot be written into a program')
  })
})
