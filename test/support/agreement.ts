/** @file Starts processes that compare devices with the interpreter, and hears what they find, crashes included. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Kind } from '../plan/agree.ts'

export interface DeviceSpec {
  readonly target: 'avx512' | 'avx2' | 'wasm'
  readonly threads: number
  /** Every value in pages of its own that begin (`before`) or end (`after`) at pages that cannot be touched. x64 only. */
  readonly guard?: 'before' | 'after'
  readonly fuse?: boolean
}

export interface Work {
  readonly devices: readonly DeviceSpec[]
  /** Whether the samples of all primitives are compared. */
  readonly samples: boolean
  readonly kinds: readonly Kind[]
  /** Of every kind of random computation: the seed of the first, and how many. */
  readonly first: number
  readonly count: number
}

/** A line of the process's output. */
export type Message =
  | { readonly begins: string }
  | { readonly failed: string; readonly reason: string }
  | { readonly done: number }

export interface Failure {
  /** Device, and sample, or kind and seed. */
  readonly what: string
  readonly reason: string
}

export interface Findings {
  readonly failures: readonly Failure[]
  /** Comparisons begun. */
  readonly comparisons: number
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const child = fileURLToPath(new URL('./agreement-child.ts', import.meta.url))

/**
 * Runs the comparisons in a process. One that ends before it is done is a failure of what it was computing. A test of
 * this very function gives another script.
 */
export function compareInProcess(work: Work, script: string = child): Promise<Findings> {
  return new Promise((resolve) => {
    const failures: Failure[] = []
    let comparisons = 0
    let current = 'start'
    let done = false
    let rest = ''
    let errors = ''
    const hear = (line: string): void => {
      const message = JSON.parse(line) as Message
      if ('begins' in message) {
        current = message.begins
        comparisons++
      } else if ('failed' in message) failures.push({ what: message.failed, reason: message.reason })
      else done = true
    }
    const args = ['--import', 'tsx', script, JSON.stringify(work)]
    const started = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    started.stdout.on('data', (data) => {
      const lines = `${rest}${data}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) hear(line)
    })
    started.stderr.on('data', (data) => {
      errors = `${errors}${data}`.slice(-4000)
    })
    started.on('close', (code, signal) => {
      if (!done) failures.push({ what: current, reason: `the process ended: ${signal ?? code}. ${errors}`.trim() })
      resolve({ failures, comparisons })
    })
  })
}
