/** @file A model of layers one after another, as a person would write it down. */

import { GliaError } from '../../core/errors.ts'
import {
  type AnyModule,
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  Dropout,
  ELU,
  Flatten,
  GELU,
  GlobalAvgPool2d,
  LeakyReLU,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
  Sigmoid,
  SiLU,
  Tanh,
} from '../../nn/index.ts'
import { Rescale } from '../../recipes/files/rescale.ts'
import { Standardize } from '../../recipes/standardize.ts'
import { keyOf, literal, type Program } from './program.ts'

/** Constructor of a layer, whatever its arguments. */
type LayerClass<M extends AnyModule> = abstract new (...args: never[]) => M

interface Row {
  readonly name: string
  readonly from: string
  readonly is: (layer: AnyModule) => boolean
  /** Arguments; an undefined one, and empty options, are left out. */
  readonly args: (layer: AnyModule) => readonly unknown[]
}

function row<M extends AnyModule>(
  name: string,
  type: LayerClass<M>,
  args: (layer: M) => readonly unknown[] = () => [],
  from = 'glia/nn',
): Row {
  return { name, from, is: (layer) => layer instanceof type, args: (layer) => args(layer as M) }
}

/** What differs from the defaults; initial weights are not needed where weights are loaded. */
function options(given: object, defaults: Readonly<Record<string, unknown>> = {}): object | undefined {
  const own = Object.entries(given).filter(([k, v]) => v !== undefined && k !== 'init' && v !== defaults[k])
  return own.length > 0 ? Object.fromEntries(own) : undefined
}

/** One number for extents that are all the same. */
function extent(sizes: readonly number[]): number | readonly number[] {
  return sizes.every((size) => size === sizes[0]) ? sizes[0] : sizes
}

const conv = ({ weight, bias, options: own }: Conv1d | Conv2d): readonly unknown[] => {
  const [out, perGroup, ...kernel] = weight.shape
  return [perGroup * (own.groups ?? 1), out, extent(kernel), options({ ...own, bias: bias ? undefined : false })]
}

const pool = ({ kernelSize, options: own }: MaxPool2d | AvgPool2d): readonly unknown[] => [
  extent(kernelSize),
  options(own),
]

const norm = ({ channels, eps, momentum, weight, running_mean }: BatchNorm1d | BatchNorm2d): readonly unknown[] => [
  channels,
  options(
    { eps, momentum, affine: weight !== null, trackRunningStats: running_mean !== null },
    { eps: 1e-5, momentum: 0.1, affine: true, trackRunningStats: true },
  ),
]

/** Activations keep their arguments. */
const args = (layer: AnyModule): readonly unknown[] => ('args' in layer && Array.isArray(layer.args) ? layer.args : [])

/** The layers that recipes with a `Sequential` consist of, and their nearest relatives. */
const LAYERS: readonly Row[] = [
  row('Linear', Linear, ({ weight, bias }) => [weight.shape[1], weight.shape[0], bias ? undefined : { bias: false }]),
  row('Conv1d', Conv1d, conv),
  row('Conv2d', Conv2d, conv),
  row('BatchNorm1d', BatchNorm1d, norm),
  row('BatchNorm2d', BatchNorm2d, norm),
  row('MaxPool2d', MaxPool2d, pool),
  row('AvgPool2d', AvgPool2d, pool),
  row('GlobalAvgPool2d', GlobalAvgPool2d),
  row('Flatten', Flatten, ({ start, end }) => (end === -1 ? (start === 1 ? [] : [start]) : [start, end])),
  row('Dropout', Dropout, ({ p }) => [p]),
  row('ReLU', ReLU),
  row('LeakyReLU', LeakyReLU, args),
  row('ELU', ELU, args),
  row('GELU', GELU, args),
  row('SiLU', SiLU),
  row('Sigmoid', Sigmoid),
  row('Tanh', Tanh),
  row('Standardize', Standardize, ({ mean }) => [mean.shape], 'glia/recipes'),
  row('Rescale', Rescale, ({ mean, std }) => [mean.itemSync(), std.itemSync()], 'glia/recipes'),
]

/**
 * The expression that makes a model, without its weights.
 *
 * @param program gets the imports
 * @throws GliaError naming the first layer that is not known
 */
export function layerSource(program: Program, layer: AnyModule, indent = ''): string {
  if (layer instanceof Sequential) return sequential(program, layer, indent)
  const known = LAYERS.find(({ is }) => is(layer))
  if (!known) {
    throw new GliaError(
      `export: a program with a layer of the class ${layer.constructor.name} cannot be written; known are ` +
        `${LAYERS.map(({ name }) => name).join(', ')} and Sequential.`,
    )
  }
  program.use(known.from, known.name)
  const given = known.args(layer).filter((value) => value !== undefined)
  return `new ${known.name}(${given.map((value) => literal(value)).join(', ')})`
}

function sequential(program: Program, model: Sequential, indent: string): string {
  program.use('glia/nn', 'Sequential')
  const inner = `${indent}  `
  const named = model.namedChildren()
  const numbered = named.every(([name], i) => name === String(i))
  const open = numbered ? ['(', ')'] : ['({', '})']
  const lines = named.map(([name, layer]) => {
    const source = layerSource(program, layer, inner)
    return `${inner}${numbered ? '' : `${keyOf(name)}: `}${source},\n`
  })
  return `new Sequential${open[0]}\n${lines.join('')}${indent}${open[1]}`
}
