/**
 * @file Processes killed at random moments, while they write or not, never lose more than the last checkpoint's interval,
 * and come to the same losses and weights in the end, on every target. GLIA_KILLS says how many there are in all (default
 * 8), GLIA_SEED which.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { Random } from '../../src/data/index.ts'
import { readCheckpoint } from '../../src/node/checkpoints.ts'
import { compiledTargets } from '../support/devices.ts'

const TARGETS = ['interp', ...compiledTargets]
const KILLS = Math.ceil(Number(process.env.GLIA_KILLS ?? 8) / TARGETS.length)
const STEPS = 12
const INTERVAL = 2

const home = mkdtempSync(join(tmpdir(), 'glia-killed-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Life {
  readonly child: ChildProcess
  /** Whole lines of its output so far. */
  readonly lines: () => string[]
  /** Resolves with whether it was killed. */
  readonly ended: Promise<boolean>
  readonly began: Promise<void>
}

function start(directory: string, target: string): Life {
  const program = fileURLToPath(new URL('./killed-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', program, directory, String(STEPS), target], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [text, errors] = ['', '']
  const began = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes('from ')) resolve()
    })
    child.on('close', () => resolve())
  })
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const ended = new Promise<boolean>((resolve, reject) => {
    child.on('close', (status, signal) => {
      if (signal !== null) resolve(true)
      else if (status === 0) resolve(false)
      else reject(new Error(`ended with ${status}: ${errors}`))
    })
  })
  return { child, ended, began, lines: () => text.split('\n').slice(0, -1) }
}

const last = (lines: readonly string[], word: string): string | undefined =>
  lines
    .filter((l) => l.startsWith(`${word} `))
    .at(-1)
    ?.slice(word.length + 1)

function losses(directory: string): unknown[] {
  const lines = readFileSync(join(directory, 'metrics.jsonl'), 'utf8').trim().split('\n')
  return lines.map((l) => {
    const { seconds: _, ...rest } = JSON.parse(l)
    return rest
  })
}

interface Reference {
  readonly losses: unknown[]
  readonly done: string | undefined
  /** Milliseconds from the beginning of the training to its end: a process that is to be killed lives no longer. */
  readonly life: number
}

async function trainWhole(target: string): Promise<Reference> {
  const directory = join(home, `${target}-whole`)
  const whole = start(directory, target)
  await whole.began
  const begin = performance.now()
  expect(await whole.ended).toBe(false)
  const reference = { losses: losses(directory), done: last(whole.lines(), 'done'), life: performance.now() - begin }
  expect(reference.losses.length).toBeGreaterThan(STEPS)
  return reference
}

describe.each(TARGETS)('on %s', (target) => {
  it(
    `survives ${KILLS} kills`,
    async () => {
      const reference = await trainWhole(target)
      const random = new Random(Number(process.env.GLIA_SEED ?? 0))
      let [kills, finished] = [0, 0]
      while (kills < KILLS || finished === 0) {
        const directory = join(home, `${target}-${finished}`)
        const life = start(directory, target)
        await life.began
        const spared = kills >= KILLS
        const most = reference.life
        const timer = spared ? undefined : setTimeout(() => life.child.kill('SIGKILL'), random.uniform(0, most))
        const killed = await life.ended
        clearTimeout(timer)
        const lines = life.lines()
        const state = await readCheckpoint(join(directory, 'checkpoints'), { report: (m) => expect.unreachable(m) })
        const known = Number(last(lines, 'step') ?? last(lines, 'from') ?? 0)
        expect(state?.progress.steps ?? 0).toBeGreaterThan(known - INTERVAL)
        if (killed) kills++
        else {
          expect(last(lines, 'done')).toBe(reference.done)
          expect(losses(directory)).toEqual(reference.losses)
          rmSync(directory, { recursive: true, force: true })
          finished++
        }
      }
      expect(kills).toBe(KILLS)
    },
    180_000 + 90_000 * KILLS,
  )
})
