/**
 * @file The barrier: a counter of arrivals and a generation. The last thread to arrive reads the status word, when no
 * thread can be writing it, and publishes the answer together with the next generation: so all threads leave a barrier
 * with the same decision.
 */
import { FunctionWriter } from './encoder.ts'
import { ARRIVED, GENERATION, WAITING } from './layout.ts'
import { Atomic, I32, Op } from './opcodes.ts'

/** A function (statusAddress) → 1 where the status word was not 0, else 0, for `threads` threads. */
export function writeBarrier(threads: number, spins: number): FunctionWriter {
  const f = new FunctionWriter(1)
  const status = 0
  const [before, now, left] = [f.locals(I32, 3), 2, 3]
  const read = (address: number): void => {
    f.i32(address)
    f.atomic(Atomic.load)
  }
  /** Returns the decision in `now`. */
  const leave = (): void => {
    f.get(now)
    f.i32(1)
    f.op(Op.i32And)
    f.op(Op.return)
  }

  read(GENERATION)
  f.set(before)
  f.i32(ARRIVED)
  f.i32(1)
  f.atomic(Atomic.add)
  f.i32(threads - 1)
  f.op(Op.i32Eq)
  f.if()
  f.i32(ARRIVED)
  f.i32(0)
  f.atomic(Atomic.store)
  // now = (before & ~1) + 2 + (status word ≠ 0)
  f.get(before)
  f.i32(-2)
  f.op(Op.i32And)
  f.i32(2)
  f.op(Op.i32Add)
  f.get(status)
  f.memory(Op.i32Load, 0)
  f.i32(0)
  f.op(Op.i32Ne)
  f.op(Op.i32Add)
  f.set(now)
  f.i32(GENERATION)
  f.get(now)
  f.atomic(Atomic.store)
  read(WAITING)
  f.if()
  f.i32(GENERATION)
  f.i32(-1)
  f.atomic(Atomic.notify)
  f.op(Op.drop)
  f.end()
  leave()
  f.end()

  f.i32(Math.max(1, spins))
  f.set(left)
  f.loop()
  read(GENERATION)
  f.tee(now)
  f.get(before)
  f.op(Op.i32Ne)
  f.if()
  leave()
  f.end()
  f.get(left)
  f.i32(1)
  f.op(Op.i32Sub)
  f.tee(left)
  f.brIf(0)
  f.end()

  // Asleep: whoever publishes a generation after this count wakes us, and a generation published before is seen by wait.
  f.i32(WAITING)
  f.i32(1)
  f.atomic(Atomic.add)
  f.op(Op.drop)
  f.loop()
  f.i32(GENERATION)
  f.get(before)
  f.i64(-1)
  f.atomic(Atomic.wait32)
  f.op(Op.drop)
  read(GENERATION)
  f.tee(now)
  f.get(before)
  f.op(Op.i32Eq)
  f.brIf(0)
  f.end()
  f.i32(WAITING)
  f.i32(1)
  f.atomic(Atomic.sub)
  f.op(Op.drop)
  f.get(now)
  f.i32(1)
  f.op(Op.i32And)
  return f
}
