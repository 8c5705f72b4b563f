/** @file Samples of functions of one and two operands, select and cast. */
import type { BinaryOp, HostArray, UnaryOp } from '../../../src/graph/node.ts'
import { bytes, f, i, list, pairs, type Sample, sample, special, specials, value } from './sample.ts'

/** Values where a function of one operand is smooth, then values where it is special. */
function unaryFloat(op: UnaryOp, scale = 2, offset = 0, odd: readonly number[] = specials): Sample[] {
  return [
    sample('a matrix', [f([5, 7], 1, scale, offset)], (o, [x]) => o[op](x)),
    sample('a scalar', [f([], 2, scale, offset)], (o, [x]) => o[op](x)),
    sample('nothing', [f([0, 3])], (o, [x]) => o[op](x)),
    special('special values', [list(odd)], (o, [x]) => o[op](x)),
  ]
}

const ints = [0, 1, -1, 7, -7, 2147483647, -2147483648]

function unaryNumber(op: UnaryOp): Sample[] {
  return [...unaryFloat(op), value('int32', [list(ints, [7], 'int32')], (o, [x]) => o[op](x))]
}

const rounding = [...specials, 2.5, 1.5, -0.5, -1.5, 0.49999997, 8388609, -8388607.5, 4194304.5]

function rounder(op: UnaryOp): Sample[] {
  return [...unaryFloat(op, 3, 0.1, rounding), value('int32', [list(ints, [7], 'int32')], (o, [x]) => o[op](x))]
}

export const unarySamples = {
  neg: unaryNumber('neg'),
  abs: unaryNumber('abs'),
  sign: unaryNumber('sign'),
  floor: rounder('floor'),
  ceil: rounder('ceil'),
  round: rounder('round'),
  trunc: rounder('trunc'),
  exp: unaryFloat('exp', 3, 0, [...specials, 88, 89, -87, -104, 1e-8]),
  expm1: unaryFloat('expm1', 2, 0, [...specials, 1e-6, -1e-6, 88, -30]),
  log: unaryFloat('log', 2, 2.1, [...specials, 1e-38, 1.0000001]),
  log1p: unaryFloat('log1p', 0.9, 0, [...specials, 1e-6, -1e-6, -0.9999]),
  sqrt: unaryFloat('sqrt', 2, 2.1, [...specials, 1e-38]),
  sin: unaryFloat('sin', 7, 0, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 100, -1000]),
  cos: unaryFloat('cos', 7, 0, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 100, -1000]),
  atan: unaryFloat('atan', 3),
  tanh: unaryFloat('tanh', 2, 0, [...specials, 1e-4, 9, -20]),
  erf: unaryFloat('erf', 2, 0, [...specials, 1e-4, 4, -5]),
  sigmoid: unaryFloat('sigmoid', 4, 0, [...specials, 17, -17, 88, -88, -104]),
  not: [
    value('bool', [bytes([9], 2)], (o, [x]) => o.not(x)),
    value('int32', [i([3, 5], 100, -50)], (o, [x]) => o.not(x)),
    value('uint8', [bytes([5], 250)], (o, [x]) => o.not(x)),
    value('no elements', [bytes([0], 2)], (o, [x]) => o.not(x)),
  ],
} satisfies { readonly [F in UnaryOp]: readonly Sample[] }

function binaryFloat(op: BinaryOp, a: HostArray, b: HostArray, odd = specials): Sample[] {
  const like = (x: HostArray, shape: readonly number[]): HostArray => {
    const n = shape.reduce((p, d) => p * d, 1)
    return list([...x.data].slice(0, n), shape)
  }
  return [
    sample('equal shapes', [a, b], (o, [x, y]) => o[op](x, y)),
    sample('broadcast both ways', [like(a, [3, 1, 4]), like(b, [2, 1])], (o, [x, y]) => o[op](x, y)),
    sample('with a scalar', [like(a, [7]), like(b, [])], (o, [x, y]) => o[op](x, y)),
    sample('with a number', [like(a, [9])], (o, [x]) => o[op](x, 1.75)),
    sample('number first', [like(b, [9])], (o, [x]) => o[op](1.75, x)),
    sample('no elements', [like(a, [0, 4]), like(b, [1, 4])], (o, [x, y]) => o[op](x, y)),
    special('special values', pairs(odd), (o, [x, y]) => o[op](x, y)),
  ]
}

const whole = pairs([0, 1, -1, 2, 7, -8, 65537, 2147483647, -2147483648], 'int32')

function intBinary(op: BinaryOp, inputs: readonly HostArray[] = whole): Sample {
  return value('int32', inputs, (o, [x, y]) => o[op](x, y))
}

const octets = [list([0, 1, 5, 200, 255, 255], [6], 'uint8'), list([0, 3, 2, 100, 1, 255], [6], 'uint8')]
const [a, b] = [f([4, 9], 1, 2), f([4, 9], 2, 2)]
const away = f([4, 9], 3, 0.9, 1.7)

function bits(op: 'and' | 'or' | 'xor'): Sample[] {
  return [
    intBinary(op),
    value('bool', [bytes([3, 7], 2), bytes([7], 2, 'bool', 3)], (o, [x, y]) => o[op](x, y)),
    value('uint8', octets, (o, [x, y]) => o[op](x, y)),
    value('no elements', [i([0, 3], 4), i([3], 4)], (o, [x, y]) => o[op](x, y)),
  ]
}

function comparison(op: 'eq' | 'ne' | 'lt' | 'le'): Sample[] {
  return [
    ...binaryFloat(op, a, f([4, 9], 1, 2, 0.0004)),
    intBinary(op),
    value('bool', [bytes([9], 2), bytes([9], 2, 'bool', 5)], (o, [x, y]) => o[op](x, y)),
    value('uint8', octets, (o, [x, y]) => o[op](x, y)),
  ]
}

const shifts = [pairs([0, 1, -1, 5, -123456789])[0], pairs([0, 1, 3, 31, 7])[1]].map((x) =>
  list([...x.data], x.shape, 'int32'),
)

const divisors = pairs([1, -1, 2, 7, -8, 65537, 2147483647], 'int32')

export const binarySamples = {
  add: [...binaryFloat('add', a, b), intBinary('add'), value('uint8', octets, (o, [x, y]) => o.add(x, y))],
  sub: [...binaryFloat('sub', a, b), intBinary('sub')],
  mul: [...binaryFloat('mul', a, b), intBinary('mul'), value('uint8', octets, (o, [x, y]) => o.mul(x, y))],
  div: binaryFloat('div', a, away),
  pow: [
    ...binaryFloat('pow', away, b),
    ...[0, 1, 2, 3, -1, -2, 0.5, -0.5].map((k) => sample(`to the number ${k}`, [away], (o, [x]) => o.pow(x, k))),
    ...[2, 3, 4, -1, -2].map((k) => sample(`of either sign to ${k}`, [a], (o, [x]) => o.pow(x, k))),
    sample('of 0 to 2 and 3', [list([0, 0, 1, -2])], (o, [x]) => [o.pow(x, 2), o.pow(x, 3)]),
    sample(
      'whole exponents in an array',
      [f([6], 4)],
      (o, [x]) => o.pow(x, o.data(Float32Array.of(0, 1, 2, 3, -1, 2), [6])),
      {
        second: false,
      },
    ),
    intBinary('pow', pairs([0, 1, -1, 2, 3, -5, 31, -2], 'int32')),
  ],
  max: [
    ...binaryFloat('max', a, b),
    intBinary('max'),
    value('bool', [bytes([9], 2), bytes([9], 2, 'bool', 3)], (o, [x, y]) => o.max(x, y)),
  ],
  min: [...binaryFloat('min', a, b), intBinary('min'), value('uint8', octets, (o, [x, y]) => o.min(x, y))],
  rem: [
    ...binaryFloat(
      'rem',
      a,
      away,
      // −1e−30 rem 1 rounds up to 1 where the remainder is exact, and to 0 where it comes from the quotient.
      specials.filter((x) => !(Math.abs(x) > 1e30 && Number.isFinite(x)) && Math.abs(x) !== 1e-30),
    ),
    intBinary('rem', divisors),
    intBinary('rem'),
  ],
  idiv: [
    ...binaryFloat(
      'idiv',
      a,
      away,
      specials.filter((x) => Math.abs(x) < 1e30 && Math.abs(x) !== 1e-30),
    ),
    intBinary('idiv', divisors),
  ],
  and: bits('and'),
  or: bits('or'),
  xor: bits('xor'),
  shl: [intBinary('shl', shifts), value('a number', [i([9], 100, -50)], (o, [x]) => o.shl(x, 5))],
  shr: [intBinary('shr', shifts), value('a number', [i([9], 100, -50)], (o, [x]) => o.shr(x, 3))],
  eq: comparison('eq'),
  ne: comparison('ne'),
  lt: comparison('lt'),
  le: comparison('le'),
} satisfies { readonly [F in BinaryOp]: readonly Sample[] }

export const chooseSamples = {
  select: [
    sample('equal shapes', [bytes([4, 9], 2), a, b], (o, [c, x, y]) => o.select(c, x, y)),
    sample('broadcast', [bytes([3, 1], 2), f([5]), f([])], (o, [c, x, y]) => o.select(c, x, y)),
    sample('a number', [bytes([17], 2), f([17])], (o, [c, x]) => o.select(c, x, 0.5)),
    sample('no elements', [bytes([0], 2), f([0])], (o, [c, x]) => o.select(c, 0, x)),
    value('int32', [bytes([7], 2), i([7], 100), i([7], 50, -50)], (o, [c, x, y]) => o.select(c, x, y)),
    value('bool', [bytes([7], 2), bytes([7], 2, 'bool', 2), bytes([7], 2, 'bool', 3)], (o, [c, x, y]) =>
      o.select(c, x, y),
    ),
    special('special values', [bytes([12], 2), list(specials), f([12])], (o, [c, x, y]) => [
      o.select(c, x, y),
      o.select(c, y, x),
    ]),
  ],
  cast: [
    ...(['bool', 'uint8', 'int32'] as const).map((dtype) =>
      value(`float to ${dtype}`, [f([5, 7], 1, dtype === 'uint8' ? 100 : 3, dtype === 'uint8' ? 100 : 0)], (o, [x]) =>
        o.cast(x, dtype),
      ),
    ),
    ...(['bool', 'uint8', 'int32', 'float32'] as const).flatMap((dtype) => [
      value(`int32 to ${dtype}`, [list([...ints, 16777217], [8], 'int32')], (o, [x]) => o.cast(x, dtype)),
      value(`uint8 to ${dtype}`, [bytes([9], 250)], (o, [x]) => o.cast(x, dtype)),
      value(`bool to ${dtype}`, [bytes([9], 2)], (o, [x]) => o.cast(x, dtype)),
    ]),
    special('special values', [list([...specials, -3e38, 2147483648, -2147483904, 300.9])], (o, [x]) => [
      o.cast(x, 'int32'),
      o.cast(x, 'bool'),
    ]),
    value('no elements', [i([0, 2], 4)], (o, [x]) => o.cast(x, 'float32')),
  ],
} satisfies Record<'select' | 'cast', readonly Sample[]>
