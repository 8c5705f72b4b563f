// Imports the modules named as arguments and checks that nothing else has changed: no global, no prototype, no listener,
// nothing that keeps the process alive.
import { EventEmitter } from 'node:events'

const holders = { globalThis, process, Array, Object, Function, Promise, Map, String, Number, Math, WebAssembly }
const intrinsics = Object.entries(holders).flatMap(([name, value]) =>
  typeof value === 'function'
    ? [
        [name, value],
        [`${name}.prototype`, value.prototype],
      ]
    : [[name, value]],
)

function look() {
  const seen = []
  for (const [name, object] of intrinsics) {
    for (const key of Reflect.ownKeys(object)) seen.push(`${name}.${String(key)}`)
  }
  for (const event of process.eventNames()) seen.push(`process on ${String(event)}: ${process.listenerCount(event)}`)
  seen.push(`default listeners ${EventEmitter.defaultMaxListeners}`)
  for (const resource of process.getActiveResourcesInfo()) {
    if (!/^(TTY|Pipe|FSReq|File)/.test(resource)) seen.push(`alive: ${resource}`)
  }
  return new Set(seen)
}

const names = process.argv.slice(2)
const before = look()
for (const name of names) {
  const module = await import(name)
  if (Object.keys(module).length === 0) throw new Error(`${name} exports nothing`)
}
const after = look()
const added = [...after].filter((line) => !before.has(line))
const gone = [...before].filter((line) => !after.has(line))
if (added.length + gone.length > 0) throw new Error(`imports changed: ${[...added, ...gone].join(', ')}`)
