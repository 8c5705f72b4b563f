/** @file `glia bench`: how long steps take here. */

import type { Device } from '../plan/device.ts'
import { recipes } from '../recipes/index.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { type Compiled, compile } from '../tensor/compile.ts'
import { manualSeed, rand } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type DeviceChoice, describe, useDevice } from './device.ts'
import { UsageError } from './failure.ts'
import { profileTable } from './profile.ts'
import { type TimedStep, timed, trainingStep } from './step.ts'
import { list } from './values.ts'

export interface BenchOptions extends DeviceChoice {
  readonly seconds?: number
  readonly profile?: boolean
  readonly json?: boolean
}

interface Workload {
  readonly name: string
  readonly description: string
  readonly make: (device: Device) => TimedStep | Promise<TimedStep>
}

/** Times the workloads named, or all, and prints a line for each. */
export async function bench(names: readonly string[], options: BenchOptions): Promise<void> {
  const all = [...Object.values(recipes).map(trainingOf), product(256), product(1024), chain()]
  const chosen = names.length === 0 ? all : names.map((name) => workloadNamed(all, name))
  const device = await useDevice(options)
  if (!options.json) console.log(`On ${describe(device)}; medians:`)
  for (const { name, description, make } of chosen) {
    manualSeed(0)
    const begin = performance.now()
    const step = await make(device)
    step.run()
    const start = performance.now() - begin
    const { median, best, runs } = time(step, options.seconds ?? 2)
    const kernels = options.profile ? step.profile() : []
    if (options.json) {
      const times = { ms: median, best_ms: best, runs, start_ms: start }
      const line = { workload: name, target: device.name, threads: device.threads, ...times }
      console.log(JSON.stringify(options.profile ? { ...line, kernels } : line))
      continue
    }
    const figures = `${shown(median)} ms, fastest ${shown(best)} of ${runs}, first after ${shown(start)}`
    console.log(`  ${name.padEnd(12)}  ${figures}  (${description})`)
    if (!options.profile) continue
    const table = kernels.length > 0 ? profileTable(kernels) : `${device.name} has no kernels to time`
    console.log(table.replace(/^/gm, '    '))
  }
}

function workloadNamed(all: readonly Workload[], name: string): Workload {
  const found = all.find((w) => w.name === name)
  if (found) return found
  throw new UsageError(`There is no workload ${JSON.stringify(name)}; known are ${list(all.map((w) => w.name))}.`)
}

function trainingOf(recipe: Recipe): Workload {
  const { batchSize, lr } = recipe.defaults
  const make = async (device: Device): Promise<TimedStep> => {
    const { train } = await recipe.data({ train: batchSize, test: 1 })
    return trainingStep(recipe, recipe.build(train), train, { batch: batchSize, lr }, device)
  }
  return { name: recipe.name, description: `training step, batch ${batchSize}`, make }
}

function product(n: number): Workload {
  const make = (device: Device): TimedStep => {
    const step = compile((a: Tensor, b: Tensor) => a.matmul(b)) as Compiled<readonly Tensor[], Tensor>
    return timed(step, [rand([n, n], { device }), rand([n, n], { device })])
  }
  return { name: `matmul-${n}`, description: `product of two ${n} × ${n} matrices`, make }
}

function chain(): Workload {
  const make = (device: Device): TimedStep => {
    const formula = (a: Tensor, b: Tensor): Tensor => a.mul(b).add(a).tanh().mul(b.sub(a).sigmoid()).sum()
    const inputs = [rand([1024, 1024], { device }), rand([1024, 1024], { device })]
    return timed(compile(formula) as Compiled<readonly Tensor[], Tensor>, inputs)
  }
  return { name: 'elementwise', description: 'Σ tanh(a·b + a) · σ(b − a) over 1024 × 1024 elements', make }
}

/** Four steps to warm up; then at least five, for so many seconds, 5000 at most. */
function time(step: TimedStep, seconds: number): { median: number; best: number; runs: number } {
  for (let i = 0; i < 4; i++) step.run()
  const times: number[] = []
  const end = performance.now() + seconds * 1e3
  while (times.length < 5 || (performance.now() < end && times.length < 5000)) {
    const start = performance.now()
    step.run()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1], best: times[0], runs: times.length }
}

/** Three digits. */
function shown(ms: number): string {
  return ms < 100 ? ms.toPrecision(3) : ms.toFixed(0)
}
