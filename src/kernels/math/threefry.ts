/** @file Counter-based random bits on vectors; `core/random` is the same in plain TypeScript. */

import { PARITY, ROTATIONS } from '../../core/random.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'

/**
 * Threefry-2x32 of 20 rounds (Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011): two
 * random int32 for each key and counter, a pure function of them.
 */
export function threefry2x32(b: ProgramBuilder, key0: Reg, key1: Reg, counter0: Reg, counter1: Reg): [Reg, Reg] {
  const keys = [key0, key1, b.v2('xor', b.v2('xor', key0, key1), b.i32(PARITY))]
  let x0 = b.v2('i.add', counter0, key0)
  let x1 = b.v2('i.add', counter1, key1)
  for (let group = 1; group <= 5; group++) {
    for (const by of ROTATIONS[(group - 1) % 2]) {
      x0 = b.v2('i.add', x0, x1)
      x1 = b.v2('xor', b.v2('or', b.shift('i.shl', x1, by), b.shift('i.shrU', x1, 32 - by)), x0)
    }
    x0 = b.v2('i.add', x0, keys[group % 3])
    x1 = b.v2('i.add', x1, b.v2('i.add', keys[(group + 1) % 3], b.i32(group)))
  }
  return [x0, x1]
}
