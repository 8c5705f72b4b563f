/** @file A best-fit allocator over a growing range of addresses. Blocks are multiples of 64 bytes and never overlap. */

const ALIGNMENT = 64

interface Block {
  address: number
  size: number
  free: boolean
  before: Block | undefined
  after: Block | undefined
}

export class Heap {
  readonly #start: number
  #end: number
  #last: Block | undefined
  /** Free blocks, by size and then address. */
  readonly #free: Block[] = []
  readonly #used = new Map<number, Block>()
  #usedBytes = 0

  constructor(start: number, end: number) {
    this.#start = start
    this.#end = start
    this.extend(end)
  }

  get used(): number {
    return this.#usedBytes
  }

  /** Adds the addresses up to `end`. */
  extend(end: number): void {
    const size = end - this.#end
    if (size <= 0) return
    const block: Block = { address: this.#end, size, free: false, before: this.#last, after: undefined }
    if (this.#last !== undefined) this.#last.after = block
    this.#last = block
    this.#end = end
    this.#release(block)
  }

  /** Size of the block that `allocate(bytes)` would take or cut, or undefined where there is none. */
  fit(bytes: number): number | undefined {
    return this.#free[this.#find(roundUp(bytes), 0)]?.size
  }

  /** The address of `bytes` unused bytes, or undefined where there are none in one piece. */
  allocate(bytes: number): number | undefined {
    const size = roundUp(bytes)
    const index = this.#find(size, 0)
    const block = this.#free[index]
    if (block === undefined) return undefined
    this.#free.splice(index, 1)
    block.free = false
    if (block.size > size) this.#split(block, size)
    this.#used.set(block.address, block)
    this.#usedBytes += size
    return block.address
  }

  /** Whether `address` was a block in use, now free. */
  free(address: number): boolean {
    const block = this.#used.get(address)
    if (block === undefined) return false
    this.#used.delete(address)
    this.#usedBytes -= block.size
    this.#release(block)
    return true
  }

  /** How many more bytes past the end would make room for `bytes`. */
  missing(bytes: number): number {
    const tail = this.#last?.free ? this.#last.size : 0
    return roundUp(bytes) - tail
  }

  #split(block: Block, size: number): void {
    const rest: Block = {
      address: block.address + size,
      size: block.size - size,
      free: false,
      before: block,
      after: block.after,
    }
    if (rest.after !== undefined) rest.after.before = rest
    else this.#last = rest
    block.after = rest
    block.size = size
    this.#release(rest)
  }

  /** Frees a block and joins it with free neighbours. */
  #release(block: Block): void {
    const { before, after } = block
    if (after?.free) {
      this.#remove(after)
      block.size += after.size
      block.after = after.after
      if (after.after !== undefined) after.after.before = block
      else this.#last = block
    }
    if (before?.free) {
      this.#remove(before)
      before.size += block.size
      before.after = block.after
      if (block.after !== undefined) block.after.before = before
      else this.#last = before
      this.#insert(before)
    } else {
      block.free = true
      this.#insert(block)
    }
  }

  #insert(block: Block): void {
    this.#free.splice(this.#find(block.size, block.address), 0, block)
  }

  #remove(block: Block): void {
    this.#free.splice(this.#find(block.size, block.address), 1)
  }

  /** The first free block that is not before (size, address). */
  #find(size: number, address: number): number {
    let low = 0
    let high = this.#free.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const block = this.#free[middle]
      if (block.size < size || (block.size === size && block.address < address)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Checks the invariants (for tests): blocks tile the range, no two neighbours are free, the free list is complete. */
  verify(): void {
    const blocks: Block[] = []
    for (let block = this.#last; block !== undefined; block = block.before) blocks.unshift(block)
    let at = this.#start
    for (const block of blocks) {
      if (block.address !== at || block.size <= 0) throw new Error(`block at ${block.address} instead of ${at}`)
      if (block.free && block.after?.free) throw new Error(`two free neighbours at ${block.address}`)
      if (block.free !== this.#free.includes(block)) throw new Error(`the free list is wrong about ${block.address}`)
      if (block.free === this.#used.has(block.address)) throw new Error(`the map is wrong about ${block.address}`)
      at += block.size
    }
    if (at !== this.#end) throw new Error(`blocks end at ${at} instead of ${this.#end}`)
  }
}

function roundUp(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)
}
