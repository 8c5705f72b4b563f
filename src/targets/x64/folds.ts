/**
 * @file Loads that need no instruction of their own: x86 arithmetic takes one operand from memory, and under EVEX also one
 * element in all lanes. A load folds into its readers where they follow in the same block, nothing is stored and its address
 * does not change in between.
 */
import type { Instr, Reg, V2, VectorProgram } from '../../kernels/vector.ts'
import { mentions, type Uses } from '../liveness.ts'

export type FoldedLoad = Extract<Instr, { op: 'load' | 'loadSplat' }>

/** Operations lowered to one instruction whose second operand may be memory. */
const direct = new Set<V2>([
  'f.add',
  'f.sub',
  'f.mul',
  'f.div',
  'i.add',
  'i.sub',
  'i.mul',
  'i.min',
  'i.max',
  'and',
  'or',
  'xor',
])

const commutes = new Set<V2>(['f.add', 'f.mul', 'i.add', 'i.mul', 'i.min', 'i.max', 'and', 'or', 'xor'])

/** Readers of one element in all lanes beyond which a broadcast of its own is cheaper. */
const MOST_BROADCASTS = 2

/** How far after its load a reader may stand, for its address must live until then; a transpose comes after many loads. */
const WINDOW = 40

/** The load that takes the place of each register. */
export function findFolds(program: VectorProgram, uses: Uses, evex: boolean): Map<Reg, FoldedLoad> {
  const folds = new Map<Reg, FoldedLoad>()
  const foldable = (instr: FoldedLoad): boolean => {
    if (instr.type === 'u8' || uses.writes[instr.d] !== 1) return false
    if (instr.op === 'load' ? instr.lanes !== program.lanes : !evex) return false
    const readers = uses.reads[instr.d]
    return readers > 0 && readers <= (instr.op === 'load' ? 1 : MOST_BROADCASTS)
  }
  const visit = (body: readonly Instr[]): void => {
    for (let at = 0; at < body.length; at++) {
      const instr = body[at]
      if (instr.op === 'load' || instr.op === 'loadSplat') {
        const fits = foldable(instr) && readersFollow(body, at, instr, uses.reads[instr.d], folds)
        if (fits) folds.set(instr.d, instr)
      } else if (instr.op === 'loop') visit(instr.body)
      else if (instr.op === 'if') {
        visit(instr.yes)
        visit(instr.no)
      }
    }
  }
  visit(program.body)
  return folds
}

function readersFollow(
  body: readonly Instr[],
  at: number,
  load: FoldedLoad,
  readers: number,
  folds: ReadonlyMap<Reg, FoldedLoad>,
): boolean {
  let left = readers
  const end = Math.min(body.length, at + 1 + WINDOW)
  for (let next = at + 1; next < end; next++) {
    const instr = body[next]
    const takes = accepts(instr, load.d, folds)
    if (takes) left--
    if (left === 0) return true
    if (changesMemory(instr) || writes(instr, load.base)) return false
    if (!takes && touches(instr, load.d)) return false
  }
  return false
}

/** Whether an instruction can take `reg` from memory: arithmetic one operand, a transpose all. */
function accepts(instr: Instr, reg: Reg, folds: ReadonlyMap<Reg, FoldedLoad>): boolean {
  if (instr.op === 'transpose') return instr.a.includes(reg)
  if (instr.op === 'v3' && instr.fn !== 'select') {
    if (instr.c === reg || instr.a === instr.b) return false
    return (instr.a === reg && !folds.has(instr.b)) || (instr.b === reg && !folds.has(instr.a))
  }
  if (instr.op !== 'v2' || !direct.has(instr.fn) || instr.a === instr.b) return false
  if (instr.b === reg) return !folds.has(instr.a)
  return instr.a === reg && commutes.has(instr.fn) && !folds.has(instr.b)
}

function changesMemory({ op }: Instr): boolean {
  return op === 'store' || op === 'storeLanes' || op === 'storeInt' || op === 'loop' || op === 'if'
}

/** Whether an instruction reads or writes a register. */
function touches(instr: Instr, reg: Reg): boolean {
  // Most of what stands between a load and its reader.
  if (instr.op === 'v3') return instr.a === reg || instr.b === reg || instr.c === reg || instr.d === reg
  if (instr.op === 'load' || instr.op === 'loadSplat') return instr.base === reg || instr.d === reg
  let found = false
  const note = (mentioned: Reg): void => {
    if (mentioned === reg) found = true
  }
  mentions(instr, note, note)
  return found
}

function writes(instr: Instr, reg: Reg): boolean {
  if (instr.op === 'v3' || instr.op === 'load' || instr.op === 'loadSplat') return instr.d === reg
  let found = false
  mentions(
    instr,
    () => {},
    (written) => {
      if (written === reg) found = true
    },
  )
  return found
}
