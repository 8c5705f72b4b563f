/** @file Metrics of `glia/metrics`: one figure over several batches, also when it is joined from parts. */
import { setDefaultDevice, Tensor } from '../../../src/index.ts'
import * as metrics from '../../../src/metrics/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import { runFunction } from '../functions.ts'
import { type Case, type Check, type Comparison, close, type Group, type InputSpec, inputsOf } from '../harness.ts'

interface MetricCase extends Case {
  /** Arguments of `update`, batch by batch: input specifications, or what stands for itself. */
  readonly batches?: readonly (readonly unknown[])[]
}

type AnyMetric = metrics.StreamingMetric<readonly unknown[], unknown>
type Constructor = new (...args: readonly unknown[]) => AnyMetric

const table = metrics as unknown as Readonly<Record<string, unknown>>

const isMetric = (value: unknown): value is Constructor =>
  typeof value === 'function' && value.prototype instanceof metrics.StreamingMetric

const isSpec = (value: unknown): value is InputSpec => typeof value === 'object' && value !== null && 'shape' in value

function numbersOf(result: unknown): number[] {
  if (typeof result === 'number') return [result]
  if (result instanceof Map) return [...result.values()].flatMap(numbersOf)
  return Object.values(result as object).flatMap(numbersOf)
}

function read(value: unknown, seed: number, device: Device): unknown {
  if (!isSpec(value)) return value
  return inputsOf({ inputs: [{ seed, grad: false, ...value }] }, device).all[0]
}

function run(check: Check, device: Device): Comparison[] {
  setDefaultDevice(device)
  const { item, expected } = check
  const c = check.case as MetricCase
  if (item === 'ssim') return runFunction(check, device, metrics.ssim as never)
  const wanted = (expected?.outputs[0].data ?? []).map(Number)
  const batches = (c.batches ?? []).map((batch, b) => batch.map((value, k) => read(value, 10 * b + k, device)))
  if (item === 'editDistance') {
    const found = batches.map(([a, b]) => metrics.editDistance(a as string, b as string))
    return [close('distances', found, wanted)]
  }
  const Metric = table[item]
  if (!isMetric(Metric)) throw new Error(`glia/metrics has no ${item}`)
  const make = (): AnyMetric => new Metric(...(c.args ?? []), ...(c.options ? [c.options] : []))
  const [whole, left, right] = [make(), make(), make()]
  batches.forEach((batch, b) => {
    whole.update(...batch)
    ;(b % 2 === 0 ? left : right).update(...batch)
  })
  const alone = whole.compute()
  left.merge(right)
  whole.reset()
  // Numbers need no tensor: nested arrays are read alike.
  for (const batch of batches)
    whole.update(...batch.map((v) => (v instanceof Tensor && !keepsTensors(item) ? v.arraySync() : v)))
  return [
    close('figure', numbersOf(alone), wanted, c.tolerance),
    close('figure joined from two', numbersOf(left.compute()), wanted, c.tolerance),
    close('figure after a reset', numbersOf(whole.compute()), wanted, c.tolerance),
  ]
}

const keepsTensors = (item: string): boolean => item === 'Ssim' || item === 'FrechetDistance'

export const group: Group = {
  name: 'metrics',
  module: 'glia/metrics',
  items: () => [...Object.keys(table).filter((name) => isMetric(table[name])), 'editDistance', 'ssim'],
  run,
}
