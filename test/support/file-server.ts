/** @file A server of files for tests of downloads, which breaks off, lies and refuses as it is told. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Behaviour {
  readonly bytes: Uint8Array
  /** Whether it knows Range (default true). */
  readonly ranges?: boolean
  /** Breaks the connection after so many bytes of an answer, as often as `times` (default: always). */
  readonly breakAfter?: number
  readonly times?: number
  readonly redirect?: string
  readonly status?: number
  /** Sends nothing after the head. */
  readonly stalls?: boolean
}

export interface FileServer {
  readonly address: string
  /** Requests so far: path and Range. */
  readonly requests: (readonly [path: string, range: string | undefined])[]
  /** By path, such as `/a.bin`; other paths are answered with 404. */
  readonly files: Map<string, Behaviour>
  close(): Promise<void>
}

export async function serveFiles(): Promise<FileServer> {
  const requests: [string, string | undefined][] = []
  const files = new Map<string, Behaviour>()
  const broken = new Map<string, number>()
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? ''
    const range = request.headers.range
    requests.push([path, range])
    const file = files.get(path)
    if (!file || file.status) {
      response.writeHead(file?.status ?? 404).end('no such file')
      return
    }
    if (file.redirect) {
      response.writeHead(302, { location: file.redirect }).end()
      return
    }
    const from = file.ranges === false ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const body = file.bytes.subarray(from)
    const partial = from > 0 ? { 'content-range': `bytes ${from}-${file.bytes.length - 1}/${file.bytes.length}` } : {}
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length, ...partial })
    if (file.stalls) {
      response.flushHeaders()
      return
    }
    const count = broken.get(path) ?? 0
    if (file.breakAfter === undefined || count >= (file.times ?? Number.POSITIVE_INFINITY)) {
      response.end(body)
      return
    }
    broken.set(path, count + 1)
    response.write(body.subarray(0, file.breakAfter), () => response.destroy())
  }
  const server: Server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    files,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
