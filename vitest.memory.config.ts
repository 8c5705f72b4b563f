import { defineConfig } from 'vitest/config'
import config from './vitest.config.ts'

/** Long loops that watch resident memory: one at a time, in processes of their own. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: { include: ['test/memory/**/*.test.ts'], pool: 'forks', maxWorkers: 1 },
})
