/** @file Random compiled steps: cells that are read and overwritten, in place where the planner thinks that it may. */
import type { TypedArray } from '../../src/core/dtype.ts'
import { sameShape } from '../../src/core/shape.ts'
import { Cell } from '../../src/graph/cell.ts'
import { type Node, type Primitive, topological } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import type { Device, StepGraph } from '../../src/plan/device.ts'
import { Dice, randomGraph } from './random-graphs.ts'

const choices = new Set<Primitive>([
  'max',
  'min',
  'reduceMax',
  'reduceMin',
  'windowMax',
  'argmax',
  'argmin',
  'lt',
  'le',
  'eq',
])
const views = new Set<Primitive>(['reshape', 'expand', 'permute', 'cast'])

/** Leaves that choices look at: these must stay exact, for rounding could make them choose otherwise. */
function choosers(nodes: readonly Node[]): Set<Node> {
  const found = new Set<Node>()
  for (const n of nodes) {
    if (!choices.has(n.op)) continue
    for (let x of n.inputs) {
      while (views.has(x.op)) x = x.inputs[0]
      found.add(x)
    }
  }
  return found
}

/** A random graph as a step: some leaves become arguments, some cells; cells get the values of nodes of their shape. */
function randomStep(seed: number): { graph: StepGraph; args: TypedArray[]; cells: Cell[] } {
  const d = new Dice(seed * 31 + 7)
  const outputs = randomGraph(seed)
  const nodes = topological(outputs)
  const reads = new Map<Cell, Node>()
  const parameters: Node[] = []
  const args: TypedArray[] = []
  const owner = {}
  for (const leaf of nodes.filter((n) => n.op === 'data' && n.dtype === 'float32')) {
    const { values } = leaf.as('data')
    const role = d.of(['cell', 'cell', 'argument', 'constant'] as const)
    if (role === 'cell') {
      const cell = new Cell(values, leaf.shape, leaf.dtype, `cell ${reads.size}`)
      reads.set(cell, leaf)
      leaf.op = 'cell'
      leaf.attrs = { cell, version: -1 }
    } else if (role === 'argument') {
      leaf.op = 'parameter'
      leaf.attrs = { owner, index: parameters.length }
      parameters.push(leaf)
      args.push(values)
    }
  }
  const writes = new Map<Cell, Node>()
  const exact = choosers(nodes)
  for (const [cell, leaf] of reads) {
    if (exact.has(leaf)) continue
    const others = nodes.filter(
      (n) => n.dtype === 'float32' && n.op !== 'loop' && n !== leaf && sameShape(n.shape, cell.shape),
    )
    const made = others.filter((n) => n.inputs.length > 0)
    // An update of the old value, some computed value, the value of another cell, or none.
    const value = [
      () => o.add(o.mul(leaf, 0.5), made.length > 0 ? o.tanh(d.of(made)) : 0.25),
      () => (made.length > 0 ? o.tanh(d.of(made)) : o.neg(leaf)),
      () => (others.length > 0 ? d.of(others) : null),
      () => null,
    ][d.int(4)]()
    if (value) writes.set(cell, value)
  }
  return { graph: { parameters, outputs, writes, reads, name: `step ${seed}` }, args, cells: [...reads.keys()] }
}

/** What three runs of the random step of a seed give, and the cells after each. */
export function stepValues(device: Device, seed: number): TypedArray[] {
  const { graph, args, cells } = randomStep(seed)
  const step = device.compile(graph)
  return [1, 2, 3].flatMap(() => {
    const results = step.run(args)
    const held = cells.map((c) => o.add(c.read(), 0))
    device.realise(held)
    return [...results, ...held.map((n) => n.as('data').values)]
  })
}
