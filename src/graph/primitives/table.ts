/** @file Every primitive's rule. It does not compile with one missing. */
import type { Rules } from '../rule.ts'
import { binary } from './binary.ts'
import { cast, select } from './choose.ts'
import { conv, matmul } from './contraction.ts'
import { alias, cell, constant, data, hostCall, loop, output, parameter } from './control.ts'
import { argsort, bound, gather, iota, scatterAdd } from './indexing.ts'
import { concat, expand, flip, pad, permute, reshape, slice } from './movement.ts'
import { random } from './random.ts'
import { argmax, argmin, cumprod, cumsum, reduceMax, reduceMin, reduceProd, reduceSum } from './reduce.ts'
import { unary } from './unary.ts'
import { windowArgmax, windowMax, windowSum } from './window.ts'

export const rules: Rules = {
  ...unary,
  ...binary,
  data,
  constant,
  cell,
  parameter,
  iota,
  select,
  cast,
  bound,
  random,
  reshape,
  permute,
  expand,
  slice,
  pad,
  concat,
  flip,
  reduceSum,
  reduceProd,
  reduceMax,
  reduceMin,
  argmax,
  argmin,
  cumsum,
  cumprod,
  matmul,
  conv,
  windowSum,
  windowMax,
  windowArgmax,
  gather,
  scatterAdd,
  argsort,
  alias,
  loop,
  output,
  hostCall,
}
