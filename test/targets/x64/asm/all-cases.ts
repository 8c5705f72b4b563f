/** @file All cases of the assembler, in the order of their fixture. */
import { Assembler } from '../../../../src/targets/x64/asm/assembler.ts'
import { type Case, integerCases } from './cases.ts'
import { otherCases } from './other-cases.ts'
import { tableCases } from './vector-cases.ts'

/** Made by scripts/fixtures/x64.ts; rows of [bytes in hex, disassembly]. */
export const FIXTURE: URL = new URL('../../../fixtures/x64/assembler.json', import.meta.url)

export function allCases(): Case[] {
  return [...integerCases(), ...tableCases(), ...otherCases()]
}

export function assemble(c: Case, evex: boolean = c.on !== 'avx2'): Uint8Array {
  const a = new Assembler({ evex })
  c.emit(a)
  return a.finish()
}
