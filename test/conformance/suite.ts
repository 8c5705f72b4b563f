/** @file The tests of a group: one per case and device, and one that no public item lacks a case. */
import { describe, expect, it } from 'vitest'
import { devices } from '../support/devices.ts'
import { checksOf, entriesOf, type Group } from './harness.ts'

export function testGroup(group: Group): void {
  const checks = checksOf(group.name)
  describe.each(devices)('on %s', (_, device) => {
    it.each(checks.map((c) => [c.label, c] as const))('%s', (_, check) => {
      const problems = group.run(check, device).flatMap((c) => c.problem ?? [])
      expect(problems).toEqual([])
    })
  })

  it('has a case of every public item, and of nothing else', () => {
    expect([...entriesOf(group.name).keys()].sort()).toEqual([...group.items()].sort())
  })
}
