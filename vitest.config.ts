import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { alias: { '#machine-code': fileURLToPath(new URL('src/targets/x64/index.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    // Long loops that watch memory have a command of their own: npm run test:memory.
    exclude: ['test/memory/**', 'node_modules/**'],
    // Forks: a test that maps and runs machine code must not be able to take the other files down with it.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
  },
})
