/** @file Where the values of a plan lie. */
import type { LoopStep } from '../targets/target.ts'
import type { Block } from './arena.ts'

/** Where values lie: an entry of the address table plus bytes, or a block of the arena (entry 1). */
export interface Location {
  readonly slot: number
  readonly block: Block | null
  readonly offset: number
  readonly steps: readonly LoopStep[]
}

export const STATUS_SLOT = 0
export const ARENA_SLOT = 1
/** Entries of cells start here. */
export const FIRST_CELL = 2

export const atBlock = (block: Block): Location => ({ slot: ARENA_SLOT, block, offset: 0, steps: [] })
export const atSlot = (slot: number): Location => ({ slot, block: null, offset: 0, steps: [] })
