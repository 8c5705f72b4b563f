/** @file Where machine code can run, and the words for where it cannot. */
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { CodeMemory } from '../../../../src/targets/x64/native/code.ts'
import { type Host, loadNative, Native, openNative } from '../../../../src/targets/x64/native/libc.ts'
import { read, supported } from './segments.ts'

const here: Host = { platform: 'linux', arch: 'x64', require: createRequire(import.meta.url) }

function reason(host: Partial<Host>): string {
  const found = openNative({ ...here, ...host })
  return found instanceof Native ? '' : found.reason
}

test('native code is there on linux and x64, and elsewhere there is a reason', () => {
  const found = loadNative()
  expect(found instanceof Native).toBe(supported)
  if (!(found instanceof Native)) expect(found.reason).toMatch(/made for linux on x64/)
  expect(loadNative()).toBe(found)
})

test('other systems and processors', () => {
  expect(reason({ platform: 'darwin', arch: 'arm64' })).toMatch(/linux on x64 processors; this is darwin on arm64/)
  expect(reason({ platform: 'win32' })).toMatch(/this is win32 on x64/)
  expect(reason({ arch: 'arm64' })).toMatch(/this is linux on arm64/)
})

test('without koffi', () => {
  const missing = (name: string): unknown => createRequire(import.meta.url)(`${name}-that-is-not-installed`)
  expect(reason({ require: missing })).toMatch(
    /koffi cannot be loaded \(Cannot find module 'koffi-that.*npm install koffi/,
  )
})

describe.runIf(supported)('the C library', () => {
  /** koffi, but for one function. */
  function without(name: string, instead: () => unknown): Host {
    const koffi = here.require('koffi') as {
      load: (path: null) => { func: (n: string, ...rest: readonly unknown[]) => unknown; symbol: unknown }
    }
    const load = (path: null): unknown => {
      const library = koffi.load(path)
      return {
        func: (n: string, ...rest: readonly unknown[]) => (n === name ? instead : library.func(n, ...rest)),
        symbol: library.symbol,
      }
    }
    return { ...here, require: () => ({ ...koffi, load }) }
  }

  test('a system that makes no memory executable', () => {
    expect(reason(without('mprotect', () => -1))).toMatch(/may not run machine code.*refuses mprotect \(execute\)/)
  })

  test('a system that gives no memory', () => {
    expect(reason(without('mmap', () => 2n ** 64n - 1n))).toMatch(/may not run machine code.*refuses 0\.0 MiB/)
  })

  test('code is called with three arguments and returns an integer', async () => {
    const native = loadNative() as Native
    const memory = new CodeMemory(native)
    // lea eax, [rdi + rsi * 2]; sub eax, edx; ret
    const code = memory.load(Uint8Array.of(0x8d, 0x04, 0x77, 0x29, 0xd0, 0xc3))
    expect(native.call(code.address, 5, 10, 100)).toBe(-75)
    expect(native.call(code.address)).toBe(0)
    await expect(native.callAsync(code.address, 1, 2, 3)).resolves.toBe(undefined)
    expect(memory.bytes).toBe(4096)
    code.free()
    code.free()
    expect(memory.bytes).toBe(0)
  })

  test('code of several pages', () => {
    const memory = new CodeMemory(loadNative() as Native)
    const bytes = new Uint8Array(10_000).fill(0x90)
    bytes.set([0xb8, 7, 0, 0, 0, 0xc3], 9_990)
    const code = memory.load(bytes)
    expect(code.address % 4096).toBe(0)
    expect(memory.bytes).toBe(12_288)
    expect((loadNative() as Native).call(code.address)).toBe(7)
    code.free()
  })

  test('what code finds at an address is what a view shows', () => {
    const native = loadNative() as Native
    const { address } = native.load(read().finish())
    const memory = native.map(8192)
    const view = new Uint8Array(native.view(memory, 8192))
    expect(view.every((byte) => byte === 0)).toBe(true)
    view[5000] = 9
    expect(native.call(address, memory + 5000)).toBe(9)
    native.write(memory, Uint8Array.of(1, 2, 3))
    expect(Array.from(view.subarray(0, 4))).toEqual([1, 2, 3, 0])
    native.advise(memory, 8192, 'drop')
    expect(view[5000]).toBe(0)
  })

  test('refusals name the call', () => {
    const native = loadNative() as Native
    expect(() => native.protect(1, 4096, 'none')).toThrow(/refuses mprotect \(none\): error 22/)
    expect(() => native.unmap(1, 4096)).toThrow(/refuses munmap/)
    expect(() => native.map(2 ** 50)).toThrow(/refuses 1073741824\.0 MiB of memory \(mmap: ENOMEM\)/)
  })
})
