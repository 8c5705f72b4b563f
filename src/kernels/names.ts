/** @file The names of elementwise functions, shared by the graph's primitives and the kernels' expressions. */

/** Functions of one operand; result and operand have one dtype (`not`: bool or int32). */
export type UnaryOp =
  | 'neg' | 'abs' | 'sign' | 'floor' | 'ceil' | 'round' | 'trunc'
  | 'exp' | 'expm1' | 'log' | 'log1p' | 'sqrt' | 'sin' | 'cos' | 'atan' | 'tanh' | 'erf' | 'sigmoid'
  | 'not'

/** Functions of two operands of one dtype. Comparisons give `bool`. */
export type BinaryOp =
  | 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'max' | 'min'
  /** Remainder with the divisor's sign and quotient rounded down, as Python's `%` and `//`. */
  | 'rem' | 'idiv'
  | 'and' | 'or' | 'xor' | 'shl' | 'shr'
  | 'eq' | 'ne' | 'lt' | 'le'
