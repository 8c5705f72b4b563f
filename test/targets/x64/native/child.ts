/** @file A process with threads of its own that ends, or breaks a rule, in the way its argument says. */
import { loadNative, Native } from '../../../../src/targets/x64/native/libc.ts'
import { NativeMemory } from '../../../../src/targets/x64/native/memory.ts'
import { NativePool } from '../../../../src/targets/x64/native/pool.ts'
import { countTogether, Field, read, work } from './segments.ts'

const { Worker, isMainThread, parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
const { readFileSync } = process.getBuiltinModule('node:fs')

const native = loadNative()
if (!(native instanceof Native)) throw new Error(native.reason)

const mode: string = isMainThread ? process.argv[2] : workerData
const ready = (then: () => void): void => void process.stdout.write('ready\n', then)
/** About 200 ms, and half a minute. */
const [SOME, MANY] = [500_000_000, 80_000_000_000]

function start(turns: number): { pool: NativePool; field: Field; busy: number } {
  const field = new Field()
  const pool = new NativePool(native as Native, 3)
  const together = field.load(countTogether(pool, 100))
  pool.run(together.address, field.table, false)
  if (field.count(2) !== 100) throw new Error('the threads did not count')
  return { pool, field, busy: field.load(work(turns)).address }
}

function status(name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

/** A worker of this file in a mode, once it has said something. */
function worker(inner: string): Promise<InstanceType<typeof Worker>> {
  return new Promise((resolve, fail) => {
    const w = new Worker(new URL(import.meta.url), { workerData: inner })
    w.once('message', () => resolve(w))
    w.once('error', fail)
  })
}

const modes: Record<string, () => unknown> = {
  natural: () => {
    start(1)
    ready(() => undefined)
  },
  exit: () => {
    start(1)
    ready(() => setTimeout(() => process.exit(3), 20))
  },
  'exit-async': () => {
    const { pool, field, busy } = start(SOME)
    void pool.runAsync(busy, field.table, false)
    ready(() => setTimeout(() => process.exit(3), 20))
  },
  throw: () => {
    start(1)
    ready(() => {
      throw new Error('on purpose')
    })
  },
  parked: () => {
    start(1)
    ready(() => setInterval(() => undefined, 1000))
  },
  running: () => {
    const { pool, field, busy } = start(MANY)
    ready(() => pool.run(busy, field.table, false))
  },
  /** Two workers with a pool each, at once, that end by themselves. */
  workers: async () => {
    const ended = [0, 1].map(async () => {
      const w = await worker('in-both')
      await new Promise<void>((resolve, fail) => {
        w.on('exit', (code) => (code === 0 ? resolve() : fail(new Error(`exit ${code}`))))
      })
    })
    await Promise.all(ended)
    ready(() => undefined)
  },
  'in-both': () => {
    const { pool, field } = start(1)
    const together = field.load(countTogether(pool, 1000))
    for (let i = 0; i < 20; i++) pool.run(together.address, field.table, false)
    if ([0, 1, 2].some((t) => field.count(t) !== 20_100 || field.errors(t) !== 0)) throw new Error('lost counts')
    parentPort?.postMessage('done')
  },
  terminate: () => terminate('in-parked'),
  'terminate-running': () => terminate('in-running'),
  'terminate-async': () => terminate('in-async'),
  'in-parked': () => {
    start(1)
    parentPort?.postMessage('parked')
    setInterval(() => undefined, 1000)
  },
  'in-running': () => {
    const { pool, field, busy } = start(SOME)
    parentPort?.postMessage('running')
    for (;;) pool.run(busy, field.table, false)
  },
  'in-async': () => {
    const { pool, field, busy } = start(SOME)
    void pool.runAsync(busy, field.table, false)
    void pool.runAsync(busy, field.table, false)
    parentPort?.postMessage('running')
  },
  /** Workers with threads and 32 MiB each are terminated; what remains of both is printed. */
  leak: async () => {
    const first = await worker('in-large')
    await first.terminate()
    const [threads, size] = [status('Threads'), status('VmSize')]
    for (let i = 0; i < 10; i++) await (await worker('in-large')).terminate()
    // The last thread has ended before the system counts it out.
    await new Promise((resolve) => setTimeout(resolve, 100))
    console.log(`${status('Threads') - threads} threads, ${Math.round((status('VmSize') - size) / 1024)} MiB`)
    ready(() => undefined)
  },
  'in-large': () => {
    const { field } = start(1)
    field.memory.view(field.memory.allocate(32 << 20), 32 << 20).fill(1)
    parentPort?.postMessage('full')
    setInterval(() => undefined, 1000)
  },
  'guard-none': () => touch('after', 996),
  'guard-after': () => touch('after', 1000),
  'guard-before': () => touch('before', -1),
  'guard-freed': () => touch('before', 0, true),
}

async function terminate(inner: string): Promise<void> {
  const w = await worker(inner)
  await new Promise((resolve) => setTimeout(resolve, 50))
  ready(() => void w.terminate().then(() => console.log(`code ${process.exitCode ?? 0}`)))
}

/** Reads a byte that lies `offset` after the start of a block of 1000. */
function touch(guard: 'after' | 'before', offset: number, freed = false): void {
  const memory = new NativeMemory(native as Native, { guard })
  const address = memory.allocate(1000)
  memory.view(address, 1000).fill(7)
  if (freed) memory.free(address)
  ready(() => {
    if ((native as Native).call((native as Native).load(read().finish()).address, address + offset) === 7) {
      console.log('got it')
    }
  })
}

await modes[mode]()
