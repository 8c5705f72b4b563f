import { defineConfig } from 'vitest/config'

/** Long loops that watch resident memory: one at a time, in processes of their own. */
export default defineConfig({ test: { include: ['test/memory/**/*.test.ts'], pool: 'forks', maxWorkers: 1 } })
