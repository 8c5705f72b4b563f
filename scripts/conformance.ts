/**
 * @file Builds a checklist from the tables that define Glia: every primitive with its samples, its gradient checks, its
 * PyTorch cases, and the largest deviation of each target from the interpreter; then every public item with its cases and
 * the largest deviation of each device from the oracle. Fails on a primitive or item without a check.
 *
 * Usage: npm run conformance [-- --out docs/conformance.md]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isFloat } from '../src/core/dtype.ts'
import type { Primitive } from '../src/graph/node.ts'
import { ops } from '../src/graph/ops.ts'
import { createDeviceSync } from '../src/plan/create.ts'
import type { Device } from '../src/plan/device.ts'
import type { Sample } from '../test/graph/samples/sample.ts'
import { build, primitives, samples } from '../test/graph/samples.ts'
import { variants } from '../test/support/devices.ts'
import { itemsTable } from './conformance-items.ts'

const { values } = parseArgs({ options: { out: { type: 'string' } } })
const fixtures = JSON.parse(
  readFileSync(new URL('../test/fixtures/primitives.json', import.meta.url), 'utf8'),
) as readonly { readonly op: string }[]
const targets = variants.filter(([name]) => name.includes('thread'))
const interp = createDeviceSync('interp')

function results(device: Device, sample: Sample): ArrayLike<number>[] {
  const inputs = sample.inputs.map((x) => ops.data(x.data.slice(), x.shape, x.dtype))
  const nodes = build(sample, inputs).filter((n) => isFloat(n.dtype))
  device.realise(nodes)
  return nodes.map((n) => n.as('data').values)
}

/** Largest |a − b| / (1 + |b|) over finite elements. */
function deviation(got: readonly ArrayLike<number>[], want: readonly ArrayLike<number>[]): number {
  let worst = 0
  want.forEach((w, k) => {
    for (let i = 0; i < w.length; i++) {
      if (!Number.isFinite(w[i]) || !Number.isFinite(got[k][i])) continue
      worst = Math.max(worst, Math.abs(got[k][i] - w[i]) / (1 + Math.abs(w[i])))
    }
  })
  return worst
}

const count = (op: Primitive, of: (s: Sample) => boolean): number => samples[op].filter(of).length
const problems: string[] = []
const rows = primitives.map((op) => {
  const first = count(op, (s) => s.differentiable.length > 0)
  const second = count(op, (s) => s.second && s.differentiable.length > 0)
  const torch = fixtures.filter((f) => f.op === op).length
  if (samples[op].length === 0) problems.push(`${op} has no samples`)
  const worst = targets.map(([name, device]) => {
    let d = 0
    for (const s of samples[op]) {
      try {
        d = Math.max(d, deviation(results(device, s), results(interp, s)))
      } catch (error) {
        problems.push(`${op} on ${name}: ${error}`)
      }
    }
    return d
  })
  const shown = worst.map((d) => (d === 0 ? '0' : d.toExponential(1)))
  return `| ${op} | ${samples[op].length} | ${first} | ${second} | ${torch} | ${shown.join(' | ')} |`
})

const table = await itemsTable()
problems.push(...table.problems)

const text = [
  '# Conformance',
  '',
  '## Primitives',
  '',
  'Made by `npm run conformance` from the tables that define the primitives. Samples: argument combinations of',
  '`test/graph/samples`; gradients: samples whose first (second) derivatives are compared with finite differences in',
  'float64; PyTorch: cases of `test/fixtures/primitives.json`, values and gradients; then the largest deviation of float',
  'results from the interpreter, |a − b| / (1 + |b|).',
  '',
  `| primitive | samples | gradients | second | PyTorch | ${targets.map(([name]) => name).join(' | ')} |`,
  `|---|---|---|---|---|${targets.map(() => '---|').join('')}`,
  ...rows,
  '',
  '## Public items',
  '',
  'Every public item has cases in `test/conformance` ([how](../test/conformance/README.md)): argument combinations whose',
  'values and gradients, and where said second derivatives, are compared with PyTorch in float64 or with a formula',
  'composed of single operations; then the largest deviation of each device from that, |a − b| / (1 + |b|).',
  '',
  ...table.lines,
  '',
].join('\n')
if (values.out) writeFileSync(values.out, text)
else console.log(text)
for (const p of problems) console.error(p)
console.log(`${primitives.length} primitives, ${table.items} public items, ${problems.length} problems`)
process.exit(problems.length > 0 ? 1 : 0)
