/** @file Bad input: one sentence on standard error, exit status 1, nothing half-written. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '../../src/node/index.ts'
import { useGlia } from './glia.ts'

const glia = useGlia()
const at = (...path: string[]): string => join(glia.directory, ...path)

/** A copy of the run `good`, changed. */
function spoil(
  name: string,
  change: { record?: (text: string) => string; weights?: (bytes: Buffer) => Buffer },
): string {
  mkdirSync(at(name))
  const record = readFileSync(at('good/run.json'), 'utf8')
  const weights = readFileSync(at('good/model.safetensors'))
  writeFileSync(at(name, 'run.json'), change.record?.(record) ?? record)
  writeFileSync(at(name, 'model.safetensors'), change.weights?.(weights) ?? weights)
  return name
}

async function fails(args: string, sentence: RegExp): Promise<void> {
  const { status, stdout, stderr } = await glia.run(...args.split(' '))
  expect(stderr).toMatch(/^glia: [^\n]*\.\n$/)
  expect(stderr.slice('glia: '.length, -1)).toMatch(sentence)
  expect([status, stdout]).toEqual([1, ''])
}

beforeAll(async () => {
  const { status } = await glia.run('train', 'mlp', '--limit', '20', '--epochs', '1', '--out', 'good')
  expect(status).toBe(0)
  writeFileSync(at('a-file'), 'nothing')
  writeFileSync(at('picture.png'), encodePng({ width: 2, height: 2, channels: 1, data: Uint8Array.of(0, 255, 0, 0) }))
})

describe('train', () => {
  it('finds out that nothing can be written before it trains', async () => {
    await fails(
      'train mlp --out a-file',
      /^a-file cannot be written to: the path, or a part of it, is a file\. Choose another/,
    )
    await fails('train mlp --out a-file/run', /^a-file\/run cannot be written to: /)
    await fails('train mlp --out /proc/nothing/here', /^\/proc\/nothing\/here cannot be written to: /)
  })

  it('refuses data that are missing or no data, and leaves no directory behind', async () => {
    await fails('train mlp --data nowhere --out o1', /^The data directory nowhere does not exist\.$/)
    await fails('train mlp --data a-file --out o2', /^The data directory a-file is a file, not a directory\.$/)
    await fails('train mlp --data good --out o3', /^good has no training images: looked for /)
    for (const name of ['o1', 'o2', 'o3']) expect(existsSync(at(name))).toBe(false)
    await fails('train lenet5 --data nowhere', /does not exist/)
    expect(existsSync(at('runs'))).toBe(false)
  })

  it('refuses pictures of another size than the model takes', async () => {
    mkdirSync(at('small'))
    const header = (...words: number[]): Buffer => {
      const bytes = Buffer.alloc(4 * words.length)
      words.forEach((w, i) => {
        bytes.writeUInt32BE(w, 4 * i)
      })
      return bytes
    }
    for (const set of ['train', 't10k']) {
      writeFileSync(at('small', `${set}-images-idx3-ubyte`), Buffer.concat([header(0x803, 2, 4, 4), Buffer.alloc(32)]))
      writeFileSync(at('small', `${set}-labels-idx1-ubyte`), Buffer.concat([header(0x801, 2), Buffer.from([0, 1])]))
    }
    await fails(
      'train mlp --data small --out o4',
      /^small has pictures of shape \[1, 4, 4\]; mlp takes \[1, 28, 28\]\.$/,
    )
    await fails('train lenet5 --data small --out o5', /\[1, 4, 4\]; lenet5 takes \[1, 28, 28\]\.$/)
    expect([existsSync(at('o4')), existsSync(at('o5'))]).toEqual([false, false])
  })

  it('stops when the loss is no longer a number, saving nothing', async () => {
    const { status, stderr } = await glia.run(...'train mlp --lr 1e30 --limit 200 --epochs 3 --out diverged'.split(' '))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^glia: fit: the loss became (NaN|Infinity) in epoch \d, step \d of 7, .*smaller.*\n$/)
    expect(existsSync(at('diverged'))).toBe(false)
  })
})

describe('eval and predict', () => {
  it('refuse what is no run', async () => {
    await fails('eval nowhere', /^nowhere holds no saved run: there is no run\.json\./)
    await fails('predict nowhere picture.png', /^nowhere holds no saved run/)
    await fails('eval a-file', /^a-file is a file; name the directory of a run\.$/)
  })

  it('refuse damaged records', async () => {
    const record = (change: (r: Record<string, unknown>) => void) => (text: string) => {
      const value = JSON.parse(text)
      change(value)
      return JSON.stringify(value)
    }
    await fails(`eval ${spoil('cut', { record: (t) => t.slice(0, 50) })}`, /run\.json is damaged: it is not JSON\.$/)
    await fails(
      `eval ${spoil('null', { record: () => 'null' })}`,
      /run\.json is damaged: it does not describe a run\.$/,
    )
    const later = spoil('later', { record: record((r) => Object.assign(r, { format: 99 })) })
    await fails(`eval ${later}`, /written by a later version of Glia \(format 99; this one reads 1\)\.$/)
    const strange = spoil('strange', { record: record((r) => Object.assign(r, { recipe: 'vgg99' })) })
    await fails(`eval ${strange}`, /names the recipe "vgg99"; known are mlp, lenet5, .*tabular.*\.$/)
    const classes = spoil('classes', { record: record((r) => Object.assign(r, { classes: ['a', 'b'] })) })
    await fails(`predict ${classes} picture.png`, /names 2 classes; the model tells 10 apart\.$/)
    await fails(`eval ${classes}`, /names 2 classes/)
  })

  it('refuse damaged or foreign weights', async () => {
    await fails(
      `eval ${spoil('short', { weights: (b) => b.subarray(0, 1000) })}`,
      /model\.safetensors: This is not a sound safetensors file: /,
    )
    await fails(
      `eval ${spoil('empty', { weights: () => Buffer.alloc(0) })}`,
      /model\.safetensors: This is not a sound safetensors file: /,
    )
    await fails(
      `predict ${spoil('junk', { weights: () => Buffer.from('hello, world') })} picture.png`,
      /not a sound safetensors file/,
    )
    const other = spoil('other', { record: (t) => t.replace('"mlp"', '"lenet5"') })
    await fails(`eval ${other}`, /model\.safetensors does not fit the recipe lenet5: it lacks .*c1\.weight/)
    const { mkdtempSync, rmSync } = await import('node:fs')
    const missing = mkdtempSync(at('missing-'))
    copyFileSync(at('good/run.json'), join(missing, 'run.json'))
    await fails(`eval ${missing}`, /model\.safetensors is missing\.$/)
    rmSync(missing, { recursive: true })
  })

  it('refuse files that are no pictures', async () => {
    await fails('predict good nothing.png', /^The file nothing\.png does not exist\.$/)
    await fails('predict good good', /^good is a directory; name a file\.$/)
    await fails('predict good a-file', /^a-file is neither a PNG, a JPEG nor an IDX file\.$/)
    writeFileSync(at('cut.png'), readFileSync(at('picture.png')).subarray(0, 40))
    await fails('predict good cut.png', /^cut\.png is not a sound PNG file \(it is cut short\)\.$/)
    writeFileSync(at('cut.gz'), gzipSync(Buffer.alloc(1000)).subarray(0, 20))
    await fails('predict good cut.gz', /^cut\.gz is not a sound gzip file /)
    writeFileSync(at('void'), '')
    await fails('predict good void', /^void is neither a PNG, a JPEG nor an IDX file\.$/)
    const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 1, 2])
    writeFileSync(at('labels'), labels)
    await fails('predict good labels', /^labels holds no pictures: its values have the shape \[2\]/)
    const tiny = Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9])
    writeFileSync(at('tiny'), tiny)
    await fails('predict good tiny', /^tiny has pictures of 1 × 1 pixels; the model takes 28 × 28\.$/)
  })

  it('take a picture of any size', async () => {
    expect((await glia.run('predict', 'good', 'picture.png')).status).toBe(0)
  })
})
