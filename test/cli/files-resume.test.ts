/** @file Trainings on users' files that are interrupted, killed and resumed; what they leave, and what `eval` finds of it. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { useGlia } from './glia.ts'

const glia = useGlia()
const at = (...path: string[]): string => join(glia.directory, ...path)
/** The arguments of a line. */
const run = (line: string): ReturnType<typeof glia.run> => glia.run(...line.split(' '))
const text = (...path: string[]): string => readFileSync(at(...path), 'utf8')

/** Points of three kinds, too close to each other to be told apart with certainty. */
const points = (seed: number): string => {
  const rows = Array.from({ length: 160 }, (_, i) => {
    const kind = i % 3
    const [a, b] = [((i * 37 + seed) % 100) / 50, ((i * 53) % 100) / 60]
    return `${(kind + a).toFixed(2)},${(2 * kind - b).toFixed(2)},${'abc'[kind]}`
  })
  return `x,y,kind\n${rows.join('\n')}\n`
}

/** Examples that are set aside to test. */
const TESTED = 15
const options = '--target kind --epochs 16 --patience 3 --seed 2 --device wasm --threads 1'

interface Outcome {
  readonly epochs: unknown
  readonly test: unknown
  readonly weights: string
}

function outcome(name: string): Outcome {
  const { history, test } = JSON.parse(text(name, 'run.json'))
  const epochs = history.epochs.map(({ train, val }: { train: unknown; val: unknown }) => ({ train, val }))
  return { epochs, test, weights: readFileSync(at(name, 'model.safetensors')).toString('base64') }
}

beforeAll(async () => {
  writeFileSync(at('points.csv'), points(0))
  const { status, stderr } = await run(`train tabular --data points.csv ${options} --out whole`)
  expect([status, stderr]).toEqual([0, ''])
})

describe('train tabular --resume', () => {
  it('goes on exactly after an interruption and a kill, early stopping and best weights included', async () => {
    const first = glia.start(
      ...`train tabular --data points.csv ${options} --out parts --checkpoint-every 3`.split(' '),
    )
    await first.until('Epoch  2/16')
    first.child.kill('SIGINT')
    const interrupted = await first.outcome
    expect(interrupted.status).toBe(130)
    expect(interrupted.stderr).toMatch(
      /^glia: Interrupted after \d+ steps \(\d+ of 16 epochs complete\); saved in parts/,
    )
    expect(existsSync(at('parts/curves.svg'))).toBe(true)
    const second = glia.start(...'train tabular --resume parts --checkpoint-every 2'.split(' '))
    await second.until('Epoch ')
    second.child.kill('SIGKILL')
    await second.outcome
    const { status, stdout, stderr } = await run('train tabular --resume parts')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('at most 16 epochs, batch 16, learning rate 0.005, patience 3, seed 2')
    expect(stdout).not.toContain('Epoch  1/16')
    expect(outcome('parts')).toEqual(outcome('whole'))
  })

  it('of a run that has ended changes nothing', async () => {
    const before = outcome('whole')
    const { status, stdout } = await run('train tabular --resume whole')
    expect(status).toBe(0)
    expect(stdout).not.toContain('Epoch ')
    expect(stdout).toMatch(/kept the weights of epoch \d+\.\nTest: loss /)
    expect(outcome('whole')).toEqual(before)
  })

  it('keeps what the run was begun with', async () => {
    const wrong = async (line: string): Promise<[number | null, string]> => {
      const { status, stderr } = await run(line)
      return [status, stderr]
    }
    expect(await wrong('train tabular --resume whole --target x')).toEqual([
      2,
      'glia: whole was begun with --target kind; leave --target x out to resume it.\n',
    ])
    expect(await wrong('train tabular --resume whole --width 8')).toEqual([
      2,
      'glia: whole was begun with --width by default; leave --width 8 out to resume it.\n',
    ])
    expect((await wrong('train forecast --resume whole'))[1]).toMatch(
      /^glia: whole is a run of tabular, not of forecast;/,
    )
    expect((await wrong('train tabular --resume whole --data other.csv'))[1]).toMatch(/leave --data other\.csv out/)
  })

  it('and eval refuse a file that has changed meanwhile', async () => {
    writeFileSync(at('points.csv'), points(1))
    const resumed = await run('train tabular --resume whole')
    expect([resumed.status, resumed.stdout.includes('Epoch')]).toEqual([1, false])
    expect(resumed.stderr).toMatch(/^glia: \S*points\.csv is not what it was when the run was begun: .*\n$/)
    const measured = await run('eval whole')
    expect(measured.status).toBe(1)
    expect(measured.stderr).toMatch(
      /^glia: \S*points\.csv is not what it was when the model was trained, .* --data\.\n$/,
    )
    expect((await run('eval whole --data points.csv')).status).toBe(0)
    writeFileSync(at('points.csv'), points(0))
    expect((await run('eval whole')).status).toBe(0)
  })
})

describe('what a run on a file leaves', () => {
  it('is as of any other run: environment, digest, logs, pictures, worst examples', () => {
    expect(
      readdirSync(at('whole'))
        .filter((name) => !name.startsWith('events.out'))
        .sort(),
    ).toEqual([
      'checkpoints',
      'confusion.json',
      'confusion.svg',
      'curves.svg',
      'eval',
      'metrics.jsonl',
      'model.safetensors',
      'run.json',
      'worst.csv',
    ])
    expect(JSON.parse(text('whole/run.json'))).toMatchObject({
      environment: { node: process.version, target: 'wasm', threads: 1 },
      digest: expect.stringMatching(/^[0-9a-f]{32}$/),
      test: { loss: expect.any(Number), accuracy: expect.any(Number) },
      files: { options: { target: 'kind', seed: 2 } },
    })
    const { classes, matrix } = JSON.parse(text('whole/confusion.json'))
    expect(classes).toEqual(['a', 'b', 'c'])
    expect(matrix.flat().reduce((sum: number, n: number) => sum + n)).toBe(TESTED)
    expect(text('whole/confusion.svg')).toMatch(/taken for[\s\S]*true class/)
  })

  it('lists the worst examples with their lines', () => {
    const [header, ...rows] = text('whole/worst.csv').trim().split('\n')
    expect(header).toBe('where,true,predicted,probability,loss,row')
    expect(rows).toHaveLength(TESTED)
    const lines = points(0).split('\n')
    const losses = rows.map((row) => {
      const [, line, kind, , probability, loss, x, y, own] =
        /^line (\d+),(\w),(\w),([\d.]+),([\d.e-]+),"(.*),(.*),(\w)"$/.exec(row) ?? []
      expect(lines[Number(line) - 1]).toBe(`${x},${y},${own}`)
      expect([own, Number(probability) <= 1]).toEqual([kind, true])
      return Number(loss)
    })
    expect(losses).toEqual([...losses].sort((a, b) => b - a))
    expect(losses.reduce((sum, loss) => sum + loss) / TESTED).toBeCloseTo(
      JSON.parse(text('whole/run.json')).test.loss,
      3,
    )
  })

  it('eval puts the same beside it, or where one says', async () => {
    const { stdout } = await run('eval whole --out elsewhere')
    expect(stdout).toMatch(/\nIn elsewhere: confusion\.json, confusion\.svg, worst\.csv\.\n$/)
    expect(text('elsewhere/worst.csv')).toBe(text('whole/worst.csv'))
    expect(text('whole/eval/confusion.json')).toBe(text('whole/confusion.json'))
  })

  it('a profile, if asked for', async () => {
    const { status, stdout } = await run(
      'train tabular --data points.csv --target kind --epochs 1 --device wasm --threads 1 --profile --out profiled',
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(/A step takes \d+ kernels, [\d.]+ ms one after the other\n/)
  })
})

describe('pictures of other tasks', () => {
  it('numbers: predicted against true, and what is left over', async () => {
    await run('train tabular --data points.csv --target x --epochs 3 --device wasm --threads 1 --out numbers')
    expect(text('numbers/predictions.svg')).toMatch(/Predicted and true values[\s\S]*Left over/)
    expect(text('numbers/worst.csv')).toMatch(/^where,true,predicted,loss,row\nline \d+,/)
  })

  it('series: the last rows and their forecasts', async () => {
    const rows = Array.from({ length: 150 }, (_, i) => (Math.sin(i / 4) + i / 100).toFixed(3))
    writeFileSync(at('waves.csv'), `wave\n${rows.join('\n')}\n`)
    await run(
      'train forecast --data waves.csv --target wave --horizon 3 --width 8 --epochs 2 --device wasm --threads 1 --out waves',
    )
    expect(text('waves/forecast.svg')).toMatch(/forecast 3 at a time[\s\S]*rows ahead/)
    expect(text('waves/worst.csv').split('\n')[1]).toMatch(/^line \d+,(-?[\d.]+ ){2}-?[\d.]+,(-?[\d.]+ ){2}-?[\d.]+,/)
  })

  it('texts: how the model goes on', async () => {
    writeFileSync(at('rhyme.txt'), 'one two three four five\n'.repeat(60))
    const options = '--context 8 --width 16 --layers 1 --epochs 1 --device wasm --threads 1'
    await run(`train text-generator --data rhyme.txt ${options} --out rhyme`)
    expect(text('rhyme/sample.txt')).toMatch(/^The text begins:\n\n[\s\S]+\n\nThe model goes on:\n\n[\s\S]{500}/)
    expect(text('rhyme/worst.csv')).toMatch(/^where,loss\n/)
  })
})
