/** @file The functions of `kernels/math` as programs over arrays. */
import * as math from '../../src/kernels/math.ts'
import { ProgramBuilder } from '../../src/kernels/program-builder.ts'
import type { Reg, VectorProgram } from '../../src/kernels/vector.ts'

export type Macro = (b: ProgramBuilder, x: Reg, y: Reg) => Reg

export const macros: Record<string, Macro> = {
  exp: math.exp,
  expm1: math.expm1,
  log: math.log,
  log1p: math.log1p,
  sin: math.sin,
  cos: math.cos,
  tanh: math.tanh,
  erf: math.erf,
  atan: math.atan,
  sigmoid: math.sigmoid,
  pow: math.pow,
}

/** out[i] = macro(x[i], y[i]): parameters x, y, out, begin, end in units of `lanes` elements. */
export function programOf(name: string, macro: Macro, lanes: number): VectorProgram {
  const b = new ProgramBuilder(name, lanes, 5)
  b.loop(3, 4, 1, (i) => {
    const offset = b.i2('mul', i, { imm: 4 * lanes })
    const [x, y] = [0, 1].map((base) => b.load(b.i2('add', base, offset), 0))
    b.store(b.i2('add', 2, offset), 0, macro(b, x, y))
  })
  return b.finish()
}
