/** @file The assembler against GNU objdump: the bytes of every instruction, and the text that they must read as. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Assembler, type Mem } from '../../../../src/targets/x64/asm/assembler.ts'
import { allCases, assemble, FIXTURE } from './all-cases.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const normal = (text: string): string => text.replace(/\s+/g, ' ')

describe('encodings', () => {
  const cases = allCases()
  const fixture = JSON.parse(readFileSync(FIXTURE, 'utf8')) as [string, string][]

  test('objdump reads the bytes as what the calls say', () => {
    expect(fixture.map(([, text]) => text)).toEqual(cases.map((c) => normal(c.text)))
  })

  test('the bytes are those that objdump read', () => {
    expect(cases.map((c) => `${hex(assemble(c))} ${normal(c.text)}`)).toEqual(
      fixture.map(([bytes, text]) => `${bytes} ${text}`),
    )
  })

  test('without AVX-512 the bytes are the same, or the call is refused', () => {
    const wrong: string[] = []
    for (const [i, c] of cases.entries()) {
      if (c.on === 'avx2') continue
      let got: string
      try {
        got = hex(assemble(c, false))
      } catch (error) {
        got = String(error)
      }
      const right = c.on === 'avx512' ? /needs? AVX-512/.test(got) : got === fixture[i][0]
      if (!right && !/gather/.test(c.text)) wrong.push(`${c.text}: ${got}`)
    }
    expect(wrong).toEqual([])
  })
})

describe('code', () => {
  const byte = (a: Assembler): string => hex(a.finish())

  test('grows, and finish can be asked for again', () => {
    const a = new Assembler({ evex: false })
    const end = a.label()
    a.jmp(end)
    for (let i = 0; i < 100_000; i++) a.ret()
    a.bind(end)
    const code = a.finish()
    expect(a.size).toBe(100_005)
    expect(a.offsetOf(end)).toBe(100_005)
    expect(code.length).toBe(100_005)
    expect(new DataView(code.buffer).getInt32(1, true)).toBe(100_000)
    expect(hex(a.finish())).toBe(hex(code))
  })

  test('jumps back take one byte of distance while it fits', () => {
    const size = (n: number): number => {
      const a = new Assembler({ evex: false })
      const start = a.label()
      a.bind(start)
      for (let i = 0; i < n; i++) a.ret()
      const before = a.size
      a.jmp(start)
      const jump = a.size - before
      a.jcc('ne', start)
      return 100 * jump + a.size - before - jump
    }
    expect(size(124)).toBe(202)
    expect(size(125)).toBe(206)
    expect(size(126)).toBe(206)
    expect(size(127)).toBe(506)
  })

  test('align fills with nops', () => {
    for (let used = 0; used < 64; used++) {
      const a = new Assembler({ evex: false })
      for (let i = 0; i < used; i++) a.ret()
      a.align(32)
      expect(a.size).toBe(Math.ceil(used / 32) * 32)
    }
    const a = new Assembler({ evex: false })
    a.ret()
    a.align(16)
    a.align(16)
    expect(byte(a)).toBe(`c3660f1f840000000000660f1f440000`)
  })

  test('rewind forgets code and its references', () => {
    const a = new Assembler({ evex: false })
    const [start, end] = [a.label(), a.label()]
    a.bind(start)
    a.call(start)
    const size = a.size
    a.jmp(end)
    a.rewind(size)
    a.ret()
    expect(byte(a)).toBe('e8fbffffffc3')
  })

  test('data stands where it is put', () => {
    const a = new Assembler({ evex: false })
    const table = a.label()
    a.leaLabel(0, table)
    a.ret()
    a.align(8)
    a.bind(table)
    a.data(new Uint8Array([1, 2, 3, 4]))
    expect(byte(a)).toBe('488d0501000000c301020304')
  })
})

describe('what cannot be encoded is refused', () => {
  const m: Mem = { base: 0, offset: 0 }
  const calls: [string, (a: Assembler) => void, RegExp][] = [
    ['a general register over 15', (a) => a.mov(16, 0), /x64 mov: 16 is not a general register/],
    ['a vector register over 31', (a) => a.v3('addps', 256, 32, 0, 0), /addps: 32 is not a vector register/],
    ['a fraction', (a) => a.push(1.5), /push: 1.5/],
    ['rsp as index', (a) => a.load64(0, { base: 0, offset: 0, index: 4 }), /rsp cannot be an index/],
    [
      'an index at a label',
      (a) => a.load64(0, { base: 0, offset: 0, label: a.label(), index: 1 }),
      /memory at a label takes no index/,
    ],
    ['a wide offset', (a) => a.load64(0, { base: 0, offset: 2 ** 31 }), /offset 2147483648 is not a signed 32-bit/],
    ['a scale of 3', (a) => a.load64(0, { base: 0, offset: 0, index: 1, scale: 3 as 1 }), /scaled by 3/],
    ['a wide immediate', (a) => a.addImm(0, 2 ** 31), /immediate 2147483648/],
    ['an inexact number', (a) => a.movImm(0, 2 ** 53), /give a bigint/],
    ['65 bits', (a) => a.movImm(0, 2n ** 64n), /does not fit 64 bits/],
    ['a shift by 64', (a) => a.shlImm(0, 64), /shlImm: cannot shift 64 bits by 64/],
    ['512 bits of an AVX2 instruction', (a) => a.v3('pcmpeqd', 512, 0, 1, 2), /no form of 512 bits/],
    ['high registers of an AVX2 instruction', (a) => a.v3('pcmpeqd', 256, 0, 17, 2), /no AVX-512 form/],
    ['128 bits of permps', (a) => a.v3('permps', 128, 0, 1, 2), /it works on 256 to 512/],
    ['k0 as write mask', (a) => a.v3('addps', 256, 0, 1, 2, { mask: 0 }), /k0 cannot be a write mask/],
    ['k8', (a) => a.kand(8, 1, 2), /8 is not a mask register/],
    ['zeroing without mask', (a) => a.v3('addps', 256, 0, 1, 2, { zero: true }), /give a mask/],
    ['zeroing in memory', (a) => a.store(256, m, 0, { mask: 1, zero: true }), /leave out zero/],
    ['zeroing a mask', (a) => a.cmpMask(256, 1, 0, 0, 0, { mask: 1, zero: true }), /leave out zero/],
    [
      'broadcast of a register',
      (a) => a.v3('addps', 256, 0, 1, 2, { broadcast: true }),
      /only memory can be broadcast/,
    ],
    ['broadcast of bytes', (a) => a.v3('pshufb', 256, 0, 1, m, { broadcast: true }), /cannot broadcast/],
    ['a register for broadcastf128', (a) => a.v2('broadcastf128', 256, 0, 1), /takes memory only/],
    ['a gather without index', (a) => a.gather(256, 0, m, 1), /has no index/],
    ['a gather into its index', (a) => a.gather(256, 3, { ...m, index: 3 }, 1), /both result and index/],
    ['a gather without mask', (a) => a.gather(256, 3, { ...m, index: 2 }, 0), /k0/],
    ['part 2 of 2', (a) => a.extract256(0, 1, 2), /there is no part 2/],
    ['lane 4', (a) => a.extractLane(0, 1, 4), /no part 4/],
    ['an immediate of 9 bits', (a) => a.v2imm('pshufd', 128, 0, 1, 256), /does not fit 8 bits/],
    ['alignment to 3', (a) => a.align(3), /not a power of two/],
    ['an unbound label', (a) => a.jmp(a.label()), /bound nowhere/],
    ['the offset of an unbound label', (a) => void a.offsetOf(a.label()), /not bound yet/],
    ["another assembler's label", (a) => a.jmp(new Assembler({ evex: false }).label()), /another assembler/],
    [
      'a label bound twice',
      (a) => {
        const l = a.label()
        a.bind(l)
        a.bind(l)
      },
      /already bound/,
    ],
  ]
  test.each(calls)('%s', (_, call, message) => {
    const a = new Assembler({ evex: true })
    expect(() => {
      call(a)
      a.finish()
    }).toThrow(message)
  })

  test('a vector mask of a gather that is also its result', () => {
    const a = new Assembler({ evex: false })
    expect(() => a.gather(256, 1, { base: 0, offset: 0, index: 2 }, 1)).toThrow(/three registers/)
  })
})
