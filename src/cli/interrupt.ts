/** @file Ctrl-C: the first one ends the work in good order, the second one at once. */

import { constants } from 'node:os'
import { Interrupted } from './failure.ts'

export interface Interruption {
  readonly signal: AbortSignal
  /** What to throw once everything is in order. */
  error(message: string): Interrupted
  /** `work`, or this error as soon as the user ends it; for work that cannot be ended in good order. */
  race<T>(work: Promise<T>, message: string): Promise<T>
  /** From now on signals end the process as usual. */
  release(): void
}

/** Listens to SIGINT and SIGTERM. */
export function onInterrupt(): Interruption {
  const controller = new AbortController()
  let status = 128 + constants.signals.SIGINT
  const listen = (name: NodeJS.Signals): void => {
    status = 128 + constants.signals[name]
    if (controller.signal.aborted) process.exit(status)
    controller.abort()
  }
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.on(name, listen)
  const { signal } = controller
  const error = (message: string): Interrupted => new Interrupted(message, status)
  return {
    signal,
    error,
    race: (work, message) =>
      new Promise((resolve, reject) => {
        const end = (): void => reject(error(message))
        if (signal.aborted) end()
        signal.addEventListener('abort', end, { once: true })
        work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
      }),
    release: () => {
      for (const name of names) process.off(name, listen)
    },
  }
}
