/** @file What `GLIA_DEBUG` prints of each plan made: its graph, its kernels, their descriptions, their code. */
import { debugFlags } from '../core/debug.ts'
import type { Kernel } from '../kernels/kernel.ts'
import { printProgram } from '../kernels/print.ts'
import type { VectorProgram } from '../kernels/vector.ts'
import { explainPlan } from './explain.ts'
import type { PGraph } from './pgraph.ts'
import type { KernelInfo } from './schedule.ts'

export interface PlanFacts {
  readonly name: string
  readonly graph: PGraph
  readonly kernels: readonly KernelInfo[]
  readonly descriptions: readonly Kernel[]
  readonly programs: readonly VectorProgram[]
  readonly arenaBytes: number
}

/** Writes to standard error (the console's error stream in a browser). */
export function debugPlan(facts: PlanFacts): void {
  const flags = debugFlags()
  if (flags.size === 0) return
  if (flags.has('graph')) console.error(printGraph(facts.graph))
  if (flags.has('plan')) console.error(explainPlan(facts.name, facts.kernels, facts.arenaBytes))
  if (flags.has('kernels')) for (const k of facts.descriptions) console.error(printKernel(k))
  if (flags.has('assembly')) for (const p of facts.programs) console.error(printProgram(p))
}

function printGraph(graph: PGraph): string {
  const lines = graph.nodes.map((n) => {
    const inputs = n.inputs.map((i) => `%${i.id}`).join(' ')
    const attrs = n.op === 'loop' ? '' : JSON.stringify(n.attrs)
    return `%${n.id} = ${n.op} ${inputs}  ${n.dtype}[${n.shape}] ${attrs === '{}' ? '' : attrs}`
  })
  return `${lines.join('\n')}\nreturn ${graph.roots.map((r) => `%${r.id}`).join(' ')}`
}

function printKernel(k: Kernel): string {
  const buffers = k.buffers.map((b, i) => `b${i}:${b.dtype}×${b.size}`).join(' ')
  switch (k.kind) {
    case 'nest': {
      const passes = k.passes.map((p) => {
        const folds = p.reductions.map((r) => `${r.op} → #${r.id}`)
        const stores = p.stores.map((s) => `b${s.buffer}[${s.index.key}]`)
        return `  pass over [${p.inner.map((v) => v.extent)}]: ${[...folds, ...stores].join(', ')}`
      })
      return `nest ${k.name} [${k.outer.map((v) => v.extent)}]  ${buffers}\n${passes.join('\n')}`
    }
    case 'contraction': {
      const dims = k.dims.map((d) => `  ${d.role} ${d.v.extent}: a by ${d.a}, b by ${d.b}`)
      return `contraction ${k.name}  ${buffers}\n${dims.join('\n')}\n  stores ${k.stores.map((s) => `b${s.buffer}[${s.index.key}]`).join(', ')}`
    }
    case 'scatter':
      return `scatter ${k.name} [${k.outer}, ${k.rows}, ${k.inner}] from ${k.positions} positions  ${buffers}`
  }
}
