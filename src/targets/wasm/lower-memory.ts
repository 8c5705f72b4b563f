/**
 * @file Loads and stores of vectors: whole, partial, by static patterns and gathered. None touches a byte outside the
 * range from its first to its last element.
 */
import type { Instr } from '../../kernels/vector.ts'
import type { Context } from './context.ts'
import { Op, Simd } from './opcodes.ts'

type Of<K extends Instr['op']> = Extract<Instr, { op: K }>

/** Bytes 0–3 of a vector, widened to four int32 lanes. */
function widen(c: Context): void {
  c.f.simd(Simd.i16x8ExtendLowU)
  c.f.simd(Simd.i32x4ExtendLowU)
}

function pushZero(c: Context): void {
  c.f.v128(0, 0, 0, 0)
}

export function lowerLoad(c: Context, { base, offset, type, lanes, d }: Of<'load'>): void {
  if (type === 'u8') {
    loadBytes(c, { base, offset, lanes, d })
    return
  }
  const { f } = c
  if (lanes === 3) {
    const tail = c.pushAddressAgain(base, offset + 8)
    const head = c.pushAddressAgain(base, offset)
    f.simdMemory(Simd.load64Zero, head)
    f.laneMemory(Simd.load32Lane, tail, 2)
  } else {
    const at = c.pushAddress(base, offset)
    f.simdMemory(lanes === 4 ? Simd.load : lanes === 2 ? Simd.load64Zero : Simd.load32Zero, at)
  }
  c.pop(d)
}

function loadBytes(c: Context, { base, offset, lanes, d }: Pick<Of<'load'>, 'base' | 'offset' | 'lanes' | 'd'>): void {
  const { f } = c
  if (lanes === 4) {
    f.simdMemory(Simd.load32Zero, c.pushAddress(base, offset))
  } else if (lanes === 3) {
    const tail = c.pushAddressAgain(base, offset + 2)
    const head = c.pushAddressAgain(base, offset)
    pushZero(c)
    f.laneMemory(Simd.load16Lane, head, 0)
    f.laneMemory(Simd.load8Lane, tail, 2)
  } else {
    const at = c.pushAddress(base, offset)
    pushZero(c)
    f.laneMemory(lanes === 2 ? Simd.load16Lane : Simd.load8Lane, at, 0)
  }
  widen(c)
  c.pop(d)
}

export function lowerLoadSplat(c: Context, { base, offset, type, d }: Of<'loadSplat'>): void {
  const at = c.pushAddress(base, offset)
  if (type === 'u8') {
    c.f.memory(Op.i32Load8U, at)
    c.f.simd(Simd.i32x4Splat)
  } else {
    c.f.simdMemory(Simd.load32Splat, at)
  }
  c.pop(d)
}

/**
 * A pattern that fits into a window of one or two vectors loads the window and shuffles: contiguous, reversed, every
 * second element, repeated pairs. Any other goes lane by lane.
 */
export function lowerLoadLanes(c: Context, instr: Of<'loadLanes'>): void {
  const { base, offset, pattern, type, d } = instr
  const lanes = pattern.length
  const least = Math.min(...pattern)
  const span = Math.max(...pattern) - least
  const size = type === 'u8' ? 1 : 4
  if (pattern.every((at, lane) => at === pattern[0] + lane * size)) {
    lowerLoad(c, { op: 'load', d, base, offset: offset + pattern[0], type, lanes })
    return
  }
  if (span === 0 && lanes === 4) {
    lowerLoadSplat(c, { op: 'loadSplat', d, base, offset: offset + least, type })
    return
  }
  const aligned = pattern.every((at) => (at - least) % size === 0)
  const places = pattern.map((at) => (at - least) / size)
  if (type === 'u8' && span === 3) {
    shuffleBytes(c, instr, least, places)
    return
  }
  if (type !== 'u8' && aligned && span <= 12) {
    shuffleWindow(c, instr, least, places)
    return
  }
  if (type !== 'u8' && aligned && span <= 28 && lanes === 4) {
    shuffleTwoWindows(c, instr, least, places)
    return
  }
  loadLaneByLane(c, instr)
}

/** Four neighbouring bytes, picked and widened by one shuffle with zeros. */
function shuffleBytes(
  c: Context,
  { base, offset, d }: Of<'loadLanes'>,
  least: number,
  places: readonly number[],
): void {
  const zero = 16
  const bytes: number[] = []
  for (let lane = 0; lane < 4; lane++) bytes.push(places[lane] ?? zero, zero, zero, zero)
  c.f.simdMemory(Simd.load32Zero, c.pushAddress(base, offset + least))
  pushZero(c)
  c.f.shuffleBytes(bytes)
  c.pop(d)
}

/** Up to four neighbouring elements, picked by one shuffle. */
function shuffleWindow(
  c: Context,
  { base, offset, d }: Of<'loadLanes'>,
  least: number,
  places: readonly number[],
): void {
  const window = Math.max(...places) + 1
  const loaded = c.scratch('v', 0)
  loadWindow(c, base, offset + least, window)
  // Lanes past the pattern are zero: a lane that the window left zero, or one of a zero vector.
  const zero = places.length === 4 || window < 4 ? window & 3 : 4
  const [p, q, r, s] = [0, 1, 2, 3].map((lane) => places[lane] ?? zero)
  if (zero === 4) {
    pushZero(c)
  } else {
    c.f.tee(loaded)
    c.f.get(loaded)
  }
  c.f.shuffle(p, q, r, s)
  c.pop(d)
}

/** Pushes the first `window` elements at base + offset. */
function loadWindow(c: Context, base: number, offset: number, window: number): void {
  const { f } = c
  if (window === 3) {
    const tail = c.pushAddressAgain(base, offset + 8)
    const head = c.pushAddressAgain(base, offset)
    f.simdMemory(Simd.load64Zero, head)
    f.laneMemory(Simd.load32Lane, tail, 2)
  } else {
    const at = c.pushAddress(base, offset)
    f.simdMemory(window === 4 ? Simd.load : window === 2 ? Simd.load64Zero : Simd.load32Zero, at)
  }
}

/** Five to eight neighbouring elements: the first four, the last four, and one shuffle. */
function shuffleTwoWindows(
  c: Context,
  { base, offset, d }: Of<'loadLanes'>,
  least: number,
  places: readonly number[],
): void {
  const last = Math.max(...places)
  c.f.simdMemory(Simd.load, c.pushAddressAgain(base, offset + least))
  c.f.simdMemory(Simd.load, c.pushAddressAgain(base, offset + least + 4 * (last - 3)))
  const [p, q, r, s] = places.map((place) => (place < 4 ? place : place - (last - 3) + 4))
  c.f.shuffle(p, q, r, s)
  c.pop(d)
}

function loadLaneByLane(c: Context, { base, offset, pattern, type, d }: Of<'loadLanes'>): void {
  const { f } = c
  // Addresses first, last lane's deepest: each lane load takes an address below the vector built so far.
  const at: number[] = []
  for (let lane = pattern.length - 1; lane >= 0; lane--) at[lane] = c.pushAddressAgain(base, offset + pattern[lane])
  if (type === 'u8') {
    pushZero(c)
    pattern.forEach((_, lane) => {
      f.laneMemory(Simd.load8Lane, at[lane], 4 * lane)
    })
  } else {
    f.simdMemory(Simd.load32Zero, at[0])
    for (let lane = 1; lane < pattern.length; lane++) f.laneMemory(Simd.load32Lane, at[lane], lane)
  }
  c.pop(d)
}

export function lowerGather(c: Context, { base, offset, index, scale, type, lanes, d }: Of<'gather'>): void {
  const { f } = c
  const rest = Math.max(offset, 0)
  for (let lane = lanes - 1; lane >= 0; lane--) {
    c.pushAddressAgain(base, Math.min(offset, 0))
    c.pushAgain(index)
    f.lane(Simd.i32x4ExtractLane, lane)
    if (scale !== 1) {
      const shift = Math.log2(scale)
      f.i32(Number.isInteger(shift) ? shift : scale)
      f.op(Number.isInteger(shift) ? Op.i32Shl : Op.i32Mul)
    }
    f.op(Op.i32Add)
  }
  if (type === 'u8') {
    pushZero(c)
    for (let lane = 0; lane < lanes; lane++) f.laneMemory(Simd.load8Lane, rest, 4 * lane)
  } else {
    f.simdMemory(Simd.load32Zero, rest)
    for (let lane = 1; lane < lanes; lane++) f.laneMemory(Simd.load32Lane, rest, lane)
  }
  c.pop(d)
}

export function lowerStore(c: Context, { base, offset, a, type, lanes }: Of<'store'>): void {
  const { f } = c
  if (type === 'u8') {
    storeBytes(c, { base, offset, a, lanes })
    return
  }
  if (lanes === 4) {
    const at = c.pushAddress(base, offset)
    c.push(a)
    f.simdMemory(Simd.store, at)
    return
  }
  if (lanes >= 2) {
    const at = c.pushAddressAgain(base, offset)
    c.pushAgain(a)
    f.laneMemory(Simd.store64Lane, at, 0)
  }
  if (lanes !== 2) {
    const at = c.pushAddressAgain(base, offset + 4 * (lanes - 1))
    c.pushAgain(a)
    f.laneMemory(Simd.store32Lane, at, lanes - 1)
  }
}

const lowBytes = [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]

function storeBytes(
  c: Context,
  { base, offset, a, lanes }: Pick<Of<'store'>, 'base' | 'offset' | 'a' | 'lanes'>,
): void {
  const { f } = c
  if (lanes === 1) {
    const at = c.pushAddress(base, offset)
    c.push(a)
    f.laneMemory(Simd.store8Lane, at, 0)
    return
  }
  const at = c.pushAddressAgain(base, offset)
  c.pushAgain(a)
  c.pushAgain(a)
  f.shuffleBytes(lowBytes)
  f.laneMemory(lanes === 4 ? Simd.store32Lane : Simd.store16Lane, at, 0)
  if (lanes === 3) {
    const tail = c.pushAddressAgain(base, offset + 2)
    c.pushAgain(a)
    f.laneMemory(Simd.store8Lane, tail, 8)
  }
}

export function lowerStoreLanes(c: Context, { base, offset, pattern, a, type }: Of<'storeLanes'>): void {
  const size = type === 'u8' ? 1 : 4
  if (pattern.every((at, lane) => at === pattern[0] + lane * size)) {
    lowerStore(c, { op: 'store', base, offset: offset + pattern[0], a, type, lanes: pattern.length })
    return
  }
  pattern.forEach((at, lane) => {
    const rest = c.pushAddressAgain(base, offset + at)
    c.pushAgain(a)
    if (type === 'u8') c.f.laneMemory(Simd.store8Lane, rest, 4 * lane)
    else c.f.laneMemory(Simd.store32Lane, rest, lane)
  })
}
