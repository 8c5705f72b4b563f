/** @file Loads and stores of elements that do not lie side by side: patterns of constants, and gathers. */
import type { Instr } from '../../kernels/vector.ts'
import type { Gpr, Mem, Vec } from './asm/assembler.ts'
import { type Context, MASK_TEMPORARY } from './context.ts'
import { at, loadFirst, lowerLoad, lowerStore, splatByte } from './lower-memory.ts'

type Of<K extends Instr['op']> = Extract<Instr, { op: K }>

export function lowerLoadLanes(c: Context, instr: Of<'loadLanes'>): void {
  const { base, offset, pattern, type, d } = instr
  const lanes = pattern.length
  const size = type === 'u8' ? 1 : 4
  if (pattern.every((x, lane) => x === pattern[0] + lane * size)) {
    lowerLoad(c, { op: 'load', d, base, offset: offset + pattern[0], type, lanes })
    return
  }
  const m = c.mem(base, offset)
  const least = Math.min(...pattern)
  const places = pattern.map((x) => (x - least) / size)
  const window = Math.max(...places) + 1
  if (lanes === c.program.lanes && window === 1) {
    if (type === 'u8') splatByte(c, c.d(d), at(m, least))
    else c.broadcast(c.d(d), at(m, least))
  } else if (type === 'u8') {
    bytesOneByOne(
      c,
      c.d(d),
      pattern.map((x) => at(m, x)),
    )
  } else if (places.every(Number.isInteger) && window <= 2 * c.program.lanes) {
    pickFromWindow(c, c.d(d), at(m, least), places, window)
  } else if (c.evex && places.every(Number.isInteger) && lanes === 16 && window <= 64) {
    pickFromFour(c, c.d(d), at(m, least), places, window)
  } else {
    lanesOneByOne(
      c,
      c.d(d),
      pattern.map((x) => at(m, x)),
    )
  }
  c.finish(d)
}

/** The elements between the first and the last of the pattern, as one or two vectors, and a permutation of them. */
function pickFromWindow(c: Context, d: Vec, m: Mem, places: readonly number[], window: number): void {
  const { asm, width } = c
  const W = c.program.lanes
  const [low, order] = [c.temp(), c.temp()]
  if (window <= W) {
    // Lanes past the pattern take an element that is zero, or are masked away.
    loadFirst(c, low, m, window)
    const rest = window < W ? window : 0
    c.constant(
      order,
      Array.from({ length: W }, (_, lane) => places[lane] ?? rest),
    )
    asm.v3('permps', width, d, order, low)
    if (places.length < W && window === W) keepFirst(c, d, places.length)
    return
  }
  loadFirst(c, low, m, W)
  if (c.evex) {
    const high = c.temp()
    loadFirst(c, high, at(m, W * 4), window - W)
    c.constant(
      order,
      Array.from({ length: W }, (_, lane) => places[lane] ?? 0),
    )
    asm.v3('permt2ps', width, low, order, high)
    if (places.length < W) asm.move(width, d, low, { mask: c.mask(places.length), zero: true })
    else asm.move(width, d, low)
    return
  }
  // The last W elements of the window, in which the places beyond the first W lie too.
  const high = c.temp()
  const from = window - W
  asm.load(width, high, at(m, from * 4))
  c.constant(
    order,
    Array.from({ length: W }, (_, lane) => Math.min(places[lane] ?? 0, W - 1)),
  )
  asm.v3('permps', width, low, order, low)
  c.constant(
    order,
    Array.from({ length: W }, (_, lane) => Math.max((places[lane] ?? 0) - from, 0)),
  )
  asm.v3('permps', width, high, order, high)
  c.constant(
    order,
    Array.from({ length: W }, (_, lane) => ((places[lane] ?? 0) >= W ? -1 : 0)),
  )
  asm.blendv(width, d, low, high, order)
  if (places.length < W) keepFirst(c, d, places.length)
}

/** As `pickFromWindow`, from three or four vectors: each lane from the lower two or from the others. */
function pickFromFour(c: Context, d: Vec, m: Mem, places: readonly number[], window: number): void {
  const { asm, width } = c
  const pick = (first: number): Vec => {
    const [low, order] = [c.temp(), c.temp()]
    asm.load(width, low, at(m, first * 4))
    c.constant(
      order,
      places.map((place) => (place - first) & 31),
    )
    const rest = window - first - 16
    if (rest > 0) {
      const high = c.temp()
      loadFirst(c, high, at(m, (first + 16) * 4), Math.min(16, rest))
      asm.v3('permt2ps', width, low, order, high)
    } else asm.v3('permps', width, low, order, low)
    return low
  }
  const low = pick(0)
  // The last vector may end before the window's 48 elements do: it begins as late as it can.
  const first = Math.min(32, window - 16)
  const high = pick(first)
  const upper = places.reduce((bits, place, lane) => (place >= 32 ? bits | (1 << lane) : bits), 0)
  const x = c.tempInt()
  asm.movImm(x, upper)
  asm.kmov(MASK_TEMPORARY, x)
  asm.v3('blendmps', width, d, low, high, { mask: MASK_TEMPORARY })
}

/** Lanes from `count` on become 0. */
function keepFirst(c: Context, d: Vec, count: number): void {
  if (c.evex) {
    c.asm.move(c.width, d, d, { mask: c.mask(count), zero: true })
    return
  }
  const kept = Array.from({ length: c.program.lanes }, (_, lane) => (lane < count ? -1 : 0))
  c.asm.v3('pand', c.width, d, d, c.constantOperand(kept).at)
}

/** Elements of 32 bits from anywhere, four to a quarter of the vector. */
function lanesOneByOne(c: Context, d: Vec, places: readonly Mem[]): void {
  const { asm } = c
  const quarters: Vec[] = []
  const target = places.length > 4 ? c.temp() : d
  for (let first = 0; first < places.length; first += 4) {
    const quarter = first === 0 ? target : c.temp()
    asm.loadScalar(quarter, places[first])
    for (let lane = 1; lane < 4 && first + lane < places.length; lane++) {
      asm.insertLane(quarter, quarter, places[first + lane], lane)
    }
    quarters.push(quarter)
  }
  join(c, d, quarters)
}

/** One vector of quarters in xmm registers; what is missing is 0. */
function join(c: Context, d: Vec, quarters: readonly Vec[]): void {
  const { asm } = c
  const [a, b, x, y] = quarters
  if (b === undefined) {
    if (a !== d) asm.move(128, d, a)
    return
  }
  asm.insert128(256, a, a, b, 1)
  if (x === undefined) {
    asm.move(256, d, a)
    return
  }
  if (y !== undefined) asm.insert128(256, x, x, y, 1)
  asm.insert256(d, a, x, 1)
}

/** Bytes from anywhere, widened. */
function bytesOneByOne(c: Context, d: Vec, places: readonly Mem[]): void {
  const bytes = c.temp()
  c.zero(bytes)
  places.forEach((m, lane) => {
    c.asm.insertByte(bytes, bytes, m, lane)
  })
  c.asm.v2('pmovzxbd', c.width, d, bytes)
}

export function lowerGather(c: Context, { base, offset, index, scale, type, lanes, d }: Of<'gather'>): void {
  const { asm, width } = c
  if (type === 'u8') {
    gatherBytes(c, { base, offset, index, scale, lanes, d })
    return
  }
  const m = c.mem(base, offset)
  let at = c.v(index)
  const direct = scale === 1 || scale === 2 || scale === 4 || scale === 8
  if (!direct) {
    const scaled = c.temp()
    c.op3Constant('pmulld', scaled, at, scale)
    at = scaled
  }
  const from: Mem = { ...m, index: at, scale: direct ? scale : 1 }
  const to = c.temp()
  c.zero(to)
  if (c.evex) {
    const lanesMask = lanes === c.program.lanes ? undefined : c.mask(lanes)
    if (lanesMask === undefined) {
      // All ones: a number compared with itself.
      asm.cmpMaskInt(width, MASK_TEMPORARY, to, to, 0)
    } else if (lanesMask !== MASK_TEMPORARY) asm.kcopy(MASK_TEMPORARY, lanesMask)
    // Registers that are lacking may look alike, which no gather allows; the code will be written again.
    if (!c.lacking) asm.gather(width, to, from, MASK_TEMPORARY)
  } else {
    const mask = c.temp()
    c.constant(
      mask,
      Array.from({ length: c.program.lanes }, (_, lane) => (lane < lanes ? -1 : 0)),
    )
    if (!c.lacking) asm.gather(width, to, from, mask)
  }
  asm.move(width, c.d(d), to)
  c.finish(d)
}

/** One byte each: a gather would read three bytes past each. */
function gatherBytes(
  c: Context,
  { base, offset, index, scale, lanes, d }: Pick<Of<'gather'>, 'base' | 'offset' | 'index' | 'scale' | 'lanes' | 'd'>,
): void {
  const { asm } = c
  const space = c.scratch(c.program.lanes * 4)
  asm.store(c.width, space, c.v(index))
  const address: Gpr = c.i(base)
  const x = c.tempInt()
  const bytes = c.temp()
  c.zero(bytes)
  for (let lane = 0; lane < lanes; lane++) {
    asm.load32s(x, at(space, lane * 4))
    if (scale !== 1) asm.imulImm(x, x, scale)
    asm.insertByte(bytes, bytes, { base: address, index: x, scale: 1, offset }, lane)
  }
  asm.v2('pmovzxbd', c.width, c.d(d), bytes)
  c.finish(d)
}

export function lowerStoreLanes(c: Context, { base, offset, pattern, a, type }: Of<'storeLanes'>): void {
  const { asm } = c
  const size = type === 'u8' ? 1 : 4
  if (pattern.every((x, lane) => x === pattern[0] + lane * size)) {
    lowerStore(c, { op: 'store', base, offset: offset + pattern[0], a, type, lanes: pattern.length })
    return
  }
  const m = c.mem(base, offset)
  const x = c.v(a)
  const part = pattern.length > 4 ? c.temp() : x
  pattern.forEach((place, lane) => {
    if (lane > 0 && lane % 4 === 0) asm.extract128(c.evex ? 512 : 256, part, x, lane / 4)
    const from = lane < 4 ? x : part
    const to = at(m, place)
    if (type === 'u8') asm.extractByteTo(to, from, 4 * (lane % 4))
    else if (lane % 4 === 0) asm.storeScalar(to, from)
    else asm.extractLane(to, from, lane % 4)
  })
}
