/** @file Tables of how a target writes instructions: a kind that lacks its rule does not compile. */

import type { Instr } from '../kernels/vector.ts'

type Op = Instr['op']
type InstrOf<K extends Op> = Extract<Instr, { readonly op: K }>

/** For each kind of instruction, what writes it with the help of `C`. */
export type Rules<C, K extends Op = Op> = { readonly [P in K]: (c: C, instr: InstrOf<P>) => void }

/** Writes an instruction by its rule. */
export function applyRule<C, K extends Op>(rules: Rules<C, K>, c: C, instr: InstrOf<K>): void {
  // The table pairs every kind with a function of just that kind, which indexing with a union hides.
  const rule = rules[instr.op as K] as (c: C, instr: InstrOf<K>) => void
  rule(c, instr)
}
