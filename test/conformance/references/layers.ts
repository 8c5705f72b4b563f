/**
 * @file Formulas for layers that the oracle lacks, composed of tensor operations one by one; their gradients come from
 * the chain rule alone.
 */
import type { Tensor } from '../../../src/index.ts'
import type { AnyModule } from '../../../src/nn/index.ts'
import type { Case, Computed } from '../harness.ts'

export type Reference = (context: {
  /** For its parameters and options. */
  readonly module: AnyModule
  readonly case: Case
  readonly inputs: readonly Tensor[]
}) => Computed

export const references: Readonly<Record<string, Reference>> = {}
