/** @file How failures are told: one sentence on standard error, and an exit status. */

import { GliaError } from '../core/errors.ts'

/** The command was called in a wrong way: exit status 2. */
export class UsageError extends GliaError {
  override name = 'UsageError'
}

/** The user ended the command: exit status 128 + the signal's number. */
export class Interrupted extends GliaError {
  override name = 'Interrupted'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** Tells the person at the terminal; returns the exit status. */
export function reportFailure(error: unknown, debug: boolean): number {
  if (error instanceof HelpShown) return 0
  if (debug) console.error(error)
  else console.error(sentence(error))
  if (error instanceof Interrupted) return error.status
  return error instanceof UsageError ? 2 : 1
}

/** Help or the version was asked for and printed. */
export class HelpShown extends Error {}

function sentence(error: unknown): string {
  if (error instanceof GliaError) return `glia: ${error.message}`
  const what = error instanceof Error ? error.message : String(error)
  return `glia: Something went wrong inside Glia (${what.split('\n')[0]}); --debug shows where.`
}

/** Tells on standard error, whatever the output's form, of something that ends nothing. */
export function warn(message: string): void {
  process.stderr.write(`glia: ${message}\n`)
}
