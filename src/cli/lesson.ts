/** @file `glia lessons` and `glia lesson`. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { chartsAvailable, drawSvg, type Lesson, type LessonRecord, lessons, runLesson } from '../lessons/index.ts'
import { writeFileAtomic } from '../node/files.ts'
import { type DeviceChoice, useDevice } from './device.ts'
import { UsageError } from './failure.ts'
import { list } from './values.ts'

export interface LessonOptions extends DeviceChoice {
  readonly all?: boolean
  readonly out?: string
  /** False: nothing is drawn. */
  readonly pictures: boolean
}

/** Prints every lesson's name, title and course. */
export function listLessons({ json }: { readonly json?: boolean }): void {
  const width = Math.max(...lessons.map((l) => l.name.length))
  for (const { name, title, course } of lessons) {
    console.log(json ? JSON.stringify({ name, title, course }) : `${name.padEnd(width)}  ${title} (${course})`)
  }
}

/** Runs one lesson, showing all that it prints, or all of them, a line each. */
export async function runLessons(name: string | undefined, options: LessonOptions): Promise<void> {
  if ((name === undefined) === (options.all !== true)) {
    throw new UsageError('glia lesson needs the name of a lesson (glia lessons lists them), or --all for all of them.')
  }
  const chosen = name === undefined ? null : lessonNamed(name)
  await useDevice(options)
  if (options.pictures && !(await chartsAvailable())) {
    console.error('glia: Charts are left out; they are drawn with Vega-Lite: npm install vega vega-lite')
  }
  if (chosen) await runOne(chosen, options)
  else await runAll(options)
}

function lessonNamed(name: string): Lesson {
  const found = lessons.find((l) => l.name === name)
  if (found) return found
  throw new UsageError(`There is no lesson ${JSON.stringify(name)}; known are ${list(lessons.map((l) => l.name))}.`)
}

async function runOne(lesson: Lesson, options: LessonOptions): Promise<void> {
  console.log(`${lesson.title} (${lesson.course})\n`)
  const record = await runLesson(lesson, (line) => console.log(line))
  console.log(`\n${checks(record.figures)} held.`)
  for (const path of await draw(record, lesson.name, options)) console.log(`Drawn: ${path}`)
}

async function runAll(options: LessonOptions): Promise<void> {
  const width = Math.max(...lessons.map((l) => l.name.length))
  const start = performance.now()
  let [total, failed] = [0, 0]
  for (const lesson of lessons) {
    const began = performance.now()
    const name = lesson.name.padEnd(width)
    try {
      const record = await runLesson(lesson)
      await draw(record, lesson.name, options)
      total += record.figures
      const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5)
      console.log(`✓ ${name} ${checks(record.figures).padStart(11)} ${seconds} s  ${lesson.title}`)
    } catch (error) {
      if (!(error instanceof GliaError)) throw error
      failed++
      console.log(`✗ ${name} ${error.message}`)
    }
  }
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(`\n${lessons.length} lessons, ${checks(total)} held, in ${seconds} s.`)
  if (failed > 0) throw new GliaError(`${failed} of ${lessons.length} lessons did not come out as printed.`)
}

/** Writes the lesson's drawings; returns their paths. */
async function draw(record: LessonRecord, lesson: string, { out, all, pictures }: LessonOptions): Promise<string[]> {
  if (!pictures || record.drawings.length === 0) return []
  const directory = out === undefined ? join('lessons', lesson) : all ? join(out, lesson) : out
  const charts = await chartsAvailable()
  const paths: string[] = []
  for (const drawing of record.drawings) {
    if ('figure' in drawing && !charts) continue
    const svg = await drawSvg(drawing)
    await mkdir(directory, { recursive: true }).catch((cause: Error) => {
      throw new GliaError(`${directory} cannot be made: ${cause.message}. Choose another directory with --out.`, {
        cause,
      })
    })
    const path = join(directory, `${drawing.name}.svg`)
    await writeFileAtomic(path, svg)
    paths.push(path)
  }
  return paths
}

function checks(n: number): string {
  return `${n} ${n === 1 ? 'check' : 'checks'}`
}
