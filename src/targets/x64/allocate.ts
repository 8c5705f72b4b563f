/**
 * @file Which machine register holds which register of a vector program: linear scan over intervals of positions, where
 * the cheapest intervals go to the stack (constants: to the constant pool) when registers run out.
 */
import type { Instr, Reg, VectorProgram } from '../../kernels/vector.ts'
import { innerBlocks, mentions } from '../liveness.ts'
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
  /** Temporary vector registers at each position. */
  readonly temporaries: ReadonlyMap<number, readonly number[]>
}

export interface AllocationInput {
  readonly program: VectorProgram
  /** What `findIntervals` found in the program. */
  readonly intervals: readonly Interval[]
  readonly constants: ReadonlyMap<Reg, readonly number[]>
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
  readonly hints: Reg[]
}

interface Scope {
  readonly parent: Scope | null
  readonly start: number
  end: number
  readonly depth: number
  readonly loops: boolean
}

/** Constants come from the pool at no cost but a load's, so anything else has more right to a register. */
const CONSTANT_DISCOUNT = 0.1

export function allocate(input: AllocationInput): Allocation {
  const { program, intervals, constants, demand } = input
  const register = new Int32Array(program.registers.length).fill(-1)
  const slot = new Int32Array(program.registers.length).fill(-1)
  const temporaries = new Map<number, number[]>()
  const slots = { v: 0, i: 0 }
  for (const kind of ['v', 'i'] as const) {
    const own = intervals.filter(({ reg }) => program.registers[reg] === kind)
    const scan = new LinearScan(input.pools[kind], register)
    if (kind === 'v') {
      for (const [at, count] of demand) {
        temporaries.set(at, [])
        for (let n = 0; n < count; n++) own.push(temporary(at))
      }
    }
    own.sort((p, q) => p.start - q.start || p.end - q.end)
    for (const interval of own) scan.place(interval)
    for (const { interval, machine } of scan.temporaries) temporaries.get(-1 - interval.reg)?.push(machine)
    const spilled = own.filter(({ reg }) => reg >= program.params && register[reg] < 0 && !constants.has(reg))
    slots[kind] = assignSlots(spilled, slot)
  }
  return { register, slot, vectorSlots: slots.v, intSlots: slots.i, temporaries }
}

/** It takes part in everything that happens at its position. */
function temporary(at: number): Interval {
  return { reg: -1 - at, start: 2 * at, end: 2 * at + 1, weight: Number.POSITIVE_INFINITY, hints: [] }
}

/** Walks a block in the order of its positions: `simple` instructions have one, loops and ifs a second at their end. */
export function walkPositions(
  body: readonly Instr[],
  first: number,
  enter: (instr: Instr, at: number) => void,
  leave: (instr: Instr, at: number) => void,
): number {
  let at = first
  for (const instr of body) {
    enter(instr, at++)
    const inner = innerBlocks(instr)
    if (inner.length === 0) continue
    for (const block of inner) at = walkPositions(block, at, enter, leave)
    leave(instr, at++)
  }
  return at
}

/** The intervals of all registers of a program, whatever temporaries its code will need. */
export function findIntervals(
  program: VectorProgram,
  folds: ReadonlyMap<Reg, FoldedLoad>,
  constants: ReadonlyMap<Reg, readonly number[]>,
): readonly Interval[] {
  const scopes = new Map<Instr, Scope>()
  let open: Scope = { parent: null, start: 0, end: Number.POSITIVE_INFINITY, depth: 0, loops: false }
  walkPositions(
    program.body,
    1,
    (instr, at) => {
      if (instr.op !== 'loop' && instr.op !== 'if') return
      const loops = instr.op === 'loop'
      open = { parent: open, start: at, end: at, depth: open.depth + (loops ? 1 : 0), loops }
      scopes.set(instr, open)
    },
    (_instr, at) => {
      open.end = at
      if (open.parent !== null) open = open.parent
    },
  )
  const intervals: (Interval | undefined)[] = new Array(program.registers.length).fill(undefined)
  const note = (reg: Reg, at: number, writes: boolean): void => {
    const time = 2 * at + (writes ? 1 : 0)
    const cost = 8 ** Math.min(open.depth, 8)
    const weight = constants.has(reg) ? cost * CONSTANT_DISCOUNT : cost
    const interval = intervals[reg]
    if (interval === undefined) {
      intervals[reg] = { reg, start: time, end: time, weight, hints: [] }
      return
    }
    interval.weight += weight
    if (time > interval.end) interval.end = time
    // What is alive when a loop begins and used in it lives until the loop ends.
    for (let s: Scope | null = open; s !== null; s = s.parent) {
      if (s.loops && 2 * s.start > interval.start && 2 * s.end > interval.end) interval.end = 2 * s.end
    }
  }
  for (let p = 0; p < program.params; p++) note(p, 0, true)
  walkPositions(
    program.body,
    1,
    (instr, at) => {
      if ((instr.op === 'load' || instr.op === 'loadSplat') && folds.get(instr.d) === instr) return
      const scope = scopes.get(instr)
      const read = (reg: Reg): void => {
        const folded = folds.get(reg)
        note(folded === undefined ? reg : folded.base, at, false)
      }
      // The counter and the bounds of a loop are used at its end too.
      if (scope !== undefined && instr.op === 'loop') {
        mentions(instr, read, (reg) => note(reg, at, true))
        open = scope
        mentions(
          instr,
          (reg) => note(reg, scope.end, false),
          (reg) => note(reg, scope.end, false),
        )
      } else {
        mentions(instr, read, (reg) => note(reg, at, true))
        if (scope !== undefined) open = scope
        addHints(instr, intervals)
      }
    },
    () => {
      if (open.parent !== null) open = open.parent
    },
  )
  return intervals.filter((x) => x !== undefined)
}

/** Results like to be where an operand was that ends here: it saves a move. */
function addHints(instr: Instr, intervals: readonly (Interval | undefined)[]): void {
  switch (instr.op) {
    case 'v3':
      intervals[instr.d]?.hints.push(instr.c, instr.a, instr.b)
      return
    case 'set':
    case 'v1':
    case 'shift':
    case 'v2':
    case 'i2':
      intervals[instr.d]?.hints.push(instr.a)
  }
}

class LinearScan {
  readonly temporaries: { readonly interval: Interval; readonly machine: number }[] = []
  readonly #free: number[]
  readonly #register: Int32Array
  readonly #active: { readonly interval: Interval; readonly machine: number }[] = []
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
