/** @file What this processor can do, asked of itself (cpuid) and of the system. */
import { availableThreads } from '../../wasm/cores.ts'
import { Assembler } from '../asm/assembler.ts'
import { type Native, PAGE } from './libc.ts'

export interface Cpu {
  /** FMA3, and a system that keeps 256-bit registers. */
  readonly fma: boolean
  /** AVX2 besides. */
  readonly avx2: boolean
  /** Whether 512-bit operations pass through units of 256 bits, in two halves (Zen 4). */
  readonly halves: boolean
  /** AVX-512 F, BW, DQ and VL, and a system that keeps 512-bit and mask registers, besides. */
  readonly avx512: boolean
  /** Physical cores that this process may use: affinity, hyper-threads and quotas considered. */
  readonly cores: number
  /** Bytes of a core's data caches of level 1 and 2, and of the cache of level 3 that it shares; 0 for none. */
  readonly l1: number
  readonly l2: number
  readonly l3: number
  /** Such as "AMD EPYC 9634 84-Core Processor". */
  readonly brand: string
}

/** The registers that cpuid leaves. */
export interface Leaf {
  readonly eax: number
  readonly ebx: number
  readonly ecx: number
  readonly edx: number
}

/** cpuid of a leaf and subleaf; and the low word of xgetbv(0), 0 where the system does not offer it. */
export interface CpuQuery {
  readonly cpuid: (leaf: number, subleaf?: number) => Leaf
  readonly xcr0: number
}

export function detectCpu(native: Native): Cpu {
  const { query, free } = cpuQuery(native)
  const cpu = describeCpu(query, cacheSizes(readText) ?? cachesByCpuid(query), availableThreads())
  free()
  return cpu
}

/** The family of processors that Zen 3 and Zen 4 share. */
const ZEN_4 = 0x19

/** Family and extended family of a processor's signature. */
function familyOf(signature: number): number {
  const family = (signature >>> 8) & 15
  return family === 15 ? 15 + ((signature >>> 20) & 255) : family
}

/** Judges what a processor says of itself. */
export function describeCpu({ cpuid, xcr0 }: CpuQuery, caches: Caches, cores: number): Cpu {
  const bit = (word: number, index: number): boolean => ((word >>> index) & 1) === 1
  const one = cpuid(1)
  const seven = cpuid(0).eax >= 7 ? cpuid(7) : { eax: 0, ebx: 0, ecx: 0, edx: 0 }
  // XCR0: SSE and AVX state; and for AVX-512, mask registers and both parts of the 512-bit ones.
  const keeps256 = bit(one.ecx, 28) && (xcr0 & 0x6) === 0x6
  const keeps512 = keeps256 && (xcr0 & 0xe0) === 0xe0
  const fma = keeps256 && bit(one.ecx, 12)
  const avx2 = fma && bit(seven.ebx, 5)
  return {
    fma,
    halves: familyOf(one.eax) === ZEN_4 && brandOf(cpuid).startsWith('AMD'),
    avx2,
    // F, DQ, BW, VL.
    avx512: avx2 && keeps512 && [16, 17, 30, 31].every((index) => bit(seven.ebx, index)),
    cores,
    ...caches,
    brand: brandOf(cpuid),
  }
}

/** Functions for cpuid and xgetbv, and a function that releases them. */
function cpuQuery(native: Native): { query: CpuQuery; free: () => void } {
  const [rax, rcx, rdx, rbx, rsi, rdi, r8] = [0, 1, 2, 3, 6, 7, 8]
  const asm = new Assembler({ evex: false })
  // (leaf, subleaf, out)
  asm.push(rbx)
  asm.mov(r8, rdx)
  asm.mov(rax, rdi)
  asm.mov(rcx, rsi)
  asm.cpuid()
  for (const [i, register] of [rax, rbx, rcx, rdx].entries()) asm.store32({ base: r8, offset: 4 * i }, register)
  asm.pop(rbx)
  asm.ret()
  asm.align(16)
  const xgetbv = asm.size
  asm.zero(rcx)
  asm.xgetbv()
  asm.ret()
  const code = native.load(asm.finish())
  const out = native.map(PAGE)
  const words = new Uint32Array(native.view(out, 16))
  const cpuid = (leaf: number, subleaf = 0): Leaf => {
    native.call(code.address, leaf, subleaf, out)
    const [eax, ebx, ecx, edx] = words
    return { eax, ebx, ecx, edx }
  }
  // OSXSAVE: without it, xgetbv is no instruction.
  const xcr0 = (cpuid(1).ecx >>> 27) & 1 ? native.call(code.address + xgetbv) : 0
  const free = (): void => {
    native.unmap(code.address, code.bytes)
    native.unmap(out, PAGE)
  }
  return { query: { cpuid, xcr0 }, free }
}

/** The text of the extended leaves 2 to 4. */
function brandOf(cpuid: CpuQuery['cpuid']): string {
  if (cpuid(0x80000000).eax < 0x80000004) return ''
  const words = [2, 3, 4].flatMap((i) => {
    const { eax, ebx, ecx, edx } = cpuid(0x80000000 + i)
    return [eax, ebx, ecx, edx]
  })
  const text = new TextDecoder().decode(Uint32Array.from(words))
  return text.split('\0', 1)[0].trim()
}

export interface Caches {
  readonly l1: number
  readonly l2: number
  readonly l3: number
}

type Read = (path: string) => string | undefined

/** Sizes of the data caches as the system lists them, or undefined where it does not. */
export function cacheSizes(read: Read): Caches | undefined {
  const sizes = [0, 0, 0, 0]
  for (let i = 0; i < 16; i++) {
    const entry = (name: string): string => (read(`/sys/devices/system/cpu/cpu0/cache/index${i}/${name}`) ?? '').trim()
    const level = Number(entry('level'))
    if (entry('type') === 'Instruction' || !(level >= 1 && level <= 3)) continue
    const [, number, unit] = /^(\d+)([KM]?)$/.exec(entry('size')) ?? []
    sizes[level] = Number(number ?? 0) * ({ K: 2 ** 10, M: 2 ** 20 }[unit] ?? 1)
  }
  return sizes[1] > 0 ? { l1: sizes[1], l2: sizes[2], l3: sizes[3] } : undefined
}

/** Sizes of the data caches by leaf 4 (Intel) or 0x8000001D (AMD), which share a form. */
export function cachesByCpuid({ cpuid }: CpuQuery): Caches {
  const sizes = [0, 0, 0, 0]
  const leaf = cpuid(0x80000000).eax >= 0x8000001d && cpuid(0x8000001d).eax !== 0 ? 0x8000001d : 4
  if (leaf === 4 && cpuid(0).eax < 4) return { l1: 0, l2: 0, l3: 0 }
  for (let i = 0; i < 16; i++) {
    const { eax, ebx, ecx } = cpuid(leaf, i)
    const type = eax & 31
    if (type === 0) break
    const level = (eax >>> 5) & 7
    // Ways, partitions, line size and sets, each less one. Type 2 holds instructions.
    const bytes = ((ebx >>> 22) + 1) * (((ebx >>> 12) & 0x3ff) + 1) * ((ebx & 0xfff) + 1) * (ecx + 1)
    if (type !== 2 && level <= 3) sizes[level] = bytes
  }
  return { l1: sizes[1], l2: sizes[2], l3: sizes[3] }
}

function readText(path: string): string | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.('node:fs').readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
