/**
 * @file The vector instructions, one row each, as the tables of the Intel SDM (volume 2) give them: mandatory prefix, opcode
 * map, opcode, the W bit, what a memory operand is made of, and which of the two encodings exist.
 */

import type { Width } from './operands.ts'

/** Mandatory prefixes as VEX and EVEX number them. */
export const NP = 0
export const P66 = 1
export const PF3 = 2
export const PF2 = 3

/** Opcode maps as VEX and EVEX number them. */
export const M0F = 1
export const M38 = 2
export const M3A = 3

/**
 * What the memory operand is, which decides the unit of EVEX displacements: a full vector that may be one broadcast element
 * instead, a whole vector that may not, half or a quarter of one, the operand of movddup, indexed elements, or n bytes.
 */
export type Tuple = 'full' | 'whole' | 'half' | 'quarter' | 'duplicate' | 'sparse' | 1 | 4 | 8 | 16 | 32

/** One instruction. */
export interface Row {
  readonly prefix: number
  readonly map: number
  readonly op: number
  readonly vex: boolean
  readonly evex: boolean
  readonly vexW: number
  readonly evexW: number
  readonly tuple: Tuple
  readonly min: Width
  readonly max: Width
  /** Where the last operand may be. */
  readonly operand: 'either' | 'memory' | 'register'
  /** What a write mask may do: lanes keep their value or become 0, only keep it, or no mask at all. */
  readonly masking: 'both' | 'merge' | 'none'
  /** The last operand is what the instruction writes. */
  readonly destination: boolean
  /** The /digit that extends the opcode. */
  readonly extension: number
}

const COMMON: Omit<Row, 'prefix' | 'map' | 'op' | 'tuple'> = {
  vex: true,
  evex: true,
  vexW: 0,
  evexW: 0,
  min: 128,
  max: 512,
  operand: 'either',
  masking: 'both',
  destination: false,
  extension: 0,
}

type More = Partial<Row>

/** An instruction with both encodings. */
export function both(prefix: number, map: number, op: number, tuple: Tuple = 'full', more: More = {}): Row {
  return { ...COMMON, prefix, map, op, tuple, ...more }
}

/** An AVX, AVX2 or FMA instruction that AVX-512 did not take over. */
export function vexOnly(prefix: number, map: number, op: number, more: More = {}): Row {
  return both(prefix, map, op, 'whole', { evex: false, max: 256, ...more })
}

/** An instruction of AVX-512 alone. */
export function evexOnly(prefix: number, map: number, op: number, tuple: Tuple = 'full', more: More = {}): Row {
  return both(prefix, map, op, tuple, { vex: false, ...more })
}

const WIDE: More = { min: 256 }
/** EVEX forms of instructions on 64-bit elements set W, where VEX ignores it. */
const LONG: More = { evexW: 1 }
const SCALAR: More = { max: 128 }

/** d = a op b; the multiply-adds and permt2/permi2 read d too. */
export const V3 = {
  addps: both(NP, M0F, 0x58),
  subps: both(NP, M0F, 0x5c),
  mulps: both(NP, M0F, 0x59),
  divps: both(NP, M0F, 0x5e),
  minps: both(NP, M0F, 0x5d),
  maxps: both(NP, M0F, 0x5f),
  /** d = a · b + d */
  fmadd231: both(P66, M38, 0xb8),
  /** d = d − a · b */
  fnmadd231: both(P66, M38, 0xbc),
  /** d = a · b − d */
  fmsub231: both(P66, M38, 0xba),
  /** d = a · d + b */
  fmadd213: both(P66, M38, 0xa8),
  /** d = b − a · d */
  fnmadd213: both(P66, M38, 0xac),
  /** d = a · d − b */
  fmsub213: both(P66, M38, 0xaa),
  /** d = d · b + a */
  fmadd132: both(P66, M38, 0x98),
  /** d = a − d · b */
  fnmadd132: both(P66, M38, 0x9c),
  /** d = d · b − a */
  fmsub132: both(P66, M38, 0x9a),
  andps: both(NP, M0F, 0x54),
  /** d = ¬a ∧ b */
  andnps: both(NP, M0F, 0x55),
  orps: both(NP, M0F, 0x56),
  xorps: both(NP, M0F, 0x57),
  paddd: both(P66, M0F, 0xfe),
  psubd: both(P66, M0F, 0xfa),
  pmulld: both(P66, M38, 0x40),
  pminsd: both(P66, M38, 0x39),
  pmaxsd: both(P66, M38, 0x3d),
  pminud: both(P66, M38, 0x3b),
  pmaxud: both(P66, M38, 0x3f),
  pand: both(P66, M0F, 0xdb),
  pandn: both(P66, M0F, 0xdf),
  por: both(P66, M0F, 0xeb),
  pxor: both(P66, M0F, 0xef),
  pcmpeqd: vexOnly(P66, M0F, 0x76),
  pcmpgtd: vexOnly(P66, M0F, 0x66),
  psllvd: both(P66, M38, 0x47),
  psravd: both(P66, M38, 0x46),
  psrlvd: both(P66, M38, 0x45),
  prolvd: evexOnly(P66, M38, 0x15),
  prorvd: evexOnly(P66, M38, 0x14),
  /** Products of the even 32-bit lanes, 64 bits each: of unsigned and of signed lanes. */
  pmuludq: both(P66, M0F, 0xf4, 'full', LONG),
  pmuldq: both(P66, M38, 0x28, 'full', LONG),
  /** a holds the indices, b the lanes. */
  permps: both(P66, M38, 0x16, 'full', WIDE),
  permd: both(P66, M38, 0x36, 'full', WIDE),
  /** permilps with indices in b, within 128 bits. */
  permilps: both(P66, M38, 0x0c),
  /** d (a table with b) is overwritten by the lanes that the indices in a choose … */
  permt2ps: evexOnly(P66, M38, 0x7f),
  permt2d: evexOnly(P66, M38, 0x7e),
  /** … and here d holds the indices, a and b are the table. */
  permi2ps: evexOnly(P66, M38, 0x77),
  permi2d: evexOnly(P66, M38, 0x76),
  unpcklps: both(NP, M0F, 0x14),
  unpckhps: both(NP, M0F, 0x15),
  unpcklpd: both(P66, M0F, 0x14, 'full', LONG),
  unpckhpd: both(P66, M0F, 0x15, 'full', LONG),
  packssdw: both(P66, M0F, 0x6b),
  packusdw: both(P66, M38, 0x2b),
  packsswb: both(P66, M0F, 0x63, 'whole'),
  packuswb: both(P66, M0F, 0x67, 'whole'),
  pshufb: both(P66, M38, 0x00, 'whole'),
  /** Lanes of b where the mask is set, else of a. */
  blendmps: evexOnly(P66, M38, 0x65),
  /** a · 2^⌊b⌋ */
  scalefps: evexOnly(P66, M38, 0x2c),
  divpd: both(P66, M0F, 0x5e, 'full', LONG),
  addss: both(PF3, M0F, 0x58, 4, SCALAR),
  subss: both(PF3, M0F, 0x5c, 4, SCALAR),
  mulss: both(PF3, M0F, 0x59, 4, SCALAR),
  divss: both(PF3, M0F, 0x5e, 4, SCALAR),
  minss: both(PF3, M0F, 0x5d, 4, SCALAR),
  maxss: both(PF3, M0F, 0x5f, 4, SCALAR),
  sqrtss: both(PF3, M0F, 0x51, 4, SCALAR),
  fmadd231ss: both(P66, M38, 0xb9, 4, SCALAR),
  fnmadd231ss: both(P66, M38, 0xbd, 4, SCALAR),
  fmadd213ss: both(P66, M38, 0xa9, 4, SCALAR),
} satisfies Record<string, Row>

/** d = a op b with an 8-bit immediate. */
export const V3_IMM = {
  cmpps: vexOnly(NP, M0F, 0xc2),
  shufps: both(NP, M0F, 0xc6),
  shufpd: both(P66, M0F, 0xc6, 'full', LONG),
  perm2f128: vexOnly(P66, M3A, 0x06, WIDE),
  shuff32x4: evexOnly(P66, M3A, 0x23, 'full', WIDE),
  blendps: vexOnly(P66, M3A, 0x0c),
  pternlogd: evexOnly(P66, M3A, 0x25),
  palignr: both(P66, M3A, 0x0f, 'whole'),
  valignd: evexOnly(P66, M3A, 0x03),
  roundss: vexOnly(P66, M3A, 0x0a, SCALAR),
} satisfies Record<string, Row>

/** d = op a. */
export const V2 = {
  sqrtps: both(NP, M0F, 0x51),
  cvtdq2ps: both(NP, M0F, 0x5b),
  cvttps2dq: both(PF3, M0F, 0x5b),
  /** Half as many int32 as the width has lanes of float64, and back, towards zero. */
  cvtdq2pd: both(PF3, M0F, 0xe6, 'half'),
  cvttpd2dq: both(P66, M0F, 0xe6, 'full', LONG),
  cvtps2dq: both(P66, M0F, 0x5b),
  cvtudq2ps: evexOnly(PF2, M0F, 0x7a),
  cvttps2udq: evexOnly(NP, M0F, 0x78),
  /** Half to single precision (F16C). */
  cvtph2ps: both(P66, M38, 0x13, 'half'),
  pabsd: both(P66, M38, 0x1e),
  broadcastss: both(P66, M38, 0x18, 4),
  pbroadcastd: both(P66, M38, 0x58, 4),
  /** Memory only; its EVEX form is called vbroadcastf32x4. */
  broadcastf128: both(P66, M38, 0x1a, 16, { ...WIDE, operand: 'memory' }),
  broadcastf32x8: evexOnly(P66, M38, 0x1b, 32, { min: 512, operand: 'memory' }),
  pmovzxbd: both(P66, M38, 0x31, 'quarter'),
  pmovsxbd: both(P66, M38, 0x21, 'quarter'),
  pmovzxwd: both(P66, M38, 0x33, 'half'),
  pmovsxwd: both(P66, M38, 0x23, 'half'),
  movshdup: both(PF3, M0F, 0x16, 'whole'),
  movsldup: both(PF3, M0F, 0x12, 'whole'),
  movddup: both(PF2, M0F, 0x12, 'duplicate', LONG),
  rcp14ps: evexOnly(P66, M38, 0x4c),
  rsqrt14ps: evexOnly(P66, M38, 0x4e),
  rcpps: vexOnly(NP, M0F, 0x53),
  rsqrtps: vexOnly(NP, M0F, 0x52),
  getexpps: evexOnly(P66, M38, 0x42),
} satisfies Record<string, Row>

const LARGE: More = { ...WIDE, vexW: 1, evexW: 1 }
/** Shifts by an immediate write the register of the vvvv field; AVX takes no memory. */
const shift = (op: number, extension: number, evex = false): Row =>
  evex ? evexOnly(P66, M0F, op, 'full', { extension }) : both(P66, M0F, op, 'full', { extension })

/** d = op a with an 8-bit immediate. */
export const V2_IMM = {
  pslld: shift(0x72, 6),
  psrld: shift(0x72, 2),
  psrad: shift(0x72, 4),
  prold: shift(0x72, 1, true),
  prord: shift(0x72, 0, true),
  pshufd: both(P66, M0F, 0x70),
  roundps: vexOnly(P66, M3A, 0x08),
  rndscaleps: evexOnly(P66, M3A, 0x08),
  permilps: both(P66, M3A, 0x04),
  permq: both(P66, M3A, 0x00, 'full', LARGE),
  permpd: both(P66, M3A, 0x01, 'full', LARGE),
} satisfies Record<string, Row>

/** Stores of lanes cut to fewer bits: the last operand is what is written. */
export const NARROW = {
  /** Low bytes … */
  pmovdb: evexOnly(PF3, M38, 0x31, 'quarter', { destination: true }),
  /** … saturated from unsigned, and from signed lanes. */
  pmovusdb: evexOnly(PF3, M38, 0x11, 'quarter', { destination: true }),
  pmovsdb: evexOnly(PF3, M38, 0x21, 'quarter', { destination: true }),
  pmovdw: evexOnly(PF3, M38, 0x33, 'half', { destination: true }),
} satisfies Record<string, Row>

/** Mnemonics without the v that AVX puts before them; the multiply-adds also without ps. */
export type V3Op = keyof typeof V3
export type V3ImmOp = keyof typeof V3_IMM
export type V2Op = keyof typeof V2
export type V2ImmOp = keyof typeof V2_IMM
export type NarrowOp = keyof typeof NARROW
