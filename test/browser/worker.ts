/** @file A web worker that trains when told to, and answers with the report or with what went wrong. */
import { type Order, train } from './train.ts'

addEventListener('message', (event: MessageEvent<Order>) => {
  train(event.data).then(
    (report) => postMessage({ report }),
    (error: unknown) => postMessage({ error: String(error) }),
  )
})
