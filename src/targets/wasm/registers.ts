/**
 * @file Which local of a function holds which register of a vector program. A register lives from its first to its
 * last mention in the innermost block that holds all its mentions; locals are shared by registers whose lives do not
 * overlap, which keeps functions small for the compilers behind.
 */
import type { Instr, IntOperand, Reg, VectorProgram } from '../../kernels/vector.ts'

interface Block {
  readonly parent: Block | undefined
  /** The instruction of the parent block that this block belongs to. */
  readonly position: number
  readonly depth: number
}

interface Life {
  home: Block
  first: number
  last: number
}

/** The use that a program makes of its registers. */
export interface Usage {
  readonly reads: Int32Array
  readonly writes: Int32Array
}

/** Where every register lives: the index of its local among those of its kind (parameters keep their own: -1). */
export interface Assignment extends Usage {
  readonly slot: Int32Array
  readonly ints: number
  readonly vectors: number
}

/** Calls `read` and `write` for the registers that an instruction itself mentions, not those of nested blocks. */
export function mentions(instr: Instr, read: (reg: Reg) => void, write: (reg: Reg) => void): void {
  const operand = (value: IntOperand): void => {
    if (typeof value === 'number') read(value)
  }
  switch (instr.op) {
    case 'int':
    case 'const':
    case 'lanes':
      write(instr.d)
      return
    case 'i2':
      read(instr.a)
      operand(instr.b)
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
      operand(instr.from)
      operand(instr.to)
      write(instr.i)
      return
    case 'if':
      read(instr.a)
      operand(instr.b)
      return
    case 'pin':
      return
  }
}

/** Assigns locals. Registers for which `skip` is true get none (-1). */
export function assign(program: VectorProgram, usage: Usage, skip: (reg: Reg) => boolean): Assignment {
  const { registers, params } = program
  const lives: (Life | undefined)[] = new Array(registers.length)
  const root: Block = { parent: undefined, position: 0, depth: 0 }
  const blocks = new Map<readonly Instr[], Block>()

  const mention = (reg: Reg, block: Block, position: number): void => {
    const life = lives[reg]
    if (life === undefined) {
      lives[reg] = { home: block, first: position, last: position }
      return
    }
    let here = block
    let at = position
    while (life.home !== here) {
      if (here.depth >= life.home.depth) {
        at = here.position
        here = here.parent ?? root
      }
      if (life.home !== here && life.home.depth > here.depth) {
        life.first = life.last = life.home.position
        life.home = life.home.parent ?? root
      }
    }
    life.first = Math.min(life.first, at)
    life.last = Math.max(life.last, at)
  }

  const survey = (body: readonly Instr[], block: Block): void => {
    blocks.set(body, block)
    body.forEach((instr, position) => {
      const note = (reg: Reg): void => mention(reg, block, position)
      mentions(instr, note, note)
      for (const inner of innerBlocks(instr)) survey(inner, { parent: block, position, depth: block.depth + 1 })
    })
  }
  survey(program.body, root)

  // Registers that begin and end at each instruction of their home block.
  const begins = new Map<Block, Map<number, Reg[]>>()
  for (let reg = params; reg < registers.length; reg++) {
    const life = lives[reg]
    if (life === undefined || skip(reg)) continue
    const at = begins.get(life.home) ?? new Map<number, Reg[]>()
    begins.set(life.home, at)
    const list = at.get(life.first)
    if (list === undefined) at.set(life.first, [reg])
    else list.push(reg)
  }

  const slot = new Int32Array(registers.length).fill(-1)
  const free: Record<'i' | 'v', number[]> = { i: [], v: [] }
  const count = { i: 0, v: 0 }
  const walk = (body: readonly Instr[]): void => {
    const block = blocks.get(body) ?? root
    const starting = begins.get(block)
    const ending = new Map<number, Reg[]>()
    body.forEach((instr, position) => {
      for (const reg of starting?.get(position) ?? []) {
        const kind = registers[reg]
        slot[reg] = free[kind].pop() ?? count[kind]++
        const last = lives[reg]?.last ?? position
        const list = ending.get(last)
        if (list === undefined) ending.set(last, [reg])
        else list.push(reg)
      }
      for (const inner of innerBlocks(instr)) walk(inner)
      for (const reg of ending.get(position) ?? []) free[registers[reg]].push(slot[reg])
    })
  }
  walk(program.body)
  return { ...usage, slot, ints: count.i, vectors: count.v }
}

/** Counts reads and writes of every register. */
export function usage(program: VectorProgram): Usage {
  const reads = new Int32Array(program.registers.length)
  const writes = new Int32Array(program.registers.length)
  const survey = (body: readonly Instr[]): void => {
    for (const instr of body) {
      mentions(
        instr,
        (reg) => reads[reg]++,
        (reg) => writes[reg]++,
      )
      for (const inner of innerBlocks(instr)) survey(inner)
    }
  }
  survey(program.body)
  return { reads, writes }
}

/** The blocks nested in an instruction. */
export function innerBlocks(instr: Instr): readonly (readonly Instr[])[] {
  if (instr.op === 'loop') return [instr.body]
  if (instr.op === 'if') return [instr.yes, instr.no]
  return none
}

const none: readonly (readonly Instr[])[] = []
