/**
 * @file Which local of a function holds which register of a vector program. A register lives from its first to its
 * last mention in the innermost block that holds all its mentions; locals are shared by registers whose lives do not
 * overlap, which keeps functions small for the compilers behind.
 */
import type { Instr, Reg, VectorProgram } from '../../kernels/vector.ts'

interface Block {
  readonly parent: Block | undefined
  /** The instruction of the parent block that this block belongs to. */
  readonly position: number
  readonly depth: number
  /** The blocks of its instructions, in order. */
  readonly inner: Block[]
  /** The registers at home here. */
  readonly lives: Life[]
}

interface Life {
  readonly reg: Reg
  home: Block
  first: number
  last: number
}

/** The use that a program makes of its registers. */
export interface Usage {
  readonly reads: Int32Array
  readonly writes: Int32Array
  readonly root: Block
  readonly lives: readonly (Life | undefined)[]
}

/** Where every register lives: the index of its local among those of its kind (parameters keep their own: -1). */
export interface Assignment {
  readonly slot: Int32Array
  readonly ints: number
  readonly vectors: number
}

/** Calls `read` and `write` for the registers that an instruction itself mentions, not those of nested blocks. */
export function mentions(instr: Instr, read: (reg: Reg) => void, write: (reg: Reg) => void): void {
  switch (instr.op) {
    case 'int':
    case 'const':
    case 'lanes':
      write(instr.d)
      return
    case 'i2':
      read(instr.a)
      if (typeof instr.b === 'number') read(instr.b)
      write(instr.d)
      return
    case 'loadInt':
    case 'load':
    case 'loadSplat':
    case 'loadLanes':
      read(instr.base)
      write(instr.d)
      return
    case 'gather':
      read(instr.base)
      read(instr.index)
      write(instr.d)
      return
    case 'storeInt':
    case 'store':
    case 'storeLanes':
      read(instr.base)
      read(instr.a)
      return
    case 'set':
    case 'extract':
    case 'splat':
    case 'v1':
    case 'shift':
    case 'fold':
      read(instr.a)
      write(instr.d)
      return
    case 'v2':
      read(instr.a)
      read(instr.b)
      write(instr.d)
      return
    case 'v3':
      read(instr.a)
      read(instr.b)
      read(instr.c)
      write(instr.d)
      return
    case 'transpose':
      for (const a of instr.a) read(a)
      for (const d of instr.d) write(d)
      return
    case 'loop':
      if (typeof instr.from === 'number') read(instr.from)
      if (typeof instr.to === 'number') read(instr.to)
      write(instr.i)
      return
    case 'if':
      read(instr.a)
      if (typeof instr.b === 'number') read(instr.b)
      return
    case 'pin':
      return
  }
}

/** Counts reads and writes of every register, and finds where each lives. */
export function survey(program: VectorProgram): Usage {
  const count = program.registers.length
  const reads = new Int32Array(count)
  const writes = new Int32Array(count)
  const lives: (Life | undefined)[] = new Array(count).fill(undefined)
  const root: Block = { parent: undefined, position: 0, depth: 0, inner: [], lives: [] }
  let block = root
  let position = 0
  const read = (reg: Reg): void => {
    reads[reg]++
    mention(lives, reg, block, position)
  }
  const write = (reg: Reg): void => {
    writes[reg]++
    mention(lives, reg, block, position)
  }
  const visit = (body: readonly Instr[], here: Block): void => {
    for (let at = 0; at < body.length; at++) {
      block = here
      position = at
      mentions(body[at], read, write)
      for (const nested of innerBlocks(body[at])) {
        const inner: Block = { parent: here, position: at, depth: here.depth + 1, inner: [], lives: [] }
        here.inner.push(inner)
        visit(nested, inner)
      }
    }
  }
  visit(program.body, root)
  return { reads, writes, root, lives }
}

/** Widens the life of a register to another place where it is mentioned. */
function mention(lives: (Life | undefined)[], reg: Reg, block: Block, position: number): void {
  const life = lives[reg]
  if (life === undefined) {
    lives[reg] = { reg, home: block, first: position, last: position }
    return
  }
  let here: Block | undefined = block
  let at = position
  while (here !== undefined && here !== life.home) {
    if (here.depth >= life.home.depth) {
      at = here.position
      here = here.parent
    } else if (life.home.parent !== undefined) {
      life.first = life.last = life.home.position
      life.home = life.home.parent
    }
  }
  if (at < life.first) life.first = at
  if (at > life.last) life.last = at
}

/** Assigns locals. Registers for which `skip` is true get none (-1). */
export function assign(program: VectorProgram, { root, lives }: Usage, skip: (reg: Reg) => boolean): Assignment {
  const { registers, params } = program
  const slot = new Int32Array(registers.length).fill(-1)
  for (const life of lives) {
    if (life !== undefined && life.reg >= params && !skip(life.reg)) life.home.lives.push(life)
  }
  const free: Record<'i' | 'v', number[]> = { i: [], v: [] }
  const count = { i: 0, v: 0 }
  const walk = (block: Block): void => {
    const births = block.lives.sort((p, q) => p.first - q.first)
    const deaths = births.slice().sort((p, q) => p.last - q.last)
    let dead = 0
    const bury = (before: number): void => {
      for (; dead < deaths.length && deaths[dead].last < before; dead++) {
        const { reg } = deaths[dead]
        free[registers[reg]].push(slot[reg])
      }
    }
    let born = 0
    const bear = (until: number): void => {
      for (; born < births.length && births[born].first <= until; born++) {
        const { reg, first } = births[born]
        bury(first)
        slot[reg] = free[registers[reg]].pop() ?? count[registers[reg]]++
      }
    }
    for (const inner of block.inner) {
      bear(inner.position)
      bury(inner.position)
      walk(inner)
    }
    bear(Number.POSITIVE_INFINITY)
    bury(Number.POSITIVE_INFINITY)
  }
  walk(root)
  return { slot, ints: count.i, vectors: count.v }
}

/** The blocks nested in an instruction. */
export function innerBlocks(instr: Instr): readonly (readonly Instr[])[] {
  if (instr.op === 'loop') return [instr.body]
  if (instr.op === 'if') return [instr.yes, instr.no]
  return none
}

const none: readonly (readonly Instr[])[] = []
