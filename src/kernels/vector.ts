/**
 * @file The vector program: how a kernel runs on a CPU, independent of which one.
 *
 * A program is a function of integer parameters (byte addresses of buffers, then the range of work units `begin`,
 * `end` that this thread does). It has two kinds of virtual registers: `i` holds an integer or an address, `v` holds
 * `lanes` elements of 32 bits, read as float32 or int32 by each operation. A comparison gives lanes of all ones or
 * all zeros. Memory is addressed by an `i` register plus a constant number of bytes. Registers are assigned
 * once, except those written again by `set` (accumulators, moving pointers).
 *
 * Targets lower a program (wasm: lanes = 4; x64: 8 or 16) and must give every operation exactly this meaning.
 */

/** A virtual register: its index in `VectorProgram.registers`. */
export type Reg = number
export type RegKind = 'i' | 'v'
/** How elements lie in memory. `u8` widens to an int32 lane on load; its low byte is stored. */
export type MemType = 'f32' | 'i32' | 'u8'
/** A register or a constant known when the program is built. */
export type IntOperand = Reg | { readonly imm: number }

/** Lane-wise operations of one operand. */
export type V1 =
  | 'f.neg'
  | 'f.abs'
  | 'f.sqrt'
  | 'f.floor'
  | 'f.ceil'
  | 'f.trunc'
  /** Round to nearest, ties to even. */
  | 'f.nearest'
  | 'i.neg'
  | 'i.abs'
  /** int32 → float32, and float32 → int32 towards zero, saturating, NaN → 0. */
  | 'i.toFloat'
  | 'f.toInt'
  | 'not'

/** Lane-wise operations of two operands. */
export type V2 =
  | 'f.add'
  | 'f.sub'
  | 'f.mul'
  | 'f.div'
  /** NaN if either operand is NaN; -0 < +0. */
  | 'f.min'
  | 'f.max'
  /** `b < a ? b : a` and `a < b ? b : a`: one instruction where `f.min`/`f.max` may take several. */
  | 'f.pmin'
  | 'f.pmax'
  | 'f.eq'
  | 'f.ne'
  | 'f.lt'
  | 'f.le'
  | 'i.add'
  | 'i.sub'
  | 'i.mul'
  | 'i.min'
  | 'i.max'
  | 'i.eq'
  | 'i.ne'
  | 'i.lt'
  | 'i.le'
  /** Quotient and remainder truncated towards zero; a zero divisor gives 0. */
  | 'i.div'
  | 'i.rem'
  /** Shifts by a lane's own count, taken modulo 32. */
  | 'i.shl'
  | 'i.shr'
  | 'i.shrU'
  | 'and'
  | 'or'
  | 'xor'
  /** `a & ~b` */
  | 'andNot'

/** Lane-wise operations of three operands. */
export type V3 =
  /** `a * b + c` and `c - a * b`: fused where the machine does that, otherwise rounded twice. */
  | 'f.fma'
  | 'f.fnma'
  /** Lanes of `b` where `a` is all ones, of `c` where it is all zeros. */
  | 'select'

/**
 * Folds the lanes of one vector, as a balanced tree; every lane of the result holds the answer. The tree halves the
 * vector: lane l meets lane l + n/2, then l + n/4, …, so that a float sum has the same bits on every target.
 */
export type Horizontal = 'f.add' | 'f.mul' | 'f.min' | 'f.max' | 'i.add' | 'i.mul' | 'i.min' | 'i.max'

/** Integer (address) arithmetic. `div` and `rem` take non-negative operands and a positive divisor. */
export type I2 = 'add' | 'sub' | 'mul' | 'div' | 'rem' | 'min' | 'max' | 'and' | 'shl' | 'shr'
export type Compare = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

export type Instr =
  | { readonly op: 'int'; readonly d: Reg; readonly value: number }
  | { readonly op: 'i2'; readonly fn: I2; readonly d: Reg; readonly a: Reg; readonly b: IntOperand }
  /** Loads one int32 from memory into an integer register. */
  | { readonly op: 'loadInt'; readonly d: Reg; readonly base: Reg; readonly offset: number }
  | { readonly op: 'storeInt'; readonly base: Reg; readonly offset: number; readonly a: Reg }
  /** Writes register `d` again (`i` or `v`). */
  | { readonly op: 'set'; readonly d: Reg; readonly a: Reg }
  /** Reads one int32 lane into an integer register. */
  | { readonly op: 'extract'; readonly d: Reg; readonly a: Reg; readonly lane: number }
  /** Runs `body` with `i` = from, from + step, … while it is below `to`. */
  | {
      readonly op: 'loop'
      readonly i: Reg
      readonly from: IntOperand
      readonly to: IntOperand
      readonly step: number
      readonly body: readonly Instr[]
    }
  | {
      readonly op: 'if'
      readonly a: Reg
      readonly cmp: Compare
      readonly b: IntOperand
      readonly yes: readonly Instr[]
      readonly no: readonly Instr[]
    }
  /** The same constant in every lane; `bits` is its int32 bit pattern. */
  | { readonly op: 'const'; readonly d: Reg; readonly bits: number }
  /** One constant per lane (int32 bit patterns). */
  | { readonly op: 'lanes'; readonly d: Reg; readonly bits: readonly number[] }
  /** An integer register in every lane. */
  | { readonly op: 'splat'; readonly d: Reg; readonly a: Reg }
  /** The first `lanes` elements at base + offset, contiguous; other lanes are 0. Never touches memory beyond them. */
  | {
      readonly op: 'load'
      readonly d: Reg
      readonly base: Reg
      readonly offset: number
      readonly type: MemType
      readonly lanes: number
    }
  /** One element in every lane. */
  | { readonly op: 'loadSplat'; readonly d: Reg; readonly base: Reg; readonly offset: number; readonly type: MemType }
  /** Lane l from base + offset + pattern[l] bytes; lanes past the pattern are 0. */
  | {
      readonly op: 'loadLanes'
      readonly d: Reg
      readonly base: Reg
      readonly offset: number
      readonly pattern: readonly number[]
      readonly type: MemType
    }
  /** Lane l from base + offset + index[l] * scale bytes, for the first `lanes` lanes; other lanes are 0. */
  | {
      readonly op: 'gather'
      readonly d: Reg
      readonly base: Reg
      readonly offset: number
      readonly index: Reg
      readonly scale: number
      readonly type: MemType
      readonly lanes: number
    }
  | {
      readonly op: 'store'
      readonly base: Reg
      readonly offset: number
      readonly a: Reg
      readonly type: MemType
      readonly lanes: number
      /** Whether it may go past the caches: nobody reads it soon. */
      readonly streamed?: boolean
    }
  | {
      readonly op: 'storeLanes'
      readonly base: Reg
      readonly offset: number
      readonly pattern: readonly number[]
      readonly a: Reg
      readonly type: MemType
    }
  | { readonly op: 'v1'; readonly fn: V1; readonly d: Reg; readonly a: Reg }
  | { readonly op: 'v2'; readonly fn: V2; readonly d: Reg; readonly a: Reg; readonly b: Reg }
  /** Shift every lane by the same constant. */
  | {
      readonly op: 'shift'
      readonly fn: 'i.shl' | 'i.shr' | 'i.shrU'
      readonly d: Reg
      readonly a: Reg
      readonly by: number
    }
  | { readonly op: 'v3'; readonly fn: V3; readonly d: Reg; readonly a: Reg; readonly b: Reg; readonly c: Reg }
  | { readonly op: 'fold'; readonly fn: Horizontal; readonly d: Reg; readonly a: Reg }
  /** Transposes `lanes` registers of `lanes` lanes: d[i] lane j = a[j] lane i. */
  | { readonly op: 'transpose'; readonly d: readonly Reg[]; readonly a: readonly Reg[] }
  /**
   * Keeps a compiler behind the target from moving loads across this point (no meaning of its own). `at`: an address of
   * 32-bit elements that the surrounding code has in a register anyway.
   */
  | { readonly op: 'pin'; readonly at?: Reg }

export interface VectorProgram {
  readonly name: string
  /** Elements of 32 bits in a `v` register. */
  readonly lanes: number
  /** The first `params` registers are the parameters, all `i`: buffer addresses, then `begin`, then `end`. */
  readonly params: number
  /** Kind of every register, parameters first. */
  readonly registers: readonly RegKind[]
  readonly body: readonly Instr[]
}

/** What a lowering may ask about the machine that it writes for. */
export interface Machine {
  readonly lanes: number
  /** Vector registers the micro-kernels may count on. */
  readonly vectorRegisters: number
  /** Whether `f.fma` is one instruction. */
  readonly fused: boolean
  /** Vector operations that can start in a cycle. Default 2. */
  readonly perCycle?: number
  /**
   * Whether two neighbouring vectors run as one of twice the width where a program treats them alike. Tiles then want
   * an even number of vectors side by side, and may hold twice `vectorRegisters`.
   */
  readonly pairs?: boolean
  /** Bytes of first- and second-level data cache of a core. */
  readonly l1: number
  readonly l2: number
}

const floatBits = new Float32Array(1)
const intBits = new Int32Array(floatBits.buffer)

/** The int32 bit pattern of a float32. */
export function bitsOf(value: number): number {
  floatBits[0] = value
  return intBits[0]
}
