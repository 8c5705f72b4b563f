/** @file What processors say of themselves. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type CpuQuery,
  cacheSizes,
  cachesByCpuid,
  describeCpu,
  detectCpu,
  type Leaf,
} from '../../../../src/targets/x64/native/cpu.ts'
import { native, supported } from './segments.ts'

const zero: Leaf = { eax: 0, ebx: 0, ecx: 0, edx: 0 }
const none = { l1: 0, l2: 0, l3: 0 }

/** A processor by its leaves, named "leaf" or "leaf/subleaf" in hexadecimal. */
function processor(leaves: Record<string, Partial<Leaf>>, xcr0 = 0xe7): CpuQuery {
  const cpuid = (leaf: number, subleaf = 0): Leaf => ({
    ...zero,
    ...(leaves[`${leaf.toString(16)}/${subleaf}`] ?? (subleaf === 0 ? leaves[leaf.toString(16)] : undefined)),
  })
  return { cpuid, xcr0 }
}

const XSAVE = 2 ** 27
const AVX = 2 ** 28
const FMA = 2 ** 12
const AVX2 = 2 ** 5
/** F, DQ, BW, VL. */
const AVX512 = 2 ** 16 + 2 ** 17 + 2 ** 30 + 2 ** 31
const modern = { '0': { eax: 7 }, '1': { ecx: XSAVE + AVX + FMA }, '7': { ebx: AVX2 + AVX512 } }

describe('features', () => {
  const features = (leaves: Record<string, Partial<Leaf>>, xcr0?: number): string => {
    const { fma, avx2, avx512 } = describeCpu(processor(leaves, xcr0), none, 1)
    return Object.entries({ fma, avx2, avx512 })
      .filter(([, there]) => there)
      .map(([name]) => name)
      .join(' ')
  }

  test('of processors', () => {
    expect(features(modern)).toBe('fma avx2 avx512')
    expect(features({ ...modern, '7': { ebx: AVX2 } })).toBe('fma avx2')
    expect(features({ ...modern, '7': { ebx: AVX2 + AVX512 - 2 ** 30 } })).toBe('fma avx2')
    expect(features({ ...modern, '0': { eax: 6 } })).toBe('fma')
    expect(features({ ...modern, '1': { ecx: XSAVE + AVX } })).toBe('')
    expect(features({})).toBe('')
  })

  test('that the system must keep', () => {
    expect(features(modern, 0x7)).toBe('fma avx2')
    expect(features(modern, 0x67)).toBe('fma avx2')
    expect(features(modern, 0x3)).toBe('')
    expect(features(modern, 0)).toBe('')
  })
})

test('the brand is text of three leaves', () => {
  const words = new Uint32Array(new TextEncoder().encode('A Processor of 16 Cores'.padEnd(48, '\0')).buffer)
  const leaf = (i: number): Leaf => ({ eax: words[i], ebx: words[i + 1], ecx: words[i + 2], edx: words[i + 3] })
  const leaves = { '80000000': { eax: 0x80000008 }, '80000002': leaf(0), '80000003': leaf(4), '80000004': leaf(8) }
  expect(describeCpu(processor(leaves), none, 1).brand).toBe('A Processor of 16 Cores')
  expect(describeCpu(processor({}), none, 1).brand).toBe('')
})

describe('caches', () => {
  test('by the files of the system', () => {
    const files: Record<string, string> = {}
    const list = [
      ['1', 'Data', '48K'],
      ['1', 'Instruction', '32K'],
      ['2', 'Unified', '1280K'],
      ['3', 'Unified', '30M'],
    ]
    for (const [i, [level, type, size]] of list.entries()) {
      for (const [name, text] of Object.entries({ level, type, size })) {
        files[`/sys/devices/system/cpu/cpu0/cache/index${i}/${name}`] = `${text}\n`
      }
    }
    expect(cacheSizes((path) => files[path])).toEqual({ l1: 48 * 1024, l2: 1280 * 1024, l3: 30 * 2 ** 20 })
    expect(cacheSizes(() => undefined)).toBe(undefined)
  })

  test.each([
    ['leaf 4', '4', { '0': { eax: 7 } }],
    ['leaf 8000001D', '8000001d', { '80000000': { eax: 0x80000020 } }],
  ])('by %s', (_, leaf, rest) => {
    // Level and type; ways, partitions and line size, each less one; sets less one.
    const cache = (level: number, type: number, ways: number, sets: number): Partial<Leaf> => ({
      eax: (level << 5) | type,
      ebx: ((ways - 1) << 22) | 63,
      ecx: sets - 1,
    })
    const caches = [cache(1, 1, 8, 64), cache(1, 2, 8, 128), cache(2, 3, 8, 2048), cache(3, 3, 16, 32768)]
    const leaves = Object.fromEntries(caches.map((one, i) => [`${leaf}/${i}`, one]))
    const expected = { l1: 32 * 1024, l2: 2 ** 20, l3: 32 * 2 ** 20 }
    expect(cachesByCpuid(processor({ ...rest, ...leaves }))).toEqual(expected)
  })

  test('of a processor that says nothing', () => {
    expect(cachesByCpuid(processor({}))).toEqual(none)
  })
})

test.runIf(supported)('this processor is what the system says it is', () => {
  const cpu = detectCpu(native())
  const text = readFileSync('/proc/cpuinfo', 'utf8')
  const flags = /^flags\s*:(.*)$/m.exec(text)?.[1].split(' ') ?? []
  expect(cpu.avx2).toBe(flags.includes('avx2') && flags.includes('fma'))
  expect(cpu.fma).toBe(flags.includes('fma'))
  expect(cpu.avx512).toBe(['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'].every((flag) => flags.includes(flag)))
  expect(cpu.brand).toBe(/^model name\s*:\s*(.*)$/m.exec(text)?.[1].trim())
  expect(cpu.cores).toBeGreaterThanOrEqual(1)
  expect(cpu.l1).toBeGreaterThanOrEqual(8192)
  expect(cpu.l2).toBeGreaterThan(cpu.l1)
})
