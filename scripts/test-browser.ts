/**
 * @file Trains in Chromium: `npm run test:browser`. In a worker with and without cross-origin isolation, and on a page's
 * main thread; every page under the strictest Content-Security-Policy that Glia can do with.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import type { BothReport } from '../test/browser/page.ts'
import type { Order, Report } from '../test/browser/train.ts'
import { assert, Checks } from '../test/support/checks.ts'
import { chromiumIsMissing, findChromium, type Log, launch, watch } from '../test/support/chromium.ts'
import { isolation, serve } from '../test/support/serve.ts'

// 'wasm-unsafe-eval': kernels are compiled where they run. blob: is where the threads' program comes from; without
// threads it can go. Workers and the page get the same header: a worker obeys its own script's.
const oneThreadPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
const threadsPolicy = `${oneThreadPolicy} blob:`

const policy = (value: string) => ({ 'Content-Security-Policy': value })

const html = `<!doctype html>
<meta charset="utf-8">
<title>Glia</title>
<script type="module" src="page.js"></script>
`

const mlp: Order = { train: 2000, test: 500, epochs: 3, runs: 2 }

async function bundle(): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    entryPoints: ['page', 'worker', 'training'].map(
      (name) => new URL(`../test/browser/${name}.ts`, import.meta.url).pathname,
    ),
    outdir: '/',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'warning',
  })
  return new Map([['/index.html', html], ...outputFiles.map(({ path, text }): [string, string] => [path, text])])
}

interface Visit {
  readonly log: Log
  readonly report: Report
}

type Trainer = 'trainInWorker' | 'trainHere'

/** Opens the page, has it train, and returns the report; `during` may look at the page before it is closed. */
async function visit(
  browser: Browser,
  files: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, string>>,
  trainer: Trainer,
  order: Order,
  during: (page: Page) => void | Promise<void> = () => {},
): Promise<Visit> {
  const site = await serve(files, headers)
  const page = await browser.newPage()
  try {
    const log = watch(page)
    await page.goto(site.url)
    const report = await page.evaluate(([name, work]) => globalThis[name](work), [trainer, order] as const)
    await during(page)
    return { log, report }
  } finally {
    await page.close()
    await site.close()
  }
}

/** Has the page train the same in a worker and itself. */
async function visitBoth(
  browser: Browser,
  files: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, string>>,
): Promise<BothReport> {
  const site = await serve(files, headers)
  const page = await browser.newPage()
  try {
    const log = watch(page)
    await page.goto(site.url)
    const report = await page.evaluate((input) => globalThis.fitInBoth(input), { examples: 1000, epochs: 2, lr: 5e-3 })
    assert(log.complaints.length === 0, `the browser complained:\n${log.complaints.join('\n')}`)
    return report
  } finally {
    await page.close()
    await site.close()
  }
}

/** What holds of every training: it learns, it repeats itself to the bit, and the page asks for its own files alone. */
function examine({ log, report }: Visit, expected: { threads: number; isolated: boolean; files: string[] }): string {
  assert(report.device === 'wasm', `device ${report.device}`)
  assert(report.isolated === expected.isolated, `crossOriginIsolated is ${report.isolated}`)
  assert(report.threads === expected.threads, `${report.threads} threads instead of ${expected.threads}`)
  const [first, ...others] = report.runs
  assert(first.accuracy > 0.85, `accuracy ${first.accuracy}`)
  for (const other of others) assertSame(first.losses, other.losses)
  assert(log.complaints.length === 0, `the browser complained:\n${log.complaints.join('\n')}`)
  const asked = log.requests.join(' ')
  assert(asked === expected.files.join(' '), `asked for ${asked} instead of ${expected.files.join(' ')}`)
  const seconds = report.runs.map((run) => run.seconds.toFixed(2)).join(', ')
  return `${report.threads} thread${report.threads === 1 ? '' : 's'}, accuracy ${(100 * first.accuracy).toFixed(1)} %, ${
    first.losses.length
  } steps in ${seconds} s`
}

function assertSame(a: readonly number[], b: readonly number[]): void {
  assert(a.length === b.length, `${a.length} and ${b.length} steps`)
  const i = a.findIndex((loss, step) => !Object.is(loss, b[step]))
  assert(i < 0, `losses differ from step ${i + 1} on: ${a[i]} and ${b[i]}`)
}

/** Seconds of processor time that each worker thread of the browser has had; undefined where the system does not tell. */
async function workerSeconds(browser: Browser): Promise<number[] | undefined> {
  if (process.platform !== 'linux') return undefined
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const seconds: number[] = []
  for (const { id, type } of processInfo) {
    if (type !== 'renderer') continue
    for (const task of readdirSync(`/proc/${id}/task`)) {
      const [, name, rest] = /\((.*)\) (.*)/.exec(readFileSync(`/proc/${id}/task/${task}/stat`, 'utf8')) ?? []
      if (!name?.startsWith('DedicatedWorker')) continue
      const fields = rest.split(' ')
      seconds.push((Number(fields[11]) + Number(fields[12])) / 100)
    }
  }
  return seconds.sort((a, b) => b - a)
}

async function main(browser: Browser, checks: Checks): Promise<void> {
  const files = await bundle()
  checks.section(`Chromium ${browser.version()}, mlp 784-128-10 on 2,000 digits`)
  const inWorker = ['/', '/page.js', '/worker.js']

  let isolated: Report | undefined
  let seconds: number[] | undefined
  await checks.check('in a worker, cross-origin isolated, two threads', async () => {
    const headers = { ...isolation, ...policy(threadsPolicy) }
    const result = await visit(browser, files, headers, 'trainInWorker', { ...mlp, threads: 2 }, async () => {
      seconds = await workerSeconds(browser)
    })
    isolated = result.report
    return examine(result, { threads: 2, isolated: true, files: inWorker })
  })
  await checks.check('both threads worked', () => {
    if (seconds === undefined) return 'not known on this system'
    assert(seconds.length === 2, `${seconds.length} worker threads: ${seconds}`)
    assert(seconds[1] > 0.05 * seconds[0], `processor time ${seconds.join(' s and ')} s`)
    return `processor time ${seconds.join(' s and ')} s`
  })
  await checks.check('in a worker, cross-origin isolated, threads by default', async () => {
    const headers = { ...isolation, ...policy(threadsPolicy) }
    const result = await visit(browser, files, headers, 'trainInWorker', { ...mlp, runs: 1 })
    assert(result.report.threads > 1 === availableParallelism() > 1, `${result.report.threads} threads`)
    return examine(result, { threads: result.report.threads, isolated: true, files: inWorker })
  })
  await checks.check('in a worker, without isolation', async () => {
    const result = await visit(browser, files, policy(oneThreadPolicy), 'trainInWorker', mlp)
    if (isolated) assertSame(isolated.runs[0].losses, result.report.runs[0].losses)
    return `${examine(result, { threads: 1, isolated: false, files: inWorker })}, the losses of two threads`
  })
  await checks.check("on the page's main thread", async () => {
    const result = await visit(browser, files, policy(oneThreadPolicy), 'trainHere', mlp)
    return examine(result, { threads: 1, isolated: false, files: ['/', '/page.js'] })
  })
  await checks.check("on the page's main thread, cross-origin isolated", async () => {
    const headers = { ...isolation, ...policy(oneThreadPolicy) }
    const result = await visit(browser, files, headers, 'trainHere', { ...mlp, runs: 1, threads: 2 })
    return examine(result, { threads: 1, isolated: true, files: ['/', '/page.js'] })
  })
  await checks.check('fitInWorker: the bits of fit, while the page goes on', async () => {
    const report = await visitBoth(browser, files, policy(oneThreadPolicy))
    const { there, here, aborted } = report
    assert(report.sameWeights, 'weights differ')
    const losses = ({ epochs }: typeof there): string => epochs.map(({ train }) => train.loss).join()
    assert(losses(there) === losses(here), `losses ${losses(there)} instead of ${losses(here)}`)
    assert(report.losses === there.steps, `told of ${report.losses} of ${there.steps} steps`)
    assert(report.ticks > 10, `the page had ${report.ticks} turns`)
    assert(aborted.stopped && aborted.epochs.length < 1e6, 'the abort was not heard')
    assert(/^GliaError: optimizer: lr must be/.test(report.failure), `the failure reads ${report.failure}`)
    return `${there.steps} steps, ${report.ticks} turns of the page meanwhile`
  })
  await checks.check('a policy without blob: means one thread, at once', async () => {
    const headers = { ...isolation, ...policy(oneThreadPolicy) }
    const start = performance.now()
    const { report } = await visit(browser, files, headers, 'trainInWorker', { ...mlp, runs: 1, threads: 2 })
    assert(report.threads === 1, `${report.threads} threads`)
    assert(performance.now() - start < 8000, 'it waited for threads that could not start')
  })
  await checks.check("a policy without 'wasm-unsafe-eval' is an error that names it", async () => {
    const headers = policy(oneThreadPolicy.replace(" 'wasm-unsafe-eval'", ''))
    const error = await visit(browser, files, headers, 'trainHere', mlp).then(
      () => 'none',
      (cause: unknown) => String(cause),
    )
    assert(error.includes('wasm-unsafe-eval'), `error: ${error}`)
  })
}

const executable = findChromium()
if (executable === undefined) {
  console.error(chromiumIsMissing)
  process.exitCode = 1
} else {
  const checks = new Checks()
  const browser = await launch(executable)
  try {
    await main(browser, checks)
  } finally {
    await browser.close()
  }
  checks.close()
}
