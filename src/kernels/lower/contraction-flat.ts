/**
 * @file Columns that lie side by side in the result, but nowhere in the operand: input channel and kernel place of a
 * convolution's weight gradient, rows and columns of a small image. Seen as one loop they fill whole vectors and are
 * stored together; the operand is copied to panels in which they are neighbours.
 */
import { type Expr, mapIndices } from '../expr.ts'
import { type Index, indexOf, newVar, strideOf, substitute, type Var, zero } from '../index.ts'
import type { LoweredCall } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import { indicesOf } from './contraction-dims.ts'
import type { Panels } from './contraction-pack.ts'
import type { Loop, Part, Plan, Problem } from './contraction-plan.ts'

/** The problem with neighbouring column loops as one, which only a packed plan can take for its lanes; null where none are. */
export function flatten(problem: Problem): Problem | null {
  let { stores } = problem
  const first = problem.loops.find((l) => l.role === 'col' && l.out === 1)
  if (first === undefined) return null
  let flat: Loop = first
  let rest = problem.loops.filter((l) => l !== first)
  for (;;) {
    const next = rest.find((l) => l.role === 'col' && l.out === flat.extent && together(l, flat, indicesOf(stores)))
    if (next === undefined) break
    const v = newVar(next.extent * flat.extent)
    const by = new Map([
      [next.v, zero],
      [flat.v, indexOf(v)],
    ])
    const done = new Map<Expr, Expr>()
    const rename = (i: Index): Index => substitute(i, by)
    stores = stores.map((s) => ({ ...s, index: rename(s.index), value: mapIndices(s.value, rename, done) }))
    const parts = [partOf(next), ...(flat.parts ?? [partOf(flat)])]
    flat = { ...flat, v, extent: v.extent, parts, col: 0 }
    rest = rest.filter((l) => l !== next)
  }
  return flat.parts === undefined ? null : { ...problem, loops: [...rest, flat], stores }
}

const partOf = ({ extent, col }: Loop): Part => ({ extent, stride: col })

/** Whether `outer` goes on where `inner` ends, in everything that is stored and loaded along with the results. */
function together(outer: Loop, inner: Loop, indices: readonly Index[]): boolean {
  const by = (i: Index, v: Var): number | null => strideOf(i, v)
  return indices.every((i) => {
    const small = by(i, inner.v)
    const large = by(i, outer.v)
    return small !== null && large !== null && large === small * inner.extent
  })
}

/** Summed steps whose copies are written out one after the other. */
const UNROLLED = 16

/** Copies the columns' operand: panel after panel, column after column, all steps of the sum. */
export function packFlatCall(name: string, plan: Plan, panels: Panels, machine: Machine): LoweredCall {
  const { tile, width, step, side } = panels
  const { problem } = plan
  const summed = problem.loops.filter((l) => l.role === 'k')
  const outer = problem.loops.filter((l) => l !== tile && (l.role === side || (l.role === 'batch' && l[side] !== 0)))
  const count = Math.ceil(tile.extent / width)
  const b = new ProgramBuilder(`${name} pack flat ${side}s`, machine.lanes, 4)
  const [source, target, begin, end] = [0, 1, 2, 3]
  b.loop(begin, end, 1, (unit) => {
    let from = b.addImm(source, problem[side].offset * 4)
    let to: Reg = target
    let left = unit
    const split = (n: number): Reg => {
      const at = b.i2('rem', left, { imm: n })
      left = b.i2('div', left, { imm: n })
      return at
    }
    const panel = split(count)
    to = b.i2('add', to, b.i2('mul', panel, { imm: step }))
    for (const l of [...outer].reverse()) {
      const at = split(l.extent)
      from = b.i2('add', from, b.i2('mul', at, { imm: l[side] * 4 }))
      to = b.i2('add', to, b.i2('mul', at, { imm: panels.strides.get(l) ?? 0 }))
    }
    const before = b.i2('mul', panel, { imm: width })
    const filled = b.i2('min', b.i2('sub', b.int(tile.extent), before), { imm: width })
    const loops = summed.map((l) => ({ extent: l.extent, from: l[side] * 4, to: panels.strides.get(l) ?? 0 }))
    b.loop({ imm: 0 }, filled, 1, (x) => {
      let column = b.i2('add', before, x)
      let at = from
      for (const part of [...(tile.parts ?? [])].reverse()) {
        const here = b.i2('rem', column, { imm: part.extent })
        column = b.i2('div', column, { imm: part.extent })
        at = b.i2('add', at, b.i2('mul', here, { imm: part.stride * 4 }))
      }
      copySteps(b, loops, at, b.i2('add', to, b.i2('shl', x, { imm: 2 })))
    })
    // What fills the last panel up must be numbers: sums of it are made, if never stored.
    b.loop(filled, { imm: width }, 1, (x) => copySteps(b, loops, null, b.i2('add', to, b.i2('shl', x, { imm: 2 }))))
  })
  const units = outer.reduce((n, l) => n * l.extent, count)
  const args = [{ buffer: problem[side].buffer }, { scratch: panels.scratch }]
  return { program: b.finish(), args, units, after: false }
}

interface Steps {
  readonly extent: number
  readonly from: number
  readonly to: number
}

/** One element of every step of the sum; zeros without a source. */
function copySteps(b: ProgramBuilder, loops: readonly Steps[], from: Reg | null, to: Reg): void {
  const [loop, ...inner] = loops
  const steps = loops.reduce((n, l) => n * l.extent, 1)
  if (loop !== undefined && steps > UNROLLED) {
    const source = from === null ? null : b.variable(from)
    const target = b.variable(to)
    b.loop({ imm: 0 }, { imm: loop.extent }, 1, () => {
      copySteps(b, inner, source, target)
      if (source !== null) b.bump(source, loop.from)
      b.bump(target, loop.to)
    })
    return
  }
  const copy = (i: number, at: number, into: number): void => {
    if (i < loops.length) {
      for (let k = 0; k < loops[i].extent; k++) copy(i + 1, at + k * loops[i].from, into + k * loops[i].to)
    } else b.store(to, into, from === null ? b.f32(0) : b.load(from, at, 'f32', 1), 'f32', 1)
  }
  copy(0, 0, 0)
}
