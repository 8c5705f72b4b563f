/** @file Drawings as files, where the packages that draw are installed. */

import { join } from 'node:path'
import { GliaError } from '../../core/errors.ts'
import type { Figure } from '../../lessons/figure.ts'
import type { Panels } from '../../lessons/lesson.ts'
import { writeFileAtomic } from '../../node/files.ts'
import { warn } from '../failure.ts'

let told = ''

/** Writes `<name>.svg`; returns the names of the files written: none without Vega-Lite, for runs are complete without pictures. */
export async function draw(directory: string, name: string, picture: Figure | Panels): Promise<string[]> {
  const { drawSvg } = await import('../../lessons/draw.ts')
  const file = `${name}.svg`
  try {
    const svg = await drawSvg('panels' in picture ? { name, panels: picture } : { name, figure: picture })
    await writeFileAtomic(join(directory, file), svg)
    return [file]
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // Of packages that are not installed it is enough to hear once.
    if (reason !== told) warn(error instanceof GliaError ? reason : `${file} was not written: ${reason}`)
    told = reason
    return []
  }
}
