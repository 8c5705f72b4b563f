/** @file Contiguous loads and stores. What lies past the lanes asked for is never touched. */
import type { Instr } from '../../kernels/vector.ts'
import type { Mem, Vec } from './asm/assembler.ts'
import type { Context } from './context.ts'

type Of<K extends Instr['op']> = Extract<Instr, { op: K }>

export function at(m: Mem, bytes: number): Mem {
  return bytes === 0 ? m : { ...m, offset: m.offset + bytes }
}

export function lowerLoad(c: Context, instr: Of<'load'>): void {
  const { base, offset, type, lanes, d } = instr
  if (c.folds.get(d) === instr) return
  const m = c.mem(base, offset)
  if (type === 'u8') loadBytes(c, c.d(d), m, lanes)
  else loadFirst(c, c.d(d), m, lanes)
  c.finish(d)
}

/** The first `lanes` elements of 32 bits, zeros after them. */
export function loadFirst(c: Context, d: Vec, m: Mem, lanes: number): void {
  const { asm, width } = c
  if (lanes === c.program.lanes) asm.load(width, d, m)
  else if (lanes === 1) asm.loadScalar(d, m)
  else if (lanes === 2) asm.load64v(d, m)
  else if (lanes === 4) asm.load(128, d, m)
  else if (lanes === 8) asm.load(256, d, m)
  else if (c.evex) asm.load(width, d, m, { mask: c.mask(lanes), zero: true })
  else {
    const mask = laneMask(c, lanes)
    asm.maskLoad(width, d, mask, m)
  }
}

/** A vector whose first lanes are all ones (AVX2's masks are vectors). */
function laneMask(c: Context, lanes: number): Vec {
  const mask = c.temp()
  c.constant(mask, laneBits(c, lanes))
  return mask
}

const laneBits = (c: Context, lanes: number): number[] =>
  Array.from({ length: c.program.lanes }, (_, lane) => (lane < lanes ? -1 : 0))

function loadBytes(c: Context, d: Vec, m: Mem, lanes: number): void {
  const { asm, width } = c
  if (lanes === c.program.lanes) {
    asm.v2('pmovzxbd', width, d, m)
  } else if (c.evex) {
    asm.v2('pmovzxbd', width, d, m, { mask: c.mask(lanes), zero: true })
  } else {
    c.zero(d)
    for (let lane = 0; lane < lanes; lane++) asm.insertByte(d, d, at(m, lane), lane)
    asm.v2('pmovzxbd', width, d, d)
  }
}

export function lowerLoadSplat(c: Context, instr: Of<'loadSplat'>): void {
  const { base, offset, type, d } = instr
  if (c.folds.get(d) === instr) return
  const m = c.mem(base, offset)
  const to = c.d(d)
  if (type === 'u8') splatByte(c, to, m)
  else c.broadcast(to, m)
  c.finish(d)
}

export function splatByte(c: Context, d: Vec, m: Mem): void {
  const x = c.tempInt()
  c.asm.load8(x, m)
  if (c.evex) {
    c.asm.broadcastGpr(c.width, d, x)
  } else {
    c.asm.fromGpr(d, x)
    c.asm.v2('pbroadcastd', c.width, d, d)
  }
}

export function lowerStore(c: Context, { base, offset, a, type, lanes, streamed = false }: Of<'store'>): void {
  const m = c.mem(base, offset)
  const x = c.v(a)
  if (type === 'u8') storeBytes(c, m, x, lanes)
  else if (streamed && c.evex && lanes === c.program.lanes) streamLine(c, m, x)
  else storeFirst(c, m, x, lanes)
}

/** Writes a whole cache line past the caches, and what lies in two lines as ever. */
function streamLine(c: Context, m: Mem, x: Vec): void {
  const { asm, width } = c
  const [apart, done] = [asm.label(), asm.label()]
  const address = c.tempInt()
  asm.lea(address, m)
  asm.andImm(address, 63)
  asm.jcc('ne', apart)
  asm.storeNt(width, m, x)
  asm.jmp(done)
  asm.bind(apart)
  asm.store(width, m, x)
  asm.bind(done)
  c.streamed = true
}

function storeFirst(c: Context, m: Mem, x: Vec, lanes: number): void {
  const { asm, width } = c
  if (lanes === c.program.lanes) asm.store(width, m, x)
  else if (lanes === 1) asm.storeScalar(m, x)
  else if (lanes === 2) asm.store64v(m, x)
  else if (lanes === 4) asm.store(128, m, x)
  else if (lanes === 8) asm.store(256, m, x)
  else if (c.evex) asm.store(width, m, x, { mask: c.mask(lanes) })
  else asm.maskStore(width, m, laneMask(c, lanes), x)
}

/** Byte 0 of each of the four elements, then nothing. */
const LOW_BYTES = 0x0c080400

function storeBytes(c: Context, m: Mem, x: Vec, lanes: number): void {
  const { asm } = c
  if (c.evex) {
    if (lanes === c.program.lanes) asm.storeBytes(512, m, x)
    else asm.storeBytes(512, m, x, { mask: c.mask(lanes) })
    return
  }
  const packed = c.temp()
  const high = c.temp()
  c.constant(high, [LOW_BYTES])
  asm.v3('pshufb', 256, packed, x, high)
  asm.extract128(256, high, packed, 1)
  for (let first = 0; first < lanes; first += 4) {
    const part = first === 0 ? packed : high
    const count = Math.min(4, lanes - first)
    if (count === 4) asm.storeScalar(at(m, first), part)
    else for (let lane = 0; lane < count; lane++) asm.extractByteTo(at(m, first + lane), part, lane)
  }
}
