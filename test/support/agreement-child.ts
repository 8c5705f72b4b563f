/**
 * @file A process that compares devices with the interpreter on samples of primitives and on random graphs. It says what it
 * is about to compute before it does, so that what ended the process is known. Its argument is a JSON of `Work`.
 */
import { writeSync } from 'node:fs'
import { CpuDevice } from '../../src/plan/cpu.ts'
import { createDeviceSync } from '../../src/plan/create.ts'
import type { Device } from '../../src/plan/device.ts'
import { createX64Target } from '../../src/targets/x64/index.ts'
import { compiled, realised, sampleDifference } from '../graph/run-sample.ts'
import { allSamples } from '../graph/samples.ts'
import { kinds } from '../plan/agree.ts'
import type { DeviceSpec, Message, Work } from './agreement.ts'

const say = (message: Message): void => void writeSync(1, `${JSON.stringify(message)}\n`)

function make({ target, threads, guard, fuse = true }: DeviceSpec): Device {
  if (guard === undefined) return createDeviceSync(target, { threads, fuse })
  if (target !== 'avx512' && target !== 'avx2') throw new Error(`there are no guards on ${target}`)
  return new CpuDevice(createX64Target({ isa: target, threads, guard }), { fuse, isolate: true })
}

/** Notes what a comparison finds, or throws, and that it begins and ends. */
function check(what: string, compare: () => string | null): void {
  say({ begins: what })
  let reason: string | null
  try {
    reason = compare()
  } catch (error) {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  if (reason !== null) say({ failed: what, reason })
}

const work = JSON.parse(process.argv[2]) as Work
const interp = createDeviceSync('interp')
const devices = work.devices.map((spec): [string, Device] => [Object.values(spec).join(' '), make(spec)])
if (work.samples) {
  for (const { op, sample } of allSamples()) {
    const want = realised(interp, sample)
    for (const [name, device] of devices) {
      for (const run of [realised, compiled]) {
        const what = `${name}: sample ${op} ${sample.note}, ${run.name}`
        check(what, () => sampleDifference(sample, want, run(device, sample)))
      }
    }
  }
}
for (let seed = work.first; seed < work.first + work.count; seed++) {
  for (const kind of work.kinds) {
    const { values, difference } = kinds[kind]
    const want = values(interp, seed)
    for (const [name, device] of devices) {
      check(`${name}: ${kind} ${seed}`, () => difference(want, values(device, seed)))
    }
  }
}
say({ done: work.count })
process.exit(0)
