/**
 * @file Where the registers of a vector program live. A register lives from its first to its last mention in the innermost
 * block that holds all its mentions.
 */
import type { Instr, Reg, VectorProgram } from '../kernels/vector.ts'

export interface Block {
  readonly parent: Block | undefined
  /** The instruction of the parent block that this block belongs to. */
  readonly position: number
  readonly depth: number
  /** The blocks of its instructions, in order. */
  readonly inner: Block[]
  /** The registers at home here. */
  readonly lives: Life[]
}

export interface Life {
  readonly reg: Reg
  home: Block
  first: number
  last: number
}

/** How often a program reads and writes each register. */
export interface Uses {
  readonly reads: Int32Array
  readonly writes: Int32Array
}

/** The use that a program makes of its registers. */
export interface Usage extends Uses {
  readonly root: Block
  readonly lives: readonly (Life | undefined)[]
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

/** Counts reads and writes of every register. */
export function countUses(program: VectorProgram): Uses {
  const reads = new Int32Array(program.registers.length)
  const writes = new Int32Array(program.registers.length)
  const read = (reg: Reg): void => {
    reads[reg]++
  }
  const write = (reg: Reg): void => {
    writes[reg]++
  }
  const visit = (body: readonly Instr[]): void => {
    for (let at = 0; at < body.length; at++) {
      const instr = body[at]
      mentions(instr, read, write)
      if (instr.op === 'loop') visit(instr.body)
      else if (instr.op === 'if') {
        visit(instr.yes)
        visit(instr.no)
      }
    }
  }
  visit(program.body)
  return { reads, writes }
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

/** The blocks nested in an instruction. */
export function innerBlocks(instr: Instr): readonly (readonly Instr[])[] {
  if (instr.op === 'loop') return [instr.body]
  if (instr.op === 'if') return [instr.yes, instr.no]
  return none
}

const none: readonly (readonly Instr[])[] = []
