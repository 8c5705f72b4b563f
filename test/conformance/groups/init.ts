/** @file Initialisers of `glia/nn`: exact values, or how random ones are distributed. */
import { Generator, type Tensor } from '../../../src/index.ts'
import { init } from '../../../src/nn/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import { type Case, type Check, type Comparison, close, type Group } from '../harness.ts'

interface InitCase extends Case {
  readonly shape?: readonly number[]
  /** What is compared: the distribution (default), all values, the products of rows, or the zeros of each column. */
  readonly what?: 'distribution' | 'exact' | 'gram' | 'zeros'
}

type Maker = (...args: readonly unknown[]) => unknown

const table = init as unknown as Readonly<Record<string, Maker>>
const others = ['initialise', 'initialiser', 'initialisers']
/** Initialisers themselves, where the others make one. */
const direct = [
  ...['kaimingUniformDefault', 'glorotUniform', 'glorotNormal', 'heUniform', 'heNormal', 'lecunUniform', 'lecunNormal'],
  ...['orthogonal', 'identity', 'zeros', 'ones'],
]

function described(w: Tensor, what: string): number[] {
  if (what === 'exact') return [...w.dataSync()]
  if (what === 'zeros') return [...w.eq(0).int().sum(0).dataSync()]
  if (what === 'gram') {
    const m = w.flatten(1)
    return [...(m.shape[0] <= m.shape[1] ? m.matmul(m.T) : m.T.matmul(m)).dataSync()]
  }
  const sorted = Float64Array.from(w.dataSync()).sort()
  const n = sorted.length
  const mean = sorted.reduce((a, b) => a + b, 0) / n
  const std = Math.sqrt(sorted.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1))
  return [mean, std, ...[0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99].map((q) => sorted[Math.round(q * (n - 1))])]
}

function run({ item, case: c, expected }: Check, device: Device): Comparison[] {
  const { shape = [60, 50, 3], what = 'distribution' } = c as InitCase
  const wanted = (expected?.outputs[0].data ?? []).map(Number)
  const args = [...(c.args ?? []), ...(c.options ? [c.options] : [])]
  if (item === 'gain') return [close('gain', [init.gain(...(args as Parameters<typeof init.gain>))], wanted)]
  if (item === 'fans') return [close('fans', Object.values(init.fans(shape)), wanted)]
  const initialiser = (direct.includes(item) ? table[item] : table[item](...args)) as init.Initialiser
  const found = described(initialiser(shape, { device, generator: new Generator(3) }), what)
  if (what !== 'distribution') return [close(what, found, wanted)]
  // In standard deviations: two samples of thousands differ by a few hundredths.
  const unit = wanted[1]
  const scaled = (values: readonly number[]): number[] => values.map((v) => v / unit)
  return [close('mean, deviation and quantiles', scaled(found), scaled(wanted), c.tolerance ?? 0.05)]
}

export const group: Group = {
  name: 'init',
  module: 'glia/nn init',
  items: () => Object.keys(table).filter((name) => !others.includes(name)),
  run,
}
