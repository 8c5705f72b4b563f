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

/** A worker of this file in a mode. */
class Inner {
  readonly worker: InstanceType<typeof Worker>
  /** When it has said something. */
  readonly speaks: Promise<void>
  /** Its exit code, when it has ended. */
  readonly ends: Promise<number>

  constructor(inner: string) {
    const worker = new Worker(new URL(import.meta.url), { workerData: inner })
    this.worker = worker
    this.speaks = new Promise((resolve, fail) => {
      worker.once('message', () => resolve())
      worker.once('error', fail)
    })
    this.ends = new Promise((resolve) => worker.once('exit', resolve))
  }
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
    const inner = [0, 1].map(() => new Inner('in-both'))
    await Promise.all(inner.map(({ speaks }) => speaks))
    const codes = await Promise.all(inner.map(({ ends }) => ends))
    if (codes.some((code) => code !== 0)) throw new Error(`exit ${codes}`)
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
    const round = async (): Promise<void> => {
      const inner = new Inner('in-large')
      await inner.speaks
      await inner.worker.terminate()
    }
    await round()
    const [threads, size] = [status('Threads'), status('VmSize')]
    for (let i = 0; i < 10; i++) await round()
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
  const { worker, speaks } = new Inner(inner)
  await speaks
  await new Promise((resolve) => setTimeout(resolve, 50))
  ready(() => void worker.terminate().then(() => console.log('ended')))
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
