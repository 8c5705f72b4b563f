import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gliaSide, peerSides } from '../../bench/peers.ts'
import { workloads } from '../../bench/workloads.ts'

const settings = { threads: '3', seconds: '1', node: 'node', onnx: 'folder' }
const sides = peerSides(settings)
const side = (name: string) => {
  const found = sides.find((s) => s.name === name)
  if (!found) throw new Error(`no side ${name}`)
  return found
}

/** The workloads that a peer's script lists, as keys of a table. */
function listed(script: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../bench/peers', script), 'utf8')
  const keys = [...text.matchAll(/^ +"?(\w+)"?: /gm)].map(([, key]) => key)
  return Object.keys(workloads).filter((w) => keys.includes(w))
}

describe('the peers', () => {
  it.each([
    ['tfjs', 'tfjs_bench.mjs'],
    ['jax', 'jax_bench.mjs'],
    ['ort', 'ort_bench.mjs'],
  ])('%s is asked for what its script has', (name, script) => {
    expect(Object.keys(workloads).filter(side(name).has)).toEqual(listed(script))
  })

  it('asks PyTorch for the forward passes that only ONNX Runtime has besides', () => {
    const torch = side('torch')
    const own = listed('torch_bench.py')
    expect(Object.keys(workloads).filter((w) => torch.has(w) && !own.includes(w))).toEqual([
      'lenet5_infer_b128',
      'gpt_mini_infer_b16',
    ])
    expect(torch.commands(['vae_train_b128'])).toHaveLength(1)
    expect(torch.commands(['gpt_mini_infer_b16'])[0]).toEqual(expect.arrayContaining(['--time', '3']))
    const [training, forward] = torch.commands(['vae_train_b128', 'lenet5_infer_b128'])
    expect(training).toEqual(expect.arrayContaining(['--only', 'vae_train_b128', '--threads', '3']))
    expect(forward).toContain('--time')
  })

  it('holds PyTorch to 256-bit vectors where asked, with the same settings otherwise', () => {
    const [torch, narrow] = [side('torch').env, side('torch-avx2').env]
    expect(narrow).toEqual(expect.objectContaining(torch))
    expect(narrow?.ATEN_CPU_CAPABILITY).toBe('avx2')
  })
})

describe('Glia', () => {
  it('runs on the target named, plain if asked', () => {
    const [command] = gliaSide('avx2', settings).commands(['a', 'b'])
    expect(command.slice(4)).toEqual(['--target', 'avx2', '--only', 'a,b', '--threads', '3', '--seconds', '1'])
    expect(gliaSide('wasm', settings, true).commands(['a'])[0].slice(-2)).toEqual(['--relaxed', 'false'])
  })
})
