/**
 * @file GFLOP/s of matrix products and convolutions.
 * `tsx bench/contraction.ts [--target avx512] [--relaxed] [--threads 1,2] [--only text] [--seconds 0.3]`
 */
import { evaluateIndex } from '../src/kernels/index.ts'
import type { Contraction, Lowered } from '../src/kernels/kernel.ts'
import { lowerContraction } from '../src/kernels/lower/contraction.ts'
import type { Target } from '../src/targets/target.ts'
import { createWasmTargetSync, enableV8Flags } from '../src/targets/wasm/index.ts'
import { createX64Target, type Isa } from '../src/targets/x64/index.ts'
import { conv, convInputGradient, convWeightGradient, matmul } from '../test/kernels/lower/contractions.ts'
import { stepsOf } from '../test/kernels/lower/run.ts'

const option = (name: string, fallback: string): string => {
  const i = process.argv.indexOf(name)
  return i < 0 ? fallback : process.argv[i + 1]
}

if (process.argv.includes('--relaxed')) enableV8Flags()
const only = option('--only', '')
const seconds = Number(option('--seconds', '0.3'))

function cases(): Contraction[] {
  const list: Contraction[] = []
  for (const n of [64, 128, 255, 256, 512, 1023, 1024, 2048]) list.push(matmul({ m: n, n, k: n }))
  list.push(matmul({ m: 1024, n: 1024, k: 1024, ta: true }), matmul({ m: 1024, n: 1024, k: 1024, tb: true }))
  for (const batch of [32, 128]) {
    for (const [i, o] of batch === 32
      ? [
          [784, 128],
          [128, 10],
          [400, 120],
          [120, 84],
          [84, 10],
        ]
      : [
          [400, 120],
          [120, 84],
          [84, 10],
        ]) {
      list.push(matmul({ m: batch, n: o, k: i, tb: true }), matmul({ m: batch, n: i, k: o }))
      list.push(matmul({ m: o, n: i, k: batch, ta: true }))
    }
    const one = { images: batch, ci: 1, co: 6, oh: 28, ow: 28, kh: 5, kw: 5 }
    const two = { images: batch, ci: 6, co: 16, oh: 10, ow: 10, kh: 5, kw: 5 }
    list.push(conv(one), convWeightGradient(one))
    list.push(conv(two), convWeightGradient(two), convInputGradient({ ...two, oh: 14, ow: 14 }))
  }
  for (const [ci, co, w] of [
    [3, 32, 32],
    [32, 32, 32],
    [32, 64, 16],
    [64, 64, 16],
  ]) {
    const s = { images: 64, ci, co, oh: w, ow: w, kh: 3, kw: 3 }
    list.push(conv(s), convWeightGradient(s), convInputGradient(s))
  }
  for (const [ci, co, w, k, stride] of [
    [64, 128, 8, 3, 2],
    [256, 256, 4, 3, 1],
    [256, 512, 2, 3, 2],
    [512, 512, 7, 3, 1],
    [128, 128, 28, 1, 1],
    [3, 64, 112, 7, 2],
  ]) {
    const s = { images: k === 7 ? 1 : 8, ci, co, oh: w, ow: w, kh: k, kw: k, stride }
    list.push(conv(s), convWeightGradient(s))
  }
  list.push(matmul({ batch: 64, m: 128, n: 128, k: 32, tb: true }), matmul({ batch: 64, m: 128, n: 32, k: 128 }))
  list.push(
    matmul({ m: 2048, n: 512, k: 128, tb: true }),
    matmul({ m: 2048, n: 128, k: 512 }),
    matmul({ m: 512, n: 128, k: 2048, ta: true }),
  )
  return list
}

interface Ready {
  readonly check: () => number
  readonly run: () => void
  readonly free: () => void
  readonly bytes: number
}

function prepare(target: Target, c: Contraction, lowered: Lowered): Ready {
  const blocks = [64, ...c.buffers.map((b) => b.size * 4), ...lowered.scratch]
  const slots = blocks.map((bytes) => target.allocate(Math.max(64, bytes)))
  for (let i = 1; i <= 2; i++) {
    const view = target.view(slots[i], blocks[i])
    const floats = new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4)
    for (let j = 0; j < floats.length; j++) floats[j] = Math.random() - 0.5
  }
  target.view(slots[0], 64).fill(0)
  const plan = target.load({
    programs: lowered.calls.map((x) => x.program),
    segments: [stepsOf(c, lowered)],
    slots: slots.length,
  })
  const floats = (i: number): Float32Array => {
    const view = target.view(slots[1 + i], c.buffers[i].size * 4)
    return new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4)
  }
  return {
    check: () => worst(c, floats(0), floats(1), floats(2)),
    run: () => plan.run(0, slots),
    bytes: plan.codeBytes,
    free: () => {
      plan.unload()
      for (const s of slots) target.free(s)
    },
  }
}

/** Greatest error relative to 1e-5 · Σ|ab| at a few random places. */
function worst(c: Contraction, a: Float32Array, b: Float32Array, out: Float32Array): number {
  let most = 0
  const free = c.dims.filter((d) => d.role !== 'k')
  const summed = c.dims.filter((d) => d.role === 'k')
  for (let n = 0; n < 100; n++) {
    const at = new Map(free.map((d) => [d.v, n === 0 ? d.v.extent - 1 : Math.floor(Math.random() * d.v.extent)]))
    const from = (key: 'a' | 'b'): number => c[key].offset + free.reduce((s, d) => s + d[key] * (at.get(d.v) ?? 0), 0)
    let [sum, size] = [0, 0]
    const walk = (i: number, p: number, q: number): void => {
      if (i === summed.length) {
        sum += a[p] * b[q]
        size += Math.abs(a[p] * b[q])
        return
      }
      for (let k = 0; k < summed[i].v.extent; k++) walk(i + 1, p + k * summed[i].a, q + k * summed[i].b)
    }
    walk(0, from('a'), from('b'))
    most = Math.max(most, Math.abs(sum - out[evaluateIndex(c.stores[0].index, at)]) / (1e-5 * size))
  }
  return most
}

/** Best time of a run, in seconds. */
function time(run: () => void): number {
  const now = (): number => performance.now() / 1000
  const warm = now()
  while (now() - warm < 0.1) run()
  let t = now()
  run()
  const inner = Math.max(1, Math.ceil(2e-4 / (now() - t)))
  let best = Number.POSITIVE_INFINITY
  const start = now()
  for (let n = 0; n < 3 || now() - start < seconds; n++) {
    t = now()
    for (let i = 0; i < inner; i++) run()
    best = Math.min(best, (now() - t) / inner)
  }
  return best
}

function makeTarget(name: string, threads: number): Target & { close(): void } {
  return name === 'wasm' ? createWasmTargetSync({ threads }) : createX64Target({ threads, isa: name as Isa })
}

const targets = option('--threads', '1,2')
  .split(',')
  .map((n) => makeTarget(option('--target', 'wasm'), Number(n)))
console.log(`${process.version} fused ${targets[0].machine.fused}`)
for (const c of cases()) {
  if (!c.name.includes(only)) continue
  const began = performance.now()
  const lowered = lowerContraction(c, targets[0].machine)
  const lowering = performance.now() - began
  const flops = 2 * c.dims.reduce((n, d) => n * d.v.extent, 1)
  const line = targets.map((target) => {
    const ready = prepare(target, c, lowered)
    const s = time(ready.run)
    const error = ready.check()
    if (!(error < 1)) console.log(`WRONG: ${c.name} is off by ${error}`)
    ready.free()
    return `${(flops / s / 1e9).toFixed(1).padStart(6)}`
  })
  const how = lowered.calls.map((x) => x.program.name.replace(c.name, '')).join(' ')
  console.log(`${c.name.padEnd(34)} ${line.join(' ')}  ${lowering.toFixed(1)} ms  ${how}`)
}
for (const t of targets) t.close()
