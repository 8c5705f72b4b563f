/** @file Initial values of weights, by name or as functions. */
import { GliaError } from '../core/errors.ts'
import type { RandomOptions } from '../tensor/random.ts'
import {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Initialiser,
  kaimingUniformDefault,
  lecunNormal,
  lecunUniform,
} from './init/scaled.ts'
import { identity, ones, orthogonal, zeros } from './init/structured.ts'
import type { AnyModule } from './module.ts'

export * from './init/scaled.ts'
export * from './init/structured.ts'

/** The initialisers by name, for `initialise` and for `init` options. */
export const initialisers = {
  kaimingUniformDefault,
  glorotUniform,
  glorotNormal,
  xavierUniform: glorotUniform,
  xavierNormal: glorotNormal,
  heUniform,
  heNormal,
  kaimingUniform: heUniform,
  kaimingNormal: heNormal,
  lecunUniform,
  lecunNormal,
  orthogonal,
  identity,
  zeros,
  ones,
} satisfies Record<string, Initialiser>

export type InitialiserName = keyof typeof initialisers

/** A name, or a function of one's own. */
export type Init = InitialiserName | Initialiser

/** The function that a name stands for. @throws GliaError for a name that is unknown */
export function initialiser(init: Init): Initialiser {
  if (typeof init !== 'string') return init
  if (Object.hasOwn(initialisers, init)) return initialisers[init]
  throw new GliaError(`init: knows ${Object.keys(initialisers).join(', ')}; received ${String(init)}.`)
}

/**
 * Gives every weight of at least two axes in `module` new initial values, and every parameter named `bias…` zeros, as
 * Keras does. Scales of normalisation layers stay.
 */
export function initialise(module: AnyModule, init: Init, options: RandomOptions = {}): void {
  for (const [name, p] of module.namedParameters()) {
    const onDevice = { ...options, device: p.device }
    if (p.rank >= 2) p.assign(initialiser(init)(p.shape, onDevice))
    else if (name.split('.').at(-1)?.startsWith('bias')) p.assign(zeros(p.shape, onDevice))
  }
}
