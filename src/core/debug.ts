/**
 * @file Debugging: what `GLIA_DEBUG` asks for (a comma-separated list: `graph`, `plan`, `kernels`, `assembly`, `sites`,
 * `nofuse`), and where in the model and in the user's code a node is made.
 */

let flags: ReadonlySet<string> | null = null

/** The words in the environment variable GLIA_DEBUG, read once on first use. */
export function debugFlags(): ReadonlySet<string> {
  if (!flags) {
    const text =
      (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.GLIA_DEBUG ?? ''
    flags = new Set(
      text
        .split(',')
        .map((w) => w.trim())
        .filter((w) => w !== ''),
    )
  }
  return flags
}

let path = ''

/** Runs `fn` with `name` added to the module path of the nodes it makes. */
export function withModule<T>(name: string, fn: () => T): T {
  const outer = path
  path = outer === '' ? name : `${outer}.${name}`
  try {
    return fn()
  } finally {
    path = outer
  }
}

export function modulePath(): string {
  return path
}

/** File and line of the nearest caller outside Glia; '' unless debugging. */
export function callSite(): string {
  if ((flags ?? debugFlags()).size === 0) return ''
  const lines = new Error().stack?.split('\n').slice(2) ?? []
  const outside = lines.find(
    (l) => !/[\\/](src|dist)[\\/](core|graph|tensor|autograd|nn|optim|loss|plan|train)[\\/]/.test(l),
  )
  return outside?.trim().replace(/^at /, '') ?? ''
}
