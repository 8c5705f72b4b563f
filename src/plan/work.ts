/** @file How much a kernel has to do, from its description: what a profile divides by the time. */
import { dtypes } from '../core/dtype.ts'
import { type Expr, operands } from '../kernels/expr.ts'
import type { Index, Var } from '../kernels/index.ts'
import type { Contraction, Kernel, Nest, Scatter } from '../kernels/kernel.ts'

export interface KernelWork {
  /** Floating-point operations of products: a multiplication and an addition for each that is summed; 0 for other kernels. */
  readonly flops: number
  /** Bytes read and written if every element passes between memory and processor once. */
  readonly bytes: number
}

/** Work of several kernels, each done `times` times. */
export function sumOfWork(all: readonly KernelWork[], times = 1): KernelWork {
  const sum = (of: (w: KernelWork) => number): number => times * all.reduce((n, w) => n + of(w), 0)
  return { flops: sum((w) => w.flops), bytes: sum((w) => w.bytes) }
}

export function kernelWork(kernel: Kernel): KernelWork {
  switch (kernel.kind) {
    case 'contraction':
      return { flops: 2 * product(kernel.dims.map((d) => d.v)), bytes: bytesOfContraction(kernel) }
    case 'nest':
      return { flops: 0, bytes: bytesOfNest(kernel) }
    case 'scatter':
      return { flops: 0, bytes: bytesOfScatter(kernel) }
  }
}

const product = (vars: Iterable<Var>): number => {
  let n = 1
  for (const { extent } of vars) n *= extent
  return n
}

/** Elements that a kernel touches, by buffer; the same access counts once, and no buffer for more than its size. */
class Traffic {
  readonly #kernel: Kernel
  readonly #seen = new Set<string>()
  readonly #read = new Map<number, number>()
  readonly #written = new Map<number, number>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  read(buffer: number, elements: number, key: string): void {
    this.#note(this.#read, buffer, elements, `r${buffer} ${key}`)
  }

  write(buffer: number, elements: number, key: string): void {
    this.#note(this.#written, buffer, elements, `w${buffer} ${key}`)
  }

  #note(counts: Map<number, number>, buffer: number, elements: number, key: string): void {
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const { size } = this.#kernel.buffers[buffer]
    counts.set(buffer, Math.min(size, (counts.get(buffer) ?? 0) + elements))
  }

  /** Everything that an expression loads in a loop of `iterations`. */
  loads(e: Expr, iterations: number, done: Set<Expr>): void {
    if (done.has(e)) return
    done.add(e)
    if (e.op === 'load') this.read(e.buffer, elementsOf(e.index), e.index.key)
    if (e.op === 'gather') this.read(e.buffer, iterations, `${e.index.key} gathered`)
    for (const x of operands(e)) this.loads(x, iterations, done)
  }

  /** What a kernel loads of its own results counts as written alone. */
  bytes(): number {
    const { buffers } = this.#kernel
    let sum = 0
    for (const [b, n] of this.#written) sum += n * dtypes[buffers[b].dtype].bytes
    for (const [b, n] of this.#read) if (!this.#written.has(b)) sum += n * dtypes[buffers[b].dtype].bytes
    return sum
  }
}

/** How many elements an address passes over, at most. */
function elementsOf(index: Index): number {
  return Math.min(product(variablesOf(index)), index.hi - index.lo + 1)
}

function variablesOf(index: Index, found: Set<Var> = new Set()): Set<Var> {
  for (const { atom } of index.terms) {
    if (atom.kind === 'var') found.add(atom)
    else variablesOf(atom.of, found)
  }
  return found
}

function bytesOfContraction(kernel: Contraction): number {
  const traffic = new Traffic(kernel)
  const { a, b, dims, stores } = kernel
  const moving = (stride: 'a' | 'b'): number => product(dims.filter((d) => d[stride] !== 0).map((d) => d.v))
  traffic.read(a.buffer, moving('a'), 'operand a')
  traffic.read(b.buffer, moving('b'), 'operand b')
  const iterations = product(dims.filter((d) => d.role !== 'k').map((d) => d.v))
  const done = new Set<Expr>()
  for (const s of stores) {
    traffic.loads(s.value, iterations, done)
    traffic.write(s.buffer, elementsOf(s.index), s.index.key)
  }
  return traffic.bytes()
}

function bytesOfNest(kernel: Nest): number {
  const traffic = new Traffic(kernel)
  for (const { inner, reductions, stores } of kernel.passes) {
    const iterations = product([...kernel.outer, ...inner])
    const done = new Set<Expr>()
    for (const { value, position } of reductions) {
      traffic.loads(value, iterations, done)
      if (position) traffic.loads(position, iterations, done)
    }
    for (const s of stores) {
      traffic.loads(s.value, iterations, done)
      traffic.write(s.buffer, elementsOf(s.index), s.index.key)
    }
  }
  return traffic.bytes()
}

function bytesOfScatter(kernel: Scatter): number {
  const { outer, rows, positions, inner, buffers } = kernel
  const size = (buffer: number): number => dtypes[buffers[buffer].dtype].bytes
  return (
    positions * size(kernel.indices) +
    outer * positions * inner * size(kernel.updates) +
    outer * rows * inner * size(kernel.out)
  )
}
