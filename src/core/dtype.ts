/**
 * @file The one table of element types. Everything that depends on a dtype (storage, width, safetensors name,
 * register class) is derived from here, so that a new dtype is a new row.
 */

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array

interface DTypeRow {
  /** Bytes an element takes in memory. */
  readonly bytes: number
  /** Array type that holds such elements on the host. */
  readonly array: new (
    buffer: ArrayBufferLike | number,
    byteOffset?: number,
    length?: number,
  ) => TypedArray
  readonly kind: 'float' | 'int' | 'bool'
  /** Order of promotion when two dtypes meet: the higher one wins. */
  readonly rank: number
}

export const dtypes = {
  bool: { bytes: 1, array: Uint8Array, kind: 'bool', rank: 0 },
  uint8: { bytes: 1, array: Uint8Array, kind: 'int', rank: 1 },
  int32: { bytes: 4, array: Int32Array, kind: 'int', rank: 2 },
  float32: { bytes: 4, array: Float32Array, kind: 'float', rank: 3 },
  /** Only on the `interp` target: for gradient checks. */
  float64: { bytes: 8, array: Float64Array, kind: 'float', rank: 4 },
} as const satisfies Record<string, DTypeRow>

export type DType = keyof typeof dtypes

/** The dtype that both operands of a binary operation are cast to. */
export function promote(a: DType, b: DType): DType {
  return dtypes[a].rank >= dtypes[b].rank ? a : b
}

export function isFloat(dtype: DType): boolean {
  return dtypes[dtype].kind === 'float'
}

/** A zeroed host array of `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  return new dtypes[dtype].array(length)
}

/** The dtype whose array type `data` is (a Uint8Array is `uint8`, never `bool`). */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Int32Array) return 'int32'
  if (data instanceof Float64Array) return 'float64'
  return 'uint8'
}
