/** @file Giving the event loop a turn, so that progress is drawn, signals arrive and servers answer during training. */

/** Milliseconds of computing between two turns. */
const INTERVAL = 30

type Immediate = (callback: () => void) => void

/** Lets everything that waits in the event loop run once. */
function turn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: Immediate }
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve))
  // Not setTimeout: browsers make nested ones wait 4 ms.
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

/** Makes a function to be called after every step: it gives the event loop a turn when one is due. */
export function breather(interval = INTERVAL): () => Promise<void> | undefined {
  let last = performance.now()
  return () => {
    if (performance.now() - last < interval) return undefined
    return turn().then(() => {
      last = performance.now()
    })
  }
}
