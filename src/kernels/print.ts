/** @file Vector programs as text, for `GLIA_DEBUG=assembly`. */
import type { Instr, IntOperand, VectorProgram } from './vector.ts'

export function printProgram(p: VectorProgram): string {
  const params = Array.from({ length: p.params }, (_, i) => `r${i}`).join(', ')
  return `${p.name}(${params})  ${p.lanes} lanes, ${p.registers.length} registers\n${printBlock(p.body, '  ')}`
}

function printBlock(block: readonly Instr[], indent: string): string {
  return block.map((i) => printInstr(i, indent)).join('\n')
}

const operand = (x: IntOperand): string => (typeof x === 'number' ? `r${x}` : String(x.imm))

function printInstr(i: Instr, indent: string): string {
  switch (i.op) {
    case 'loop':
      return `${indent}for r${i.i} = ${operand(i.from)}; < ${operand(i.to)}; += ${i.step}\n${printBlock(i.body, `${indent}  `)}`
    case 'if': {
      const no = i.no.length > 0 ? `\n${indent}else\n${printBlock(i.no, `${indent}  `)}` : ''
      return `${indent}if r${i.a} ${i.cmp} ${operand(i.b)}\n${printBlock(i.yes, `${indent}  `)}${no}`
    }
    case 'transpose':
      return `${indent}${i.d.map((d) => `r${d}`).join(', ')} = transpose ${i.a.map((a) => `r${a}`).join(', ')}`
    default: {
      const { op, ...fields } = i
      const target = 'd' in fields ? `r${fields.d} = ` : ''
      const name = 'fn' in fields ? fields.fn : op
      const rest = Object.entries(fields).flatMap(([key, value]) => {
        if (key === 'd' || key === 'fn') return []
        if (['a', 'b', 'c', 'base', 'index'].includes(key) && typeof value === 'number') return [`r${value}`]
        if (key === 'b') return [operand(value as IntOperand)]
        return [`${key}=${Array.isArray(value) ? `[${value}]` : value}`]
      })
      return `${indent}${target}${name} ${rest.join(' ')}`.trimEnd()
    }
  }
}
