/**
 * @file The WebAssembly binary writer: modules that import one memory and export functions. Everything is written into
 * growing byte arrays; nothing is parsed back.
 */
import { type Atomic, I32, Op, Simd, type ValueType } from './opcodes.ts'

const text = new TextEncoder()

/** A byte array that grows. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>
  length = 0

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    if (this.length + extra <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(this.length + extra, this.bytes.length * 2))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** An unsigned 32-bit integer, LEB128. */
  unsigned(value: number): void {
    this.reserve(5)
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  /** A signed 32-bit integer, LEB128. */
  signed(value: number): void {
    this.reserve(5)
    let rest = value | 0
    while (rest < -64 || rest > 63) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>= 7
    }
    this.bytes[this.length++] = rest & 0x7f
  }

  /** An int32, little-endian. */
  fixed(value: number): void {
    this.reserve(4)
    for (let shift = 0; shift < 32; shift += 8) this.bytes[this.length++] = (value >> shift) & 0xff
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  name(value: string): void {
    const bytes = text.encode(value)
    this.unsigned(bytes.length)
    this.append(bytes)
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

/** The body of one function. Parameters are the first locals; all of them are i32. */
export class FunctionWriter {
  readonly code = new ByteWriter(512)
  readonly #runs: { type: ValueType; count: number }[] = []
  #locals: number
  /** Where the last `local.set` starts and ends, and of which local: a `get` that follows it directly can join it. */
  #setStart = -1
  #setEnd = -1
  #setLocal = -1
  /** Blocks open at this point. */
  depth = 0

  constructor(params: number) {
    this.#locals = params
  }

  /** Declares `count` locals and returns the index of the first. */
  locals(type: ValueType, count = 1): number {
    const first = this.#locals
    this.#locals += count
    const last = this.#runs.at(-1)
    if (last?.type === type) last.count += count
    else if (count > 0) this.#runs.push({ type, count })
    return first
  }

  // Locals ---------------------------------------------------------------------------------------------------------
  get(local: number): void {
    if (this.justSet(local)) {
      this.code.bytes[this.#setStart] = Op.localTee
      this.#setEnd = -1
      return
    }
    this.code.byte(Op.localGet)
    this.code.unsigned(local)
  }

  /** Reads a local for the only time: right after its `set`, both vanish and the value stays on the stack. */
  take(local: number): void {
    if (this.justSet(local)) {
      this.code.length = this.#setStart
      this.#setEnd = -1
    } else {
      this.get(local)
    }
  }

  set(local: number): void {
    this.#setStart = this.code.length
    this.code.byte(Op.localSet)
    this.code.unsigned(local)
    this.#setEnd = this.code.length
    this.#setLocal = local
  }

  tee(local: number): void {
    this.code.byte(Op.localTee)
    this.code.unsigned(local)
  }

  /** Whether the instruction before was the `set` of this local. */
  justSet(local: number): boolean {
    return this.#setEnd === this.code.length && this.#setLocal === local
  }

  // Integers and control -------------------------------------------------------------------------------------------
  op(opcode: number): void {
    this.code.byte(opcode)
  }

  i32(value: number): void {
    this.code.byte(Op.i32Const)
    this.code.signed(value)
  }

  i64(value: number): void {
    this.code.byte(Op.i64Const)
    this.code.signed(value)
  }

  block(): void {
    this.#open(Op.block)
  }

  loop(): void {
    this.#open(Op.loop)
  }

  if(): void {
    this.#open(Op.if)
  }

  else(): void {
    this.code.byte(Op.else)
  }

  end(): void {
    this.code.byte(Op.end)
    this.depth--
  }

  /** Branches out of (or, for a loop, back to the start of) the block `label` levels out. */
  br(label: number): void {
    this.code.byte(Op.br)
    this.code.unsigned(label)
  }

  brIf(label: number): void {
    this.code.byte(Op.brIf)
    this.code.unsigned(label)
  }

  call(index: number): void {
    this.code.byte(Op.call)
    this.code.unsigned(index)
  }

  #open(opcode: number): void {
    this.code.byte(opcode)
    this.code.byte(0x40) // no parameters, no results
    this.depth++
  }

  // Memory, vectors, atomics ---------------------------------------------------------------------------------------
  /** A scalar load or store of an address at a constant distance. */
  memory(opcode: number, offset: number): void {
    this.code.byte(opcode)
    this.#memarg(0, offset)
  }

  simd(opcode: number): void {
    this.code.byte(0xfd)
    this.code.unsigned(opcode)
  }

  simdMemory(opcode: number, offset: number): void {
    this.simd(opcode)
    this.#memarg(0, offset)
  }

  /** A load or store of one lane. */
  laneMemory(opcode: number, offset: number, lane: number): void {
    this.simdMemory(opcode, offset)
    this.code.byte(lane)
  }

  /** Extracts or replaces one lane. */
  lane(opcode: number, lane: number): void {
    this.simd(opcode)
    this.code.byte(lane)
  }

  /** A constant of four int32 lanes. */
  v128(a: number, b: number, c: number, d: number): void {
    this.simd(Simd.const)
    this.code.fixed(a)
    this.code.fixed(b)
    this.code.fixed(c)
    this.code.fixed(d)
  }

  /** Picks four 32-bit lanes out of the eight of two vectors. */
  shuffle(a: number, b: number, c: number, d: number): void {
    this.simd(Simd.shuffle)
    this.code.reserve(16)
    const { code } = this
    for (let byte = 4 * a; byte < 4 * a + 4; byte++) code.byte(byte)
    for (let byte = 4 * b; byte < 4 * b + 4; byte++) code.byte(byte)
    for (let byte = 4 * c; byte < 4 * c + 4; byte++) code.byte(byte)
    for (let byte = 4 * d; byte < 4 * d + 4; byte++) code.byte(byte)
  }

  /** Picks sixteen bytes out of the thirty-two of two vectors. */
  shuffleBytes(bytes: readonly number[]): void {
    this.simd(Simd.shuffle)
    for (const byte of bytes) this.code.byte(byte)
  }

  /** A 32-bit atomic instruction. */
  atomic(opcode: (typeof Atomic)[keyof typeof Atomic], offset = 0): void {
    this.code.byte(0xfe)
    this.code.byte(opcode)
    this.#memarg(2, offset)
  }

  #memarg(align: number, offset: number): void {
    this.code.byte(align)
    this.code.unsigned(offset)
  }

  /** Appends the finished body, with its size, to the code section. */
  writeTo(section: ByteWriter): void {
    const head = new ByteWriter(16)
    head.unsigned(this.#runs.length)
    for (const run of this.#runs) {
      head.unsigned(run.count)
      head.byte(run.type)
    }
    section.unsigned(head.length + this.code.length + 1)
    section.append(head.written())
    section.append(this.code.written())
    section.byte(Op.end)
  }
}

/** The one memory that a module imports, as `e.m`. */
export interface MemoryImport {
  readonly shared: boolean
  readonly maximumPages: number
}

/** A module of functions over one imported memory. Functions are called by the index that `add` returned. */
export class ModuleWriter {
  readonly #memory: MemoryImport
  readonly #types: string[] = []
  readonly #typeOf: number[] = []
  readonly #exports: { name: string; index: number }[] = []
  readonly #code = new ByteWriter(1 << 14)

  constructor(memory: MemoryImport) {
    this.#memory = memory
  }

  /** Adds a finished function of `params` i32 parameters and `results` i32 results; returns its index. */
  add(body: FunctionWriter, params: number, results: number, exportName?: string): number {
    const index = this.#typeOf.length
    const key = `${params},${results}`
    let type = this.#types.indexOf(key)
    if (type < 0) type = this.#types.push(key) - 1
    this.#typeOf.push(type)
    if (exportName !== undefined) this.#exports.push({ name: exportName, index })
    body.writeTo(this.#code)
    return index
  }

  /** The binary. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(this.#code.length + 1024)
    out.append(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    section(out, 1, (s) => {
      s.unsigned(this.#types.length)
      for (const key of this.#types) {
        const [params, results] = key.split(',').map(Number)
        s.byte(0x60)
        s.unsigned(params)
        for (let i = 0; i < params; i++) s.byte(I32)
        s.unsigned(results)
        for (let i = 0; i < results; i++) s.byte(I32)
      }
    })
    section(out, 2, (s) => {
      s.unsigned(1)
      s.name('e')
      s.name('m')
      s.byte(2)
      s.byte(this.#memory.shared ? 3 : 1)
      s.unsigned(1)
      s.unsigned(this.#memory.maximumPages)
    })
    section(out, 3, (s) => {
      s.unsigned(this.#typeOf.length)
      for (const type of this.#typeOf) s.unsigned(type)
    })
    section(out, 7, (s) => {
      s.unsigned(this.#exports.length)
      for (const { name, index } of this.#exports) {
        s.name(name)
        s.byte(0)
        s.unsigned(index)
      }
    })
    out.byte(10)
    const count = new ByteWriter(8)
    count.unsigned(this.#typeOf.length)
    out.unsigned(count.length + this.#code.length)
    out.append(count.written())
    out.append(this.#code.written())
    return out.bytes.slice(0, out.length)
  }
}

function section(out: ByteWriter, id: number, write: (section: ByteWriter) => void): void {
  const content = new ByteWriter()
  write(content)
  out.byte(id)
  out.unsigned(content.length)
  out.append(content.written())
}
