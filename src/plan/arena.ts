/** @file Lays out the buffers of a plan in one block of memory: two that live at the same time never overlap. */

/** A buffer of a plan, alive from stage `from` to stage `to` (both included). */
export class Block {
  bytes: number
  from: number
  to: number
  /** Position in its arena, once laid out. */
  offset = -1
  /** Entry of the address table that holds its address, where it lies in memory of its own and not in an arena. */
  slot: number | null = null
  /** The block that holds this one's arena (a loop body's arena lies within one of the outer plan), or null. */
  readonly parent: Block | null

  constructor(bytes: number, from: number, to: number, parent: Block | null = null) {
    this.bytes = bytes
    this.from = from
    this.to = to
    this.parent = parent
  }

  /** Extends the life of the block to `stage`. */
  keep(stage: number): void {
    this.from = Math.min(this.from, stage)
    this.to = Math.max(this.to, stage)
  }

  /** Position in the outermost arena. */
  absolute(): number {
    return this.offset + (this.parent?.absolute() ?? 0)
  }
}

const ALIGN = 64
const align = (n: number): number => Math.ceil(n / ALIGN) * ALIGN

/** Assigns every block an offset, largest first, each in the smallest gap that fits; returns the bytes needed. */
export function layOut(blocks: readonly Block[]): number {
  const placed: Block[] = []
  let total = 0
  for (const block of [...blocks].sort((a, b) => b.bytes - a.bytes || a.from - b.from)) {
    const rivals = placed.filter((p) => p.from <= block.to && block.from <= p.to).sort((a, b) => a.offset - b.offset)
    const size = align(Math.max(1, block.bytes))
    let end = 0
    let best = -1
    let bestGap = Number.POSITIVE_INFINITY
    for (const r of rivals) {
      const gap = r.offset - end
      if (gap >= size && gap < bestGap) {
        best = end
        bestGap = gap
      }
      end = Math.max(end, r.offset + align(Math.max(1, r.bytes)))
    }
    block.offset = best >= 0 ? best : end
    placed.push(block)
    total = Math.max(total, block.offset + size)
  }
  return total
}
