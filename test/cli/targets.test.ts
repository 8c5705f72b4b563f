/** @file Targets as people meet them: those that cannot run say why, threads beyond the cores are told, times are shown. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { availableThreads } from '../../src/targets/wasm/cores.ts'
import { compiledTargets } from '../support/devices.ts'
import { type Outcome, useGlia } from './glia.ts'

const glia = useGlia()
const small = ['--limit', '64', '--epochs', '1']
const here = process.platform === 'linux' && process.arch === 'x64'

describe('where koffi is not installed, as after npm install --omit=optional', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glia-'))
  beforeAll(() => {
    const modules = join(import.meta.dirname, '../../node_modules')
    mkdirSync(join(folder, 'node_modules'))
    for (const name of readdirSync(modules)) {
      if (name !== 'koffi' && !name.startsWith('.'))
        symlinkSync(join(modules, name), join(folder, 'node_modules', name))
    }
    cpSync(glia.home, folder, { recursive: true })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function run(...args: readonly string[]): Outcome {
    const script = join(folder, 'dist/cli/main.js')
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8' })
    return { status, stdout, stderr }
  }

  const reason = here ? /koffi cannot be loaded \(Cannot find (package|module)/ : /linux on x64/

  it('doctor says so, and auto takes wasm', () => {
    const { status, stdout } = run('doctor')
    expect(status).toBe(0)
    expect(stdout).toMatch(reason)
    expect(stdout).toMatch(/✗ avx512 +Machine code cannot run here/)
    expect(stdout).toMatch(/✗ avx2 /)
    expect(stdout).toContain('--target auto takes wasm here.')
  })

  it('training goes on without; asking for machine code gets the reason', () => {
    const { status, stdout, stderr } = run('train', 'mlp', ...small, '--out', 'run')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/target +wasm, /)
    const refused = run('train', 'mlp', ...small, '--target', 'avx2', '--out', 'other')
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(/^glia: Machine code cannot run here: .*\n$/)
    expect(refused.stderr).toMatch(reason)
    // Nothing was saved, and no empty directory stays.
    expect(readdirSync(folder)).not.toContain('other')
  })
})

describe.each(compiledTargets)('%s', (target) => {
  it('trains, and profiles a step', async () => {
    const { status, stdout, stderr } = await glia.run('train', 'mlp', ...small, '--target', target, '--profile')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(new RegExp(`target +${target}, `))
    expect(stdout).toMatch(/A step takes \d+ kernels, [\d.]+ ms/)
    expect(stdout).toMatch(/\d GFLOP\/s +[\d.]+ GB\/s +\[128,784\] matmul/)
  })

  it('benchmarks', async () => {
    const args = ['--seconds', '0.01', '--target', target, '--threads', '1']
    const { status, stdout, stderr } = await glia.run('bench', 'matmul-256', 'mlp', ...args)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      new RegExp(`^On ${target}, 1 thread; medians:\n  matmul-256 +[\\d.]+ ms, .*\n  mlp +[\\d.]+ ms, .*\n$`),
    )
    const json = await glia.run('bench', 'matmul-256', ...args, '--profile', '--json')
    const line = JSON.parse(json.stdout)
    expect(line).toMatchObject({ workload: 'matmul-256', target, threads: 1 })
    expect(line.kernels).toMatchObject([{ flops: 2 * 256 ** 3, bytes: 3 * 4 * 256 ** 2 }])
  })
})

it('more threads than cores work, and are told', async () => {
  const cores = availableThreads()
  const threads = String(cores + 2)
  const { status, stdout, stderr } = await glia.run('train', 'mlp', ...small, '--threads', threads)
  expect(status).toBe(0)
  expect(stdout).toContain(`, ${threads} threads`)
  expect(stderr).toMatch(new RegExp(`^glia: ${threads} threads take turns on ${cores} cores? here; .*\n$`))
})

it('the interpreter has nothing to profile, and says so', async () => {
  const { status, stdout } = await glia.run('bench', 'mlp', '--target', 'interp', '--seconds', '0.01', '--profile')
  expect(status).toBe(0)
  expect(stdout).toContain('interp has no kernels to time')
})
