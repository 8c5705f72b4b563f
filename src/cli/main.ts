#!/usr/bin/env node
/** @file The `glia` command. What a command needs is loaded when it runs, so that help comes at once. */

import { Interrupted, reportFailure } from './failure.ts'
import { makeProgram } from './program.ts'

// A reader that has seen enough (`glia recipes | head -1`) is no reason to fail.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const program = makeProgram()
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error, process.argv.includes('--debug'))
  // What the user ended does not have to come to its own end.
  if (error instanceof Interrupted) process.exit()
}
