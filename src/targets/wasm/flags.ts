/** @file The V8 flags that make WebAssembly faster, which a program may ask for and an import never sets. */
import { evaluateProgram } from '../../kernels/evaluate.ts'
import { ProgramBuilder } from '../../kernels/program-builder.ts'
import type { VectorProgram } from '../../kernels/vector.ts'
import { ModuleWriter } from './encoder.ts'
import { detectFeatures, type Features, multiplyAddIsFused } from './features.ts'
import { lowerProgram } from './lower.ts'

export interface V8Flags extends Features {
  /** Whether V8 fuses pairs of 128-bit operations into 256-bit ones. */
  readonly revectorize: boolean
}

const REVECTORIZE = 'experimental-wasm-revectorize'

let revectorizing: boolean | undefined

/** Whether the revectoriser is on: by `enableV8Flags`, or by a flag that Node was started with. */
export function revectorizes(): boolean {
  const options = [...(globalThis.process?.execArgv ?? []), globalThis.process?.env?.NODE_OPTIONS ?? '']
  return revectorizing ?? options.some((option) => option.includes(`--${REVECTORIZE}`))
}

/**
 * Switches on what V8 has behind flags and Glia gains from: relaxed SIMD (Node 20) and the revectoriser (Node 24 and
 * later), which about doubles the speed; the latter only if a trial kernel then computes what it should. Node only;
 * elsewhere it does nothing. Flags count for the whole process: call it before the first target is made. Returns what
 * is on afterwards.
 */
export function enableV8Flags(): V8Flags {
  const v8 = globalThis.process?.getBuiltinModule?.('node:v8')
  const major = Number(globalThis.process?.versions?.node?.split('.')[0] ?? 0)
  if (v8 !== undefined && !detectFeatures().relaxed) v8.setFlagsFromString('--experimental-wasm-relaxed-simd')
  const features = detectFeatures()
  if (v8 !== undefined && revectorizing === undefined && major >= 24 && features.relaxed) {
    v8.setFlagsFromString(`--${REVECTORIZE}`)
    revectorizing = trialSucceeds()
    if (!revectorizing) v8.setFlagsFromString(`--no-${REVECTORIZE}`)
  }
  return { ...features, revectorize: revectorizes() }
}

const COUNT = 1024
const ROUNDS = 300

/** Runs a kernel of the shapes that the revectoriser widens, until V8 has optimised it, against its plain evaluation. */
function trialSucceeds(): boolean {
  const program = trialProgram()
  const module = new ModuleWriter({ shared: false, maximumPages: 1 })
  module.add(lowerProgram(program, { relaxed: true, pins: false }), program.params, 0, 'f')
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { m: memory } }).exports
  if (typeof f !== 'function') return false

  const [input, output] = [64, 64 + 8 * COUNT]
  const floats = new Float32Array(memory.buffer, input, 2 * COUNT)
  for (let i = 0; i < floats.length; i++) floats[i] = Math.sin(i) * 2 ** ((i % 41) - 20)
  const args = [input, output, 0, COUNT / 8]
  const copy = memory.buffer.slice(0)
  evaluateProgram(program, copy, args, { fused: multiplyAddIsFused() })
  const want = new Int32Array(copy, output, COUNT)
  const got = new Int32Array(memory.buffer, output, COUNT)
  for (let round = 0; round < ROUNDS; round++) {
    got.fill(0)
    f(...args)
    for (let i = 0; i < COUNT; i++) if (got[i] !== want[i]) return false
  }
  return true
}

/** out = a few operations of every kind on two arrays, eight elements at a time. */
function trialProgram(): VectorProgram {
  const b = new ProgramBuilder('trial', 4, 4)
  const [input, output, begin, end] = [0, 1, 2, 3]
  b.loop(begin, end, 1, (unit) => {
    const offset = b.i2('mul', unit, { imm: 32 })
    const from = b.i2('add', input, offset)
    const to = b.i2('add', output, offset)
    for (const half of [0, 16]) {
      const x = b.load(from, half)
      const y = b.load(from, half + 4 * COUNT)
      const product = b.v3('f.fma', x, y, b.v2('f.sub', x, b.loadSplat(from, 0)))
      const clamped = b.v2('f.min', b.v2('f.max', product, b.f32(-1e3)), b.f32(1e3))
      const root = b.v1('f.sqrt', b.v1('f.abs', clamped))
      const bits = b.v2('i.add', b.shift('i.shl', b.v1('f.toInt', clamped), 2), b.i32(5))
      const mixed = b.v2('f.div', b.v1('i.toFloat', bits), b.v2('f.add', root, b.f32(1)))
      b.store(to, half, b.v3('select', b.v2('f.lt', x, y), mixed, b.v2('xor', root, mixed)))
    }
  })
  return b.finish()
}
