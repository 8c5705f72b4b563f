/** @file `glia lessons` and `glia lesson` as a user runs them. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lessons } from '../../src/lessons/index.ts'
import { useGlia } from '../cli/glia.ts'

const glia = useGlia()

describe('glia lessons', () => {
  it('lists every lesson', async () => {
    const { status, stdout, stderr } = await glia.run('lessons')
    expect([status, stderr]).toEqual([0, ''])
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(lessons.map((l) => l.name))
    const objects = (await glia.run('lessons', '--json')).stdout.trim().split('\n')
    expect(objects.map((line) => JSON.parse(line))).toEqual(
      lessons.map(({ name, title, course }) => ({ name, title, course })),
    )
  })
})

describe('glia lesson', () => {
  it('runs the examples of its help', async () => {
    const help = (await glia.run('lesson', '--help')).stdout
    const examples = [...help.matchAll(/^ {2}glia (lesson .+)$/gm)].map((m) => m[1].split(' '))
    expect(examples.length).toBeGreaterThan(1)
    const { status, stdout, stderr } = await glia.run(...examples[0])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('every figure of the twenty slides (100 figures)')
    expect(stdout).toMatch(/100 checks held\.\nDrawn: lessons\/gradient-descent\/line\.svg\n$/)
    expect(readFileSync(join(glia.directory, 'lessons/gradient-descent/line.svg'), 'utf8')).toMatch(/^<svg /)
  })

  it('draws where it is told, or not at all', async () => {
    await glia.run('lesson', 'exercise-5', '--out', 'mine')
    expect(readdirSync(join(glia.directory, 'mine'))).toEqual(['parameters.svg'])
    const { stdout } = await glia.run('lesson', 'exercise-8', '--no-pictures')
    expect(stdout).toMatch(/checks held\.\n$/)
    expect(existsSync(join(glia.directory, 'lessons/exercise-8'))).toBe(false)
  })

  it.each([
    [['lesson'], 'glia lesson needs the name of a lesson (glia lessons lists them), or --all for all of them.'],
    [['lesson', 'exercise-5', '--all'], 'glia lesson needs the name of a lesson'],
    [['lesson', 'alchemy'], 'There is no lesson "alchemy"; known are threshold-gates, '],
    [['lessons', 'all'], 'glia lessons takes no arguments; received "all".'],
  ])('%j: says what would be right', async (args, sentence) => {
    const { status, stdout, stderr } = await glia.run(...args)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`glia: ${sentence}`)
  })

  it('says when its drawings cannot be written', async () => {
    const { status, stderr } = await glia.run('lesson', 'exercise-5', '--out', '/dev/null/x')
    expect(status).toBe(1)
    expect(stderr).toMatch(/^glia: \/dev\/null\/x cannot be made: .*--out\.\n$/)
  })
})
