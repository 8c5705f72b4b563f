/** @file What a pass consists of, found in one walk and remembered: accesses, guards, indices, and how much work it is. */
import { type Expr, type Guard, operands } from '../expr.ts'
import type { Index } from '../index.ts'
import type { Pass } from '../kernel.ts'
import { longFunctions } from '../names.ts'
import type { Machine } from '../vector.ts'
import { expressionsOf } from './rewrite.ts'

export type Access = Extract<Expr, { op: 'load' | 'gather' }>

export interface Survey {
  readonly accesses: readonly Access[]
  readonly guards: readonly Guard[]
  /** Every index, those of guards and stores included. */
  readonly indices: readonly Index[]
  /** Expressions other than accesses, results of reductions and constants. */
  readonly operations: number
  /** Instructions of one iteration, roughly, without those for accesses. */
  readonly instructions: number
  /** Whether indices are checked. */
  readonly checks: boolean
  /** Whether random bits are made. */
  readonly random: boolean
  /** Inner iterations. */
  readonly iterations: number
  /** Whether the inner loops are so short that they are written out. */
  readonly window: boolean
  readonly running: boolean
}

/** Inner loops of no more iterations than this are written out. */
const WINDOW = 32

/** Instructions of a long function. */
const LONG = 16
const RANDOM = 80

const surveys = new WeakMap<Pass, Survey>()

export function survey(pass: Pass): Survey {
  let s = surveys.get(pass)
  if (s === undefined) {
    s = make(pass)
    surveys.set(pass, s)
  }
  return s
}

function make(pass: Pass): Survey {
  const accesses: Access[] = []
  const guards = new Set<Guard>()
  const indices = new Set<Index>()
  const seen = new Set<Expr>()
  let operations = 0
  let instructions = 0
  let checks = false
  let random = false
  const guarded = (list: readonly Guard[]): void => {
    for (const g of list) {
      guards.add(g)
      indices.add(g.index)
    }
  }
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    switch (e.op) {
      case 'load':
      case 'gather':
        accesses.push(e)
        indices.add(e.index)
        guarded(e.guards)
        break
      case 'constant':
      case 'reduced':
        break
      default:
        operations++
        instructions += cost(e)
        if (e.op === 'index') indices.add(e.index)
        else if (e.op === 'bound' || e.op === 'inside') guarded(e.guards)
        if (e.op === 'bound') checks = true
        if (e.op === 'random') random = true
    }
    for (const x of operands(e)) visit(x)
  }
  for (const e of expressionsOf(pass)) visit(e)
  for (const s of pass.stores) indices.add(s.index)
  for (const r of pass.reductions) instructions += r.position ? 8 : 1
  const iterations = pass.inner.reduce((n, v) => n * v.extent, 1)
  const running = pass.reductions.some((r) => r.running)
  return {
    accesses,
    guards: [...guards],
    indices: [...indices],
    operations,
    instructions,
    checks,
    random,
    iterations,
    window: iterations <= WINDOW && !running,
    running,
  }
}

function cost(e: Expr): number {
  if (e.op === 'random') return RANDOM
  return (e.op === 'unary' || e.op === 'binary') && longFunctions.has(e.fn) ? LONG : 1
}

/** Instructions of one outer iteration, roughly. */
export function workOf(pass: Pass): number {
  const { instructions, accesses, iterations } = survey(pass)
  return (instructions + accesses.length + pass.stores.length) * iterations
}

/** Copies of the passes that fit the registers: enough to hide latency and to pair vectors, no more. */
export function copiesOf(passes: readonly Pass[], most: number, machine: Machine): number {
  const least = machine.pairs === true ? 2 : 1
  let copies = most
  for (const p of passes) {
    const { instructions, accesses, iterations, window } = survey(p)
    const times = window ? iterations : 1
    const code = (instructions + p.stores.length) * times
    const accumulators = p.reductions.reduce((n, r) => n + (r.position ? 2 : 1), 0)
    const tooMany = (): boolean =>
      copies * code > 30 || copies * accesses.length * times > 12 || copies * accumulators > 8
    while (copies > least && tooMany()) copies >>= 1
  }
  return copies
}
