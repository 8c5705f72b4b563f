/** @file `glia doctor`: what Glia can use here, and why not. */

import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { createDevice, TARGETS, type TargetName } from '../plan/create.ts'
import { availableThreads, cgroupQuota } from '../targets/wasm/cores.ts'
import { multiplyAddIsFused } from '../targets/wasm/features.ts'
import { detectFeatures, enableV8Flags } from '../targets/wasm/index.ts'
import { x64Support } from '../targets/x64/index.ts'
import { cacheSizes } from '../targets/x64/native/cpu.ts'
import { compile } from '../tensor/compile.ts'
import { tensor } from '../tensor/factories.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { version } from './program.ts'
import { MISSING_TARGETS } from './values.ts'

interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** Prints the findings; a target counts as available once it has computed something right. */
export async function doctor({ json }: { readonly json?: boolean }): Promise<void> {
  const before = detectFeatures()
  const flags = enableV8Flags()
  const machine = describeMachine()
  const features: Finding[] = [
    { name: 'SIMD', ok: flags.simd, detail: flags.simd ? '128 bits' : 'this engine has none; wasm needs it' },
    {
      name: 'relaxed SIMD',
      ok: flags.relaxed,
      detail: flags.relaxed ? (before.relaxed ? 'on' : 'switched on by a V8 flag') : 'this engine has none',
    },
    {
      name: 'fused multiply-add',
      ok: flags.relaxed && multiplyAddIsFused(),
      detail: flags.relaxed && multiplyAddIsFused() ? 'one rounding' : 'two roundings, half the speed of products',
    },
    {
      name: 'revectoriser',
      ok: flags.revectorize,
      detail: flags.revectorize ? 'on: 256 bits' : 'needs Node 24 or later, and a processor with AVX2',
    },
    {
      name: 'threads',
      ok: flags.threads,
      detail: flags.threads ? `shared memory; ${availableThreads()} used by default` : 'no SharedArrayBuffer',
    },
  ]
  const code = machineCode()
  const targets: Finding[] = []
  for (const name of TARGETS) targets.push(await probe(name))
  for (const name of MISSING_TARGETS) targets.push({ name, ok: false, detail: 'not in this build' })
  const { name: auto } = await createDevice('auto')
  if (json) {
    console.log(JSON.stringify({ glia: version(), ...machine, machineCode: code, features, targets, auto }))
    return
  }
  console.log(`Glia ${version()}`)
  print(
    'Machine',
    Object.entries(machine).map(([name, detail]) => ({ name, detail: String(detail) })),
  )
  print('Machine code', code)
  print('WebAssembly', features)
  print('Targets', targets)
  console.log(`\n--target auto takes ${auto} here.`)
}

function describeMachine(): Record<string, string | number> {
  const quota = cgroupQuota(read)
  const caches = cacheSizes(read)
  return {
    node: `${process.version} (V8 ${process.versions.v8}) on ${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: `${availableParallelism()} logical, ${availableThreads()} physical that this process may use`,
    quota: Number.isFinite(quota) ? `${quota} processors by control group` : 'none',
    caches: caches ? `level 1 ${size(caches.l1)}, level 2 ${size(caches.l2)}, level 3 ${size(caches.l3)}` : 'unknown',
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
  }
}

/** What stands between this machine and the targets `avx512` and `avx2`. */
function machineCode(): Finding[] {
  const support = x64Support()
  if ('reason' in support) return [{ name: 'available', ok: false, detail: support.reason }]
  const { cpu } = support
  return [
    { name: 'available', ok: true, detail: 'this process may map memory and make it executable' },
    { name: 'AVX2, FMA', ok: cpu.avx2, detail: cpu.avx2 ? '256 bits' : 'this processor lacks them' },
    {
      name: 'AVX-512',
      ok: cpu.avx512,
      detail: cpu.avx512
        ? `512 bits${cpu.halves ? ', computed in halves' : ''}`
        : 'this processor, or this system, lacks F, BW, DQ or VL',
    },
  ]
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function size(bytes: number): string {
  if (bytes === 0) return 'none'
  return bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`
}

/** Multiplies two small matrices of whole numbers on the target and looks at the result. */
async function probe(name: TargetName): Promise<Finding> {
  try {
    const start = performance.now()
    const device = await createDevice(name)
    const n = 17
    const a = tensor(
      Float32Array.from({ length: n * n }, (_, i) => (i % 7) - 3),
      { shape: [n, n], device },
    )
    const product = compile((x: Tensor) => x.matmul(x.T).sum())
    const found = await product(a).item()
    const values = await a.data()
    let expected = 0
    for (let k = 0; k < n; k++) {
      let column = 0
      for (let i = 0; i < n; i++) column += values[i * n + k]
      expected += column * column
    }
    if (found !== expected) return { name, ok: false, detail: `computes wrongly here: ${found} instead of ${expected}` }
    const ms = Math.round(performance.now() - start)
    const role =
      name === 'interp' ? 'reference, slow' : `${device.threads} ${device.threads === 1 ? 'thread' : 'threads'}`
    return { name, ok: true, detail: `${role}; first result after ${ms} ms` }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

function print(
  title: string,
  rows: readonly { readonly name: string; readonly ok?: boolean; readonly detail: string }[],
): void {
  const width = Math.max(...rows.map((r) => r.name.length))
  console.log(`\n${title}`)
  for (const { name, ok, detail } of rows) {
    const mark = ok === undefined ? ' ' : ok ? '✓' : '✗'
    console.log(`  ${mark} ${name.padEnd(width)}  ${detail}`)
  }
}
