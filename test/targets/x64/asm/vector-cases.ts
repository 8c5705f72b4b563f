/** @file Calls of the assembler, each with the text that objdump must show for what it writes: vectors. */
import type {
  Assembler,
  Mem,
  NarrowOp,
  V2ImmOp,
  V2Op,
  V3ImmOp,
  V3Op,
  VecOptions,
  Width,
} from '../../../../src/targets/x64/asm/assembler.ts'
import { type Case, MEMORY, Rotation } from './cases.ts'
import { address, imm, mem, SIZES, vec } from './format.ts'

/** What a manual says of an instruction, as far as its text shows it. All are optional: most instructions are regular. */
export interface Spec {
  /** Name of the VEX form; default v and the operation. */
  readonly vex?: string | false
  /** Name of the EVEX form; default as VEX. */
  readonly evex?: string | false
  readonly widths?: readonly Width[]
  /** Width of the register written; default that of the instruction. */
  readonly result?: (w: Width) => number
  /** Bytes of the memory operand; default the whole vector. */
  readonly bytes?: (w: Width) => number
  /** Width of the register operand that memory may replace; default that of the result. */
  readonly source?: (w: Width) => number
  /** Bytes of an element that memory may hold instead of the vector (EVEX); default 4. */
  readonly broadcast?: number | false
  readonly operand?: 'memory' | 'register'
  readonly immediate?: number
  /** The immediate shows in the name, not among the operands. */
  readonly named?: boolean
}

const VEX: Spec = { evex: false }
const EVEX: Spec = { vex: false }
const WIDE: Spec = { widths: [256, 512] }
const SCALAR: Spec = { widths: [128], bytes: () => 4, broadcast: false }
const LONG: Spec = { broadcast: 8 }
const WHOLE: Spec = { broadcast: false }
const QUARTER: Spec = { broadcast: false, bytes: (w) => w / 32, source: () => 128 }
const HALF: Spec = { broadcast: false, bytes: (w) => w / 16, source: (w) => Math.max(128, w / 2) }
const fma = (name: string): Spec => ({ vex: `v${name}ps` })

const V3: Record<V3Op, Spec> = {
  addps: {},
  subps: {},
  mulps: {},
  divps: {},
  minps: {},
  maxps: {},
  fmadd231: fma('fmadd231'),
  fnmadd231: fma('fnmadd231'),
  fmsub231: fma('fmsub231'),
  fmadd213: fma('fmadd213'),
  fnmadd213: fma('fnmadd213'),
  fmsub213: fma('fmsub213'),
  fmadd132: fma('fmadd132'),
  fnmadd132: fma('fnmadd132'),
  fmsub132: fma('fmsub132'),
  andps: {},
  andnps: {},
  orps: {},
  xorps: {},
  paddd: {},
  psubd: {},
  pmulld: {},
  pminsd: {},
  pmaxsd: {},
  pminud: {},
  pmaxud: {},
  pand: { evex: 'vpandd' },
  pandn: { evex: 'vpandnd' },
  por: { evex: 'vpord' },
  pxor: { evex: 'vpxord' },
  pcmpeqd: VEX,
  pcmpgtd: VEX,
  psllvd: {},
  psravd: {},
  psrlvd: {},
  prolvd: EVEX,
  prorvd: EVEX,
  pmuludq: LONG,
  pmuldq: LONG,
  permps: WIDE,
  permd: WIDE,
  permilps: {},
  permt2ps: EVEX,
  permt2d: EVEX,
  permi2ps: EVEX,
  permi2d: EVEX,
  unpcklps: {},
  unpckhps: {},
  unpcklpd: LONG,
  unpckhpd: LONG,
  packssdw: {},
  packusdw: {},
  packsswb: WHOLE,
  packuswb: WHOLE,
  pshufb: WHOLE,
  blendmps: EVEX,
  scalefps: EVEX,
  divpd: LONG,
  addss: SCALAR,
  subss: SCALAR,
  mulss: SCALAR,
  divss: SCALAR,
  minss: SCALAR,
  maxss: SCALAR,
  sqrtss: SCALAR,
  fmadd231ss: SCALAR,
  fnmadd231ss: SCALAR,
  fmadd213ss: SCALAR,
}

const V3_IMM: Record<V3ImmOp, Spec> = {
  cmpps: { ...VEX, vex: 'vcmpgt_oqps', immediate: 30, named: true },
  shufps: {},
  shufpd: LONG,
  perm2f128: { ...VEX, widths: [256] },
  shuff32x4: { ...EVEX, ...WIDE },
  blendps: VEX,
  pternlogd: { ...EVEX, immediate: 0xca },
  palignr: WHOLE,
  valignd: { vex: false, evex: 'valignd' },
  roundss: { ...VEX, ...SCALAR },
}

const V2: Record<V2Op, Spec> = {
  sqrtps: {},
  cvtdq2ps: {},
  cvttps2dq: {},
  cvtps2dq: {},
  cvtdq2pd: HALF,
  cvttpd2dq: { ...LONG, result: (w) => Math.max(128, w / 2) },
  cvtudq2ps: EVEX,
  cvttps2udq: EVEX,
  cvtph2ps: HALF,
  pabsd: {},
  broadcastss: { ...WHOLE, bytes: () => 4, source: () => 128 },
  pbroadcastd: { ...WHOLE, bytes: () => 4, source: () => 128 },
  broadcastf128: { ...WHOLE, ...WIDE, evex: 'vbroadcastf32x4', bytes: () => 16, operand: 'memory' },
  broadcastf32x8: { ...EVEX, ...WHOLE, widths: [512], bytes: () => 32, operand: 'memory' },
  pmovzxbd: QUARTER,
  pmovsxbd: QUARTER,
  pmovzxwd: HALF,
  pmovsxwd: HALF,
  movshdup: WHOLE,
  movsldup: WHOLE,
  movddup: { ...WHOLE, bytes: (w) => (w === 128 ? 8 : w / 8) },
  rcp14ps: EVEX,
  rsqrt14ps: EVEX,
  rcpps: VEX,
  rsqrtps: VEX,
  getexpps: EVEX,
}

const V2_IMM: Record<V2ImmOp, Spec> = {
  pslld: {},
  psrld: {},
  psrad: {},
  prold: EVEX,
  prord: EVEX,
  pshufd: {},
  roundps: VEX,
  rndscaleps: EVEX,
  permilps: {},
  permq: { ...WIDE, ...LONG },
  permpd: { ...WIDE, ...LONG },
}

const NARROW: Record<NarrowOp, Spec> = { pmovdb: QUARTER, pmovusdb: QUARTER, pmovsdb: QUARTER, pmovdw: HALF }

const AVX_REGISTERS: readonly (readonly [number, number, number])[] = [
  [1, 2, 3],
  [9, 0, 7],
  [5, 12, 6],
  [4, 1, 15],
]
const EVEX_REGISTERS: readonly (readonly [number, number, number])[] = [
  [16, 2, 11],
  [8, 31, 1],
  [0, 14, 25],
  [27, 20, 30],
]
const MASKED: readonly VecOptions[] = [{ mask: 1 }, { mask: 7, zero: true }]

/** Displacements that EVEX shortens in every unit, or in some, or in none. */
const COMPRESSED: readonly Mem[] = [4, 8, 16, 32, 64].flatMap((unit) =>
  [1, -1, 127, -128, 128, -129].flatMap((n): Mem[] => [
    { base: 0, offset: n * unit },
    { base: 12, offset: n * unit, index: 8, scale: 8 },
    { base: 5, offset: n * unit + 1 },
    { base: 13, offset: n * unit },
  ]),
)

/** Calls an instruction: registers d, a and the last operand. */
export type Call = (a: Assembler, w: Width, r: readonly [number, number, number | Mem], o: VecOptions) => void

const memory = new Rotation([...MEMORY, ...COMPRESSED, ...COMPRESSED])

const suffix = (o: VecOptions): string => (o.mask ? `{k${o.mask}}${o.zero ? '{z}' : ''}` : '')

/**
 * An instruction with all kinds of operands. `order` prints them: the destination first for most.
 */
export function vectorCases(
  name: string,
  spec: Spec,
  call: Call,
  order: (d: (w: number) => string, a: string, b: string, w: Width, o: string) => string,
): Case[] {
  const cases: Case[] = []
  const bytes = spec.bytes ?? ((w: Width): number => w / 8)
  const source = spec.source ?? ((w: Width): number => w)
  const vexName = spec.vex === false ? false : (spec.vex ?? `v${name}`)
  const evexName = spec.evex === false ? false : (spec.evex ?? (vexName || `v${name}`))
  const tail = spec.immediate === undefined || spec.named ? '' : `,${imm(spec.immediate)}`
  for (const w of spec.widths ?? ([128, 256, 512] as const)) {
    const push = (r: readonly [number, number, number | Mem], o: VecOptions, text: string, evex: boolean): void => {
      const shown = order((width) => vec(spec.result?.(w) ?? width, r[0]), vec(w, r[1]), text, w, suffix(o))
      // Instructions of two operands leave out the register in the middle.
      const avx512 = evex || /mm(1[6-9]|2\d|3[01])\b/.test(shown)
      const mnemonic = avx512 ? evexName : vexName
      if (mnemonic === false) return
      cases.push({
        text: `${mnemonic} ${shown}${tail}`,
        emit: (a) => call(a, w, r, o),
        ...(avx512 ? { on: 'avx512' as const } : {}),
      })
    }
    const needsEvex = w === 512 || vexName === false
    if (spec.operand !== 'memory') {
      for (const r of AVX_REGISTERS) push(r, {}, vec(source(w), r[2]), needsEvex)
      for (const r of EVEX_REGISTERS) push(r, {}, vec(source(w), r[2]), needsEvex)
      if (evexName) for (const o of MASKED) push(EVEX_REGISTERS[3], o, vec(source(w), EVEX_REGISTERS[3][2]), true)
    }
    if (spec.operand === 'register') continue
    for (const r of AVX_REGISTERS) {
      const m = memory.next()
      push([r[0], r[1], m], {}, mem(bytes(w), m), needsEvex)
    }
    const high = memory.next()
    push([16, 29, high], {}, mem(bytes(w), high), true)
    const masked = memory.next()
    push([2, 3, masked], { mask: 5 }, mem(bytes(w), masked), true)
    if (spec.broadcast === false) continue
    const size = spec.broadcast ?? 4
    // Where the result is narrower than the operand, its register does not tell the operand's width.
    const times = spec.result && w !== 512 ? `{1to${w / 8 / size}}` : ''
    for (const o of [{ broadcast: true }, { broadcast: true, mask: 3, zero: true }]) {
      const m = memory.next()
      push([10, 4, m], o, `${SIZES[size]} BCST ${address(m)}${times}`, true)
    }
  }
  return cases
}

/** All cases of the tables of vector instructions. */
export function tableCases(): Case[] {
  const cases: Case[] = []
  for (const [op, spec] of Object.entries(V3) as [V3Op, Spec][])
    cases.push(
      ...vectorCases(
        op,
        spec,
        (a, w, [d, x, b], o) => a.v3(op, w, d, x, b, o),
        (d, x, b, w, o) => `${d(w)}${o},${x},${b}`,
      ),
    )
  for (const [op, spec] of Object.entries(V3_IMM) as [V3ImmOp, Spec][]) {
    const i = spec.immediate ?? 2
    cases.push(
      ...vectorCases(
        op === 'valignd' ? 'alignd' : op,
        { immediate: 2, ...spec },
        (a, w, [d, x, b], o) => a.v3imm(op, w, d, x, b, i, o),
        (d, x, b, w, o) => `${d(w)}${o},${x},${b}`,
      ),
    )
  }
  for (const [op, spec] of Object.entries(V2) as [V2Op, Spec][])
    cases.push(
      ...vectorCases(
        op,
        spec,
        (a, w, [d, , x], o) => a.v2(op, w, d, x, o),
        (d, _, x, w, o) => `${d(w)}${o},${x}`,
      ),
    )
  for (const [op, spec] of Object.entries(V2_IMM) as [V2ImmOp, Spec][]) {
    const shifts = /^p(s|r)[lr][laod]/.test(op)
    const all = vectorCases(
      op,
      { immediate: 3, ...spec },
      (a, w, [d, , x], o) => a.v2imm(op, w, d, x, 3, o),
      (d, _, x, w, o) => `${d(w)}${o},${x}`,
    )
    // Shifts of memory by an immediate are new in AVX-512.
    cases.push(...all.map((c): Case => (shifts && c.text.includes('[') ? { ...c, on: 'avx512' } : c)))
  }
  for (const [op, spec] of Object.entries(NARROW) as [NarrowOp, Spec][])
    for (const c of vectorCases(
      op,
      { ...spec, ...EVEX },
      (a, w, [s, , d], o) => a.narrow(op, w, d, s, o),
      (s, _, d, w, o) => `${d}${o},${s(w)}`,
    ))
      cases.push(c)
  return cases
}
