/** @file Compares a workload with PyTorch: the same weights, inputs and random numbers, from the files of `check.py`. */
import { type Tensor, tensor } from '../src/index.ts'
import { readSafetensors, type StoredTensor } from '../src/io/index.ts'
import { parameterCount, type Workload } from './workload.ts'

export interface Deviation {
  /** Largest error of a loss relative to it, or of an output relative to the largest entry of all, against float64. */
  readonly deviation: number
  /** The same for PyTorch's float32. */
  readonly torch: number
  /** How many losses or numbers were compared. */
  readonly compared: number
}

/** What other orders of summation come to in most networks stays well below this. */
const TOLERANCE = 1e-4

/**
 * Where a rounding error decides on which side of a ReLU a number falls, steps drift apart from the second on; then so
 * many times the drift between runs of PyTorch is allowed.
 */
const DRIFT = 4

type Stored = ReadonlyMap<string, StoredTensor>

/**
 * Loads the weights of `file` into the workload and compares: the losses of its first steps where it trains, otherwise
 * the whole output.
 *
 * @param file the bytes that `check.py` wrote for this workload
 * @throws Error if weights or their number do not fit, or results are further from PyTorch's in float64 than rounding
 * explains
 */
export function check(workload: Workload, file: Uint8Array): Deviation {
  const { tensors, metadata } = readSafetensors(file)
  const [count, wanted] = [parameterCount(workload), Number(metadata.get('params'))]
  if (count !== wanted) throw new Error(`it has ${count} parameters, PyTorch's has ${wanted}`)
  for (const [name, model] of Object.entries(workload.models)) model.loadStateDict(below(tensors, `weights.${name}.`))
  const inputs = Object.values(below(tensors, 'inputs.'))
  const noise = Object.values(below(tensors, 'noise.'))
  const [exact, drift] = ['exact', 'drift'].map((name) => numbers(tensors, name))
  const torch = Math.max(...drift)
  const errors = workload.trains
    ? exact.map((e, i) => relative(loss(workload, inputs, noise.slice(i, i + 1)), e))
    : [worst(workload.step(...inputs).hostValues(), exact)]
  for (const [i, error] of errors.entries()) {
    const allowed = i === 0 ? TOLERANCE : Math.max(TOLERANCE, DRIFT * torch)
    if (error <= allowed) continue
    const what = workload.trains ? `its loss ${i + 1}` : 'its output'
    throw new Error(`${what} is off by ${error.toExponential(1)}, where ${allowed.toExponential(1)} is allowed`)
  }
  return { deviation: Math.max(...errors), torch, compared: exact.length }
}

function numbers(tensors: Stored, name: string): number[] {
  const data = tensors.get(name)?.data
  if (!data) throw new Error(`the file has no ${name} results`)
  return Array.from(data)
}

/** The tensors under a prefix, by the rest of their names; `0`, `1`, … come in order. */
function below(tensors: Stored, prefix: string): Record<string, Tensor> {
  const own = [...tensors].filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(
    own.map(([name, { data, shape, dtype }]) => [name.slice(prefix.length), tensor(data, { shape, dtype })]),
  )
}

function loss(workload: Workload, inputs: readonly Tensor[], noise: readonly Tensor[]): number {
  return workload.step(...inputs, ...noise).itemSync()
}

const relative = (x: number, expected: number): number => Math.abs(x - expected) / Math.abs(expected)

function worst(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (values.length !== expected.length) throw new Error(`it gives ${values.length} numbers, not ${expected.length}`)
  let [error, size] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    // NaN stays: it compares as false in the end.
    error = Math.max(error, Math.abs(values[i] - expected[i]))
    size = Math.max(size, Math.abs(expected[i]))
  }
  return error / size
}
