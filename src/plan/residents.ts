/** @file The cells whose values live in a device's memory. */
import { dtypes } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sizeOf } from '../core/shape.ts'
import type { Cell } from '../graph/cell.ts'
import type { Node } from '../graph/node.ts'
import { CellBlock } from './cell-block.ts'
import type { CpuDevice } from './cpu.ts'
import { leafValues } from './leaves.ts'

/** Cells of no recent step give their memory back beyond this. */
const LIMIT = 1 << 30

export class Residents {
  readonly #device: CpuDevice
  /** Least recently used first. */
  readonly #blocks = new Map<Cell, CellBlock>()

  constructor(device: CpuDevice) {
    this.#device = device
  }

  /** The address at which the value of `cell` lives in the device's memory, brought there if need be. */
  settle(cell: Cell): number {
    const { residence } = cell
    if (residence instanceof CellBlock && residence.device === this.#device) {
      this.#blocks.delete(cell)
      this.#blocks.set(cell, residence)
      return residence.address
    }
    if (residence !== null) cell.evict()
    const { op } = cell.value
    if (op !== 'data' && uniformValue(cell.value) === null) this.#device.realise([cell.value])
    const block = this.reserve(cell)
    const uniform = uniformValue(cell.value)
    if (uniform === null) block.write(leafValues(cell.value))
    else block.fill(uniform)
    this.adopt(cell, block)
    return block.address
  }

  /** Memory for a cell, contents undefined, which `adopt` makes the cell's own. */
  reserve(cell: Cell): CellBlock {
    const bytes = sizeOf(cell.shape) * dtypes[cell.dtype].bytes
    return new CellBlock(this.#device, cell, this.#device.target.allocate(Math.max(1, bytes)), bytes)
  }

  /** From now on the value of `cell` is what its block holds; the value on the host is let go. */
  adopt(cell: Cell, block: CellBlock): void {
    cell.settle(block)
    this.#blocks.set(cell, block)
  }

  /** Brings cells that the present step does not use back to the host while too much memory is held. */
  trim(inUse: ReadonlySet<Cell>): void {
    let total = 0
    for (const b of this.#blocks.values()) total += b.bytes
    for (const [cell, block] of this.#blocks) {
      if (total <= LIMIT) return
      if (inUse.has(cell)) continue
      total -= block.bytes
      cell.evict()
    }
  }

  forget(cell: Cell): void {
    this.#blocks.delete(cell)
  }

  /** Where the value that a `cell` leaf stands for lies. @throws GliaError if it has been overwritten since */
  address(leaf: Node): number {
    const { cell, version } = leaf.as('cell')
    if (cell.version !== version || !(cell.residence instanceof CellBlock)) throw overwritten(cell)
    if (cell.residence.device !== this.#device) {
      throw new GliaError(
        `${cell.name} lives on device ${cell.residence.device.name}, not ${this.#device.name}; move it with .to().`,
      )
    }
    return cell.residence.address
  }

  report(): { readonly name: string; readonly bytes: number }[] {
    return [...this.#blocks].map(([cell, block]) => ({ name: cell.name, bytes: block.bytes }))
  }
}

/** The number that a value not computed yet has in every element, null if there is none. */
export function uniformValue(value: Node): number | null {
  let n = value
  while (n.op === 'expand' || n.op === 'reshape') n = n.inputs[0]
  return n.op === 'constant' ? n.as('constant').value : null
}

export function overwritten(cell: Cell): GliaError {
  return new GliaError(
    `${cell.name} has been overwritten by a compiled step since this value was built from it. Read the value (item(), ` +
      'data()) before the step runs, or return it from the step.',
  )
}
