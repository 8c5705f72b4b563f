/** @file `functional`: what layers compute, as plain functions of tensors. Those of elementwise activations come from their table. */
import * as activations from './activations/functions.ts'
import { type ElementwiseFunctions, elementwise } from './activations/index.ts'
import { causalMask, scaledDotProductAttention } from './functional/attention.ts'
import { rotary, sinusoidalPositions } from './functional/positions.ts'
import * as layers from './functional.ts'

const sequences = { causalMask, rotary, scaledDotProductAttention, sinusoidalPositions }

export const functional: typeof layers & typeof sequences & typeof activations & ElementwiseFunctions =
  /* @__PURE__ */ Object.freeze({
    ...layers,
    ...sequences,
    ...activations,
    ...elementwise,
  })
