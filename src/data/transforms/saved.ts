/** @file Image transforms back from JSON. */

import { GliaError } from '../../core/errors.ts'
import { colour, cutout, grey, noise, normalise } from './colour.ts'
import { chain, type ImageTransform, sometimes, type TransformSpec } from './scene.ts'
import {
  centreCrop,
  flip,
  perspective,
  randomCrop,
  randomResizedCrop,
  resize,
  resizeShorter,
  rotate,
  shift,
  zoom,
} from './spatial.ts'

const transforms: Readonly<Record<string, (options: never) => ImageTransform>> = {
  centreCrop,
  colour,
  cutout,
  flip,
  grey,
  noise,
  normalise,
  perspective,
  randomCrop,
  randomResizedCrop,
  resize,
  resizeShorter,
  rotate,
  shift,
  zoom,
}

/**
 * The transform that was saved as JSON, for example beside a model: `imageTransform(JSON.parse(text))`.
 *
 * @throws GliaError if there is no such transform, or its options make no sense
 */
export function imageTransform({ op, options = {} }: TransformSpec): ImageTransform {
  if (op === 'chain' && Array.isArray(options)) return chain(...options.map(imageTransform))
  if (op === 'sometimes') {
    const { p, transform } = options as { p: number; transform: TransformSpec }
    return sometimes(p, imageTransform(transform))
  }
  if (Object.hasOwn(transforms, op)) return transforms[op](options as never)
  throw new GliaError(`imageTransform: there is no transform ${op}; there are ${Object.keys(transforms).join(', ')}.`)
}
