/**
 * @file Compares random computations on the compiled targets with the interpreter: graphs of small operations, compiled
 * steps that overwrite cells, and large products with their gradients. It runs them in processes that are renewed every few
 * hundred, so that a crash costs no more than what it was computing.
 *
 * Usage: npm run fuzz -- [--count 2000] [--targets avx512,avx2,wasm] [--seed 0] [--threads 2] [--guard before|after]
 *                        [--no-fuse] [--kinds graph,step,product] [--batch 200]
 */
import { parseArgs } from 'node:util'
import { kinds } from '../test/plan/agree.ts'
import { compareInProcess, type DeviceSpec, type Failure } from '../test/support/agreement.ts'
import { compiledTargets } from '../test/support/devices.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    targets: { type: 'string', default: compiledTargets.join(',') },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    threads: { type: 'string', default: '2' },
    batch: { type: 'string', default: '200' },
    kinds: { type: 'string', default: Object.keys(kinds).join(',') },
    guard: { type: 'string' },
    'no-fuse': { type: 'boolean', default: false },
  },
})

function refuse(text: string): never {
  console.error(text)
  process.exit(2)
}

function whole(name: 'count' | 'seed' | 'threads' | 'batch', least: number): number {
  const n = Number(values[name])
  if (!Number.isSafeInteger(n) || n < least) refuse(`--${name} must be a whole number of at least ${least}.`)
  return n
}

const [count, first, threads, batch] = [whole('count', 1), whole('seed', 0), whole('threads', 1), whole('batch', 1)]
const { guard } = values
if (guard !== undefined && guard !== 'before' && guard !== 'after') refuse('--guard must be before or after.')
const devices = values.targets.split(',').map((name): DeviceSpec => {
  const target = (['avx512', 'avx2', 'wasm'] as const).find((t) => t === name)
  if (target === undefined || !compiledTargets.includes(target)) {
    refuse(`--targets: ${JSON.stringify(name)} is none of those that run here: ${compiledTargets.join(', ')}.`)
  }
  if (guard !== undefined && target === 'wasm') refuse('--guard goes with --targets avx512,avx2 only.')
  return { target, threads, ...(guard === undefined ? {} : { guard }), ...(values['no-fuse'] ? { fuse: false } : {}) }
})

const chosen = values.kinds.split(',').map((name) => {
  const kind = (Object.keys(kinds) as (keyof typeof kinds)[]).find((k) => k === name)
  if (kind === undefined) refuse(`--kinds: ${JSON.stringify(name)} is none of ${Object.keys(kinds).join(', ')}.`)
  return kind
})

function time(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}

function tell({ what, reason }: Failure): void {
  const [, kind, seed] = /: (\w+) (\d+)$/.exec(what) ?? []
  console.log(`FAILED ${what}: ${reason}`)
  if (seed !== undefined) {
    const flags = [
      ...(guard === undefined ? [] : [`--guard ${guard}`]),
      ...(values['no-fuse'] ? ['--no-fuse'] : []),
    ].join(' ')
    const again = `npm run fuzz -- --targets ${what.split(' ', 1)[0]} --threads ${threads} --kinds ${kind} --seed ${seed} --count 1`
    console.log(`  again: ${`${again} ${flags}`.trim()}`)
  }
}

console.log(`${count} seeds from ${first}, of each ${values.kinds}, on ${values.targets}, ${threads} threads`)
const start = performance.now()
let failed = 0
for (let done = 0; done < count; ) {
  const size = Math.min(batch, count - done)
  const { failures } = await compareInProcess({
    devices,
    samples: false,
    kinds: chosen,
    first: first + done,
    count: size,
  })
  for (const failure of failures) tell(failure)
  failed += failures.length
  // Seeds after one that ended the process were not compared: go on behind it.
  const crash = failures.find((f) => f.reason.startsWith('the process ended'))
  const reached = Number(/: \w+ (\d+)$/.exec(crash?.what ?? '')?.[1] ?? Number.NaN)
  if (crash !== undefined && Number.isNaN(reached)) refuse('The process does not even start.')
  done = crash === undefined ? done + size : reached + 1 - first
  const seconds = (performance.now() - start) / 1e3
  const left = ((count - done) * seconds) / done
  console.log(`${done} of ${count}, ${failed} failed, ${(done / seconds).toFixed(1)} a second, ${time(left)} left`)
}
console.log(`${count} seeds from ${first}: ${failed === 0 ? 'all agree' : `${failed} failures`}`)
process.exit(failed > 0 ? 1 : 0)
