/** @file Formulas for functions that the oracle lacks, composed of tensor operations one by one. */
import type { AnyFunction } from '../functions.ts'

export const references: Readonly<Record<string, AnyFunction>> = {}
