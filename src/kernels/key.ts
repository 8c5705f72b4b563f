/** @file A text for every kernel description, equal where two kernels differ in nothing but the variables' identities. */
import type { Expr, Guard, Store } from './expr.ts'
import type { Atom, Index, Var } from './index.ts'
import type { Kernel } from './kernel.ts'

/**
 * Kernels with equal keys compute the same from their buffers, so one lowering serves them all. A network repeats its
 * layers: most of its kernels have such twins.
 */
export function kernelKey(kernel: Kernel): string {
  return new KeyWriter().kernel(kernel)
}

class KeyWriter {
  /** Variables and expressions by the order in which they appear first. */
  readonly #vars = new Map<Var, string>()
  readonly #exprs = new Map<Expr, number>()

  kernel(k: Kernel): string {
    const buffers = k.buffers.map((b) => `${b.dtype}${b.size}${b.streamed === true ? ' streamed' : ''}`)
    return `${k.kind} ${k.name} (${buffers}) ${this.#body(k)}`
  }

  #body(k: Kernel): string {
    switch (k.kind) {
      case 'nest': {
        const outer = this.#declare(k.outer)
        const passes = k.passes.map(({ inner, reductions, stores }) => {
          const vars = this.#declare(inner)
          const reduced = reductions.map(
            ({ id, op, value, position, running }) =>
              `r${id} ${op} ${running === true} ${this.#expr(value)} ${position ? this.#expr(position) : ''}`,
          )
          return `[${vars}|${reduced}|${this.#stores(stores)}]`
        })
        return `${outer} ${passes.join('')}`
      }
      case 'contraction': {
        const dims = k.dims.map(({ v, a, b, role }) => `${this.#declare([v])} ${a} ${b} ${role}`)
        return `${dims} a${k.a.buffer}+${k.a.offset} b${k.b.buffer}+${k.b.offset} ${this.#stores(k.stores)}`
      }
      case 'scatter':
        return [k.outer, k.rows, k.positions, k.inner, k.indices, k.updates, k.out].join(' ')
    }
  }

  #declare(vars: readonly Var[]): string {
    return vars.map((v) => `${this.#var(v)}:${v.extent}`).join()
  }

  #var(v: Var): string {
    const name = this.#vars.get(v) ?? `i${this.#vars.size}`
    this.#vars.set(v, name)
    return name
  }

  #stores(stores: readonly Store[]): string {
    return stores.map(({ buffer, index, value }) => `b${buffer}[${this.#index(index)}]=${this.#expr(value)}`).join(';')
  }

  #index({ constant, terms }: Index): string {
    // The order of terms follows the variables' identities, and means nothing.
    const written = terms.map(({ atom, factor }) => `${factor}*${this.#atom(atom)}`)
    return `${constant}+${written.sort().join('+')}`
  }

  #atom(atom: Atom): string {
    return atom.kind === 'var' ? this.#var(atom) : `(${this.#index(atom.of)} ${atom.kind} ${atom.by})`
  }

  #guards(guards: readonly Guard[]): string {
    return guards.map(({ index, lo, hi }) => `{${lo}<=${this.#index(index)}<${hi}}`).join('')
  }

  /** An expression met before is named by its number: sharing is part of the key. */
  #expr(e: Expr): string {
    const known = this.#exprs.get(e)
    if (known !== undefined) return `#${known}`
    const text = `${e.op} ${e.dtype} ${this.#operation(e)}`
    this.#exprs.set(e, this.#exprs.size)
    return `(${text})`
  }

  #operation(e: Expr): string {
    switch (e.op) {
      case 'load':
        return `${e.buffer} ${this.#index(e.index)} ${this.#guards(e.guards)}`
      case 'gather':
        return `${e.buffer} ${this.#index(e.index)} ${this.#expr(e.at)} ${e.stride} ${this.#guards(e.guards)}`
      case 'constant':
        return Object.is(e.value, -0) ? '-0' : `${e.value}`
      case 'index':
        return this.#index(e.index)
      case 'inside':
        return this.#guards(e.guards)
      case 'unary':
        return `${e.fn} ${this.#expr(e.x)}`
      case 'binary':
        return `${e.fn} ${this.#expr(e.a)} ${this.#expr(e.b)}`
      case 'select':
        return `${this.#expr(e.condition)} ${this.#expr(e.a)} ${this.#expr(e.b)}`
      case 'cast':
        return this.#expr(e.x)
      case 'bound':
        return `${this.#expr(e.x)} ${e.size} ${e.operation} ${this.#guards(e.guards)}`
      case 'random':
        return `${this.#expr(e.key0)} ${this.#expr(e.key1)} ${this.#expr(e.counter)}`
      case 'reduced':
        return `${e.id}`
      case 'accumulator':
        return ''
    }
  }
}
