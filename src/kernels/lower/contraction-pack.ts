/**
 * @file Packing: copies an operand to panels, one for each tile of rows or columns, in which every step of the sum finds
 * the tile's elements side by side: panel[outer loops][tile][summed loops][elements of the tile].
 */
import type { LoweredCall } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import type { Loop, Plan } from './contraction-plan.ts'

/** Where the panels of an operand lie. Summed loops keep their order, so that panels are read straight through. */
export interface Panels {
  readonly side: 'row' | 'col'
  /** The loop whose elements make up a panel, and how many of them do. */
  readonly tile: Loop
  readonly width: number
  readonly bytes: number
  /** Byte strides of the operand's other loops. */
  readonly strides: ReadonlyMap<Loop, number>
  /** Bytes from panel to panel. */
  readonly step: number
  /** Which scratch buffer. */
  readonly scratch: number
}

export function makePanels(plan: Plan, side: 'row' | 'col', tile: Loop, width: number, scratch: number): Panels {
  const strides = new Map<Loop, number>()
  let bytes = width * 4
  for (const l of summedLoops(plan).reverse()) {
    strides.set(l, bytes)
    bytes *= l.extent
  }
  const step = bytes
  bytes *= Math.ceil(tile.extent / width)
  for (const l of outerLoops(plan, side, tile).reverse()) {
    strides.set(l, bytes)
    bytes *= l.extent
  }
  return { side, tile, width, bytes, strides, step, scratch }
}

const summedLoops = (plan: Plan): Loop[] => plan.problem.loops.filter((l) => l.role === 'k')

const outerLoops = (plan: Plan, side: 'row' | 'col', tile: Loop): Loop[] =>
  plan.problem.loops.filter((l) => l !== tile && (l.role === side || (l.role === 'batch' && l[side] !== 0)))

/** A loop of the copy: byte strides where it reads and where it writes. */
interface Copy {
  readonly extent: number
  readonly from: number
  readonly to: number
  /** An iteration is W steps of the sum, which lie at these bytes from its place; their copies follow each other. */
  readonly pattern?: readonly number[]
}

export function packCall(name: string, plan: Plan, panels: Panels, machine: Machine): LoweredCall {
  const { side, tile, width } = panels
  const copy = (l: Loop): Copy => ({ extent: l.extent, from: l[side] * 4, to: panels.strides.get(l) ?? 0 })
  const summed = inPatterns(merge(summedLoops(plan).map(copy)), tile[side], machine.lanes)
  const outer = merge(outerLoops(plan, side, tile).map(copy))
  const across: Copy = { extent: Math.ceil(tile.extent / width), from: width * tile[side] * 4, to: panels.step }
  // Long sums are divided too, or a few wide panels would leave threads idle.
  const units = [...outer, across]
  const others = [...summed]
  const target = 64
  while (others.length > 1 && count(units) < target) units.push(others.shift() as Copy)
  // The innermost one stays so: it alone may be a pattern of steps.
  const inner = others.pop() ?? { extent: 1, from: 0, to: 0 }
  const run = Math.ceil(inner.extent / Math.max(1, Math.ceil(target / count(units))) / 16) * 16
  const runs = others.length === 0 ? Math.ceil(inner.extent / run) : 1

  const b = new ProgramBuilder(`${name} pack ${side}s`, machine.lanes, 4)
  const [source, target0, begin, end] = [0, 1, 2, 3]
  const writer = new PackWriter(b, tile[side], width)
  b.loop(begin, end, 1, (unit) => {
    let rest = unit
    let from = b.addImm(source, plan.problem[side].offset * 4)
    let to: Reg = target0
    const split = (n: number): Reg => {
      const at = b.i2('rem', rest, { imm: n })
      rest = b.i2('div', rest, { imm: n })
      return at
    }
    const move = (c: Copy, at: Reg): void => {
      from = b.i2('add', from, b.i2('mul', at, { imm: c.from }))
      to = b.i2('add', to, b.i2('mul', at, { imm: c.to }))
    }
    let first: Reg | null = null
    if (runs > 1) {
      first = b.i2('mul', split(runs), { imm: run })
      move(inner, first)
    }
    let panel: Reg | null = null
    for (const c of [...units].reverse()) {
      if (c.extent === 1) continue
      const at = split(c.extent)
      if (c === across) panel = at
      move(c, at)
    }
    const whole = Math.floor(tile.extent / width)
    const cut = tile.extent - whole * width
    const body = (lanes: number): void => {
      writer.nest(others, inner, first === null ? null : { first, run }, from, to, lanes)
    }
    if (cut === 0) body(width)
    else if (panel === null) body(cut)
    else
      b.if(
        panel,
        'lt',
        { imm: whole },
        () => body(width),
        () => body(cut),
      )
  })
  return {
    program: b.finish(),
    args: [{ buffer: plan.problem[side].buffer }, { scratch: panels.scratch }],
    units: count(units) * runs,
    after: false,
  }
}

const count = (loops: readonly Copy[]): number => loops.reduce((n, l) => n * l.extent, 1)

/** Joins neighbours that both sides pass straight through. */
function merge(loops: readonly Copy[]): Copy[] {
  const merged: Copy[] = []
  for (const l of loops) {
    if (l.extent === 1) continue
    const last = merged.at(-1)
    if (last && last.from === l.from * l.extent && last.to === l.to * l.extent) {
      merged[merged.length - 1] = { ...l, extent: last.extent * l.extent }
    } else merged.push(l)
  }
  return merged
}

interface Run {
  readonly inner: Copy
  /** Steps taken at once. */
  readonly size: number
  readonly part: { readonly first: Reg; readonly run: number } | null
  readonly from: Reg
  readonly to: Reg
  readonly lanes: number
  readonly x: number
  readonly end: number
}

/**
 * The innermost loops as one whose iteration is W steps, where these lie so near each other that a few vectors hold them:
 * elements that are neighbours in the panel are then brought together by transposing, not one by one.
 */
function inPatterns(loops: readonly Copy[], stride: number, lanes: number): readonly Copy[] {
  const last = loops.at(-1)
  if (stride === 1 || last === undefined || (last.from === 4 && last.extent >= lanes)) return loops
  let t = loops.length - 1
  let steps = 1
  while (t >= 0 && steps * loops[t].extent < lanes) steps *= loops[t--].extent
  if (t < 0 || lanes % steps !== 0 || loops[t].extent % (lanes / steps) !== 0) return loops
  const outer = loops[t]
  const times = lanes / steps
  let pattern = Array.from({ length: times }, (_, i) => i * outer.from)
  for (const l of loops.slice(t + 1)) {
    pattern = pattern.flatMap((at) => Array.from({ length: l.extent }, (_, i) => at + i * l.from))
  }
  // What a permutation of two vectors, or of two pairs, can reach.
  const window = (Math.max(...pattern) - Math.min(...pattern)) / 4 + 1
  if (window > lanes * (lanes === 16 ? 4 : 2)) return loops
  const whole: Copy = { extent: outer.extent / times, from: outer.from * times, to: outer.to * times, pattern }
  return [...loops.slice(0, t), whole]
}

class PackWriter {
  readonly #b: ProgramBuilder
  /** Elements between neighbours of a panel where they come from. */
  readonly #stride: number
  readonly #width: number

  constructor(b: ProgramBuilder, stride: number, width: number) {
    this.#b = b
    this.#stride = stride
    this.#width = width
  }

  nest(
    loops: readonly Copy[],
    inner: Copy,
    part: { readonly first: Reg; readonly run: number } | null,
    from: Reg,
    to: Reg,
    lanes: number,
  ): void {
    const b = this.#b
    const [l, ...rest] = loops
    if (l !== undefined) {
      const source = b.variable(from)
      const target = b.variable(to)
      b.loop({ imm: 0 }, { imm: l.extent }, 1, () => {
        this.nest(rest, inner, part, source, target, lanes)
        b.bump(source, l.from)
        b.bump(target, l.to)
      })
      return
    }
    // The W × W transpose takes W steps of the sum at once, and all of them for W elements of the panel before the next:
    // rows that lie a power of two apart fall into few sets of the caches.
    const { pattern } = inner
    const size = pattern === undefined && inner.from === 4 && this.#stride !== 1 ? b.lanes : 1
    const block = size > 1 || pattern !== undefined ? b.lanes : this.#width
    for (let x = 0; x < this.#width; x += block) {
      this.#run({ inner, size, part, from, to, lanes, x, end: Math.min(x + block, this.#width) })
    }
  }

  /** All steps of the innermost loop for the panel's elements x … end. */
  #run({ inner, size, part, from, to, lanes, x, end }: Run): void {
    const b = this.#b
    const source = b.variable(from)
    const target = b.variable(to)
    const step = (count: number): void => {
      this.#steps(inner, count, source, target, lanes, x, end)
      b.bump(source, count * inner.from)
      b.bump(target, count * inner.to)
    }
    if (part === null) {
      const whole = Math.floor(inner.extent / size)
      if (whole > 0) b.loop({ imm: 0 }, { imm: whole }, 1, () => step(size))
      for (let k = whole * size; k < inner.extent; k += size)
        this.#steps(inner, inner.extent - k, source, target, lanes, x, end)
      return
    }
    const left = b.i2('sub', b.int(inner.extent), part.first)
    const length = b.i2('min', left, { imm: part.run })
    b.loop({ imm: 0 }, b.i2('div', length, { imm: size }), 1, () => step(size))
    if (size > 1) b.loop({ imm: 0 }, b.i2('rem', length, { imm: size }), 1, () => step(1))
  }

  /** Copies `size` steps of the sum; `filled` elements of the panel hold something, the others become 0. */
  #steps(inner: Copy, size: number, source: Reg, target: Reg, filled: number, first: number, end: number): void {
    const b = this.#b
    const W = b.lanes
    for (let x = first; x < end; x += W) {
      const room = Math.min(W, this.#width - x)
      const lanes = Math.max(0, Math.min(room, filled - x))
      const at = x * this.#stride * 4
      const { pattern } = inner
      const row = (l: number): Reg => {
        const place = at + l * this.#stride * 4
        return pattern ? b.loadLanes(source, place, pattern) : b.load(source, place, 'f32', size)
      }
      if (pattern !== undefined || (inner.from === 4 && this.#stride !== 1 && size > 1)) {
        const columns = b.transpose(Array.from({ length: W }, (_, l) => (l < lanes ? row(l) : b.f32(0))))
        const [steps, to] = pattern ? [W, this.#width * 4] : [size, inner.to]
        for (let k = 0; k < steps; k++) b.store(target, k * to + x * 4, columns[k], 'f32', room)
        continue
      }
      for (let k = 0; k < size; k++) {
        b.store(target, k * inner.to + x * 4, this.#vector(source, at + k * inner.from, lanes), 'f32', room)
      }
    }
  }

  #vector(source: Reg, offset: number, lanes: number): Reg {
    const b = this.#b
    if (lanes === 0) return b.f32(0)
    if (this.#stride === 1) return b.load(source, offset, 'f32', lanes)
    const pattern = Array.from({ length: lanes }, (_, l) => l * this.#stride * 4)
    return b.loadLanes(source, offset, pattern)
  }
}
