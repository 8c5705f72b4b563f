/** @file Who takes part in the benchmark: Glia's targets and the peers, what each can do, and the commands that time it. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const peersDir = join(here, 'peers')
const python = '/usr/bin/python3'

export interface Settings {
  readonly threads: string
  readonly seconds: string
  /** The Node that runs Glia. */
  readonly node: string
  /** Holds the files of ONNX Runtime; written when they are missing. */
  readonly onnx: string
}

export interface Side {
  readonly name: string
  /** Added to the name that the side's lines give themselves. */
  readonly suffix?: string
  readonly env?: NodeJS.ProcessEnv
  /** The workloads it has, out of those wanted. */
  readonly has: (workload: string) => boolean
  /** Commands whose lines together cover `workloads`. */
  readonly commands: (workloads: readonly string[]) => readonly (readonly string[])[]
  /** Makes what the commands need; the reason why that cannot be had, or null. */
  readonly prepare: () => string | null
}

/** Debian's default is an OpenBLAS whose threads fight with PyTorch's own. */
const openblas = { LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu/openblas-openmp' }
/** Otherwise glibc hands every large temporary array back, to be paged in anew. */
const keepMemory = {
  MALLOC_MMAP_THRESHOLD_: '4000000000',
  MALLOC_TRIM_THRESHOLD_: '4000000000',
  MALLOC_TOP_PAD_: '200000000',
}
const torchEnv = { ...openblas, ...keepMemory }
/** Holds PyTorch to 256-bit vectors. */
const avx2 = { OPENBLAS_CORETYPE: 'Haswell', DNNL_MAX_CPU_ISA: 'AVX2', ATEN_CPU_CAPABILITY: 'avx2' }

const torchInference = ['lenet5_infer_b128', 'gpt_mini_infer_b16']
/** Sizes at which no power of two helps: Glia's own. */
const ours = ['matmul_255', 'matmul_1023']
const onnx = ['resnet18_infer_b1', 'resnet18_infer_b8', 'vgg16_infer_b1', ...torchInference]
/** What TensorFlow.js's script and jax-js's leave out. */
const notTfjs = [
  ...['gpt_mini_train_b16', 'dcgan_train_b64', 'unet_train_b4', 'resnet18_train_b16_64px'],
  ...torchInference,
]
const notJax = [
  ...['dcgan_train_b64', 'unet_train_b4', 'resnet18_train_b16_64px', 'lenet5_infer_b128'],
  ...['resnet18_infer_b1', 'resnet18_infer_b8', 'vgg16_infer_b1'],
]

/** Glia on one target. `plain`: without the forms that V8 has behind flags. */
export function gliaSide(target: string, settings: Settings, plain = false): Side {
  return {
    name: plain ? `glia ${target} plain` : `glia ${target}`,
    has: () => true,
    commands: (workloads) => [gliaCommand(target, settings, workloads, ...(plain ? ['--relaxed', 'false'] : []))],
    prepare: () => null,
  }
}

/** Runs `glia.ts`, by default to time. */
export function gliaCommand(
  target: string,
  { node, threads, seconds }: Settings,
  workloads: readonly string[],
  ...flags: readonly string[]
): string[] {
  const options = ['--target', target, '--only', workloads.join(','), '--threads', threads, '--seconds', seconds]
  return [node, '--import', 'tsx', join(here, 'glia.ts'), ...options, ...flags]
}

/** Runs `check.py` or `memory.py` with the settings of the timings; `lean`: with the allocator's own settings. */
export function pythonScript(file: string, args: readonly string[], lean = false): ReturnType<typeof run> {
  return run([python, join(here, file), ...args], lean ? openblas : torchEnv)
}

export function run(
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { lines: string[]; error: string | null } {
  const [file, ...args] = command
  const { stdout, stderr, error, status } = spawnSync(file, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    cwd: peersDir,
    maxBuffer: 1 << 26,
  })
  const failure = error?.message ?? (status === 0 ? null : `exit ${status}: ${stderr.trim().split('\n').at(-1)}`)
  return { lines: (stdout ?? '').split('\n').filter((line) => line !== ''), error: failure }
}

/** Why PyTorch cannot be run, or null. */
export function torchMissing(): string | null {
  return run([python, '-c', 'import torch, torchvision'], torchEnv).error && 'not installed (see bench/peers/README.md)'
}

function nodePeersMissing(): string | null {
  return existsSync(join(peersDir, 'node_modules')) ? null : 'not installed (npm ci --ignore-scripts in bench/peers)'
}

/** The peers by the names that `--peers` takes. */
export function peerSides(settings: Settings): Side[] {
  const { threads, seconds } = settings
  const options = (workloads: readonly string[]): string[] => ['--only', workloads.join(','), '--seconds', seconds]
  const script = (file: string, workloads: readonly string[], ...flags: string[]): string[] => [
    process.execPath,
    join(peersDir, file),
    ...options(workloads),
    '--threads',
    threads,
    ...flags,
  ]
  const torch = (workloads: readonly string[]): string[][] => {
    const forward = torchInference.some((w) => workloads.includes(w))
    const listed = workloads.filter((w) => !torchInference.includes(w))
    return [
      ...(listed.length > 0
        ? [[python, join(peersDir, 'torch_bench.py'), ...options(listed), '--threads', threads]]
        : []),
      ...(forward ? [[python, join(peersDir, 'export_onnx.py'), '--time', threads]] : []),
    ]
  }
  const torchSide = { has: (w: string) => !ours.includes(w), commands: torch, prepare: torchMissing }
  return [
    { ...torchSide, name: 'torch', env: torchEnv },
    // What PyTorch does on machines whose 512-bit units are no wider than their 256-bit ones.
    { ...torchSide, name: 'torch-avx2', suffix: ' (AVX2)', env: { ...torchEnv, ...avx2 } },
    {
      name: 'tfjs',
      has: (w) => !ours.includes(w) && !notTfjs.includes(w),
      commands: (w) => [script('tfjs_bench.mjs', w, '--backend', 'wasm', '--gradients', 'own')],
      prepare: nodePeersMissing,
    },
    {
      name: 'jax',
      has: (w) => !ours.includes(w) && !notJax.includes(w),
      commands: (w) => [script('jax_bench.mjs', w)],
      prepare: nodePeersMissing,
    },
    {
      name: 'ort',
      has: (w) => onnx.includes(w),
      commands: (w) => [script('ort_bench.mjs', w, '--models', settings.onnx)],
      prepare: () => nodePeersMissing() ?? exported(settings.onnx),
    },
  ]
}

/** Writes the networks for ONNX Runtime unless they are there. */
function exported(folder: string): string | null {
  if (existsSync(join(folder, 'params.json'))) return null
  return run([python, join(peersDir, 'export_onnx.py'), folder], torchEnv).error
}
