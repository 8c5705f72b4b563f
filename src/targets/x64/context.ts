/**
 * @file What lowering one vector program needs to know while it writes: where registers are, and temporaries to bring
 * them from memory. Code is written until everything it asked for was there: temporaries, room on the stack.
 */
import type { Reg, VectorProgram } from '../../kernels/vector.ts'
import { countUses } from '../liveness.ts'
import { type Allocation, allocate, findIntervals, type Interval, walkPositions } from './allocate.ts'
import type { Assembler, Gpr, Mask, Mem, V2Op, V3Op, Vec, Width } from './asm/assembler.ts'
import { type FoldedLoad, findFolds } from './folds.ts'
import type { Pool } from './pool.ts'

/** Integer temporaries; nothing lives in them from one instruction to the next. */
export const RAX = 0
export const RCX = 1
export const RDX = 2
export const RSP = 4

/** General registers that hold what a program computes. */
const INT_POOL = [3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

/** Mask registers for vectors cut short, set on entry; the one before them is a temporary. */
export const MASK_TEMPORARY = 1
const FIRST_MASK = 2
const LAST_MASK = 7

const FULL_LINE = 64

/** A constant: the bits of every lane, or one number for all of them. */
export type Bits = readonly number[]

/** The code of one program, of which several versions are written until one lacks nothing. */
export interface Wants {
  /** Temporary vector registers by position. */
  readonly demand: Map<number, number>
  /** Bytes of scratch space on the stack. */
  scratch: number
}

export class Context {
  readonly asm: Assembler
  readonly program: VectorProgram
  readonly pool: Pool
  readonly evex: boolean
  readonly width: Width
  readonly constants: ReadonlyMap<Reg, Bits>
  readonly folds: ReadonlyMap<Reg, FoldedLoad>
  /** The position of the instruction being lowered. */
  position = 0
  /** Whether this version lacked something: the code is no good. */
  lacking = false
  /** Whether something was stored past the caches. */
  streamed = false
  readonly #wants: Wants
  readonly #allocation: Allocation
  readonly #params: number
  readonly #vectorBytes: number
  readonly #frame: number
  readonly #scratchAt: number
  /** Machine registers of what lies in memory and has been loaded, or will be stored, at this position. */
  readonly #loaded = new Map<Reg, Vec>()
  readonly #loadedInts = new Map<Reg, Gpr>()
  #vectorsTaken = 0
  #intsTaken = 0
  /** Mask registers by number of lanes. */
  readonly #masks = new Map<number, Mask>()

  constructor(asm: Assembler, pool: Pool, program: VectorProgram, analysis: Analysis, wants: Wants) {
    const { evex } = asm
    this.asm = asm
    this.pool = pool
    this.program = program
    this.evex = evex
    this.width = program.lanes === 16 ? 512 : program.lanes === 8 ? 256 : 128
    this.constants = analysis.constants
    this.folds = analysis.folds
    this.#wants = wants
    this.#params = program.params
    this.#allocation = allocate({
      program,
      intervals: analysis.intervals,
      constants: analysis.constants,
      demand: wants.demand,
      pools: { v: vectorPool(evex), i: INT_POOL },
    })
    this.#vectorBytes = program.lanes * 4
    this.#scratchAt = this.#allocation.vectorSlots * this.#vectorBytes
    const bytes = roundUp(this.#scratchAt, FULL_LINE) + wants.scratch + this.#allocation.intSlots * 8
    // The return address lies above: with it the frame keeps the stack pointer at a cache line.
    this.#frame = roundUp(bytes + 8, FULL_LINE) - 8
  }

  /** Bytes below the return address. */
  get frame(): number {
    return this.#frame
  }

  /**
   * Loads parameters from the caller's stack and sets the masks that the code wants, which must have been written before;
   * called where the stack pointer has been moved.
   */
  enter(): void {
    for (let p = 0; p < this.#params; p++) {
      const machine = this.#allocation.register[p]
      if (machine >= 0) this.asm.load64(machine, this.#parameter(p))
    }
    for (const [lanes, mask] of this.#masks) {
      this.asm.movImm(RAX, 2 ** lanes - 1)
      this.asm.kmov(mask, RAX)
    }
  }

  /** Begins the code of the instruction at a position: temporaries are free again. */
  at(position: number): void {
    this.position = position
    // Emptying a map makes a new table, even where it is empty.
    if (this.#loaded.size > 0) this.#loaded.clear()
    if (this.#loadedInts.size > 0) this.#loadedInts.clear()
    this.#vectorsTaken = 0
    this.#intsTaken = 0
  }

  /** Where the temporaries stand, to free those taken later by `release`: their results have been stored. */
  get mark(): number {
    return this.#vectorsTaken
  }

  release(mark: number): void {
    this.#vectorsTaken = mark
    this.#loaded.clear()
  }

  // Vectors --------------------------------------------------------------------------------------------------------

  /** A temporary vector register, until the next position. */
  temp(): Vec {
    const { reserve, temporaries } = this.#allocation
    const n = this.#vectorsTaken++
    if (n < reserve.length) return reserve[n]
    const given = temporaries.get(this.position)?.[n - reserve.length]
    if (given !== undefined) return given
    this.lacking = true
    this.#wants.demand.set(this.position, Math.max(n + 1, this.#wants.demand.get(this.position) ?? 0))
    return 0
  }

  /** Whether a register lies in a machine register. */
  resident(reg: Reg): boolean {
    return this.#allocation.register[reg] >= 0 && !this.folds.has(reg)
  }

  /** The machine register of a vector, loaded into a temporary where it lies in memory. */
  v(reg: Reg): Vec {
    const known = this.#known(reg)
    if (known !== undefined) return known
    const d = this.temp()
    this.copy(d, reg)
    this.#loaded.set(reg, d)
    return d
  }

  #known(reg: Reg): Vec | undefined {
    const loaded = this.#loaded.get(reg)
    if (loaded !== undefined) return loaded
    const machine = this.#allocation.register[reg]
    return machine >= 0 && !this.folds.has(reg) ? machine : undefined
  }

  /** A vector as the last operand of an instruction: a register, or where it lies in memory. */
  operand(reg: Reg): { readonly at: Vec | Mem; readonly broadcast: boolean } {
    const known = this.#known(reg)
    if (known !== undefined) return { at: known, broadcast: false }
    const bits = this.constants.get(reg)
    if (bits !== undefined) return this.constantOperand(bits)
    const folded = this.folds.get(reg)
    if (folded !== undefined) {
      return { at: this.mem(folded.base, folded.offset), broadcast: folded.op === 'loadSplat' }
    }
    return { at: this.#slot(reg), broadcast: false }
  }

  /** Where a result goes: `finish` must follow. A result in memory is computed in a temporary. */
  d(reg: Reg): Vec {
    const known = this.#known(reg)
    if (known !== undefined) return known
    const d = this.temp()
    this.#loaded.set(reg, d)
    return d
  }

  finish(reg: Reg): void {
    const machine = this.#allocation.register[reg]
    const temporary = this.#loaded.get(reg)
    if (machine >= 0 || temporary === undefined || this.#allocation.slot[reg] < 0) return
    this.asm.store(this.width, this.#slot(reg), temporary)
  }

  /** Writes the value of a register to a machine register. */
  copy(d: Vec, reg: Reg): void {
    const known = this.#known(reg)
    const bits = this.constants.get(reg)
    const folded = this.folds.get(reg)
    if (bits?.length === 1 && bits[0] === 0) this.zero(d)
    else if (known !== undefined) {
      if (known !== d) this.asm.move(this.width, d, known)
    } else if (bits !== undefined) this.constant(d, bits)
    else if (folded?.op === 'loadSplat') this.broadcast(d, this.mem(folded.base, folded.offset))
    else if (folded !== undefined) this.asm.load(this.width, d, this.mem(folded.base, folded.offset))
    else this.asm.load(this.width, d, this.#slot(reg))
  }

  /** d ← op(a, constant in every lane). */
  op3Constant(op: V3Op, d: Vec, a: Vec, bits: number): void {
    const { at, broadcast } = this.constantOperand([bits])
    this.asm.v3(op, this.width, d, a, at, broadcast ? { broadcast } : undefined)
  }

  op2(op: V2Op, d: Vec, reg: Reg): void {
    const { at, broadcast } = this.operand(reg)
    this.asm.v2(op, this.width, d, at, broadcast ? { broadcast } : undefined)
  }

  constantOperand(bits: Bits): { readonly at: Mem; readonly broadcast: boolean } {
    const broadcast = this.evex && isSplat(bits)
    if (broadcast || bits.length > 1) return { at: this.pool.place(broadcast ? [bits[0]] : bits), broadcast }
    return { at: this.pool.place(new Array<number>(this.program.lanes).fill(bits[0])), broadcast }
  }

  /** Writes a constant to a machine register. */
  constant(d: Vec, bits: Bits): void {
    if (!isSplat(bits)) this.asm.load(this.width, d, this.pool.place(bits))
    else if (bits[0] === 0) this.zero(d)
    else this.broadcast(d, this.pool.place([bits[0]]))
  }

  zero(d: Vec): void {
    if (d < 16) this.asm.v3('xorps', 128, d, d, d)
    else this.asm.v3('pxor', 512, d, d, d)
  }

  /** One element of memory in every lane. */
  broadcast(d: Vec, m: Mem): void {
    this.asm.v2('broadcastss', this.width, d, m)
  }

  /** The mask of the first `lanes` lanes (AVX-512). */
  mask(lanes: number): Mask {
    const known = this.#masks.get(lanes)
    if (known !== undefined) return known
    const next = FIRST_MASK + this.#masks.size
    if (next <= LAST_MASK) {
      this.#masks.set(lanes, next)
      return next
    }
    const x = this.tempInt()
    this.asm.movImm(x, 2 ** lanes - 1)
    this.asm.kmov(MASK_TEMPORARY, x)
    return MASK_TEMPORARY
  }

  /** Stack space for one instruction's own use, at a cache line. */
  scratch(bytes: number): Mem {
    if (this.#wants.scratch < bytes) {
      this.#wants.scratch = roundUp(bytes, FULL_LINE)
      this.lacking = true
    }
    return { base: RSP, offset: roundUp(this.#scratchAt, FULL_LINE) }
  }

  // Integers -------------------------------------------------------------------------------------------------------

  /** A temporary general register, until the next position. */
  tempInt(): Gpr {
    const n = this.#intsTaken++
    if (n > RDX) throw new Error(`${this.program.name}: more integer temporaries than there are`)
    return n
  }

  /** All of rax, rcx and rdx, for the instructions that work on these. */
  tempInts(): readonly [rax: Gpr, rcx: Gpr, rdx: Gpr] {
    return [this.tempInt(), this.tempInt(), this.tempInt()]
  }

  /** The general register that holds an integer, loaded into a temporary where it lies in memory. */
  i(reg: Reg): Gpr {
    const machine = this.#allocation.register[reg]
    if (machine >= 0) return machine
    const loaded = this.#loadedInts.get(reg)
    if (loaded !== undefined) return loaded
    const d = this.tempInt()
    this.#loadedInts.set(reg, d)
    this.asm.load64(d, this.intSlot(reg))
    return d
  }

  /** Where an integer lies in memory, if it does. */
  inMemory(reg: Reg): Mem | undefined {
    return this.#allocation.register[reg] >= 0 ? undefined : this.intSlot(reg)
  }

  /** Where an integer result goes: `finishInt` must follow. */
  di(reg: Reg): Gpr {
    const machine = this.#allocation.register[reg]
    if (machine >= 0) return machine
    const loaded = this.#loadedInts.get(reg)
    if (loaded !== undefined) return loaded
    const d = this.tempInt()
    this.#loadedInts.set(reg, d)
    return d
  }

  /** Gives an integer its value from a machine register. */
  setFrom(reg: Reg, from: Gpr): void {
    const machine = this.#allocation.register[reg]
    if (machine >= 0) this.asm.mov(machine, from)
    else this.asm.store64(this.intSlot(reg), from)
  }

  finishInt(reg: Reg): void {
    const temporary = this.#loadedInts.get(reg)
    if (this.#allocation.register[reg] >= 0 || temporary === undefined) return
    this.asm.store64(this.intSlot(reg), temporary)
  }

  /** The memory at `offset` bytes past the address in `base`. */
  mem(base: Reg, offset: number): Mem {
    return { base: this.i(base), offset }
  }

  intSlot(reg: Reg): Mem {
    if (reg < this.#params) return this.#parameter(reg)
    const slot = this.#allocation.slot[reg]
    return { base: RSP, offset: roundUp(this.#scratchAt, FULL_LINE) + this.#wants.scratch + slot * 8 }
  }

  #slot(reg: Reg): Mem {
    return { base: RSP, offset: this.#allocation.slot[reg] * this.#vectorBytes }
  }

  #parameter(p: number): Mem {
    return { base: RSP, offset: this.#frame + 8 + 8 * p }
  }
}

/** What is known of a program before registers are assigned. */
export interface Analysis {
  readonly intervals: readonly Interval[]
  readonly constants: ReadonlyMap<Reg, Bits>
  readonly folds: ReadonlyMap<Reg, FoldedLoad>
}

export function analyse(program: VectorProgram, evex: boolean): Analysis {
  const uses = countUses(program)
  const constants = new Map<Reg, Bits>()
  walkPositions(program.body, 1, (instr) => {
    if (instr.op === 'const') {
      if (uses.writes[instr.d] === 1) constants.set(instr.d, [instr.bits])
    } else if (instr.op === 'lanes' && uses.writes[instr.d] === 1) {
      constants.set(instr.d, laneBits(instr.bits, program.lanes))
    }
  })
  const folds = findFolds(program, uses, evex)
  return { intervals: findIntervals(program, folds, constants), constants, folds }
}

/** The lanes that a constant gives no bits for are 0. */
export function laneBits(bits: readonly number[], lanes: number): Bits {
  return Array.from({ length: lanes }, (_, lane) => bits[lane] ?? 0)
}

function isSplat(bits: Bits): boolean {
  for (let lane = 1; lane < bits.length; lane++) if (bits[lane] !== bits[0]) return false
  return true
}

function vectorPool(evex: boolean): readonly number[] {
  return Array.from({ length: evex ? 32 : 16 }, (_, n) => n)
}

const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to
