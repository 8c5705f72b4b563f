/** @file Training, measuring and predicting from the command line. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { digits } from '../../src/data/index.ts'
import { readSafetensors } from '../../src/io/index.ts'
import { encodePng } from '../../src/node/index.ts'
import { compiledTargets } from '../support/devices.ts'
import { useGlia } from './glia.ts'

const glia = useGlia()
const at = (...path: string[]): string => join(glia.directory, ...path)
/** What `auto` takes. */
const best = compiledTargets.at(-1)
const quick = ['--limit', '200', '--epochs', '2', '--seed', '1']

function idx(data: Uint8Array, shape: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(0x800 + shape.length)
  shape.forEach((d, i) => {
    header.writeUInt32BE(d, 4 + 4 * i)
  })
  return Buffer.concat([header, data])
}

describe('train, eval and predict', () => {
  it('train tells what it does, and saves', async () => {
    const { status, stdout, stderr } = await glia.run('train', 'mlp', ...quick)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/parameters +101,770\n/)
    expect(stdout).toMatch(/data +digits written by Glia: 200 training and 200 test images\n/)
    expect(stdout).toMatch(new RegExp(`target +${best}, \\d threads?\n`))
    expect(stdout).toMatch(/settings +2 epochs, batch 32, learning rate 0\.002, seed 1\n/)
    expect(stdout).toMatch(/Epoch 2\/2 .* loss \d.* accuracy .* validation loss /)
    expect(stdout).toMatch(/\nTest: loss \d+\.\d+ {2}accuracy \d+\.\d\d %\nSaved runs\/mlp-1\/model\.safetensors/)
    expect(readdirSync(at('runs/mlp-1')).sort()).toEqual([
      'checkpoints',
      'confusion.json',
      'confusion.svg',
      'curves.svg',
      expect.stringMatching(/^events\.out\.tfevents\.\d+\./),
      'metrics.jsonl',
      'model.safetensors',
      'run.json',
      'worst.csv',
      'worst.svg',
    ])
    expect(readFileSync(at('runs/mlp-1/curves.svg'), 'utf8')).toMatch(/^<svg[\s\S]*validation/)
    expect(readFileSync(at('runs/mlp-1/metrics.jsonl'), 'utf8').trim().split('\n')).toHaveLength(14 + 2)
    const { tensors } = readSafetensors(readFileSync(at('runs/mlp-1/model.safetensors')))
    expect([...tensors.keys()].sort()).toEqual(['hidden.bias', 'hidden.weight', 'output.bias', 'output.weight'])
    const record = JSON.parse(readFileSync(at('runs/mlp-1/run.json'), 'utf8'))
    expect(record).toMatchObject({
      format: 1,
      glia: '0.1.0',
      recipe: 'mlp',
      settings: { epochs: 2, batch: 32, lr: 0.002, seed: 1, data: null, limit: 200, target: best },
      environment: {
        glia: '0.1.0',
        node: process.version,
        cpu: expect.any(String),
        os: expect.any(String),
        target: best,
      },
      test: { loss: expect.any(Number), accuracy: expect.any(Number) },
      history: { steps: 14, stopped: false },
    })
    expect(record.classes).toHaveLength(10)
  })

  it('train --json prints one object per line, of the stated form', async () => {
    const { status, stdout } = await glia.run('train', 'lenet5', ...quick, '--threads', '1', '--json')
    expect(status).toBe(0)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events[0]).toEqual({
      event: 'start',
      recipe: 'lenet5',
      parameters: 61_706,
      target: best,
      threads: 1,
      seed: 1,
    })
    const figures = { loss: expect.any(Number), accuracy: expect.any(Number) }
    for (const epoch of [1, 2]) {
      expect(events[epoch]).toEqual({
        event: 'epoch',
        epoch,
        train: figures,
        val: figures,
        seconds: expect.any(Number),
      })
    }
    expect(events[3]).toEqual({
      event: 'done',
      metrics: events[2].val,
      findings: expect.any(Array),
      out: 'runs/lenet5-1',
      files: ['curves.svg', 'confusion.json', 'confusion.svg', 'worst.csv', 'worst.svg'],
    })
    expect(events).toHaveLength(4)
  })

  it('gives the same figures for the same seed, in the next free directory', async () => {
    const epochs = async (seed: string): Promise<unknown[]> => {
      const { stdout } = await glia.run('train', 'lenet5', '--limit', '100', '--epochs', '1', '--seed', seed, '--json')
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      return lines.map(({ seconds: _, out: __, ...rest }) => rest)
    }
    const first = await epochs('3')
    expect(await epochs('3')).toEqual(first)
    expect(await epochs('4')).not.toEqual(first)
    expect(readdirSync(at('runs')).sort()).toEqual(['lenet5-1', 'lenet5-2', 'lenet5-3', 'lenet5-4', 'mlp-1'])
  })

  it('eval measures what train measured, and shows the confusion', async () => {
    const { status, stdout, stderr } = await glia.run('eval', 'runs/mlp-1', '--limit', '200')
    expect([status, stderr]).toEqual([0, ''])
    const { history } = JSON.parse(readFileSync(at('runs/mlp-1/run.json'), 'utf8'))
    const { loss, accuracy } = history.epochs[1].val
    expect(stdout).toContain(`loss ${loss.toFixed(4)}  accuracy ${(100 * accuracy).toFixed(2)} %`)
    expect(stdout).toMatch(/actual +0 +1 +2 +3 +4 +5 +6 +7 +8 +9 +right\n/)
    const json = JSON.parse((await glia.run('eval', 'runs/mlp-1', '--limit', '200', '--json')).stdout)
    expect(json.metrics.accuracy).toBeCloseTo(accuracy, 6)
    const counts: number[][] = json.confusion
    expect(counts.flat().reduce((a, b) => a + b)).toBe(200)
    expect(counts.reduce((sum, row, i) => sum + row[i], 0)).toBe(Math.round(200 * accuracy))
  })

  it('predict ranks the classes of a picture, and goes through IDX files', async () => {
    const { test } = await digits({ train: 0, test: 3 })
    const pixels = test.x.data as Uint8Array
    writeFileSync(at('three.idx'), idx(pixels, [3, 28, 28]))
    writeFileSync(at('three.gz'), gzipSync(idx(pixels, [3, 28, 28])))
    writeFileSync(at('one.png'), encodePng({ width: 28, height: 28, channels: 1, data: pixels.slice(0, 784) }))
    const one = await glia.run('predict', 'runs/mlp-1', 'one.png')
    expect([one.status, one.stderr]).toEqual([0, ''])
    const rows = one.stdout.trimEnd().split('\n')
    expect(rows).toHaveLength(10)
    expect(rows[0]).toMatch(/^\d +\d+\.\d\d % {2}█+$/)
    const percent = rows.map((row) => Number(/([\d.]+) %/.exec(row)?.[1]))
    expect(percent).toEqual([...percent].sort((a, b) => b - a))
    expect(percent.reduce((a, b) => a + b)).toBeCloseTo(100, 0)
    const parse = (text: string): { class: string; index: number }[] =>
      text
        .trim()
        .split('\n')
        .map((l) => JSON.parse(l))
    const json = parse((await glia.run('predict', 'runs/mlp-1', 'one.png', '--json')).stdout)
    const all = parse((await glia.run('predict', 'runs/mlp-1', 'three.idx', '--json')).stdout)
    const zipped = parse((await glia.run('predict', 'runs/mlp-1', 'three.gz', '--json', '--limit', '2')).stdout)
    expect(all.map((p) => p.index)).toEqual([0, 1, 2])
    expect(zipped.map((p) => p.class)).toEqual(all.slice(0, 2).map((p) => p.class))
    expect(json[0].class).toBe(all[0].class)
    expect((await glia.run('predict', 'runs/mlp-1', 'three.idx')).stdout.trim().split('\n')).toHaveLength(3)
  })

  it('train and eval take a directory of IDX files; Fashion-MNIST knows its classes', async () => {
    const { train, test } = await digits({ train: 60, test: 40 })
    const directory = at('my-fashion-data')
    const { mkdirSync } = await import('node:fs')
    mkdirSync(directory)
    for (const [name, set] of [
      ['train', train],
      ['t10k', test],
    ] as const) {
      writeFileSync(join(directory, `${name}-images-idx3-ubyte`), idx(set.x.data as Uint8Array, [set.length, 28, 28]))
      writeFileSync(
        join(directory, `${name}-labels-idx1-ubyte.gz`),
        gzipSync(idx(set.y.data as Uint8Array, [set.length])),
      )
    }
    const args = ['--data', 'my-fashion-data', '--epochs', '1', '--limit', '50', '--out', 'fashion']
    const { status, stdout } = await glia.run('train', 'mlp', ...args)
    expect(status).toBe(0)
    expect(stdout).toContain('my-fashion-data: 50 training and 40 test images')
    const record = JSON.parse(readFileSync(at('fashion/run.json'), 'utf8'))
    expect(record.classes[9]).toBe('Ankle boot')
    expect(record.settings.data).toBe(directory)
    expect((await glia.run('eval', 'fashion')).stdout).toContain('Ankle boot')
    expect((await glia.run('predict', 'fashion', 'one.png')).stdout).toContain('Trouser')
  })

  it('a smaller learning rate, batch and the reference target are obeyed', async () => {
    const args = [
      '--limit',
      '20',
      '--epochs',
      '1',
      '--target',
      'interp',
      '--lr',
      '1e-4',
      '--batch',
      '10',
      '--out',
      'a/b',
    ]
    const { status, stdout } = await glia.run('train', 'mlp', ...args)
    expect(status).toBe(0)
    expect(stdout).toMatch(/target +interp, 1 thread\n/)
    expect(stdout).toMatch(/batch 10, learning rate 0\.0001, seed 0\n/)
    expect(existsSync(at('a/b/model.safetensors'))).toBe(true)
  })
})

describe('train --resume', () => {
  const args = ['--limit', '150', '--epochs', '6', '--seed', '5', '--threads', '1']
  const figures = (run: string): unknown => {
    const { history } = JSON.parse(readFileSync(at(run, 'run.json'), 'utf8'))
    return history.epochs.map(({ train, val }: { train: unknown; val: unknown }) => ({ train, val }))
  }

  it('goes on exactly after an interruption, and after a kill', async () => {
    expect((await glia.run('train', 'lenet5', ...args, '--out', 'whole')).status).toBe(0)
    const { child, outcome, until } = glia.start(
      'train',
      'lenet5',
      ...args,
      '--out',
      'parts',
      '--checkpoint-every',
      '2',
    )
    await until('Epoch 1/6')
    child.kill('SIGINT')
    expect((await outcome).status).toBe(130)
    const again = glia.start('train', 'lenet5', '--resume', 'parts', '--checkpoint-every', '2')
    await again.until('Epoch 4/6')
    again.child.kill('SIGKILL')
    await again.outcome
    const { status, stdout, stderr } = await glia.run('train', 'lenet5', '--resume', 'parts')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('Epoch 1/6')
    expect(stdout).toContain('6 epochs, batch 32, learning rate 0.002, seed 5')
    expect(figures('parts')).toEqual(figures('whole'))
    const weights = (run: string): Buffer => readFileSync(at(run, 'model.safetensors'))
    expect(weights('parts').equals(weights('whole'))).toBe(true)
  })

  it('keeps what the run was begun with', async () => {
    const wrong = async (...more: string[]): Promise<string> => (await glia.run('train', ...more)).stderr
    expect(await wrong('mlp', '--resume', 'whole')).toContain(
      'whole is a run of lenet5, not of mlp; try glia train lenet5',
    )
    expect(await wrong('lenet5', '--resume', 'whole', '--epochs', '9')).toContain(
      'whole was begun with --epochs 6; leave --epochs 9 out to resume it.',
    )
    expect(await wrong('lenet5', '--resume', 'nowhere')).toContain('nowhere holds no saved run')
  })
})

describe('diagnose', () => {
  it('says in words and as JSON what the curves of a run tell', async () => {
    await glia.run('train', 'mlp', '--limit', '300', '--epochs', '6', '--lr', '6e-4', '--out', 'slow')
    const { status, stdout } = await glia.run('diagnose', 'slow')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^mlp of slow, 6 epochs\n\nStopped too early\n {2}The validation loss was still falling/)
    expect(stdout).toContain('  - Train for more epochs.')
    const { findings } = JSON.parse((await glia.run('diagnose', 'slow', '--json')).stdout)
    expect(findings.map((f: { case: string }) => f.case)).toEqual(['stopped too early'])
  })
})

describe('Ctrl-C', () => {
  it('ends the training after the step at hand, saves, says where, and exits with 130', async () => {
    const { child, outcome, until } = glia.start(
      'train',
      'mlp',
      '--epochs',
      '100000',
      '--limit',
      '100',
      '--out',
      'ended',
    )
    await until('Epoch      3/100000')
    child.kill('SIGINT')
    const { status, stderr } = await outcome
    expect(status).toBe(130)
    expect(stderr).toMatch(/^glia: Interrupted after \d+ steps \(\d+ of 100000 epochs complete\); saved in ended\.\n$/)
    expect(readdirSync(at('ended'))).toContain('model.safetensors')
    expect(JSON.parse(readFileSync(at('ended/run.json'), 'utf8')).history.stopped).toBe(true)
    expect((await glia.run('eval', 'ended', '--limit', '10')).status).toBe(0)
  })

  it('before the training began, leaves nothing behind', async () => {
    const { child, outcome } = glia.start('train', 'mlp', '--out', 'never/begun')
    while (!existsSync(at('never/begun'))) await new Promise((resolve) => setTimeout(resolve, 5))
    child.kill('SIGTERM')
    const { status, stderr } = await outcome
    expect(status).toBe(143)
    expect(stderr).toMatch(/^glia: Interrupted before the .*; nothing was saved\.\n$/)
    expect(existsSync(at('never'))).toBe(false)
  })
})
