/** @file How much code a pass is: decides how many copies of it are worth writing side by side. */
import { type Expr, operands } from '../expr.ts'
import type { Pass } from '../kernel.ts'
import { isWindow, iterations } from './choose.ts'
import { expressionsOf } from './rewrite.ts'

const heavy: ReadonlySet<string> = new Set([
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'atan',
  'tanh',
  'erf',
  'sigmoid',
  'pow',
  'rem',
  'idiv',
])

/** Instructions of one iteration, roughly. */
export function weigh(pass: Pass): { instructions: number; loads: number } {
  let instructions = 0
  let loads = 0
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    if (e.op === 'load' || e.op === 'gather') loads++
    if (e.op === 'random') instructions += 80
    else if ((e.op === 'unary' || e.op === 'binary') && heavy.has(e.fn)) instructions += 16
    else if (e.op !== 'constant' && e.op !== 'reduced') instructions++
    for (const x of operands(e)) visit(x)
  }
  for (const e of expressionsOf(pass)) visit(e)
  for (const r of pass.reductions) instructions += r.position ? 8 : 1
  const times = isWindow(pass) ? iterations(pass) : 1
  return { instructions: (instructions + pass.stores.length) * times, loads: loads * times }
}

/** Copies of a pass that fit the registers: enough to hide latency, no more. */
export function copiesOf(passes: readonly Pass[], most: number): number {
  let copies = most
  for (const p of passes) {
    const { instructions, loads } = weigh(p)
    const accumulators = p.reductions.reduce((n, r) => n + (r.position ? 2 : 1), 0)
    while (copies > 1 && (copies * instructions > 24 || copies * loads > 12 || copies * accumulators > 8)) copies >>= 1
  }
  return copies
}
