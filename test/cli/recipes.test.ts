/** @file Recipes for pictures from the command line: in colour and in grey, from the files that each takes. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { encode } from 'jpeg-js'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/index.ts'
import { encodePng } from '../../src/node/index.ts'
import { useGlia } from './glia.ts'

const glia = useGlia()
const at = (...path: string[]): string => join(glia.directory, ...path)

/** Records of CIFAR-10: pictures of one colour with grain, by which the classes differ. */
function records(count: number, seed: number): Buffer {
  const random = new Random(seed, 0)
  const rows = Array.from({ length: count }, (_, i) => {
    const label = i % 10
    const pixels = Array.from(
      { length: 3072 },
      (_, j) => ((label >> Math.floor(j / 1024)) & 1) * 150 + 10 * label + random.below(5),
    )
    return Buffer.from([label, ...pixels])
  })
  return Buffer.concat(rows)
}

function idx(count: number, side: number): Record<string, Buffer> {
  const head = (rank: number, ...shape: number[]): Buffer => {
    const bytes = Buffer.alloc(4 + 4 * shape.length)
    bytes.writeUInt32BE(0x800 + rank)
    shape.forEach((d, i) => {
      bytes.writeUInt32BE(d, 4 + 4 * i)
    })
    return bytes
  }
  const images = Buffer.concat([head(3, count, side, side), Buffer.alloc(count * side * side, 7)])
  const labels = Buffer.concat([head(1, count), Buffer.alloc(count, 1)])
  const files = { 'images-idx3-ubyte': images, 'labels-idx1-ubyte': labels }
  return Object.fromEntries(
    ['train', 't10k'].flatMap((set) => Object.entries(files).map(([name, bytes]) => [`${set}-${name}`, bytes])),
  )
}

function folder(name: string, files: Readonly<Record<string, Buffer>>): string {
  mkdirSync(at(name))
  for (const [file, bytes] of Object.entries(files)) writeFileSync(at(name, file), bytes)
  return name
}

const lines = (text: string): { class: string; index: number }[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('cifar10', () => {
  it('trains on its files, measures, and tells what is in pictures', async () => {
    const test = records(20, 2)
    folder('photos', { 'data_batch_1-first40.bin.gz': gzipSync(records(40, 1)), 'test_batch.bin': test })
    const args = ['--data', 'photos', '--epochs', '2', '--batch', '20', '--out', 'run']
    const { status, stdout, stderr } = await glia.run('train', 'cifar10', ...args)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/parameters +591,274\n/)
    expect(stdout).toContain('photos: 40 training and 20 test images')
    expect(JSON.parse(readFileSync(at('run/run.json'), 'utf8')).classes[9]).toBe('truck')
    expect((await glia.run('eval', 'run')).stdout).toMatch(/cifar10 of run on 20 test images[\s\S]*automobile/)
    // The same pixels as records and as PNG are the same; JPEG comes near, and other sizes are brought to 32 × 32.
    const pixels = Uint8Array.from({ length: 3072 }, (_, i) => test[3073 * 3 + 1 + (i % 3) * 1024 + Math.floor(i / 3)])
    writeFileSync(at('three.png'), encodePng({ width: 32, height: 32, channels: 3, data: pixels }))
    const rgba = Uint8Array.from({ length: 80 * 50 * 4 }, (_, i) => (i % 4 === 3 ? 255 : 40 * (i % 4)))
    writeFileSync(at('wide.jpg'), encode({ width: 80, height: 50, data: rgba }, 90).data)
    const all = lines((await glia.run('predict', 'run', 'photos/test_batch.bin', '--limit', '4', '--json')).stdout)
    const [three] = lines((await glia.run('predict', 'run', 'three.png', '--json')).stdout)
    expect(all).toHaveLength(4)
    expect({ ...three, file: '', index: 3 }).toEqual({ ...all[3], file: '' })
    const wide = await glia.run('predict', 'run', 'wide.jpg')
    expect([wide.status, wide.stderr]).toEqual([0, ''])
    expect(wide.stdout.trim().split('\n')).toHaveLength(10)
    expect(await glia.run('predict', 'run', 'run/run.json')).toMatchObject({
      status: 1,
      stderr: 'glia: run/run.json is neither a PNG, a JPEG nor a file of CIFAR-10.\n',
    })
  }, 240_000)

  it('refuses files of another kind, size or number of classes', async () => {
    const hundred = Buffer.concat(Array.from({ length: 3 }, () => Buffer.from([3, 99, ...new Uint8Array(3072)])))
    folder('hundred', { 'train.bin': hundred, 'test.bin': hundred })
    folder('grey', idx(12, 28))
    folder('small', idx(12, 20))
    const refused = async (command: string, pattern: RegExp): Promise<void> => {
      const { status, stderr } = await glia.run('train', ...command.split(' '))
      expect([status, stderr]).toEqual([1, expect.stringMatching(pattern)])
    }
    await refused('cifar10 --data hundred', /hundred has pictures in 100 classes; cifar10 tells 10 apart\.\n$/)
    await refused('cifar10 --data grey', /grey has no training set: looked for data_batch_1\.bin/)
    await refused('mnist-cnn --data photos', /photos has no training images: looked for train-images-idx3-ubyte/)
    await refused('mnist-cnn --data small', /small has pictures of shape \[1, 20, 20\]; mnist-cnn takes \[1, 28, 28\]/)
  }, 60_000)
})

it('mnist-cnn tells what is in a JPEG, too', async () => {
  const args = ['--data', 'grey', '--epochs', '1', '--batch', '6', '--out', 'digits']
  expect((await glia.run('train', 'mnist-cnn', ...args)).status).toBe(0)
  const { status, stdout } = await glia.run('predict', 'digits', 'wide.jpg', '--json')
  expect(status).toBe(0)
  expect(lines(stdout)).toHaveLength(1)
}, 240_000)

it('mnist-cnn goes on with a run that was killed exactly, augmentation and all', async () => {
  const args = ['train', 'mnist-cnn', '--limit', '40', '--epochs', '9', '--batch', '20']
  expect((await glia.run(...args, '--out', 'whole')).status).toBe(0)
  const started = glia.start(...args, '--out', 'cut', '--checkpoint-every', '1')
  await started.until('Epoch 2/9')
  started.child.kill('SIGKILL')
  expect((await started.outcome).status).toBe(null)
  expect(existsSync(at('cut/model.safetensors'))).toBe(false)
  const { status, stderr } = await glia.run('train', 'mnist-cnn', '--resume', 'cut')
  expect([status, stderr]).toEqual([0, ''])
  expect(readFileSync(at('cut/model.safetensors')).equals(readFileSync(at('whole/model.safetensors')))).toBe(true)
}, 240_000)

it('summary, recipes and bench know them', async () => {
  expect((await glia.run('summary', 'cifar10')).stdout).toContain('Total params: 591,274')
  expect((await glia.run('recipes')).stdout).toMatch(
    /\nmnist-cnn +Four convolutions[\s\S]*\ncifar10 +Four convolutions/,
  )
  const { status, stdout } = await glia.run('bench', 'mnist-cnn', 'cifar10', '--seconds', '0.1', '--json')
  expect(status).toBe(0)
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).workload)
  expect(names).toEqual(['mnist-cnn', 'cifar10'])
}, 240_000)
