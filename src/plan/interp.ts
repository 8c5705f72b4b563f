/** @file The `interp` device: evaluates a graph primitive by primitive with the reference evaluations. The oracle. */
import { allocate, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sizeOf } from '../core/shape.ts'
import type { Cell } from '../graph/cell.ts'
import { type HostArray, type LoopAttrs, type Node, type Primitive, topological } from '../graph/node.ts'
import { rules } from '../graph/primitives/table.ts'
import type { Rule } from '../graph/rule.ts'
import type { Device, MemoryReport, Step, StepGraph } from './device.ts'
import { Turns } from './turns.ts'

type Values = Map<Node, HostArray | readonly HostArray[]>

export class InterpDevice implements Device {
  readonly name = 'interp'
  readonly threads = 1
  readonly turns: Turns = new Turns('interp')

  realise(nodes: readonly Node[], into: readonly Cell[] = []): void {
    this.turns.check('realise')
    const all = [...nodes, ...into.map((cell) => cell.value)]
    const values: Values = new Map()
    evaluateAll(all, values)
    for (const node of all) if (node.op !== 'data') node.become(copyOf(single(values, node)))
  }

  compile(graph: StepGraph): Step {
    return new InterpStep(this, graph)
  }

  memory(): MemoryReport {
    return { device: this.name, reserved: 0, arena: 0, cells: [], plans: [] }
  }
}

class InterpStep implements Step {
  readonly #device: InterpDevice
  readonly #graph: StepGraph
  readonly codeBytes = 0
  /** None: values live on the host. */
  readonly cells: ReadonlySet<Cell> = new Set()

  constructor(device: InterpDevice, graph: StepGraph) {
    this.#device = device
    this.#graph = graph
  }

  async runAsync(args: readonly TypedArray[]): Promise<TypedArray[]> {
    return this.run(args)
  }

  run(args: readonly TypedArray[]): TypedArray[] {
    this.#device.turns.check(this.#graph.name)
    const { parameters, outputs, writes, reads } = this.#graph
    const values: Values = new Map()
    for (const [i, p] of parameters.entries()) values.set(p, { data: args[i], shape: p.shape, dtype: p.dtype })
    for (const [cell, leaf] of reads) {
      if (cell.value.op !== 'data') this.#realiseCell(cell.value)
      values.set(leaf, hostOf(cell.value))
    }
    evaluateAll([...outputs, ...writes.values()], values)
    const results = outputs.map((o) => copyOf(single(values, o)))
    for (const [cell, node] of writes) cell.set(single(values, node).data)
    return results
  }

  explain(): string {
    const nodes = topological([...this.#graph.outputs, ...this.#graph.writes.values()])
    return nodes
      .map((n) => `${n.op} ${n.dtype} [${n.shape}]${n.origin ? `  ${n.origin.module} ${n.origin.site}` : ''}`)
      .join('\n')
  }

  profile(): [] {
    return []
  }

  #realiseCell(node: Node): void {
    const values: Values = new Map()
    evaluateAll([node], values)
    node.become(copyOf(single(values, node)))
  }
}

function evaluateAll(roots: readonly Node[], values: Values): void {
  for (const node of topological(roots)) {
    if (values.has(node)) continue
    values.set(node, evaluateNode(node, values))
  }
}

function evaluateNode(node: Node, values: Values): HostArray | readonly HostArray[] {
  switch (node.op) {
    case 'data':
      return hostOf(node)
    case 'cell': {
      const { cell, version } = node.as('cell')
      if (cell.residence === null || cell.version !== version) {
        throw new GliaError(
          `${cell.name} has been overwritten by a compiled step since this value was built from it. Read the value ` +
            '(item(), data()) before the step runs, or return it from the step.',
        )
      }
      return { data: cell.residence.read(), shape: node.shape, dtype: node.dtype }
    }
    case 'parameter':
      throw new GliaError(
        'a tensor made while a function was being compiled was used outside it; return it from the function instead.',
      )
    case 'loop':
      return evaluateLoop(node, values)
    case 'hostCall': {
      const { fn, outputs } = node.as('hostCall')
      const results = outputs.map((o) => ({ data: allocate(o.dtype, sizeOf(o.shape)), shape: o.shape, dtype: o.dtype }))
      fn.run(
        node.inputs.map((i) => single(values, i)),
        results,
      )
      return results
    }
    case 'output':
      return (values.get(node.inputs[0]) as readonly HostArray[])[node.as('output').index]
    default: {
      const rule = rules[node.op] as Rule<Primitive>
      const data = rule.evaluate(
        node.inputs.map((i) => single(values, i)),
        node.attrs,
        node,
      )
      return { data, shape: node.shape, dtype: node.dtype }
    }
  }
}

function evaluateLoop(node: Node, values: Values): HostArray[] {
  const { length, reverse, carries, scanned, params, results } = node.attrs as LoopAttrs
  const inputs = node.inputs.map((i) => single(values, i))
  const ys = results.slice(carries).map((r) => ({
    data: allocate(r.dtype, length * sizeOf(r.shape)),
    shape: [length, ...r.shape],
    dtype: r.dtype,
  }))
  let carry = inputs.slice(0, carries)
  for (let i = 0; i < length; i++) {
    const t = reverse ? length - 1 - i : i
    const inner: Values = new Map()
    params.forEach((p, k) => {
      if (k < carries) inner.set(p, carry[k])
      else if (k < carries + scanned) {
        const n = sizeOf(p.shape)
        inner.set(p, { data: inputs[k].data.slice(t * n, (t + 1) * n), shape: p.shape, dtype: p.dtype })
      } else inner.set(p, inputs[k])
    })
    evaluateAll(results, inner)
    carry = results.slice(0, carries).map((r) => single(inner, r))
    for (const [k, r] of results.slice(carries).entries()) ys[k].data.set(single(inner, r).data, t * sizeOf(r.shape))
  }
  return [...carry, ...ys]
}

function single(values: Values, node: Node): HostArray {
  return values.get(node) as HostArray
}

function hostOf(node: Node): HostArray {
  return { data: node.as('data').values, shape: node.shape, dtype: node.dtype }
}

function copyOf(value: HostArray): TypedArray {
  return value.data.slice()
}
