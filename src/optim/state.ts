/** @file Saved states of optimizers: by flat names, and in the form of PyTorch's `optimizer.state_dict()`. */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { TensorBase } from '../tensor/base.ts'
import { tensor } from '../tensor/factories.ts'
import type { Buffer, Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Clocks } from './clocks.ts'
import type { BaseOptions, Group } from './group.ts'

/** What PyTorch's `optimizer.state_dict()` holds: states by number of the parameter, and options group by group. */
export interface TorchState {
  readonly state: Readonly<Record<number | string, Readonly<Record<string, Tensor | number | null>>>>
  readonly param_groups: readonly Readonly<Record<string, unknown>>[]
}

export function isTorchState(dict: object): dict is TorchState {
  return 'param_groups' in dict && Array.isArray(dict.param_groups) && 'state' in dict
}

/** The cells of an optimizer by their names in a state dict. */
export interface Slots {
  readonly cells: ReadonlyMap<string, Buffer>
}

/** Overwrites the cells and step counts that `dict` names, or none if something does not fit. */
export function load(
  dict: Readonly<Record<string, Tensor>>,
  { cells }: Slots,
  clocks: Clocks,
  params: readonly Parameter[],
): void {
  for (const [name, t] of Object.entries(dict)) {
    const shape = cells.get(name)?.shape
    if (shape && sameShape(shape, t.shape)) continue
    const expected = shape ? `needs shape ${showShape(shape)}, received ${showShape(t.shape)}` : 'is unknown'
    throw new GliaError(
      `loadStateDict: ${name} ${expected}; was it saved by an optimizer of the same kind for the same parameters?`,
    )
  }
  for (const [name, t] of Object.entries(dict)) if (!name.endsWith('.step')) cells.get(name)?.set(t.dataSync())
  // States saved without counts are those of parameters that were always updated together.
  const all = dict.steps?.itemSync()
  const counts = params.map((p, i): [Parameter, number] => {
    const own = dict[`${i}.step`]?.itemSync()
    const has = Object.keys(dict).some((key) => key.startsWith(`${i}.`))
    return [p, own ?? (has || all === undefined ? (all ?? clocks.of(p)) : 0)]
  })
  clocks.set(new Map(counts))
}

/** State of an optimizer as PyTorch has it. */
export function toTorch<O extends BaseOptions>(
  groups: readonly Group<O>[],
  states: ReadonlyMap<Parameter, Readonly<Record<string, Buffer>>>,
  stepsOf: (p: Parameter) => number,
): TorchState {
  const state: Record<number, Record<string, Tensor | number | null>> = {}
  const param_groups: Record<string, unknown>[] = []
  let i = 0
  for (const group of groups) {
    const first = i
    for (const p of group.params) {
      const own = states.get(p)
      if (own) {
        const values = Object.entries(own).map(([name, b]) => [name, b.snapshot()])
        state[i] = { step: tensor(stepsOf(p), { device: p.device }), ...Object.fromEntries(values) }
      }
      i++
    }
    const options = Object.entries(group.options).map(([name, value]) => [snake(name), value])
    const params = group.params.map((_, k) => first + k)
    param_groups.push({ ...Object.fromEntries(options), lr: group.lr, params })
  }
  return { state, param_groups }
}

/** PyTorch's state by our flat names. @throws GliaError if the groups differ in number or size */
export function fromTorch<O extends BaseOptions>(
  { state, param_groups }: TorchState,
  groups: readonly Group<O>[],
): Record<string, Tensor> {
  const sizes = (of: readonly { readonly params?: unknown }[]): string =>
    of.map(({ params }) => (Array.isArray(params) ? params.length : '?')).join(', ')
  if (sizes(param_groups) !== sizes(groups)) {
    throw new GliaError(
      `loadStateDict: the saved optimizer has groups of [${sizes(param_groups)}] parameters, this one of [${sizes(groups)}].`,
    )
  }
  const flat: Record<string, Tensor> = {}
  let most = 0
  for (const [i, own] of Object.entries(state)) {
    const kept = Object.entries(own).filter((entry): entry is [string, Tensor | number] => entry[1] !== null)
    for (const [name, value] of kept) {
      flat[`${i}.${name}`] = value instanceof TensorBase ? value : tensor(value)
    }
    // SGD does not count, but having a momentum means that it has stepped.
    if (kept.length > 0) flat[`${i}.step`] ??= tensor(1)
    if (kept.length > 0) most = Math.max(most, flat[`${i}.step`].itemSync())
  }
  flat.steps = tensor(most)
  param_groups.forEach(({ lr }, i) => {
    if (typeof lr === 'number') flat[`lr.${i}`] = tensor(lr)
  })
  return flat
}

/** A group's options with those replaced that PyTorch's group has. */
export function optionsFromTorch<O extends BaseOptions>(saved: Readonly<Record<string, unknown>>, own: O): O {
  const entries = Object.entries(own).map(([name, value]) => {
    const theirs = saved[snake(name)]
    return [name, name === 'lr' || theirs === undefined || typeof theirs !== typeof value ? value : theirs]
  })
  return Object.fromEntries(entries) as O
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
