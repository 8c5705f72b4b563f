/** @file Trainings on users' files, as a user runs them. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { USAGES } from '../../src/cli/files/options.ts'
import { fileRecipes } from '../../src/recipes/files/index.ts'
import { useGlia } from './glia.ts'

const glia = useGlia()
const at = (name: string): string => join(glia.directory, name)
/** The arguments of a line. */
const run = (line: string): ReturnType<typeof glia.run> => glia.run(...line.split(' '))

const flowers = Array.from({ length: 90 }, (_, i) => {
  const kind = i % 3
  return `${(kind + ((i * 7) % 10) / 20).toFixed(2)},${(2 * kind - ((i * 3) % 10) / 20).toFixed(2)},${'abc'[kind]}`
})

describe('glia train for files', () => {
  it('has a command with help for every recipe', async () => {
    expect(Object.keys(USAGES)).toEqual(Object.keys(fileRecipes))
    const { stdout } = await run('train --help')
    for (const name of Object.keys(fileRecipes)) expect(stdout).toContain(`\n  ${name} `)
    const help = await run('train tabular --help')
    expect([help.status, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('Usage: glia train tabular')
    expect(help.stdout).toContain('--target <column>')
  })

  it('trains on a table, measures it again and predicts', async () => {
    writeFileSync(at('flowers.csv.gz'), gzipSync(`x,y,kind\n${flowers.join('\n')}\n`))
    const options = '--target kind --epochs 30 --folds 3 --device wasm --threads 1'
    const trained = await run(`train tabular --data flowers.csv.gz ${options}`)
    expect([trained.status, trained.stderr]).toEqual([0, ''])
    expect(trained.stdout).toMatch(/target +kind: classification, since it holds words: 3 classes\n/)
    expect(trained.stdout).toMatch(/split +72 training, 9 validation, 9 test/)
    expect(trained.stdout).toMatch(/Fold 3\/3: .*\nMean of the folds: loss \d\.\d+ {2}accuracy (9\d|100)\.\d\d %\n/)
    const test =
      /\nTest: (loss \d\.\d+ {2}accuracy \d+\.\d\d %)\nSaved runs\/tabular-1/.exec(trained.stdout)?.[1] ?? '?'
    const record = JSON.parse(readFileSync(at('runs/tabular-1/run.json'), 'utf8'))
    expect(record).toMatchObject({
      recipe: 'tabular',
      classes: ['a', 'b', 'c'],
      files: { options: { target: 'kind' } },
    })
    const measured = await run('eval runs/tabular-1')
    expect(measured.stdout).toContain(test)
    expect(measured.stdout).toContain('taken for')
    const all = JSON.parse((await run('eval runs/tabular-1 --data flowers.csv.gz --json')).stdout)
    expect(all.examples).toBe(90)
    expect(all.metrics.accuracy).toBeGreaterThan(0.9)
    writeFileSync(at('new.csv'), 'y,x\n4,2\n0,0\n')
    const { stdout } = await run('predict runs/tabular-1 new.csv')
    expect(stdout).toMatch(/^y,x,predicted kind,probability\n4,2,c,[01].*\n0,0,a,[01].*\n$/)
    const saved = await run('predict runs/tabular-1 new.csv --out out.csv')
    expect([saved.status, saved.stdout, readFileSync(at('out.csv'), 'utf8')]).toEqual([0, '', stdout])
  })

  it('prints JSON lines, and writes texts', async () => {
    writeFileSync(at('rhyme.txt'), 'one two three four five\n'.repeat(60))
    const options = '--context 8 --width 16 --layers 1 --epochs 2 --device wasm --threads 1 --json'
    const { stdout } = await run(`train text-generator --data rhyme.txt ${options}`)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).toEqual(['start', 'epoch', 'epoch', 'done'])
    expect(events[3].metrics['bits per character']).toBeGreaterThan(0)
    writeFileSync(at('prompt.txt'), 'one tw')
    const written = await run('predict runs/text-generator-1 prompt.txt --length 20')
    expect(written.stdout.startsWith('one tw')).toBe(true)
    expect(written.stdout).toHaveLength(27)
    const { stdout: table } = await run('summary runs/text-generator-1')
    expect(table).toMatch(/tokens \(Embedding\) +\(None, 8, 16\) +\d+\n/)
    expect(table).toMatch(/head \(Linear\) +\(None, 8, \d+\) +\d+\n/)
  })

  it('says in one sentence what is wrong, and leaves nothing behind', async () => {
    writeFileSync(at('latin.csv'), Buffer.from([0x61, 0x2c, 0x62, 0x0a, 0xe9, 0x2c, 0x31]))
    const cases: [line: string, status: number, message: string | RegExp][] = [
      ['train tabular --target x', 2, 'glia train tabular needs the option --data <path>.'],
      ['train tabular --data no.csv --target x', 1, 'The file no.csv does not exist.'],
      ['train tabular --data latin.csv --target b', 1, /^latin\.csv, line 2: the bytes are not UTF-8\. Save the file/],
      ['train tabular --data flowers.csv.gz --target colour', 1, /has no column "colour"; it has x, y, kind\./],
      ['train --epochs 2 tabular --data flowers.csv.gz --target x', 2, /Options stand after the recipe's name/],
      ['train tabular --data flowers.csv.gz --target x --test 2', 2, /--test must be a share below 1/],
      ['train tabular --data flowers.csv.gz --target x --device gpu', 2, /gpu/],
      ['summary tabular', 2, /makes a model for each file; see glia train tabular --help/],
      ['predict runs/tabular-1 rhyme.txt', 1, /rhyme\.txt lacks x, y, which the model was trained with/],
    ]
    for (const [line, status, message] of cases) {
      const outcome = await run(line)
      expect(outcome.stderr).toMatch(/^glia: .*\n$/)
      expect(outcome.stderr.slice(6, -1)).toMatch(message)
      expect([line, outcome.status, outcome.stdout]).toEqual([line, status, ''])
    }
    expect(existsSync(at('runs/tabular-2'))).toBe(false)
  })
})
