/** @file What happens to a tile's sums: the stores of a contraction, one vector of results after the other. */
import { type Expr, operands, type Store } from '../expr.ts'
import type { Var } from '../index.ts'
import type { Argument, BufferInfo } from '../kernel.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { type Binding, ExprEmitter } from './emit.ts'

/** One vector of sums and where in the result it belongs. */
export interface Vector {
  readonly value: Reg
  /** The result's variables, for lane 0. */
  readonly at: ReadonlyMap<Var, Binding>
  /** The variable along which the lanes lie; null for a single value. */
  readonly lane: Var | null
  readonly lanes: number
}

export class Epilogue {
  readonly #emitter: ExprEmitter
  readonly #stores: readonly Store[]

  constructor(
    b: ProgramBuilder,
    stores: readonly Store[],
    buffers: readonly BufferInfo[],
    parameter: (x: Argument) => Reg,
  ) {
    this.#stores = stores
    const address = (buffer: number): Reg => parameter({ buffer })
    const status = epilogueArguments(stores).some((x) => 'status' in x) ? { status: parameter({ status: true }) } : {}
    this.#emitter = new ExprEmitter(b, { buffers, address, ...status })
  }

  store(vectors: readonly Vector[]): void {
    const e = this.#emitter
    e.scope(() => {
      for (const { value, at, lane, lanes } of vectors) {
        for (const [v, binding] of at) {
          if (v === lane) e.bindVector(v, binding, lanes)
          else e.bind(v, binding)
        }
        e.setAccumulator(value)
        // A store may overwrite in place what another store's value is computed from.
        const values = this.#stores.map((s) => e.value(s.value))
        this.#stores.forEach((s, i) => {
          e.storeValue(s, values[i])
        })
      }
    })
  }
}

/** What the stores read and write. */
export function epilogueArguments(stores: readonly Store[]): Argument[] {
  const buffers = new Set<number>()
  const seen = new Set<Expr>()
  let status = false
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    if (e.op === 'load' || e.op === 'gather') buffers.add(e.buffer)
    if (e.op === 'bound') status = true
    operands(e).forEach(visit)
  }
  for (const s of stores) {
    buffers.add(s.buffer)
    visit(s.value)
  }
  const found: Argument[] = Array.from(buffers, (buffer) => ({ buffer }))
  if (status) found.push({ status: true })
  return found
}
