/**
 * @file Transposes a square of vectors in registers: pairs of rows interleave, then pairs of pairs, which leaves blocks of
 * four elements of a column in each 128-bit part; then the parts are exchanged.
 */
import type { Instr, Reg } from '../../kernels/vector.ts'
import type { V3ImmOp, V3Op, Vec } from './asm/assembler.ts'
import type { Context } from './context.ts'

export function lowerTranspose(c: Context, { a, d }: Extract<Instr, { op: 'transpose' }>): void {
  const square = new Square(c)
  square.interleave(a)
  square.pair(2, ['unpcklpd', 'unpckhpd'])
  // Row 4g + j now holds, in part b, rows 4g … 4g + 3 of column 4b + j.
  if (c.evex) {
    square.exchange(4)
    for (let j = 0; j < 4; j++) {
      for (const odd of [0, 1]) {
        // From the first exchange: parts 0, 2 (or 1, 3) of rows of blocks 0 and 1; and of 2 and 3.
        const [low, high] = [square.rows[j + 4 * odd], square.rows[8 + j + 4 * odd]]
        square.result(d[4 * odd + j], 'shuff32x4', low, high, 0x88)
        square.result(d[8 + 4 * odd + j], 'shuff32x4', low, high, 0xdd)
      }
    }
    return
  }
  for (let j = 0; j < 4; j++) {
    square.result(d[j], 'perm2f128', square.rows[j], square.rows[4 + j], 0x20)
    square.result(d[4 + j], 'perm2f128', square.rows[j], square.rows[4 + j], 0x31)
  }
}

class Square {
  readonly rows: Vec[]
  readonly #c: Context
  /** A register that holds nothing: an exchange of two rows goes by way of it. */
  #spare: Vec

  constructor(c: Context) {
    this.#c = c
    this.rows = Array.from({ length: c.program.lanes }, () => c.temp())
    this.#spare = c.temp()
  }

  /** Reads rows 2i and 2i + 1, which may lie in memory. */
  interleave(a: readonly Reg[]): void {
    const c = this.#c
    for (let i = 0; i < a.length; i += 2) {
      let first = this.#spare
      if (c.resident(a[i])) first = c.v(a[i])
      else c.copy(first, a[i])
      const { at, broadcast } = c.operand(a[i + 1])
      const options = broadcast ? { broadcast } : undefined
      c.asm.v3('unpcklps', c.width, this.rows[i], first, at, options)
      c.asm.v3('unpckhps', c.width, this.rows[i + 1], first, at, options)
    }
  }

  /** Of every four rows, combines those `apart` from each other: low parts first. */
  pair(apart: number, [low, high]: readonly [V3Op, V3Op]): void {
    const { rows } = this
    for (let g = 0; g < rows.length; g += 4) {
      for (let i = 0; i < apart; i++) {
        const [x, y] = [rows[g + i], rows[g + i + apart]]
        this.#c.asm.v3(low, this.#c.width, this.#spare, x, y)
        this.#c.asm.v3(high, this.#c.width, y, x, y)
        rows[g + i] = this.#spare
        this.#spare = x
        // Rows i and i + apart hold columns 2i and 2i + 1.
        rows[g + i + apart] = y
      }
      ;[rows[g + 1], rows[g + 2]] = [rows[g + 2], rows[g + 1]]
    }
  }

  /** Even and odd 128-bit parts of rows `apart` from each other. */
  exchange(apart: number): void {
    const { rows } = this
    for (let g = 0; g < rows.length; g += 2 * apart) {
      for (let i = g; i < g + apart; i++) {
        const [x, y] = [rows[i], rows[i + apart]]
        this.#c.asm.v3imm('shuff32x4', this.#c.width, this.#spare, x, y, 0x88)
        this.#c.asm.v3imm('shuff32x4', this.#c.width, y, x, y, 0xdd)
        rows[i] = this.#spare
        this.#spare = x
      }
    }
  }

  result(reg: Reg, op: V3ImmOp, x: Vec, y: Vec, imm: number): void {
    const c = this.#c
    const mark = c.mark
    c.asm.v3imm(op, c.width, c.d(reg), x, y, imm)
    c.finish(reg)
    c.release(mark)
  }
}
