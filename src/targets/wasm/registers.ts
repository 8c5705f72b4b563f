/**
 * @file Which local of a function holds which register of a vector program. Locals are shared by registers whose lives do
 * not overlap, which keeps functions small for the compilers behind.
 */
import type { Reg, VectorProgram } from '../../kernels/vector.ts'
import type { Block, Usage } from '../liveness.ts'

/** Where every register lives: the index of its local among those of its kind (parameters keep their own: -1). */
export interface Assignment {
  readonly slot: Int32Array
  readonly ints: number
  readonly vectors: number
}

/** Assigns locals. Registers for which `skip` is true get none (-1). */
export function assign(program: VectorProgram, { root, lives }: Usage, skip: (reg: Reg) => boolean): Assignment {
  const { registers, params } = program
  const slot = new Int32Array(registers.length).fill(-1)
  for (const life of lives) {
    if (life !== undefined && life.reg >= params && !skip(life.reg)) life.home.lives.push(life)
  }
  const free: Record<'i' | 'v', number[]> = { i: [], v: [] }
  const count = { i: 0, v: 0 }
  const walk = (block: Block): void => {
    const births = block.lives.sort((p, q) => p.first - q.first)
    const deaths = births.slice().sort((p, q) => p.last - q.last)
    let dead = 0
    const bury = (before: number): void => {
      for (; dead < deaths.length && deaths[dead].last < before; dead++) {
        const { reg } = deaths[dead]
        free[registers[reg]].push(slot[reg])
      }
    }
    let born = 0
    const bear = (until: number): void => {
      for (; born < births.length && births[born].first <= until; born++) {
        const { reg, first } = births[born]
        bury(first)
        slot[reg] = free[registers[reg]].pop() ?? count[registers[reg]]++
      }
    }
    for (const inner of block.inner) {
      bear(inner.position)
      bury(inner.position)
      walk(inner)
    }
    bear(Number.POSITIVE_INFINITY)
    bury(Number.POSITIVE_INFINITY)
  }
  walk(root)
  return { slot, ints: count.i, vectors: count.v }
}
