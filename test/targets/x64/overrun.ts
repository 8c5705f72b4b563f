/** @file A process whose kernel writes one element past a value, which a guard must end. */
import { writeSync } from 'node:fs'
import { ProgramBuilder } from '../../../src/kernels/program-builder.ts'
import { createX64Target } from '../../../src/targets/x64/index.ts'
import type { Work } from '../../support/agreement.ts'

const { devices, count } = JSON.parse(process.argv[2]) as Work
const { guard } = devices[0]
const target = createX64Target({ threads: 1, ...(guard === undefined ? {} : { guard }) })
const slots = [target.allocate(16), target.allocate(4 * count)]
target.view(slots[0], 16).fill(0)
target.view(slots[1], 4 * count).fill(0)
// Stores 1 at the address + 4 · unit.
const b = new ProgramBuilder('fill', target.machine.lanes, 3)
b.loop(1, 2, 1, (unit) => b.storeInt(b.i2('add', 0, b.i2('mul', unit, { imm: 4 })), 0, b.int(1)))
const programs = [b.finish()]
const args = [{ slot: 1, offset: 0 }]
const run = (units: number): void => {
  writeSync(1, `${JSON.stringify({ begins: `${units} units` })}\n`)
  target.load({ programs, slots: 2, segments: [[{ op: 'kernel', program: 0, args, units }]] }).run(0, slots)
}
run(count)
run(count + 1)
