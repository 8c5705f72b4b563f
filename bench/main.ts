/**
 * @file The benchmark: Glia's targets and the peers that are installed, alternating in one run; medians and ratios.
 *
 *     npm run bench -- --only lenet5_train_b128,matmul_1024 --targets wasm,avx2 --peers torch,tfjs,jax,ort
 *
 * A ratio is the peer's time ÷ Glia's: above 1, Glia is faster. Figures of one run compare; those of two runs do not.
 * Where PyTorch is installed, the results of every workload are compared with its own first, and rows that differ are not
 * timed. `--help` lists the options.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createDevice, GliaError, type TargetName } from '../src/index.ts'
import { gliaCommand, gliaSide, peerSides, pythonScript, run, type Settings, type Side, torchMissing } from './peers.ts'
import { type Line, PEAK_ROW, Results } from './report.ts'
import { workloads } from './workloads.ts'

const help = `npm run bench -- [options]
  --only a,b       workloads (default: all)
  --targets a,b    Glia's targets (default: wasm)
  --plain          time wasm without the forms that V8 has behind flags, too
  --peers a,b      torch, torch-avx2, tfjs, jax, ort (default: all but torch-avx2; "" for none)
  --rounds n       rounds in which all take turns (default 3)
  --seconds n      per workload and round (default 3)
  --threads n      for everybody (default 2)
  --node PATH      the Node that runs Glia (default: this one)
  --out FOLDER     where results go (default bench/results)
  --json           print lines {"workload", "target", "glia_ms", "peer", "peer_ms", "ratio"} instead of a table
  --check          compare results with PyTorch's, time nothing
  --unchecked      time without comparing
  --memory         peak memory of a training (default resnet18_train_b16_64px) here and in PyTorch, time nothing`

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    targets: { type: 'string', default: 'wasm' },
    plain: { type: 'boolean', default: false },
    peers: { type: 'string', default: 'torch,tfjs,jax,ort' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: join(here, 'results') },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    unchecked: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const { threads, seconds, node } = values
const settings: Settings = { threads, seconds, node, onnx: join(values.out, 'onnx') }
const list = (text: string): string[] => text.split(',').filter((n) => n !== '')
const problems = new Set<string>()
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

function refuse(text: string): never {
  say(text)
  process.exit(2)
}

function known(option: string, names: readonly string[], all: readonly string[]): readonly string[] {
  const strange = names.find((n) => !all.includes(n))
  if (strange !== undefined) refuse(`--${option}: unknown ${JSON.stringify(strange)}; known are ${all.join(', ')}.`)
  return names
}

async function knownTargets(names: readonly string[]): Promise<readonly string[]> {
  for (const name of names) {
    try {
      await createDevice(name as TargetName, { threads: 1 })
    } catch (error) {
      if (!(error instanceof GliaError)) throw error
      refuse(`--targets: ${error.message}`)
    }
  }
  return names
}

function parse(text: string): Line | null {
  return text.startsWith('{') ? (JSON.parse(text) as Line) : null
}

/** Compares every target's results with PyTorch's. Returns `target workload` of those that differ. */
function checkAll(targets: readonly string[], names: readonly string[]): Set<string> {
  const wrong = new Set<string>()
  const folder = mkdtempSync(join(tmpdir(), 'glia-check-'))
  try {
    const { error } = pythonScript('check.py', [folder, '--only', names.join(','), '--threads', threads])
    if (error !== null) problems.add(`check.py: ${error}`)
    for (const target of targets) {
      const { lines, error: failure } = run(gliaCommand(target, settings, names, '--check', folder))
      const checked = lines.map(parse).filter((line) => line !== null)
      if (failure !== null) problems.add(`glia ${target}: ${failure}`)
      for (const name of names) {
        const line = checked.find((l) => l.workload === name)
        const text = line ? line.error?.split('\n')[0] : 'it was not compared'
        if (text === undefined) continue
        wrong.add(`${target} ${name}`)
        problems.add(`glia ${target}, ${name}: ${text}`)
      }
      if (values.check) for (const line of checked) console.log(JSON.stringify(line))
      say(
        `checked ${target}: ${checked.filter((l) => l.error === undefined).length} of ${names.length} agree with PyTorch`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return wrong
}

/** Runs a side once and notes its lines. */
function runSide(side: Side, names: readonly string[], note: (line: Line) => void): void {
  for (const command of side.commands(names)) {
    const { lines, error } = run(command, side.env)
    if (error !== null) problems.add(`${side.name}: ${error}`)
    for (const line of lines.map(parse)) {
      if (!line || !names.includes(line.workload)) continue
      const peer = `${line.peer}${side.suffix ?? ''}`
      if (line.error !== undefined) problems.add(`${peer}, ${line.workload}: ${line.error.split('\n')[0]}`)
      note({ ...line, peer })
    }
  }
}

function timeAll(sides: readonly Side[], names: readonly string[], wrong: ReadonlySet<string>): Results {
  const results = new Results()
  const ready = sides.filter((side) => {
    if (!names.some(side.has)) return false
    const missing = side.prepare()
    if (missing !== null) problems.add(`${side.name}: ${missing}`)
    return missing === null
  })
  if (!names.includes(PEAK_ROW)) {
    for (const side of ready) {
      if (side.has(PEAK_ROW)) runSide(side, [PEAK_ROW], ({ peer, best_ms }) => best_ms && results.probe(peer, best_ms))
    }
  }
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const side of ready) {
      const target = side.name.split(' ')[1]
      const own = names.filter((n) => side.has(n) && !wrong.has(`${target} ${n}`))
      if (own.length > 0) runSide(side, own, (line) => results.add(line))
      say(`round ${round}: ${side.name} done`)
    }
  }
  return results
}

/** Peak memory beyond what the process holds after its imports, in MB, as lines. */
function measureMemory(targets: readonly string[], names: readonly string[]): void {
  const args = ['--only', names.join(','), '--threads', threads]
  const all = [
    ...targets.map((t) => ['', run(gliaCommand(t, settings, names, '--memory'))] as const),
    ['', pythonScript('memory.py', args)] as const,
    [' (allocator as it is)', pythonScript('memory.py', args, true)] as const,
  ]
  for (const [suffix, { lines, error }] of all) {
    if (error !== null) problems.add(error)
    for (const text of lines) {
      if (!text.startsWith('{')) continue
      const { workload, peer, before, peak, error: failure } = JSON.parse(text)
      if (failure) problems.add(`${peer}, ${workload}: ${failure}`)
      else if (values.json) console.log(JSON.stringify({ workload, peer: `${peer}${suffix}`, before, peak }))
      else console.log(`${workload}  ${peer}${suffix}: ${Math.round(peak / 1e6)} MB beyond ${Math.round(before / 1e6)}`)
    }
  }
}

/** What the figures were measured on and how; what else ran there spoils them. */
function setting(load: number): string {
  const busy = load > 0.5 ? ` Other programs were running (load ${load.toFixed(1)} at the start).` : ''
  return `${cpus()[0].model.trim()}, ${threads} threads, Node ${process.version}; medians of ${values.rounds} rounds.${busy}`
}

async function main(): Promise<void> {
  if (values.help) return console.log(help)
  const all = Object.keys(workloads)
  const asked = known('only', list(values.only), all)
  const targets = await knownTargets(list(values.targets))
  const peers = peerSides(settings)
  const wanted = known(
    'peers',
    list(values.peers),
    peers.map((p) => p.name),
  )
  if (values.memory) return measureMemory(targets, asked.length > 0 ? asked : ['resnet18_train_b16_64px'])

  const [load] = loadavg()
  const names = asked.length > 0 ? asked : all
  const missing = values.unchecked ? null : torchMissing()
  if (missing !== null) problems.add(`results were not checked: PyTorch is ${missing}`)
  const wrong = values.unchecked || missing !== null ? new Set<string>() : checkAll(targets, names)
  if (!values.check) {
    const own = targets.flatMap((t) => [
      gliaSide(t, settings),
      ...(values.plain && t === 'wasm' ? [gliaSide(t, settings, true)] : []),
    ])
    const results = timeAll([...own, ...peers.filter((p) => wanted.includes(p.name))], names, wrong)
    const table = `${results.table()}\n\n${setting(load)}\n`
    const lines = results.ratios().map((r) => `${JSON.stringify(r)}\n`)
    console.log((values.json ? lines.join('') : table).trimEnd())
    mkdirSync(values.out, { recursive: true })
    writeFileSync(join(values.out, 'latest.jsonl'), lines.join(''))
    writeFileSync(join(values.out, 'latest.md'), table)
  }
  if (wrong.size > 0) process.exitCode = 1
}

await main()
for (const p of problems) say(p)
process.exit()
