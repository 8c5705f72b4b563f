/** @file What options may be, checked where they are read. */

import type { TargetName } from '../plan/create.ts'
import { UsageError } from './failure.ts'

/** Targets of this build; written out here, since `glia --help` loads no framework. */
export const TARGETS = ['auto', 'avx512', 'avx2', 'wasm', 'interp'] as const satisfies readonly TargetName[]
/** Targets that are known but not built in. */
export const MISSING_TARGETS = ['webgpu'] as const

export type Target = (typeof TARGETS)[number]

/** A whole number from `least` to `most`. */
export function whole(option: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`
      throw new UsageError(`${option} must be a whole number ${range}; received ${JSON.stringify(text)}.`)
    }
    return value
  }
}

/** A number greater than 0. */
export function positive(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !(value > 0) || !Number.isFinite(value)) {
      throw new UsageError(`${option} must be a number greater than 0; received ${JSON.stringify(text)}.`)
    }
    return value
  }
}

export function target(text: string): Target {
  const known = TARGETS.find((name) => name === text)
  if (known) return known
  if (MISSING_TARGETS.some((name) => name === text)) {
    throw new UsageError(`This build has no target ${text}; it has ${list(TARGETS)}.`)
  }
  throw new UsageError(`--target must be one of ${list(TARGETS)}; received ${JSON.stringify(text)}.`)
}

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
