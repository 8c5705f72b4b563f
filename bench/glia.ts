/**
 * @file Runs Glia's workloads in this process and prints one JSON line for each, as the peers do.
 *
 * Usage: tsx bench/glia.ts [--only a,b] [--target wasm] [--threads 2] [--seconds 4] [--relaxed true|false]
 *        tsx bench/glia.ts --check FOLDER      compares with the files that check.py wrote instead
 *        tsx bench/glia.ts --profile           lists the kernels that take longest instead
 *        tsx bench/glia.ts --memory            measures peak memory instead
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDevice, enableV8Flags, setDefaultDevice, type TargetName } from '../src/index.ts'
import { check } from './check.ts'
import { peakMemory } from './memory.ts'
import { profile } from './profile.ts'
import { time } from './time.ts'
import { make, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    target: { type: 'string', default: 'wasm' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '4' },
    relaxed: { type: 'string', default: 'true' },
    check: { type: 'string' },
    profile: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
  },
})

const target = values.relaxed === 'false' ? `${values.target} plain` : values.target
if (values.relaxed !== 'false') enableV8Flags()
const threads = Number(values.threads)
setDefaultDevice(await createDevice(values.target as TargetName, { threads }))

/** What is to be said of a workload, null to pass over it. */
function report(name: string): object | null {
  if (values.memory) return peakMemory(() => make(name))
  if (values.check !== undefined) {
    const file = join(values.check, `${name}.safetensors`)
    return existsSync(file) ? check(make(name), readFileSync(file)) : null
  }
  if (values.profile) {
    console.log(profile(name, make(name)))
    return null
  }
  return time(() => make(name), Number(values.seconds))
}

const only = values.only.split(',').filter((n) => n !== '')
for (const workload of Object.keys(workloads)) {
  if (only.length > 0 && !only.includes(workload)) continue
  const line = { workload, peer: `glia ${target}`, threads }
  try {
    const result = report(workload)
    if (result) console.log(JSON.stringify({ ...line, ...result }))
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    console.log(JSON.stringify({ ...line, error: text }))
  }
}
process.exit(0)
