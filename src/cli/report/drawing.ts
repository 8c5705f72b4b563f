/** @file Drawings as files, where the packages that draw are installed. */

import { join } from 'node:path'
import { GliaError } from '../../core/errors.ts'
import type { Figure } from '../../lessons/figure.ts'
import type { Panels } from '../../lessons/lesson.ts'
import { writeFileAtomic } from '../../node/files.ts'
import { warn } from '../failure.ts'

/** Writes `<name>.svg`; returns the names of the files written: none without Vega-Lite, for runs are complete without pictures. */
export async function draw(directory: string, name: string, picture: Figure | Panels): Promise<string[]> {
  const { drawSvg } = await import('../../lessons/draw.ts')
  const file = `${name}.svg`
  try {
    const svg = await drawSvg('panels' in picture ? { name, panels: picture } : { name, figure: picture })
    await writeFileAtomic(join(directory, file), svg)
    return [file]
  } catch (error) {
    // Not installed: the command says so once, in the end.
    if (!(error instanceof GliaError) || /cannot be written/.test(error.message)) {
      warn(`${file} was not written: ${error instanceof Error ? error.message : error}`)
    }
    return []
  }
}
