/**
 * @file Times Glia's workloads in this process and prints one JSON line for each, as the peers do.
 *
 * Usage: tsx bench/glia.ts [--only a,b] [--target wasm] [--threads 2] [--seconds 4] [--relaxed true|false]
 */
import { parseArgs } from 'node:util'
import { createDevice, setDefaultDevice, type TargetName } from '../src/index.ts'
import { enableV8Flags } from '../src/targets/wasm/index.ts'
import { make, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    target: { type: 'string', default: 'wasm' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '4' },
    relaxed: { type: 'string', default: 'true' },
    explain: { type: 'boolean', default: false },
  },
})

if (values.relaxed !== 'false') await enableV8Flags()
const threads = Number(values.threads)
setDefaultDevice(await createDevice(values.target as TargetName, { threads }))
const only = values.only.split(',').filter((n) => n !== '')
const round = (x: number): number => Math.round(x * 1e4) / 1e4

for (const workload of Object.keys(workloads)) {
  if (only.length > 0 && !only.includes(workload)) continue
  const peer = `glia ${values.target}${values.relaxed === 'false' ? ' plain' : ''}`
  try {
    const t0 = performance.now()
    const { step, params, flops } = make(workload)
    const first = step()
    const start = performance.now() - t0
    for (let i = 0; i < 4; i++) step()
    const times: number[] = []
    const end = performance.now() + Number(values.seconds) * 1e3
    let last = 0
    while (times.length < 5 || (performance.now() < end && times.length < 2000)) {
      const t = performance.now()
      last = step()
      times.push(performance.now() - t)
    }
    times.sort((a, b) => a - b)
    const ms = times[times.length >> 1]
    const gflops = flops > 0 ? { gflops: round(flops / ms / 1e6) } : {}
    const line = {
      workload,
      peer,
      threads,
      ms: round(ms),
      best_ms: round(times[0]),
      runs: times.length,
      params,
      ...gflops,
      start_ms: round(start),
      first,
      last,
    }
    console.log(JSON.stringify(line))
  } catch (error) {
    console.log(
      JSON.stringify({
        workload,
        peer,
        threads,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
  }
}
process.exit(0)
