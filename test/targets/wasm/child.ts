/** @file A process with worker threads that ends in the way its argument says. */
import { createWasmTargetSync } from '../../../src/targets/wasm/index.ts'
import { at, increment, perUnit, slotsOf } from './fixtures.ts'

const mode = process.argv[2]
const target = createWasmTargetSync({ threads: 2 })
if (target.threads !== 2) throw new Error('no threads')
const slots = slotsOf(target, 8)
const plan = target.load({
  programs: [
    increment(),
    perUnit(1, (b) => {
      b.loop({ imm: 0 }, { imm: 2 ** 30 }, 1, () => b.storeInt(0, 0, b.loadInt(0)))
    }),
  ],
  segments: [
    [{ op: 'kernel', program: 0, args: [at(1)], units: 8 }],
    [
      {
        op: 'loop',
        id: 0,
        length: 1000,
        reverse: false,
        body: [{ op: 'kernel', program: 1, args: [at(1)], units: 2 }],
      },
    ],
  ],
  slots: 2,
})
plan.run(0, slots)

const ready = (then: () => void): void => void process.stdout.write('ready\n', then)
if (mode === 'natural') ready(() => {})
if (mode === 'exit') ready(() => setTimeout(() => process.exit(3), 20))
if (mode === 'throw') {
  ready(() => {
    throw new Error('on purpose')
  })
}
if (mode === 'reject') ready(() => void Promise.reject(new Error('on purpose')))
if (mode === 'parked') ready(() => setInterval(() => {}, 1000))
if (mode === 'running') ready(() => plan.run(1, slots))
// Two more instances, each in a worker of its own, with threads of their own; the workers end while those are parked.
if (mode === 'in-worker') {
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  const ended = [0, 1].map(
    () =>
      new Promise<void>((resolve, fail) => {
        const worker = new Worker(new URL(import.meta.url), { argv: ['nested'] })
        worker.on('error', fail)
        worker.on('exit', (code) => (code === 0 ? resolve() : fail(new Error(`exit ${code}`))))
      }),
  )
  await Promise.all(ended)
  ready(() => {})
}
