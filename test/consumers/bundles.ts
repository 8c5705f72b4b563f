/** @file The consumer's program through the bundlers that people use, none of them configured. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build as esbuild, type Metafile } from 'esbuild'
import { build as vite } from 'vite'
import webpack from 'webpack'

export interface Bundle {
  readonly code: Uint8Array<ArrayBuffer>
  readonly metafile: Metafile
}

/** One source text through esbuild, minified, for browsers: an import of a module of Node's is an error. */
export async function bundleText(contents: string, folder: string): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return { code: new Uint8Array(outputFiles[0].contents), metafile }
}

/** `page.js` and `worker.js` in `folder` to `folder/dist`. */
export async function buildWithEsbuild(folder: string): Promise<void> {
  await esbuild({
    entryPoints: ['page.js', 'worker.js', 'small.js'].map((name) => join(folder, name)),
    bundle: true,
    format: 'esm',
    outdir: join(folder, 'dist'),
    logLevel: 'silent',
  })
  await cp(join(folder, 'index.html'), join(folder, 'dist', 'index.html'))
}

export async function buildWithVite(folder: string): Promise<void> {
  const warnings: string[] = []
  await vite({ root: folder, logLevel: 'warn', customLogger: quiet(warnings) })
  if (warnings.length > 0) throw new Error(`Vite warns:\n${warnings.join('\n')}`)
}

/** A logger for Vite that keeps warnings and errors. */
export function quiet(warnings: string[]) {
  const note = (text: string): void => void warnings.push(text)
  const logged = new WeakSet<object>()
  return {
    info: () => {},
    warn: note,
    warnOnce: note,
    error: note,
    clearScreen: () => {},
    hasErrorLogged: (error: object) => logged.has(error),
    hasWarned: false,
  }
}

export async function buildWithWebpack(folder: string): Promise<void> {
  // `context` and `path` are what webpack takes by itself when it is started in the folder.
  const output = { path: join(folder, 'dist') }
  const compiler = webpack({ context: folder, output, mode: 'production', entry: './page.js', performance: false })
  if (compiler === null) throw new Error('webpack made no compiler')
  const stats = await new Promise<webpack.Stats>((resolve, reject) => {
    compiler.run((error, result) => (result === undefined ? reject(error) : resolve(result)))
  })
  await new Promise((resolve) => compiler.close(resolve))
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString({ preset: 'errors-warnings' }))
  await mkdir(join(folder, 'dist'), { recursive: true })
  await writeFile(join(folder, 'dist', 'index.html'), '<!doctype html>\n<script src="main.js"></script>\n')
}
