/** @file Operands as objdump prints them in Intel syntax; written apart from the assembler, to be compared with it. */
import type { Mem } from '../../../../src/targets/x64/asm/assembler.ts'

const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di']

export const r64 = (r: number): string => (r < 8 ? `r${LEGACY[r]}` : `r${r}`)
export const r32 = (r: number): string => (r < 8 ? `e${LEGACY[r]}` : `r${r}d`)
export const r8 = (r: number): string => (r < 4 ? `${LEGACY[r][0]}l` : r < 8 ? `${LEGACY[r]}l` : `r${r}b`)
export const vec = (w: number, v: number): string => `${{ 128: 'x', 256: 'y', 512: 'z' }[w]}mm${v}`
export const k = (m: number): string => `k${m}`

/** An immediate as an instruction of `bits` bits sees it. */
export const imm = (value: number | bigint, bits = 64): string =>
  `0x${BigInt.asUintN(bits, BigInt(value)).toString(16)}`

/** [base+index*scale+offset]; `index` names the index register. */
export function address(m: Mem, index: (r: number) => string = r64): string {
  let s = r64(m.base)
  if (m.index !== undefined) s += `+${index(m.index)}*${m.scale ?? 1}`
  // An encoding without index must give rbp and r13 a displacement, and objdump shows it.
  if (m.offset !== 0 || m.base === 5 || m.base === 13)
    s += m.offset < 0 ? `-0x${(-m.offset).toString(16)}` : `+0x${m.offset.toString(16)}`
  return `[${s}]`
}

export const SIZES: Readonly<Record<number, string>> = {
  1: 'BYTE',
  2: 'WORD',
  4: 'DWORD',
  8: 'QWORD',
  16: 'XMMWORD',
  32: 'YMMWORD',
  64: 'ZMMWORD',
}

export const mem = (bytes: number, m: Mem): string => `${SIZES[bytes]} PTR ${address(m)}`
