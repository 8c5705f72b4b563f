/**
 * @file What lies where in the first megabyte of a target's memory: nothing at address 0, then the words by which
 * threads meet, each group in cache lines of its own. The heap starts at 1 MiB, so that a kernel's pointer may lie up
 * to a megabyte before its buffer (padding) without wrapping.
 */

/** Bytes of a WebAssembly page. */
export const PAGE = 65536
/** Pages of a 32-bit memory. */
export const MAXIMUM_PAGES = 65536

/** Threads that have arrived at the barrier. */
export const ARRIVED = 1024
/** The barrier's generation: steps of 2, with the lowest bit set where the status word was not 0. */
export const GENERATION = 1152
/** Threads asleep at the barrier. */
export const WAITING = 1280
/** Counts commands to the workers. The words after it: what to do, and with which arguments. */
export const COMMAND = 1408
export const COMMAND_CODE = COMMAND + 4
export const COMMAND_ARGUMENTS = COMMAND + 8
/** Workers asleep between commands. */
export const PARKED = 1536
/** Workers that have finished a command which ends without a barrier. */
export const DONE = 1664
/** Not 0 once a thread has failed: the number of bytes of the message that follows. */
export const FAILURE = 1792
export const FAILURE_TEXT = FAILURE + 4
export const FAILURE_BYTES = 1024
export const LAYOUT_END = 4096

export const HEAP_START = 1 << 20

/** Commands to workers. */
export const Command = { load: 1, run: 2, unload: 3, exit: 4 } as const
