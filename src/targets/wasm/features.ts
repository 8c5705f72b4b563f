/** @file What the WebAssembly engine at hand can do, and the flags that make it do more. */
import { GliaError } from '../../core/errors.ts'
import { FunctionWriter, ModuleWriter } from './encoder.ts'
import { Atomic, I32, Op, Simd, V128 } from './opcodes.ts'

export interface Features {
  readonly simd: boolean
  /** Shared memory and atomics. */
  readonly threads: boolean
  /** Relaxed SIMD, and with it a multiply-add that is fused where the processor can. */
  readonly relaxed: boolean
}

/** Detects features by validating tiny modules. */
export function detectFeatures(): Features {
  return {
    simd: validates((f) => {
      f.v128(0, 0, 0, 0)
      f.op(Op.drop)
    }),
    threads:
      typeof SharedArrayBuffer === 'function' &&
      validates((f) => {
        f.i32(1024)
        f.atomic(Atomic.load)
        f.op(Op.drop)
      }, true),
    relaxed: validates((f) => {
      for (let i = 0; i < 3; i++) f.v128(0, 0, 0, 0)
      f.simd(Simd.f32x4RelaxedMadd)
      f.op(Op.drop)
    }),
  }
}

function validates(write: (f: FunctionWriter) => void, shared = false): boolean {
  if (typeof WebAssembly !== 'object') return false
  return WebAssembly.validate(tinyModule(write, shared))
}

function tinyModule(write: (f: FunctionWriter) => void, shared = false): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter({ shared, maximumPages: 1 })
  const f = new FunctionWriter(0)
  write(f)
  module.add(f, 0, 0, 'f')
  return module.finish()
}

/** Whether relaxed multiply-add rounds once here: (1 + 2⁻¹²)² - (1 + 2⁻¹¹) is 2⁻²⁴ then, and 0 when it rounds twice. */
export function multiplyAddIsFused(): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const bytes = tinyModule((f) => {
    const address = f.locals(I32)
    const result = f.locals(V128)
    const splat = (offset: number): void => {
      f.get(address)
      f.simdMemory(Simd.load32Splat, offset)
    }
    splat(16)
    splat(16)
    splat(20)
    f.simd(Simd.f32x4RelaxedMadd)
    f.set(result)
    f.get(address)
    f.get(result)
    f.simdMemory(Simd.store, 0)
  })
  const floats = new Float32Array(memory.buffer)
  floats[4] = 1 + 2 ** -12
  floats[5] = -(1 + 2 ** -11)
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { m: memory } }).exports
  if (typeof f === 'function') f()
  return floats[0] !== 0
}

/** Whether the engine hoists loads, so that `pin` pays: V8 before version 13 (Node 20 and 22). */
export function hoistsLoads(): boolean {
  const v8 = Number(globalThis.process?.versions?.v8?.split('.')[0] ?? 0)
  return v8 > 0 && v8 < 13
}

/** Throws where the engine cannot run Glia's kernels at all, or where a page's policy does not let it. */
export function requireSimd(features: Features): void {
  if (!features.simd) {
    throw new GliaError(
      'This WebAssembly engine has no 128-bit SIMD. Use a browser of 2023 or later, or Node 20 or later.',
    )
  }
  try {
    new WebAssembly.Module(tinyModule(() => {}))
  } catch (cause) {
    throw new GliaError(
      "This page's Content-Security-Policy forbids WebAssembly. Allow 'wasm-unsafe-eval' in its script-src.",
      { cause },
    )
  }
}
