/** @file Calls of the assembler, each with the text that objdump must show for what it writes: integers and control. */
import type { Assembler, Cond, Gpr, Mem } from '../../../../src/targets/x64/asm/assembler.ts'
import { address, imm, mem, r8, r32, r64 } from './format.ts'

/** One call, or a few, and the instructions expected, joined by '; '. Branch targets count from the start of the case. */
export interface Case {
  readonly text: string
  readonly emit: (a: Assembler) => void
  /** Where the call is possible; default: with and without AVX-512, with the same bytes. */
  readonly on?: 'avx512' | 'avx2'
}

/** Every kind of base (with and without SIB or forced displacement), index, scale, and size of displacement. */
export const MEMORY: readonly Mem[] = [0, 3, 4, 5, 8, 12, 13].flatMap((base) =>
  [0, 8, -128, 127, 128, -129, 0x12345678, -0x80000000].flatMap((offset): Mem[] => [
    { base, offset },
    { base, offset, index: 9, scale: 4 },
    { base, offset, index: 1 },
    { base, offset, index: 12, scale: 8 },
    { base, offset, index: 5, scale: 2 },
  ]),
)

/** Walks through all kinds of memory operand, so that a few calls of each instruction cover them together. */
export class Rotation<T> {
  readonly #values: readonly T[]
  #at = 0

  constructor(values: readonly T[]) {
    this.#values = values
  }

  next(): T {
    // 61 is prime to the number of values, and moves on in every one of their properties.
    this.#at = (this.#at + 61) % this.#values.length
    return this.#values[this.#at]
  }
}

const PAIRS: readonly (readonly [Gpr, Gpr])[] = [
  [0, 1],
  [9, 2],
  [3, 14],
  [12, 13],
  [4, 5],
  [7, 7],
]
const REGISTERS = Array.from({ length: 16 }, (_, i) => i)
const IMMEDIATES = [0, 1, -1, 127, -128, 128, -129, 0x7fffffff, -0x80000000]
const CONDS: readonly Cond[] = 'o no b ae e ne be a s ns p np l ge le g'.split(' ') as Cond[]

function moves(): Case[] {
  const cases: Case[] = []
  const add = (text: string, emit: (a: Assembler) => void): number => cases.push({ text, emit })
  const values: (number | bigint)[] = [1, 0x7fffffff, 0x80000000, 0xffffffff, -1, -0x80000000]
  for (const d of [0, 4, 7, 8, 13]) {
    add(`xor ${r32(d)},${r32(d)}`, (a) => a.movImm(d, 0))
    for (const v of values) add(`mov ${v >= 0 ? `${r32(d)},${imm(v)}` : `${r64(d)},${imm(v)}`}`, (a) => a.movImm(d, v))
    for (const v of [0x100000000, -0x80000001, Number.MAX_SAFE_INTEGER, 0x8000000000000000n, 0x123456789abcdef0n])
      add(`movabs ${r64(d)},${imm(v)}`, (a) => a.movImm(d, v))
    add(`mov ${r64(d)},0xfffffffffffffffe`, (a) => a.movImm(d, 2n ** 64n - 2n))
    add(`xor ${r32(d)},${r32(d)}`, (a) => a.zero(d))
  }
  add('xor edx,edx', (a) => a.cdqZero())
  for (const r of REGISTERS) {
    add(`push ${r64(r)}`, (a) => a.push(r))
    add(`pop ${r64(r)}`, (a) => a.pop(r))
  }
  // All kinds of memory operand, once for each encoding of them.
  MEMORY.forEach((m, i) => {
    const r = (i * 7) % 16
    add(`mov ${r64(r)},${mem(8, m)}`, (a) => a.load64(r, m))
  })
  return cases
}

/** One row: name, and how it is called and printed for a pair of registers, and for a register and memory. */
function tables(): Case[] {
  const cases: Case[] = []
  const memory = new Rotation(MEMORY)
  const two: Record<string, [(a: Assembler, d: Gpr, s: Gpr) => void, (r: number) => string]> = {
    mov: [(a, d, s) => a.mov(d, s), r64],
    'mov ': [(a, d, s) => a.mov32(d, s), r32],
    add: [(a, d, s) => a.add(d, s), r64],
    sub: [(a, d, s) => a.sub(d, s), r64],
    and: [(a, d, s) => a.and(d, s), r64],
    or: [(a, d, s) => a.or(d, s), r64],
    xor: [(a, d, s) => a.xor(d, s), r64],
    cmp: [(a, d, s) => a.cmp(d, s), r64],
    'cmp ': [(a, d, s) => a.cmp32(d, s), r32],
    test: [(a, d, s) => a.test(d, s), r64],
    'test ': [(a, d, s) => a.test32(d, s), r32],
    imul: [(a, d, s) => a.imul(d, s), r64],
  }
  for (const [d, s] of PAIRS) {
    for (const [name, [emit, r]] of Object.entries(two))
      cases.push({ text: `${name.trim()} ${r(d)},${r(s)}`, emit: (a) => emit(a, d, s) })
    cases.push({ text: `movsxd ${r64(d)},${r32(s)}`, emit: (a) => a.movsxd(d, s) })
    for (const c of CONDS) cases.push({ text: `cmov${c} ${r64(d)},${r64(s)}`, emit: (a) => a.cmov(c, d, s) })
  }

  type One = [string, (a: Assembler, r: Gpr) => void, (r: number) => string]
  const one: One[] = [
    ['call', (a, r) => a.callReg(r), r64],
    ['jmp', (a, r) => a.jmpReg(r), r64],
    ['div', (a, r) => a.div32(r), r32],
    ['neg', (a, r) => a.neg(r), r64],
    ['not', (a, r) => a.not(r), r64],
    ['shl', (a, r) => a.shlCl(r), (r) => `${r64(r)},cl`],
    ['shr', (a, r) => a.shrCl(r), (r) => `${r64(r)},cl`],
    ['sar', (a, r) => a.sarCl(r), (r) => `${r64(r)},cl`],
    ['shl', (a, r) => a.shlImm(r, 1), (r) => `${r64(r)},1`],
    ['shl', (a, r) => a.shlImm(r, 63), (r) => `${r64(r)},0x3f`],
    ['shr', (a, r) => a.shrImm(r, 5), (r) => `${r64(r)},0x5`],
    ['sar', (a, r) => a.sarImm(r, 32), (r) => `${r64(r)},0x20`],
  ]
  for (const r of [0, 4, 5, 6, 9, 15]) {
    for (const [name, emit, show] of one) cases.push({ text: `${name} ${show(r)}`, emit: (a) => emit(a, r) })
    for (const c of CONDS) cases.push({ text: `set${c} ${r8(r)}`, emit: (a) => a.setcc(c, r) })
  }

  type WithMemory = [string, (a: Assembler, r: Gpr, m: Mem) => void, (r: Gpr, m: Mem) => string]
  const from = (
    name: string,
    emit: (a: Assembler, r: Gpr, m: Mem) => void,
    r: typeof r64,
    bytes: number,
  ): WithMemory => [name, emit, (d, m) => `${r(d)},${mem(bytes, m)}`]
  const into = (
    name: string,
    emit: (a: Assembler, r: Gpr, m: Mem) => void,
    r: typeof r64,
    bytes: number,
  ): WithMemory => [name, emit, (d, m) => `${mem(bytes, m)},${r(d)}`]
  const withMemory: WithMemory[] = [
    from('mov', (a, r, m) => a.load32(r, m), r32, 4),
    from('movsxd', (a, r, m) => a.load32s(r, m), r64, 4),
    from('movzx', (a, r, m) => a.load8(r, m), r32, 1),
    into('mov', (a, r, m) => a.store64(m, r), r64, 8),
    into('mov', (a, r, m) => a.store32(m, r), r32, 4),
    into('mov', (a, r, m) => a.store8(m, r), r8, 1),
    ['lea', (a, r, m) => a.lea(r, m), (r, m) => `${r64(r)},${address(m)}`],
    from('add', (a, r, m) => a.addMem(r, m), r64, 8),
    from('sub', (a, r, m) => a.subMem(r, m), r64, 8),
    from('cmp', (a, r, m) => a.cmpMem(r, m), r64, 8),
    from('imul', (a, r, m) => a.imulMem(r, m), r64, 8),
    into('lock xadd', (a, r, m) => a.lockXadd32(m, r), r32, 4),
    into('lock cmpxchg', (a, r, m) => a.lockCmpxchg32(m, r), r32, 4),
    into('lock add', (a, r, m) => a.lockAdd32(m, r), r32, 4),
    into('xchg', (a, r, m) => a.xchg32(m, r), r32, 4),
    ['prefetcht0', (a, _, m) => a.prefetch(m), (_, m) => mem(1, m)],
  ]
  for (const [name, emit, show] of withMemory)
    for (const r of [0, 4, 6, 7, 10, 13]) {
      const m = memory.next()
      cases.push({ text: `${name} ${show(r, m)}`, emit: (a) => emit(a, r, m) })
    }

  type Immediate = [string, (a: Assembler, d: Gpr, i: number) => void, number]
  const immediate: Immediate[] = [
    ['add', (a, d, i) => a.addImm(d, i), 64],
    ['or', (a, d, i) => a.orImm(d, i), 64],
    ['and', (a, d, i) => a.andImm(d, i), 64],
    ['sub', (a, d, i) => a.subImm(d, i), 64],
    ['xor', (a, d, i) => a.xorImm(d, i), 64],
    ['cmp', (a, d, i) => a.cmpImm(d, i), 64],
    ['cmp', (a, d, i) => a.cmp32Imm(d, i), 32],
  ]
  for (const i of IMMEDIATES) {
    for (const d of [0, 7, 12])
      for (const [name, emit, bits] of immediate)
        cases.push({ text: `${name} ${bits === 64 ? r64(d) : r32(d)},${imm(i, bits)}`, emit: (a) => emit(a, d, i) })
    for (const [d, s] of PAIRS)
      cases.push({ text: `imul ${r64(d)},${r64(s)},${imm(i)}`, emit: (a) => a.imulImm(d, s, i) })
    const m = memory.next()
    cases.push(
      { text: `cmp ${mem(4, m)},${imm(i, 32)}`, emit: (a) => a.cmp32MemImm(m, i) },
      { text: `mov ${mem(4, m)},${imm(i, 32)}`, emit: (a) => a.store32Imm(m, i) },
      { text: `mov ${mem(8, m)},${imm(i)}`, emit: (a) => a.store64Imm(m, i) },
    )
  }
  cases.push({ text: 'mov DWORD PTR [rax],0xffffffff', emit: (a) => a.store32Imm({ base: 0, offset: 0 }, 0xffffffff) })
  return cases
}

function control(): Case[] {
  const fixed = 'ret pause syscall mfence sfence cpuid xgetbv rdtsc ud2 vzeroupper'.split(' ') as ('ret' | 'pause')[]
  const cases: Case[] = fixed.map((name) => ({ text: name, emit: (a) => a[name]() }))
  for (const c of CONDS)
    cases.push(
      {
        text: `ud2; ud2; ud2; j${c} 0x2`,
        emit: (a) => {
          const l = a.label()
          a.ud2()
          a.bind(l)
          a.ud2()
          a.ud2()
          a.jcc(c, l)
        },
      },
      {
        text: `j${c} 0x8; ud2; ret`,
        emit: (a) => {
          const l = a.label()
          a.jcc(c, l)
          a.ud2()
          a.bind(l)
          a.ret()
        },
      },
    )
  cases.push(
    {
      text: 'jmp 0x5; jmp 0x5; jmp 0x0; call 0x5; call 0x21; lea rax,[rip+0xffffffffffffffeb] # 0x5; lea r9,[rip+0x0] # 0x21',
      emit: (a) => {
        const [start, next, far, end] = [a.label(), a.label(), a.label(), a.label()]
        a.bind(start)
        a.jmp(next)
        a.bind(next)
        a.jmp(next)
        a.jmp(start)
        a.call(next)
        a.call(far)
        a.leaLabel(0, next)
        a.leaLabel(9, end)
        a.bind(end)
        a.bind(far)
      },
    },
    // The last backward distance of 8 bits, and the first of 32.
    ...[126, 127].map(
      (n): Case => ({
        text: `${'ret; '.repeat(n)}jmp 0x0`,
        emit: (a) => {
          const l = a.label()
          a.bind(l)
          for (let i = 0; i < n; i++) a.ret()
          a.jmp(l)
        },
      }),
    ),
  )
  return cases
}

/** All cases of general registers, control and threads. */
export function integerCases(): Case[] {
  return [...moves(), ...tables(), ...control()]
}
