/** @file What stands for the x64 target in bundles for browsers, where machine code cannot run. */
import { GliaError } from '../../core/errors.ts'
import type { X64Options, X64Support, X64Target } from './index.ts'

export function x64Support(): X64Support {
  return { reason: 'browsers run no machine code of a page' }
}

export function createX64Target(_options: X64Options = {}): X64Target {
  throw new GliaError('Machine code cannot run in a browser. Use wasm.')
}
