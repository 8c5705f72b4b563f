/** @file `functional`: what layers compute, as plain functions of tensors. Those of elementwise activations come from their table. */
import * as activations from './activations/functions.ts'
import { type ElementwiseFunctions, elementwise } from './activations/index.ts'
import * as layers from './functional.ts'

export const functional: typeof layers & typeof activations & ElementwiseFunctions = /* @__PURE__ */ Object.freeze({
  ...layers,
  ...activations,
  ...elementwise,
})
