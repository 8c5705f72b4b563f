/** @file A worker that is busy with something else at first. */

await new Promise((resolve) => setTimeout(resolve, 200))
await import('./corners.ts')

export {}
