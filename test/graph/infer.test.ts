import { describe, expect, it } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import { type HostArray, Node, type Primitive } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import { bytes, convAttrs, f, i, windowAttrs } from './samples/sample.ts'
import { primitives } from './samples.ts'

function node({ data, shape, dtype }: HostArray): Node {
  return o.data(data, shape, dtype)
}

const x23 = node(f([2, 3]))
const x34 = node(f([3, 4]))
const ints = node(i([4], 3))
const bools = node(bytes([2, 3], 2))
const images = node(f([2, 4, 5, 5]))
const kernel = node(f([6, 2, 3, 3]))

interface Mistake {
  readonly build: () => unknown
  /** What the message must hold: what was received, the rule, the fix. */
  readonly says: readonly string[]
}

const floatsOnly = (
  op: 'exp' | 'expm1' | 'log' | 'log1p' | 'sqrt' | 'sin' | 'cos' | 'atan' | 'tanh' | 'erf' | 'sigmoid',
) => [{ build: () => o[op](ints), says: [`${op}: `, 'int32 [4]', 'takes floats', 'float()'] }]

const numbersOnly = (op: 'neg' | 'abs' | 'sign' | 'floor' | 'ceil' | 'round' | 'trunc') => [
  { build: () => o[op](bools), says: [`${op}: `, 'bool [2, 3]', 'takes numbers', 'Cast it'] },
]

const broadcast = (
  op: 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'max' | 'min' | 'rem' | 'idiv' | 'eq' | 'ne' | 'lt' | 'le',
) => [
  {
    build: () => o[op](x23, x34),
    says: [`${op}: `, '[2, 3]', '[3, 4]', 'equal or one of them 1', 'Reshape or expand'],
  },
  { build: () => o[op](1, 2), says: [`${op}: `, 'at least one operand must be a node', '1 and 2'] },
]

const arithmetic = (op: 'add' | 'sub' | 'mul' | 'pow' | 'rem' | 'idiv') => [
  ...broadcast(op),
  { build: () => o[op](bools, bools), says: [`${op}: `, 'bool [2, 3]', 'takes numbers', 'Cast it'] },
]

const bitwise = (op: 'and' | 'or' | 'xor') => [
  { build: () => o[op](x23, x23), says: [`${op}: `, 'float32 [2, 3]', 'takes bool and integers', 'int()'] },
]

const shift = (op: 'shl' | 'shr') => [
  { build: () => o[op](x23, 2), says: [`${op}: `, 'float32 [2, 3]', 'takes integers', 'int()'] },
]

const axis = (op: 'argmax' | 'argmin' | 'cumsum' | 'cumprod') => [
  { build: () => o[op](x23, 2), says: [`${op}: `, 'axis 2', 'rank 2', 'from -2 to 1'] },
  { build: () => o[op](x23, 0.5), says: [`${op}: `, 'axis 0.5', 'integer'] },
]

const reduction = (op: 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin') => [
  { build: () => o[op](x23, [2]), says: [`${op}: `, 'axis 2', 'rank 2', 'from -2 to 1'] },
  { build: () => o[op](x23, [1, -1]), says: [`${op}: `, '[1, 1]', '[2, 3]', 'twice', 'once'] },
]

const window = (op: 'windowSum' | 'windowMax' | 'windowArgmax') => [
  {
    build: () => o[op](images, windowAttrs([6, 2])),
    says: [`${op}: `, '6 elements', 'axis 2', '[2, 4, 5, 5]', 'only 5', 'smaller window'],
  },
  { build: () => o[op](x23, windowAttrs([1, 1, 1])), says: [`${op}: `, '[2, 3]', '[1, 1, 1]', '3 axes'] },
  {
    build: () => o[op](x23, windowAttrs([1, 1], { stride: [1, 0] })),
    says: [`${op}: `, 'stride [1, 0]', 'at least 1'],
  },
  {
    build: () => o[op](x23, windowAttrs([1, 1], { padLo: [1] })),
    says: [`${op}: `, 'padLo [1]', '1 entries', '2 axes'],
  },
]

const inPadding = (op: 'windowMax' | 'windowArgmax') => [
  ...window(op),
  {
    build: () => o[op](x23, windowAttrs([1, 2], { padLo: [0, 2] })),
    says: [`${op}: `, 'window 0', '[2, 3]', 'padding alone', 'Pad by less'],
  },
]

const body = (shape: readonly number[]): Node =>
  new Node('parameter', [], { owner: {}, index: 0 }, { shape, dtype: 'float32' })
const loopAttrs = (carry: Node, result: Node, length = 3) => ({
  length,
  reverse: false,
  carries: 1,
  scanned: 0,
  params: [carry],
  results: [result],
})

const conv = (attrs: Parameters<typeof o.conv>[2]) => () => o.conv(images, kernel, attrs)

/** At least one mistake of each primitive that can be made in a wrong way. */
const mistakes: { readonly [P in Primitive]: readonly Mistake[] } = {
  neg: numbersOnly('neg'),
  abs: numbersOnly('abs'),
  sign: numbersOnly('sign'),
  floor: numbersOnly('floor'),
  ceil: numbersOnly('ceil'),
  round: numbersOnly('round'),
  trunc: numbersOnly('trunc'),
  exp: floatsOnly('exp'),
  expm1: floatsOnly('expm1'),
  log: floatsOnly('log'),
  log1p: floatsOnly('log1p'),
  sqrt: floatsOnly('sqrt'),
  sin: floatsOnly('sin'),
  cos: floatsOnly('cos'),
  atan: floatsOnly('atan'),
  tanh: floatsOnly('tanh'),
  erf: floatsOnly('erf'),
  sigmoid: floatsOnly('sigmoid'),
  not: [{ build: () => o.not(x23), says: ['not: ', 'float32 [2, 3]', 'takes bool and integers', 'Compare or cast'] }],
  add: arithmetic('add'),
  sub: arithmetic('sub'),
  mul: arithmetic('mul'),
  div: [
    ...broadcast('div'),
    { build: () => o.div(ints, ints), says: ['div: ', 'int32 [4]', 'takes floats', 'float()'] },
  ],
  pow: arithmetic('pow'),
  max: broadcast('max'),
  min: broadcast('min'),
  rem: arithmetic('rem'),
  idiv: arithmetic('idiv'),
  and: bitwise('and'),
  or: bitwise('or'),
  xor: bitwise('xor'),
  shl: shift('shl'),
  shr: shift('shr'),
  eq: broadcast('eq'),
  ne: broadcast('ne'),
  lt: broadcast('lt'),
  le: broadcast('le'),
  data: [{ build: () => o.data(new Float32Array(5), [2, 3]), says: ['data: ', '5 values', '[2, 3]', 'needs 6'] }],
  constant: [{ build: () => o.full([2, -1], 0, 'float32'), says: ['expand: ', '[2, -1]', 'at least 0'] }],
  cell: [],
  parameter: [],
  iota: [{ build: () => o.iota(-1), says: ['iota: ', '-1', 'at least 0'] }],
  select: [
    { build: () => o.select(x23, x23, x23), says: ['where: ', 'float32 [2, 3]', 'takes bool', 'x.ne(0)'] },
    { build: () => o.select(bools, x23, x34), says: ['where: ', '[2, 3]', '[3, 4]', 'Reshape or expand'] },
    { build: () => o.select(bools, x34, x34), says: ['where: ', '[2, 3]', '[3, 4]', 'Reshape or expand'] },
  ],
  cast: [],
  bound: [],
  random: [
    { build: () => o.random(ints, ints), says: ['random: ', 'int32 [4]', 'int32 [2]'] },
    { build: () => o.random(node(i([2], 3)), x23), says: ['random: ', 'float32', 'int32'] },
  ],
  reshape: [
    {
      build: () => o.reshape(x23, [4, 2]),
      says: ['reshape: ', '[2, 3]', '6 elements', '[4, 2]', '8 elements', 'stay the same'],
    },
    { build: () => o.reshape(x23, [-2, -3]), says: ['reshape: ', '[-2, -3]', 'at least 0'] },
  ],
  permute: [
    { build: () => o.permute(x23, [1, 1]), says: ['permute: ', '[1, 1]', '[2, 3]', 'each of the 2 axes once'] },
    { build: () => o.permute(x23, [1, 0, 2]), says: ['permute: ', '[1, 0, 2]', '[2, 3]', 'once'] },
  ],
  expand: [
    { build: () => o.broadcastTo(x23, [4, 3]), says: ['expand: ', '[2, 3]', '[4, 3]', 'extent 1', 'Reshape first'] },
    { build: () => o.broadcastTo(x23, [3]), says: ['expand: ', '[2, 3]', '[3]', 'rank'] },
  ],
  slice: [
    {
      build: () => o.slice(x23, [0, 2], [2, 2]),
      says: ['slice: ', 'axis 1', '[2, 3]', '3 elements', '2 elements from 2', 'fewer'],
    },
    { build: () => o.slice(x23, [0, 0], [1, 2], [1, 0]), says: ['slice: ', 'step [1, 0]', 'at least 1'] },
    { build: () => o.slice(x23, [0], [1]), says: ['slice: ', 'start [0]', '1 entries', '2 axes'] },
  ],
  pad: [
    {
      build: () => o.pad(x23, [-2, 0], [-1, 0]),
      says: ['pad: ', '[2, 3]', '[-2, 0]', '[-1, 0]', 'no more can be cropped'],
    },
    { build: () => o.pad(x23, [1], [0, 0]), says: ['pad: ', 'lo [1]', '2 axes'] },
    { build: () => o.pad(x23, [0, 0], [0, 0], [0, -1]), says: ['pad: ', 'interior [0, -1]', 'at least 0'] },
  ],
  concat: [
    { build: () => o.concat([], 0), says: ['cat: ', 'no tensors', 'at least one'] },
    { build: () => o.concat([x23, x34], 1), says: ['cat: ', 'float32 [2, 3]', 'float32 [3, 4]', 'axis 1', 'agree'] },
    { build: () => o.concat([x23, x23], 2), says: ['cat: ', 'axis 2', 'rank 2'] },
  ],
  flip: [
    { build: () => o.flip(x23, [2]), says: ['flip: ', 'axis 2', '[2, 3]', 'below 2'] },
    { build: () => o.flip(x23, [1, 1]), says: ['flip: ', '[1, 1]', 'twice'] },
  ],
  reduceSum: [
    ...reduction('reduceSum'),
    { build: () => o.reduceSum(bools, [0]), says: ['reduceSum: ', 'bool [2, 3]', 'takes int32 and floats', 'int()'] },
  ],
  reduceProd: reduction('reduceProd'),
  reduceMax: reduction('reduceMax'),
  reduceMin: reduction('reduceMin'),
  argmax: [
    ...axis('argmax'),
    { build: () => o.argmax(node(f([2, 0])), 1), says: ['argmax: ', 'axis 1', '[2, 0]', 'no elements'] },
  ],
  argmin: [
    ...axis('argmin'),
    { build: () => o.argmin(node(f([0, 3])), 0), says: ['argmin: ', 'axis 0', '[0, 3]', 'no elements'] },
  ],
  cumsum: [
    ...axis('cumsum'),
    { build: () => o.cumsum(bools, 0), says: ['cumsum: ', 'bool [2, 3]', 'int32 and floats', 'Cast it'] },
  ],
  cumprod: axis('cumprod'),
  matmul: [
    { build: () => o.matmul(x23, x23), says: ['matmul: ', '[2, 3] and [2, 3]', '(3)', '(2)', 'Transpose'] },
    {
      build: () => o.matmul(x23, node(f([1, 3, 2]))),
      says: ['matmul: ', '[2, 3]', '[1, 3, 2]', 'rank', 'Reshape or expand'],
    },
    {
      build: () => o.matmul(node(f([2, 2, 3])), node(f([3, 3, 2]))),
      says: ['matmul: ', '[2, 2, 3]', '[3, 3, 2]', 'equal axes'],
    },
    { build: () => o.matmul(ints, ints), says: ['matmul: ', 'int32 [4]', 'takes floats', 'float()'] },
  ],
  conv: [
    { build: conv(convAttrs(2)), says: ['conv: ', '[2, 4, 5, 5]', '4 channels', '[6, 2, 3, 3]', '2 × 1 = 2'] },
    {
      build: conv(convAttrs(2, { groups: 2, kernelDilation: [3, 1] })),
      says: ['conv: ', '[6, 2, 3, 3]', '7 elements', 'spatial axis 0', 'only 5', 'smaller kernel'],
    },
    { build: conv(convAttrs(1)), says: ['conv: ', '[2, 4, 5, 5]', '1-d', '[batch, channels'] },
    { build: conv(convAttrs(2, { stride: [0, 1] })), says: ['conv: ', 'stride [0, 1]', 'at least 1'] },
    { build: conv(convAttrs(2, { padLo: [0.5, 1] })), says: ['conv: ', 'padLo [0.5, 1]', 'must be integers.'] },
    { build: conv(convAttrs(2, { padHi: [1] })), says: ['conv: ', 'padHi [1]', '1 entries', '2 axes'] },
    {
      build: () => o.conv(images, node(f([5, 2, 3, 3])), convAttrs(2, { groups: 2 })),
      says: ['conv: ', '[5, 2, 3, 3]', '5 outputs', '2 groups', 'multiple'],
    },
    {
      build: () => o.conv(node(i([1, 1, 3], 2)), node(i([1, 1, 2], 2)), convAttrs(1)),
      says: ['conv: ', 'int32 [1, 1, 3]', 'floats'],
    },
  ],
  windowSum: [
    ...window('windowSum'),
    { build: () => o.windowSum(bools, windowAttrs([1])), says: ['windowSum: ', 'bool [2, 3]', 'int32 and floats'] },
  ],
  windowMax: inPadding('windowMax'),
  windowArgmax: inPadding('windowArgmax'),
  gather: [
    { build: () => o.gather(x23, x23, 0), says: ['gather: ', 'float32 [2, 3]', 'takes int32', 'int()'] },
    { build: () => o.gather(x23, ints, 2), says: ['gather: ', 'axis 2', 'rank 2'] },
  ],
  scatterAdd: [
    { build: () => o.scatterAdd(ints, x23, 0, 5), says: ['scatterAdd: ', '[4]', '[2, 3]', 'axis 0'] },
    { build: () => o.scatterAdd(ints, ints, 0, 5), says: ['scatterAdd: ', 'int32 [4]', 'takes floats'] },
    { build: () => o.scatterAdd(x23, x23, 0, 5), says: ['scatterAdd: ', 'float32 [2, 3]', 'takes int32'] },
    { build: () => o.scatterAdd(ints, node(f([4])), 0, -1), says: ['scatterAdd: ', 'size [-1]', 'at least 0'] },
    { build: () => o.scatterAdd(ints, node(f([4])), 2, 5), says: ['scatterAdd: ', '[4]', 'axis 2'] },
  ],
  argsort: [{ build: () => o.argsort(x23, 2, false), says: ['argsort: ', 'axis 2', 'rank 2', 'from -2 to 1'] }],
  alias: [],
  loop: [
    {
      build: () => o.loop([x23], loopAttrs(body([2, 3]), body([2, 4]))),
      says: ['loop: ', 'carry 0', 'float32 [2, 3]', 'float32 [2, 4]', 'must not change'],
    },
    {
      build: () => o.loop([x34], loopAttrs(body([2, 3]), body([2, 3]))),
      says: ['loop: ', 'parameter 0', 'float32 [2, 3]', 'float32 [3, 4]'],
    },
    {
      build: () => o.loop([x23], loopAttrs(body([2, 3]), body([2, 3]), -1)),
      says: ['loop: ', 'length -1', 'at least 0'],
    },
    {
      build: () => o.loop([], loopAttrs(body([2, 3]), body([2, 3]))),
      says: ['loop: ', '0 inputs', '1 parameters', 'an input for each'],
    },
    {
      build: () => o.loop([x23], { ...loopAttrs(body([3]), body([3]), 5), carries: 0, scanned: 1 }),
      says: ['loop: ', '5 times', 'float32 [2, 3]', 'first axis must be 5'],
    },
  ],
  output: [],
  hostCall: [
    {
      build: () =>
        o.hostCall([x23], { fn: { name: 'fft', run: () => {} }, outputs: [{ shape: [-1], dtype: 'float32' }] }),
      says: ['hostCall fft: ', '[-1]', 'at least 0'],
    },
  ],
}

function messageOf(fn: () => unknown): string {
  try {
    fn()
  } catch (error) {
    expect(error).toBeInstanceOf(GliaError)
    return (error as GliaError).message
  }
  return expect.fail('no error')
}

describe('a mistake names the operation, what was received, the rule and the fix', () => {
  for (const op of primitives) {
    it.each(mistakes[op].map((m, k) => ({ ...m, k })))(`${op} $k`, ({ build, says }) => {
      const message = messageOf(build)
      for (const part of says) expect(message).toContain(part)
      expect(message).toMatch(/[.?]$/)
      expect(message).not.toMatch(/undefined|NaN|\[object/)
    })
  }
})
