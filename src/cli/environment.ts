/** @file What a run was computed with, beside what it was told: for its record. */

import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Device } from '../plan/device.ts'
import { version } from './program.ts'

/** The machine and the software of a run. */
export interface Environment {
  /** Version of Glia. */
  readonly glia: string
  /** Version of Node. */
  readonly node: string
  /** Name, release and architecture of the operating system. */
  readonly os: string
  /** Model of the processor. */
  readonly cpu: string
  /** Logical cores that the process may use. */
  readonly cores: number
  /** GiB of the machine. */
  readonly memory: number
  /** What computes, and on how many threads. */
  readonly target: string
  readonly threads: number
}

/** As it is now. */
export function environment({ name, threads }: Device): Environment {
  return {
    glia: version(),
    node: process.version,
    os: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: Number((totalmem() / 2 ** 30).toFixed(1)),
    target: name,
    threads,
  }
}
