/**
 * @file The temporary vector registers of instructions that take more than a few. Nothing is wrong where this asks for too
 * few of them, but the code is then written a second time; where it asks for too many, other registers go to the stack.
 */
import type { Instr, VectorProgram } from '../../kernels/vector.ts'
import { walkPositions } from './allocate.ts'

/** How many temporary vector registers instructions are known to take, by position. */
export function knownDemand(program: VectorProgram): Map<number, number> {
  const demand = new Map<number, number>()
  walkPositions(program.body, 1, (instr, at) => {
    const count = temporaries(instr, program.lanes)
    if (count > 0) demand.set(at, count)
  })
  return demand
}

/** One more than the code takes itself, for a result that lies in memory. */
function temporaries(instr: Instr, lanes: number): number {
  switch (instr.op) {
    // A square and a spare row.
    case 'transpose':
      return lanes + 2
    case 'fold':
      return 3
    case 'loadLanes':
      return instr.type === 'u8' ? 0 : 1 + temporariesOfLanes(instr.pattern, lanes)
    default:
      return 0
  }
}

/** By how many vectors lie between the first and the last element: each is loaded, and rearranged by a vector of places. */
function temporariesOfLanes(pattern: readonly number[], lanes: number): number {
  const bytes = Math.max(...pattern) - Math.min(...pattern) + 4
  if (bytes === 4 * pattern.length) return 0
  const vectors = Math.ceil(bytes / (4 * lanes))
  if (vectors <= 2) return vectors + 1
  return lanes === 16 && vectors <= 4 ? 6 : Math.ceil(pattern.length / 4)
}
