/** @file Plans: shares of work, addresses, loops, barriers and the status word, on one and on several threads. */
import { afterAll, describe, expect, test } from 'vitest'
import type { Step } from '../../../src/targets/target.ts'
import { createWasmTargetSync } from '../../../src/targets/wasm/index.ts'
import { at, increment, ints, perUnit, poke, slotsOf } from './fixtures.ts'

describe.each([1, 2, 3, 4])('%i threads', (threads) => {
  const target = createWasmTargetSync({ threads })
  afterAll(() => target.close())

  test('starts as many as asked for', () => {
    expect(target.threads).toBe(threads)
  })

  test('every unit is done once, in contiguous shares that differ by one at most', () => {
    const program = perUnit(2, (b, unit) => {
      const offset = b.i2('mul', unit, { imm: 4 })
      const count = b.i2('add', 0, offset)
      b.storeInt(count, 0, b.i2('add', b.loadInt(count), { imm: 1 }))
      b.storeInt(b.i2('add', 1, offset), 0, 2)
    })
    for (const units of [0, 1, 2, 3, 4, 5, 7, 8, 16, 17, 1001]) {
      const steps: Step[] = [{ op: 'kernel', program: 0, args: [at(1), at(2)], units }]
      const plan = target.load({ programs: [program], segments: [steps], slots: 3 })
      const slots = slotsOf(target, 1001, 1001)
      plan.run(0, slots)
      const counts = ints(target, slots[1], 1001)
      const begins = ints(target, slots[2], units)
      expect(counts.every((count, unit) => count === (unit < units ? 1 : 0))).toBe(true)
      const shares = new Map<number, number>()
      for (const begin of begins) shares.set(begin, (shares.get(begin) ?? 0) + 1)
      let next = 0
      const sizes: number[] = []
      for (const [begin, size] of shares) {
        expect(begin).toBe(next)
        next += size
        sizes.push(size)
      }
      expect(sizes.length).toBe(Math.min(units, threads))
      if (units > 0) expect(sizes[0] - sizes[sizes.length - 1]).toBeLessThanOrEqual(1)
      expect([...sizes].sort((a, b) => b - a)).toEqual(sizes)
      plan.unload()
    }
  })

  test('addresses move with loops, forwards and backwards, and alternate', () => {
    // Appends its three addresses (relative to slot 1) to a list whose length is at slot 2.
    const log = perUnit(5, (b) => {
      const length = b.loadInt(4)
      const entry = b.i2('add', 3, b.i2('mul', length, { imm: 12 }))
      for (let i = 0; i < 3; i++) b.storeInt(entry, 4 * i, b.i2('sub', i, 3))
      b.storeInt(4, 0, b.i2('add', length, { imm: 1 }))
    })
    const kernel: Step = {
      op: 'kernel',
      program: 0,
      units: 1,
      args: [
        {
          slot: 1,
          offset: 8,
          steps: [
            { loop: 7, bytes: 100, by: 'index' },
            { loop: 9, bytes: -1, by: 'index' },
          ],
        },
        { slot: 1, offset: -4, steps: [{ loop: 9, bytes: 64, by: 'alternate' }] },
        { slot: 1, offset: 0, steps: [{ loop: 7, bytes: 64, by: 'alternateNext' }] },
        at(1),
        at(2),
      ],
    }
    const steps: Step[] = [
      {
        op: 'loop',
        id: 7,
        length: 3,
        reverse: true,
        body: [{ op: 'loop', id: 9, length: 2, reverse: false, body: [kernel, { op: 'barrier' }] }],
      },
    ]
    const plan = target.load({ programs: [log], segments: [steps], slots: 3 })
    const slots = slotsOf(target, 100, 1)
    plan.run(0, slots)
    const got = Array.from({ length: 6 }, (_, i) => Array.from(ints(target, slots[1] + 12 * i, 3)))
    const want: number[][] = []
    for (let done = 0; done < 3; done++) {
      for (let inner = 0; inner < 2; inner++) {
        want.push([8 + 100 * (2 - done) - inner, -4 + 64 * (inner % 2), 64 * ((done + 1) % 2)])
      }
    }
    expect(got).toEqual(want)
    plan.unload()
  })

  test('segments run apart, with other slots each time', () => {
    const kernel = (program: number): Step => ({ op: 'kernel', program, args: [at(1)], units: 8 })
    const plan = target.load({
      programs: [increment(1), increment(10)],
      segments: [[kernel(0)], [kernel(1), { op: 'barrier' }, kernel(1)], []],
      slots: 2,
    })
    const a = slotsOf(target, 8)
    const b = slotsOf(target, 8)
    plan.run(0, a)
    plan.run(1, a)
    plan.run(2, a)
    plan.run(1, b)
    plan.run(0, b)
    plan.run(0, b)
    expect(Array.from(ints(target, a[1], 8))).toEqual(Array(8).fill(21))
    expect(Array.from(ints(target, b[1], 8))).toEqual(Array(8).fill(22))
    plan.unload()
  })

  test('after a barrier all leave where the status word is set, and the next run starts afresh', () => {
    const work: Step = { op: 'kernel', program: 0, args: [at(1)], units: 8 }
    for (const guilty of [0, 1, 2, 3].filter((thread) => thread < threads)) {
      // Units 0 … threads - 1: each thread has one. The guilty one sets the status word in iteration 5 of 9.
      const fail = perUnit(2, (b, unit) => {
        const iteration = b.loadInt(1)
        b.if(unit, 'eq', { imm: guilty }, () => {
          b.storeInt(1, 0, b.i2('add', iteration, { imm: 1 }))
          b.if(iteration, 'eq', { imm: 5 }, () => b.storeInt(0, 0, b.int(3)))
        })
      })
      const plan = target.load({
        programs: [increment(), fail],
        segments: [
          [
            {
              op: 'loop',
              id: 0,
              length: 9,
              reverse: false,
              body: [work, { op: 'kernel', program: 1, args: [at(0), at(2)], units: threads }, { op: 'barrier' }],
            },
            work,
          ],
        ],
        slots: 3,
      })
      const slots = slotsOf(target, 8, 1)
      plan.run(0, slots)
      expect(ints(target, slots[0], 1)[0]).toBe(3)
      expect(Array.from(ints(target, slots[1], 8))).toEqual(Array(8).fill(6))
      ints(target, slots[0], 1)[0] = 0
      plan.run(0, slots)
      expect(Array.from(ints(target, slots[1], 8))).toEqual(Array(8).fill(16))
      plan.unload()
    }
  })

  test('a kernel that traps ends the run with an error, and the target goes on', () => {
    const wild = perUnit(2, (b, unit) => {
      b.if(unit, 'eq', 1, () => b.storeInt(b.int(-8), 0, unit))
    })
    // The second address is the number of the unit that traps.
    const plan = target.load({
      programs: [wild, increment()],
      segments: [
        [
          { op: 'kernel', program: 0, args: [at(1), at(2)], units: threads },
          { op: 'barrier' },
          { op: 'kernel', program: 1, args: [at(1)], units: 8 },
        ],
      ],
      slots: 3,
    })
    const [status, data] = slotsOf(target, 8)
    for (let unit = 0; unit < threads; unit++) {
      expect(() => plan.run(0, [status, data, unit])).toThrow(/out of bounds/)
      expect(Array.from(ints(target, data, 8))).toEqual(Array(8).fill(0))
      ints(target, status, 1)[0] = 0
    }
    plan.run(0, [status, data, 99])
    expect(Array.from(ints(target, data, 8))).toEqual(Array(8).fill(1))
    plan.unload()
  })

  test('1,000 plans come and go', () => {
    const slots = slotsOf(target, 8)
    const used = target.memory().used
    for (let i = 0; i < 1000; i++) {
      const plan = target.load({
        programs: [increment(i)],
        segments: [[{ op: 'kernel', program: 0, args: [at(1)], units: 8 }]],
        slots: 2,
      })
      plan.run(0, slots)
      plan.unload()
    }
    expect(Array.from(ints(target, slots[1], 8))).toEqual(Array(8).fill((999 * 1000) / 2))
    expect(target.memory().used).toBe(used)
  })

  test('memory grows between runs', () => {
    const plan = target.load({
      programs: [increment(), poke(42)],
      segments: [
        [{ op: 'kernel', program: 0, args: [at(1)], units: 8 }],
        [{ op: 'kernel', program: 1, args: [at(1)], units: threads }],
      ],
      slots: 2,
    })
    const slots = slotsOf(target, 8)
    for (let i = 0; i < 5; i++) {
      plan.run(0, slots)
      const bytes = target.memory().reserved
      const far = target.allocate(bytes)
      plan.run(1, [slots[0], far + bytes - 64])
      expect(ints(target, far + bytes - 64, 1)[0]).toBe(42)
      // A plan loaded now lies where the workers' old views end.
      const late = target.load({
        programs: [increment(3)],
        segments: [[{ op: 'kernel', program: 0, args: [at(1)], units: 8 }]],
        slots: 2,
      })
      late.run(0, slots)
      late.unload()
    }
    expect(Array.from(ints(target, slots[1], 8))).toEqual(Array(8).fill(5 * 4))
    plan.unload()
  })
})
