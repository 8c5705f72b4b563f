/**
 * @file Writes the state dict of every layer case that PyTorch has, as Glia saves it, for scripts/fixtures/state_dicts.py to
 * load into PyTorch's own layers.
 *
 * Usage: tsx scripts/state-dicts.ts FOLDER && /usr/bin/python3 scripts/fixtures/state_dicts.py FOLDER
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TensorToWrite, type TensorValues, writeSafetensors } from '../src/io/safetensors.ts'
import { Buffer } from '../src/tensor/parameter.ts'
import { makeLayer } from '../test/conformance/groups/layers.ts'
import { checksOf } from '../test/conformance/harness.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Give the folder to write into.')
mkdirSync(folder, { recursive: true })
const seen = new Map<string, number>()
let written = 0
for (const { item, entry, case: c, expected } of checksOf('layers')) {
  const index = seen.get(item) ?? 0
  seen.set(item, index + 1)
  if (entry.oracle !== 'torch' || !expected) continue
  const state = makeLayer(item, c).namedState()
  if (state.length === 0) continue
  const tensors = state.map(([name, t]): readonly [string, TensorToWrite] => {
    const values = { dtype: t.dtype, shape: t.shape, data: t.dataSync() } as TensorValues
    return [name, t instanceof Buffer && t.savedAs ? { ...values, as: t.savedAs } : values] as const
  })
  writeFileSync(join(folder, `${item}.${index}.safetensors`), writeSafetensors(tensors))
  written++
}
console.log(`${written} state dicts written to ${folder}`)
