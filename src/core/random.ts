/** @file Counter-based random numbers: the bits depend on a key and a counter alone, never on what was drawn before. */

/** Rotation counts of even and odd groups of four rounds. */
export const ROTATIONS: readonly (readonly number[])[] = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
]
/** Skein's key schedule parity, as an int32. */
export const PARITY = 0x1bd11bda

/**
 * Threefry-2x32 of 20 rounds (Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011), as in
 * JAX and Random123: two random int32 from a key and a counter of two words each (signed or unsigned).
 */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ PARITY]
  let x0 = (counter0 + keys[0]) | 0
  let x1 = (counter1 + keys[1]) | 0
  for (let group = 1; group <= 5; group++) {
    for (const by of ROTATIONS[(group - 1) % 2]) {
      x0 = (x0 + x1) | 0
      x1 = ((x1 << by) | (x1 >>> (32 - by))) ^ x0
    }
    x0 = (x0 + keys[group % 3]) | 0
    x1 = (x1 + keys[(group + 1) % 3] + group) | 0
  }
  return [x0, x1]
}

/** A float32 in [0, 1) from 32 random bits: the upper 24, times 2⁻²⁴. Exact, so every target gives the same. */
export function uniformFromBits(bits: number): number {
  return (bits >>> 8) * 2 ** -24
}
