/** @file Weights as bytes and in files: what is read back, and what is refused. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { manualSeed } from '../../src/index.ts'
import { readSafetensors, readWeights, writeWeights } from '../../src/io/index.ts'
import { BatchNorm1d, Linear, Sequential } from '../../src/nn/index.ts'
import { loadWeights, saveWeights } from '../../src/node/index.ts'

const home = mkdtempSync(join(tmpdir(), 'glia-weights-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const model = (width = 3): Sequential => new Sequential(new Linear(2, width), new BatchNorm1d(width))
const values = (of: Sequential): number[][] => of.namedState().map(([, t]) => [...t.dataSync()])

describe('weights', () => {
  it('come back as they were, with the texts', async () => {
    manualSeed(1)
    const [a, b] = [model(), model()]
    const bytes = await writeWeights(a, { words: '["a","b"]' })
    expect(values(b)).not.toEqual(values(a))
    expect(Object.fromEntries(readWeights(b, bytes))).toEqual({ format: 'pt', words: '["a","b"]' })
    expect(values(b)).toEqual(values(a))
    // As PyTorch stores it.
    expect(readSafetensors(bytes).tensors.get('1.num_batches_tracked')?.stored).toBe('I64')
  })

  it('are those of the moment', async () => {
    const a = model()
    const writing = writeWeights(a)
    const before = values(a)
    const bytes = await writing
    for (const p of a.parameters()) p.set(new Float32Array(p.size))
    const b = model()
    readWeights(b, bytes)
    expect(values(b)).toEqual(before)
  })

  it('go to a file and back', async () => {
    const [a, b] = [model(), model()]
    const path = join(home, 'a.safetensors')
    await saveWeights(a, path, { of: 'a' })
    expect((await loadWeights(b, pathToFileURL(path))).get('of')).toBe('a')
    expect(values(b)).toEqual(values(a))
  })

  it('that do not fit change nothing, and say why', async () => {
    const a = model()
    const [before, bytes] = [values(a), await writeWeights(model(4))]
    expect(() => readWeights(a, bytes)).toThrow(
      'The file does not fit the model: 0.weight has the shape [4, 2] instead of [3, 2].',
    )
    const linear = await writeWeights(new Sequential(new Linear(2, 3)))
    expect(() => readWeights(a, linear, 'b.safetensors')).toThrow(
      'b.safetensors does not fit the model: it lacks 1.weight, 1.bias, 1.running_mean, 1.running_var, 1.num_batches_tracked.',
    )
    const small = new Sequential(new Linear(2, 3))
    const more = await writeWeights(a)
    expect(() => readWeights(small, more)).toThrow(/fit the model: it has 1\.\S+, .*, which the model does not have\./)
    expect(values(a)).toEqual(before)
    const path = join(home, 'cut.safetensors')
    await expect(loadWeights(a, path)).rejects.toThrow(`${path} is missing.`)
    writeFileSync(path, more.subarray(0, more.length - 4))
    await expect(loadWeights(a, path)).rejects.toThrow(`${path}: This is not a sound safetensors file`)
  })
})
