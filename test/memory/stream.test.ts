import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

/** `GLIA_STREAM_GB=5 npm run test:memory -- test/memory/stream` reads as much as that. */
const gigabytes = Number(process.env.GLIA_STREAM_GB ?? '0.6')

it(`training on a stream of ${gigabytes} GB adds less than 300 MB of memory`, { timeout: 1_800_000 }, async () => {
  const script = new URL('./stream.ts', import.meta.url).pathname
  const { stdout } = await run(process.execPath, ['--import', 'tsx', script, 'wasm', `${gigabytes}`])
  const { read, added } = JSON.parse(stdout) as { read: number; added: number }
  expect(read).toBeGreaterThanOrEqual(gigabytes)
  expect(added).toBeLessThan(300)
})
