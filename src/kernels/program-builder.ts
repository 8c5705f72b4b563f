/** @file Writes vector programs, one instruction a method. */
import {
  bitsOf,
  type Compare,
  type Horizontal,
  type I2,
  type Instr,
  type IntOperand,
  type MemType,
  type Reg,
  type RegKind,
  type V1,
  type V2,
  type V3,
  type VectorProgram,
} from './vector.ts'

export class ProgramBuilder {
  readonly lanes: number
  readonly #registers: RegKind[] = []
  readonly #params: number
  #block: Instr[] = []
  readonly #name: string
  /** Registers of the splat constants by bit pattern; `finish` puts them before everything else. */
  readonly #constants = new Map<number, Reg>()
  readonly #constantRegs = new Set<Reg>()

  /** `params` integer parameters get registers 0 … params-1 (the last two are the unit range begin, end). */
  constructor(name: string, lanes: number, params: number) {
    this.#name = name
    this.lanes = lanes
    this.#params = params
    for (let i = 0; i < params; i++) this.#registers.push('i')
  }

  reg(kind: RegKind): Reg {
    this.#registers.push(kind)
    return this.#registers.length - 1
  }

  emit(instr: Instr): void {
    if ('d' in instr && typeof instr.d === 'number' && this.#constantRegs.has(instr.d)) {
      throw new Error(`${this.#name}: a constant cannot be written; start from variable(constant)`)
    }
    this.#block.push(instr)
  }

  /** Collects what `write` emits into a block of its own. */
  block(write: () => void): Instr[] {
    const outer = this.#block
    const inner: Instr[] = []
    this.#block = inner
    write()
    this.#block = outer
    return inner
  }

  /** The block being written. */
  get current(): Instr[] {
    return this.#block
  }

  /** Lets `write` append to a block that is still open further out: what a loop does not change goes before it. */
  within<T>(block: Instr[], write: () => T): T {
    const inner = this.#block
    this.#block = block
    const result = write()
    this.#block = inner
    return result
  }

  // Integers -------------------------------------------------------------------------------------------------------
  int(value: number): Reg {
    const d = this.reg('i')
    this.emit({ op: 'int', d, value })
    return d
  }

  i2(fn: I2, a: Reg, b: IntOperand): Reg {
    const d = this.reg('i')
    this.emit({ op: 'i2', fn, d, a, b })
    return d
  }

  /** `a + imm`, `a` itself when imm is 0. */
  addImm(a: Reg, imm: number): Reg {
    return imm === 0 ? a : this.i2('add', a, { imm })
  }

  loadInt(base: Reg, offset = 0): Reg {
    const d = this.reg('i')
    this.emit({ op: 'loadInt', d, base, offset })
    return d
  }

  storeInt(base: Reg, offset: number, a: Reg): void {
    this.emit({ op: 'storeInt', base, offset, a })
  }

  set(d: Reg, a: Reg): void {
    this.emit({ op: 'set', d, a })
  }

  /** A register that `set` may write again, starting as a copy of `a`. */
  variable(a: Reg): Reg {
    const d = this.reg(this.#registers[a])
    this.emit({ op: 'set', d, a })
    return d
  }

  /** d ← d + imm, for moving pointers. */
  bump(d: Reg, imm: number): void {
    this.emit({ op: 'i2', fn: 'add', d, a: d, b: { imm } })
  }

  extract(a: Reg, lane: number): Reg {
    const d = this.reg('i')
    this.emit({ op: 'extract', d, a, lane })
    return d
  }

  loop(from: IntOperand, to: IntOperand, step: number, body: (i: Reg) => void): void {
    const i = this.reg('i')
    this.emit({ op: 'loop', i, from, to, step, body: this.block(() => body(i)) })
  }

  if(a: Reg, cmp: Compare, b: IntOperand, then: () => void, otherwise: () => void = () => {}): void {
    this.emit({ op: 'if', a, cmp, b, yes: this.block(then), no: this.block(otherwise) })
  }

  // Vectors --------------------------------------------------------------------------------------------------------
  /** The constant with this int32 bit pattern in every lane: one register per pattern, set at the program's start. */
  constant(bits: number): Reg {
    const key = bits | 0
    let d = this.#constants.get(key)
    if (d === undefined) {
      d = this.reg('v')
      this.#constants.set(key, d)
      this.#constantRegs.add(d)
    }
    return d
  }

  /** A float32 constant. Constants are shared: never write one, but a `variable` that starts from it. */
  f32(value: number): Reg {
    return this.constant(bitsOf(value))
  }

  /** An int32 constant, shared like `f32`. */
  i32(value: number): Reg {
    return this.constant(value)
  }

  laneConst(bits: readonly number[]): Reg {
    const d = this.reg('v')
    this.emit({ op: 'lanes', d, bits })
    return d
  }

  splat(a: Reg): Reg {
    const d = this.reg('v')
    this.emit({ op: 'splat', d, a })
    return d
  }

  load(base: Reg, offset: number, type: MemType = 'f32', lanes: number = this.lanes): Reg {
    const d = this.reg('v')
    this.emit({ op: 'load', d, base, offset, type, lanes })
    return d
  }

  loadSplat(base: Reg, offset: number, type: MemType = 'f32'): Reg {
    const d = this.reg('v')
    this.emit({ op: 'loadSplat', d, base, offset, type })
    return d
  }

  loadLanes(base: Reg, offset: number, pattern: readonly number[], type: MemType = 'f32'): Reg {
    const d = this.reg('v')
    this.emit({ op: 'loadLanes', d, base, offset, pattern, type })
    return d
  }

  gather(base: Reg, offset: number, index: Reg, scale: number, type: MemType, lanes: number = this.lanes): Reg {
    const d = this.reg('v')
    this.emit({ op: 'gather', d, base, offset, index, scale, type, lanes })
    return d
  }

  store(
    base: Reg,
    offset: number,
    a: Reg,
    type: MemType = 'f32',
    lanes: number = this.lanes,
    streamed: boolean = false,
  ): void {
    this.emit({ op: 'store', base, offset, a, type, lanes, ...(streamed ? { streamed } : {}) })
  }

  storeLanes(base: Reg, offset: number, pattern: readonly number[], a: Reg, type: MemType = 'f32'): void {
    this.emit({ op: 'storeLanes', base, offset, pattern, a, type })
  }

  v1(fn: V1, a: Reg): Reg {
    const d = this.reg('v')
    this.emit({ op: 'v1', fn, d, a })
    return d
  }

  v2(fn: V2, a: Reg, b: Reg): Reg {
    const d = this.reg('v')
    this.emit({ op: 'v2', fn, d, a, b })
    return d
  }

  v3(fn: V3, a: Reg, b: Reg, c: Reg): Reg {
    const d = this.reg('v')
    this.emit({ op: 'v3', fn, d, a, b, c })
    return d
  }

  /** acc ← a * b + acc, in place. */
  accumulate(acc: Reg, a: Reg, b: Reg): void {
    this.emit({ op: 'v3', fn: 'f.fma', d: acc, a, b, c: acc })
  }

  shift(fn: 'i.shl' | 'i.shr' | 'i.shrU', a: Reg, by: number): Reg {
    const d = this.reg('v')
    this.emit({ op: 'shift', fn, d, a, by })
    return d
  }

  fold(fn: Horizontal, a: Reg): Reg {
    const d = this.reg('v')
    this.emit({ op: 'fold', fn, d, a })
    return d
  }

  transpose(a: readonly Reg[]): Reg[] {
    const d = a.map(() => this.reg('v'))
    this.emit({ op: 'transpose', d, a })
    return d
  }

  pin(at?: Reg): void {
    this.emit(at === undefined ? { op: 'pin' } : { op: 'pin', at })
  }

  finish(): VectorProgram {
    const constants = Array.from(this.#constants, ([bits, d]): Instr => ({ op: 'const', d, bits }))
    return {
      name: this.#name,
      lanes: this.lanes,
      params: this.#params,
      registers: this.#registers,
      body: [...constants, ...this.#block],
    }
  }
}
