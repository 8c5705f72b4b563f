/** @file POSIX threads that run machine code. */
import { GliaError } from '../../../core/errors.ts'
import type { Native } from './libc.ts'

const STACK_BYTES = 2 ** 20
/** Room for pthread_attr_t (56 bytes in glibc and musl) and for sigset_t (128). */
const ATTRIBUTE_BYTES = 64
const SIGNAL_SET_BYTES = 128
const SIG_SETMASK = 2

const word = 'uintptr_t'
const memory = 'void *'

/**
 * Starts `count` threads at the function `entry(index)`, index 1 … count, with all signals blocked: they are the
 * business of the engine's threads. Returns the pthread_t of each.
 * @throws GliaError with the number that started, when the system refuses one; `undo` has then been called with those.
 */
export function startThreads(
  native: Native,
  entry: number,
  count: number,
  undo: (started: readonly bigint[]) => void,
): readonly bigint[] {
  const attribute = new Uint8Array(ATTRIBUTE_BYTES)
  native.function('pthread_attr_init', 'int', [memory])(attribute)
  native.function('pthread_attr_setstacksize', 'int', [memory, 'size_t'])(attribute, STACK_BYTES)
  const setMask = native.function('pthread_sigmask', 'int', ['int', memory, memory])
  const create = native.function('pthread_create', 'int', [memory, memory, word, word])
  const mask = new Uint8Array(SIGNAL_SET_BYTES)
  const handle = new BigUint64Array(1)
  const handles: bigint[] = []
  let result: number | bigint = 0
  // New threads inherit what this one blocks.
  setMask(SIG_SETMASK, new Uint8Array(SIGNAL_SET_BYTES).fill(255), mask)
  for (let i = 1; i <= count && result === 0; i++) {
    result = create(handle, attribute, entry, i)
    if (result === 0) handles.push(handle[0])
  }
  setMask(SIG_SETMASK, mask, new Uint8Array(SIGNAL_SET_BYTES))
  native.function('pthread_attr_destroy', 'int', [memory])(attribute)
  if (result !== 0) {
    undo(handles)
    throw new GliaError(
      `The system refuses thread ${handles.length + 2} of ${count + 1} (pthread_create: error ${result}). ` +
        'Ask for fewer threads, or raise the limit of the process (ulimit -u, container).',
    )
  }
  for (let i = 0; i < count; i++) nameThread(native, handles[i], `glia ${i + 1}`)
  return handles
}

/** What debuggers and `top -H` show. */
function nameThread(native: Native, handle: bigint, name: string): void {
  native.function('pthread_setname_np', 'int', [word, 'const void *'])(handle, new TextEncoder().encode(`${name}\0`))
}

/** Waits until a thread has ended. */
export function joinThread(native: Native, handle: bigint): void {
  native.function('pthread_join', 'int', [word, word])(handle, 0)
}
