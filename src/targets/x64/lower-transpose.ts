/**
 * @file Transposes a square of vectors. The rows are brought together from memory in blocks of four by four elements: for
 * every four columns, vector j takes that block from rows j, j + 4, j + 8, …; then each 128-bit part holds a block of its own.
 */
import type { Instr } from '../../kernels/vector.ts'
import type { Mem, Vec } from './asm/assembler.ts'
import type { Context } from './context.ts'
import { at } from './lower-memory.ts'

export function lowerTranspose(c: Context, { a, d }: Extract<Instr, { op: 'transpose' }>): void {
  const { asm, width } = c
  const W = c.program.lanes
  const space = c.scratch(W * W * 4)
  const row = (i: number): Mem => at(space, i * W * 4)
  // Vectors in memory pass one by one through the same temporary, and so do results.
  const mark = c.mark
  a.forEach((reg, i) => {
    asm.store(width, row(i), c.v(reg))
    c.release(mark)
  })
  const parts = W / 4
  const rows: Vec[] = [c.temp(), c.temp(), c.temp(), c.temp()]
  const mixed: Vec[] = [c.temp(), c.temp(), c.temp(), c.temp()]
  const taken = c.mark
  for (let block = 0; block < parts; block++) {
    rows.forEach((x, j) => {
      const part = (p: number): Mem => at(row(j + 4 * p), block * 16)
      asm.load(128, x, part(0))
      for (let p = 1; p < parts; p++) asm.insert128(c.evex ? 512 : 256, x, x, part(p), p)
    })
    asm.v3('unpcklps', width, mixed[0], rows[0], rows[1])
    asm.v3('unpckhps', width, mixed[1], rows[0], rows[1])
    asm.v3('unpcklps', width, mixed[2], rows[2], rows[3])
    asm.v3('unpckhps', width, mixed[3], rows[2], rows[3])
    for (let column = 0; column < 4; column++) {
      const half = column >> 1
      const reg = d[block * 4 + column]
      asm.v3(column % 2 === 0 ? 'unpcklpd' : 'unpckhpd', width, c.d(reg), mixed[half], mixed[half + 2])
      c.finish(reg)
      c.release(taken)
    }
  }
}
