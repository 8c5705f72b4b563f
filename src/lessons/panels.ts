/** @file Pictures side by side with captions, as SVG that holds them as PNG. */
import type { Panels } from './lesson.ts'

const GAP = 16
const CAPTION = 22
const TITLE = 34
const FONT = 'font-family="Helvetica, Arial, sans-serif" fill="#222222"'

/** @returns a whole SVG document */
export async function panelsSvg({ title, panels, columns = panels.length, scale = 1 }: Panels): Promise<string> {
  const { encode } = await import('fast-png')
  const width = Math.max(...panels.map((p) => p.picture.width)) * scale
  const height = Math.max(...panels.map((p) => p.picture.height)) * scale
  const rows = Math.ceil(panels.length / columns)
  const wholeWidth = GAP + columns * (width + GAP)
  const wholeHeight = TITLE + rows * (height + CAPTION + GAP)
  const cells = panels.map(({ caption, picture }, k) => {
    const [x, y] = [GAP + (k % columns) * (width + GAP), TITLE + Math.floor(k / columns) * (height + CAPTION + GAP)]
    const png = base64(encode({ ...picture, depth: 8 }))
    const size = `width="${picture.width * scale}" height="${picture.height * scale}"`
    return [
      `<image x="${x}" y="${y}" ${size} style="image-rendering:pixelated" href="data:image/png;base64,${png}"/>`,
      `<text x="${x}" y="${y + height + 15}" font-size="12" ${FONT}>${escapeText(caption)}</text>`,
    ].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${wholeWidth}" height="${wholeHeight}" viewBox="0 0 ${wholeWidth} ${wholeHeight}">`,
    `<title>${escapeText(title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="${GAP}" y="22" font-size="15" font-weight="600" ${FONT}>${escapeText(title)}</text>`,
    ...cells,
    '</svg>\n',
  ].join('\n')
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
