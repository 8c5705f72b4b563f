/** @file CRC-32C (Castagnoli 1993), the checksum of checkpoints and of TensorBoard's files. */

const POLYNOMIAL = 0x82f63b78

/** Table k gives the checksum of a byte followed by k zeros, so that four bytes are taken at once. */
let tables: readonly Int32Array[] | null = null

function makeTables(): readonly Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    return crc
  })
  const all = [first]
  for (let k = 1; k < 4; k++) {
    const last = all[k - 1]
    all.push(last.map((crc) => (crc >>> 8) ^ first[crc & 255]))
  }
  return all
}

/** The checksum of `bytes`, from 0 to 2³² − 1. @param before the checksum of what precedes them */
export function crc32c(bytes: Uint8Array, before = 0): number {
  tables ??= makeTables()
  const [t0, t1, t2, t3] = tables
  let crc = ~before
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
    crc = t3[crc & 255] ^ t2[(crc >>> 8) & 255] ^ t1[(crc >>> 16) & 255] ^ t0[crc >>> 24]
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]) & 255]
  return ~crc >>> 0
}
