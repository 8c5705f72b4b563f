/**
 * @file Which machine register holds which register of a vector program: linear scan over intervals of positions, where
 * the cheapest intervals go to the stack (constants: to the constant pool) when registers run out.
 */
import type { Instr, Reg, VectorProgram } from '../../kernels/vector.ts'
import { mentions } from '../liveness.ts'
import type { Bits } from './context.ts'
import type { FoldedLoad } from './folds.ts'

/** How many temporary vector registers the code of an instruction asks for, by position. */
export type Demand = ReadonlyMap<number, number>

export interface Allocation {
  /** The machine register of each register, or -1 where it lies in memory. */
  readonly register: Int32Array
  /** The stack slot of each register in memory (-1 for constants, parameters and registers never used). */
  readonly slot: Int32Array
  readonly vectorSlots: number
  readonly intSlots: number
  /** Temporary vector registers of every instruction, and those that the code at some positions has besides. */
  readonly reserve: readonly number[]
  readonly temporaries: ReadonlyMap<number, readonly number[]>
}

export interface AllocationInput {
  readonly program: VectorProgram
  /** What `findIntervals` found in the program: by their starts. */
  readonly intervals: readonly Interval[]
  readonly constants: ReadonlyMap<Reg, Bits>
  readonly demand: Demand
  /** Machine registers that may be used. */
  readonly pools: { readonly v: readonly number[]; readonly i: readonly number[] }
}

/** Where a register must hold its value. */
export interface Interval {
  readonly reg: Reg
  /** Reads of the instruction at position p happen at 2p, its writes at 2p + 1. */
  start: number
  end: number
  /** Cost of keeping it in memory. */
  weight: number
  /** Registers whose machine register it would like to take over. */
  hints: readonly Reg[]
}

const NO_HINTS: readonly Reg[] = []

interface Scope {
  readonly parent: Scope | null
  readonly start: number
  end: number
  /** What a mention in it costs where the register lies in memory. */
  readonly cost: number
  readonly loops: boolean
}

/** That of eight loops in each other. */
const MOST_COST = 8 ** 8

/** Constants come from the pool at no cost but a load's, so anything else has more right to a register. */
const CONSTANT_DISCOUNT = 0.1

/**
 * How many vector registers may be set aside as temporaries of every instruction, of 32 and of 16: the first number with
 * which nothing goes to the stack is taken. Most code asks for no more temporaries than these, and so is written only once.
 */
const RESERVES = { many: [4, 2, 1, 0], few: [1, 0] }

/** Where something goes to the stack anyway, a reserve may make that costlier by so much. */
const TOLERANCE = 1.1

export function allocate(input: AllocationInput): Allocation {
  const { program, intervals, pools } = input
  const register = new Int32Array(program.registers.length).fill(-1)
  const slot = new Int32Array(program.registers.length).fill(-1)
  const of = (kind: 'v' | 'i'): Interval[] => intervals.filter(({ reg }) => program.registers[reg] === kind)
  const ints = of('i')
  placeAll(pools.i, ints, register)
  const intSlots = assignSlots(inStack(ints, register, input), slot)
  const vectors = of('v')
  const placed = placeWithReserve(vectors, register, input)
  const vectorSlots = assignSlots(inStack(vectors, register, input), slot)
  return { register, slot, vectorSlots, intSlots, ...placed }
}

type Temporaries = Pick<Allocation, 'reserve' | 'temporaries'>

/** Gives vectors registers, with the largest reserve that costs nothing or little. */
function placeWithReserve(vectors: readonly Interval[], register: Int32Array, input: AllocationInput): Temporaries {
  const { pools, constants } = input
  const reserves = pools.v.length > 16 ? RESERVES.many : RESERVES.few
  const most = pressure(vectors.filter(({ reg }) => !constants.has(reg)))
  const cost = (): number => inStack(vectors, register, input).reduce((sum, { weight }) => sum + weight, 0)
  for (const count of reserves) {
    if (most > pools.v.length - count) continue
    const placed = placeVectors(vectors, count, register, input)
    if (cost() === 0) return placed
  }
  placeVectors(vectors, 0, register, input)
  const least = cost()
  for (const count of reserves) {
    const placed = placeVectors(vectors, count, register, input)
    if (cost() <= TOLERANCE * least) return placed
  }
  return placeVectors(vectors, 0, register, input)
}

/** How many intervals there are at the busiest time. */
function pressure(intervals: readonly Interval[]): number {
  const last = intervals.reduce((most, { end }) => Math.max(most, end), 0)
  const changes = new Int32Array(last + 2)
  for (const { start, end } of intervals) {
    changes[start]++
    changes[end + 1]--
  }
  let [now, most] = [0, 0]
  for (const change of changes) {
    now += change
    if (now > most) most = now
  }
  return most
}

/** Gives vectors the registers that a reserve of `count` leaves, and temporaries to those positions that ask for more. */
function placeVectors(
  vectors: readonly Interval[],
  count: number,
  register: Int32Array,
  { demand, pools }: AllocationInput,
): Temporaries {
  const left = pools.v.length - count
  const all = [...vectors]
  for (const [at, asked] of demand) for (let n = count; n < asked; n++) all.push(temporary(at))
  if (all.length > vectors.length) all.sort(byStart)
  const temporaries = new Map<number, number[]>()
  for (const { interval, machine } of placeAll(pools.v.slice(0, left), all, register)) {
    const at = -1 - interval.reg
    const there = temporaries.get(at)
    if (there === undefined) temporaries.set(at, [machine])
    else there.push(machine)
  }
  return { reserve: pools.v.slice(left), temporaries }
}

/** Gives intervals registers of the pool, as far as these go; returns those of temporaries. */
function placeAll(pool: readonly number[], intervals: readonly Interval[], register: Int32Array): readonly Placed[] {
  const scan = new LinearScan(pool, register)
  for (const { reg } of intervals) if (reg >= 0) register[reg] = -1
  for (const interval of intervals) scan.place(interval)
  return scan.temporaries
}

/** The intervals without a register that need a place on the stack. */
function inStack(
  intervals: readonly Interval[],
  register: Int32Array,
  { program, constants }: AllocationInput,
): Interval[] {
  return intervals.filter(({ reg }) => reg >= program.params && register[reg] < 0 && !constants.has(reg))
}

/** It takes part in everything that happens at its position. */
function temporary(at: number): Interval {
  return { reg: -1 - at, start: 2 * at, end: 2 * at + 1, weight: Number.POSITIVE_INFINITY, hints: NO_HINTS }
}

/** Walks a block in the order of its positions: `simple` instructions have one, loops and ifs a second at their end. */
export function walkPositions(
  body: readonly Instr[],
  first: number,
  enter: (instr: Instr, at: number) => void,
  leave: (instr: Instr, at: number) => void = () => {},
): number {
  let at = first
  for (let n = 0; n < body.length; n++) {
    const instr = body[n]
    enter(instr, at++)
    if (instr.op === 'loop') at = walkPositions(instr.body, at, enter, leave)
    else if (instr.op === 'if') {
      at = walkPositions(instr.yes, at, enter, leave)
      at = walkPositions(instr.no, at, enter, leave)
    } else continue
    leave(instr, at++)
  }
  return at
}

/** The intervals of all registers of a program, whatever temporaries its code will need. */
export function findIntervals(
  program: VectorProgram,
  folds: ReadonlyMap<Reg, FoldedLoad>,
  constants: ReadonlyMap<Reg, Bits>,
): readonly Interval[] {
  const scopes = new Map<Instr, Scope>()
  let open: Scope = { parent: null, start: 0, end: Number.POSITIVE_INFINITY, cost: 1, loops: false }
  walkPositions(
    program.body,
    1,
    (instr, at) => {
      if (instr.op !== 'loop' && instr.op !== 'if') return
      const loops = instr.op === 'loop'
      open = { parent: open, start: at, end: at, cost: loops ? Math.min(8 * open.cost, MOST_COST) : open.cost, loops }
      scopes.set(instr, open)
    },
    (_instr, at) => {
      open.end = at
      if (open.parent !== null) open = open.parent
    },
  )
  const intervals: (Interval | undefined)[] = new Array(program.registers.length).fill(undefined)
  const note = (reg: Reg, time: number): void => {
    const weight = constants.has(reg) ? open.cost * CONSTANT_DISCOUNT : open.cost
    const interval = intervals[reg]
    if (interval === undefined) {
      intervals[reg] = { reg, start: time, end: time, weight, hints: NO_HINTS }
      return
    }
    interval.weight += weight
    if (time > interval.end) interval.end = time
    // What is alive when a loop begins and used in it lives until the loop ends.
    for (let s: Scope | null = open; s !== null; s = s.parent) {
      if (s.loops && 2 * s.start > interval.start && 2 * s.end > interval.end) interval.end = 2 * s.end
    }
  }
  for (let p = 0; p < program.params; p++) note(p, 1)
  let position = 0
  const read = (reg: Reg): void => note(folds.get(reg)?.base ?? reg, 2 * position)
  const write = (reg: Reg): void => note(reg, 2 * position + 1)
  const atEnd = (reg: Reg): void => note(reg, 2 * open.end)
  walkPositions(
    program.body,
    1,
    (instr, at) => {
      if ((instr.op === 'load' || instr.op === 'loadSplat') && folds.get(instr.d) === instr) return
      position = at
      mentions(instr, read, write)
      addHints(instr, 2 * at + 1, intervals)
      open = scopes.get(instr) ?? open
      // The counter and the bounds of a loop are used at its end too.
      if (instr.op === 'loop') mentions(instr, atEnd, atEnd)
    },
    () => {
      if (open.parent !== null) open = open.parent
    },
  )
  return intervals.filter((x) => x !== undefined).sort(byStart)
}

const byStart = (p: Interval, q: Interval): number => p.start - q.start || p.end - q.end

/** A result likes to be where an operand was that ends here: it saves a move. */
function addHints(instr: Instr, time: number, intervals: readonly (Interval | undefined)[]): void {
  switch (instr.op) {
    case 'v3':
    case 'set':
    case 'v1':
    case 'shift':
    case 'v2':
    case 'i2': {
      const interval = intervals[instr.d]
      if (interval?.start === time) interval.hints = instr.op === 'v3' ? [instr.c, instr.a, instr.b] : [instr.a]
    }
  }
}

/** An interval and its machine register. */
interface Placed {
  readonly interval: Interval
  readonly machine: number
}

class LinearScan {
  readonly temporaries: Placed[] = []
  readonly #free: number[]
  readonly #register: Int32Array
  readonly #active: Placed[] = []
  /** No active interval ends before this. */
  #soonest = Number.POSITIVE_INFINITY

  constructor(pool: readonly number[], register: Int32Array) {
    this.#free = [...pool].reverse()
    this.#register = register
  }

  place(interval: Interval): void {
    this.#expire(interval.start)
    const machine = this.#take(interval) ?? this.#evict(interval)
    if (machine === undefined) return
    this.#active.push({ interval, machine })
    this.#soonest = Math.min(this.#soonest, interval.end)
    if (interval.reg >= 0) this.#register[interval.reg] = machine
    else this.temporaries.push({ interval, machine })
  }

  #expire(before: number): void {
    if (this.#soonest >= before) return
    const active = this.#active
    let kept = 0
    this.#soonest = Number.POSITIVE_INFINITY
    for (const entry of active) {
      const { end } = entry.interval
      if (end < before) {
        this.#free.push(entry.machine)
        continue
      }
      active[kept++] = entry
      if (end < this.#soonest) this.#soonest = end
    }
    active.length = kept
  }

  #take({ hints }: Interval): number | undefined {
    for (const hint of hints) {
      const at = this.#free.indexOf(this.#register[hint])
      if (at >= 0) return this.#free.splice(at, 1)[0]
    }
    return this.#free.pop()
  }

  /** The register of the cheapest interval, if that is cheaper than the new one. */
  #evict(interval: Interval): number | undefined {
    let cheapest = -1
    let least = interval.weight
    this.#active.forEach(({ interval: { weight } }, at) => {
      if (weight < least) {
        least = weight
        cheapest = at
      }
    })
    if (cheapest < 0) {
      if (interval.reg < 0) throw new Error('An instruction needs more registers than there are.')
      return undefined
    }
    const [victim] = this.#active.splice(cheapest, 1)
    this.#register[victim.interval.reg] = -1
    return victim.machine
  }
}

/** Gives spilled registers stack slots, shared by those that do not live together. */
function assignSlots(spilled: readonly Interval[], slot: Int32Array): number {
  const ends: number[] = []
  for (const { reg, start, end } of spilled) {
    let at = ends.findIndex((e) => e < start)
    if (at < 0) at = ends.push(0) - 1
    ends[at] = end
    slot[reg] = at
  }
  return ends.length
}
