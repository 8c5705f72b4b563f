/** @file How many threads are worth starting here. */

/** Threads beyond this rarely pay in a browser, whose cores are shared with the page and are partly slow ones. */
const BROWSER_THREADS = 8

/** Physical cores that this process may use: affinity, hyper-threads and cgroup quotas considered. */
export function availableThreads(): number {
  const os = globalThis.process?.getBuiltinModule?.('node:os')
  const fs = globalThis.process?.getBuiltinModule?.('node:fs')
  if (os === undefined || fs === undefined) {
    const logical = globalThis.navigator?.hardwareConcurrency ?? 1
    return Math.min(BROWSER_THREADS, logical <= 4 ? logical : logical >> 1)
  }
  const read = (path: string): string | undefined => {
    try {
      return fs.readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  }
  const logical = os.availableParallelism()
  const cores = Math.ceil(logical / threadsPerCore(read('/proc/cpuinfo') ?? ''))
  return Math.max(1, Math.min(cores, Math.floor(cgroupQuota(read))))
}

function threadsPerCore(cpuinfo: string): number {
  const siblings = Number(/^siblings\s*:\s*(\d+)/m.exec(cpuinfo)?.[1])
  const cores = Number(/^cpu cores\s*:\s*(\d+)/m.exec(cpuinfo)?.[1])
  return siblings > 0 && cores > 0 ? Math.max(1, siblings / cores) : 1
}

/** Processors' worth of time that control groups grant: the least of this process's group and those above it. */
export function cgroupQuota(read: (path: string) => string | undefined): number {
  let least = Number.POSITIVE_INFINITY
  const note = (quota: number, period: number): void => {
    if (quota > 0 && period > 0) least = Math.min(least, quota / period)
  }
  // Version 2: one hierarchy, "max 100000" or "200000 100000".
  let group = /^0::(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  for (;;) {
    const [quota, period] = (read(`/sys/fs/cgroup${group === '/' ? '' : group}/cpu.max`) ?? '').split(' ')
    note(Number(quota), Number(period))
    if (group === '/' || group === '') break
    group = group.slice(0, group.lastIndexOf('/')) || '/'
  }
  // Version 1.
  const number = (name: string): number => Number(read(`/sys/fs/cgroup/cpu/${name}`))
  note(number('cpu.cfs_quota_us'), number('cpu.cfs_period_us'))
  return least
}
