/** @file The values of leaves. */
import type { TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import type { Node } from '../graph/node.ts'

/** The host values of a `data` leaf. @throws GliaError for a leaf that belongs to a function being compiled */
export function leafValues(node: Node): TypedArray {
  if (node.op === 'data') return node.as('data').values
  if (node.op === 'parameter') {
    throw new GliaError(
      'a tensor made while a function was being compiled was used outside it; return it from the function instead.',
    )
  }
  throw new Error(`internal: ${node.op} is not a leaf`)
}
