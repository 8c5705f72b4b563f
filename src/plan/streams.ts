/** @file Which results of a kernel outgrow the caches, so that writing them past the caches saves reading them first. */
import { dtypes } from '../core/dtype.ts'
import type { Store } from '../kernels/expr.ts'
import type { Kernel } from '../kernels/kernel.ts'
import { loadsOf } from './emit-scope.ts'
import type { Location } from './location.ts'

/**
 * Bytes of a value that is written past the caches: whatever reads it next would find little of it in the last one. Copies
 * and sums of two values this large took three quarters of the time so; what overwrites its own operand took longer.
 */
const LARGE = 64 << 20

/** The kernel with its large results marked as streamed, but those that it loads, or that lie where another buffer lies. */
export function withStreams(kernel: Kernel, args: readonly Location[]): Kernel {
  const large = new Set<number>()
  kernel.buffers.forEach(({ dtype, size }, i) => {
    if (size * dtypes[dtype].bytes >= LARGE) large.add(i)
  })
  if (large.size === 0 || kernel.kind === 'scatter') return kernel
  const passes: readonly { readonly stores: readonly Store[] }[] = kernel.kind === 'nest' ? kernel.passes : [kernel]
  const stores = passes.flatMap((p) => p.stores)
  const loaded = new Set<number>()
  for (const s of stores) loadsOf(s.value, (buffer) => loaded.add(buffer))
  const reduced = kernel.kind === 'nest' ? kernel.passes.flatMap((p) => p.reductions) : []
  for (const r of reduced) loadsOf(r.value, (buffer) => loaded.add(buffer))
  const alone = (at: number): boolean => args.every((other, i) => i === at || !samePlace(args[at], other))
  const streamed = new Set(stores.map((s) => s.buffer).filter((b) => large.has(b) && !loaded.has(b) && alone(b)))
  if (streamed.size === 0) return kernel
  return { ...kernel, buffers: kernel.buffers.map((b, i) => (streamed.has(i) ? { ...b, streamed: true } : b)) }
}

const samePlace = (a: Location, b: Location): boolean =>
  a.slot === b.slot && a.block === b.block && a.offset === b.offset
