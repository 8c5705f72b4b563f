/** @file The names of elementwise functions, shared by the graph's primitives and the kernels' expressions. */

/** Functions of one operand; result and operand have one dtype (`not`: bool or int32). */
export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'trunc'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sqrt'
  | 'sin'
  | 'cos'
  | 'atan'
  | 'tanh'
  | 'erf'
  | 'sigmoid'
  | 'not'

/** Functions of two operands of one dtype. Comparisons give `bool`. */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'max'
  | 'min'
  /** Remainder with the divisor's sign and quotient rounded down, as Python's `%` and `//`. */
  | 'rem'
  | 'idiv'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'

/** The names as values; a missing one does not compile. */
export const unaryNames: { readonly [F in UnaryOp]: true } = {
  neg: true,
  abs: true,
  sign: true,
  floor: true,
  ceil: true,
  round: true,
  trunc: true,
  exp: true,
  expm1: true,
  log: true,
  log1p: true,
  sqrt: true,
  sin: true,
  cos: true,
  atan: true,
  tanh: true,
  erf: true,
  sigmoid: true,
  not: true,
}

export const binaryNames: { readonly [F in BinaryOp]: true } = {
  add: true,
  sub: true,
  mul: true,
  div: true,
  pow: true,
  max: true,
  min: true,
  rem: true,
  idiv: true,
  and: true,
  or: true,
  xor: true,
  shl: true,
  shr: true,
  eq: true,
  ne: true,
  lt: true,
  le: true,
}

/** Functions that take many instructions: worth storing rather than computing again. */
export const longFunctions: ReadonlySet<string> = new Set<UnaryOp | BinaryOp>([
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'atan',
  'tanh',
  'erf',
  'sigmoid',
  'pow',
  'rem',
  'idiv',
])
