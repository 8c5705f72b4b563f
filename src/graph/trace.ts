/**
 * @file What is being traced now. `compile` and `loop` run a user's function once to record its graph; meanwhile cells
 * are read and written through the trace, and whatever the recorded graph depends on besides its arguments is guarded.
 */
import type { Cell } from './cell.ts'
import { Node } from './node.ts'

export class Trace {
  /** Leaves of the cells read, which a plan binds to the cells' memory. */
  readonly reads = new Map<Cell, Node>()
  readonly writes = new Map<Cell, Node>()
  /** Conditions under which the recorded graph still holds, such as a module's mode, with the reason if they don't. */
  readonly guards: Guard[] = []
  /** Values the trace wants computed beside its results (losses held by the user …). */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  read(cell: Cell): Node {
    const written = this.writes.get(cell)
    if (written) return written
    let leaf = this.reads.get(cell)
    if (!leaf) {
      leaf = new Node('cell', [], { cell, version: -1 }, cell)
      this.reads.set(cell, leaf)
    }
    return leaf
  }

  write(cell: Cell, value: Node): void {
    this.writes.set(cell, value)
  }
}

export interface Guard {
  readonly holds: () => boolean
  readonly reason: string
}

let active: Trace | null = null

/** The trace being recorded, if any. */
export function activeTrace(): Trace | null {
  return active
}

/** Runs `fn` with `trace` recording. */
export function withTrace<T>(trace: Trace, fn: () => T): T {
  const outer = active
  active = trace
  try {
    return fn()
  } finally {
    active = outer
  }
}

/** Notes that what is being recorded depends on `read()` having the value it has now. */
export function guard<T>(read: () => T, reason: string): T {
  const value = read()
  active?.guards.push({ holds: () => Object.is(read(), value), reason })
  return value
}

/** Runs `fn` as if nothing were being recorded: for state that must outlive the recording. */
export function outsideTrace<T>(fn: () => T): T {
  const outer = active
  active = null
  try {
    return fn()
  } finally {
    active = outer
  }
}
