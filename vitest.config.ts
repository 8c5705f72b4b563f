import { defineConfig } from 'vitest/config'

export default defineConfig({
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
