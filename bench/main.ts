/**
 * @file The benchmark: Glia and the peers that are installed, alternating in one run, medians and ratios.
 *
 * Usage: npm run bench -- [--only a,b] [--peers torch,torch-avx2,tfjs,jax] [--rounds 3] [--seconds 3] [--threads 2] [--node PATH] [--json]
 *
 * Ratio = the peer's time ÷ Glia's: above 1 Glia is faster. Figures of one run compare; those of two runs do not.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    only: {
      type: 'string',
      default:
        'mlp_train_b32,lenet5_train_b32,lenet5_train_b128,matmul_255,matmul_256,matmul_1023,matmul_1024,elementwise_chain_4m',
    },
    peers: { type: 'string', default: 'torch,torch-avx2,tfjs,jax' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: join(here, 'results') },
    json: { type: 'boolean', default: false },
  },
})

interface Line {
  readonly workload: string
  readonly peer: string
  readonly ms?: number
  readonly gflops?: number
  readonly error?: string
}

const peersDir = join(here, 'peers')
const openblas = '/usr/lib/x86_64-linux-gnu/openblas-openmp'
const torchEnv = {
  ...process.env,
  LD_LIBRARY_PATH: openblas,
  MALLOC_MMAP_THRESHOLD_: '4000000000',
  MALLOC_TRIM_THRESHOLD_: '4000000000',
  MALLOC_TOP_PAD_: '200000000',
}
const common = ['--only', values.only, '--seconds', values.seconds]
const script = (file: string, ...flags: string[]): string[] => [
  process.execPath,
  join(peersDir, file),
  ...common,
  ...flags,
]
const glia = (...flags: string[]): string[] => [
  values.node,
  '--import',
  'tsx',
  join(here, 'glia.ts'),
  ...common,
  '--threads',
  values.threads,
  ...flags,
]
const torch = ['/usr/bin/python3', join(peersDir, 'torch_bench.py'), ...common, '--threads', values.threads]

interface Side {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly peer: string
}

const sides: Side[] = [
  { command: glia(), env: process.env, peer: 'glia' },
  { command: glia('--relaxed', 'false'), env: process.env, peer: 'glia' },
  { command: torch, env: torchEnv, peer: 'torch' },
  // PyTorch held to 256-bit vectors: what it does on machines whose 512-bit units are no wider than their 256-bit ones.
  {
    command: torch,
    env: { ...torchEnv, OPENBLAS_CORETYPE: 'Haswell', DNNL_MAX_CPU_ISA: 'AVX2', ATEN_CPU_CAPABILITY: 'avx2' },
    peer: 'torch-avx2',
  },
  {
    command: script('tfjs_bench.mjs', '--backend', 'wasm', '--threads', values.threads, '--gradients', 'own'),
    env: process.env,
    peer: 'tfjs',
  },
  { command: script('jax_bench.mjs', '--threads', values.threads), env: process.env, peer: 'jax' },
]
const wanted = values.peers.split(',')
const results = new Map<string, Map<string, number[]>>()
const gflops = new Map<string, number>()
const problems = new Set<string>()

for (let round = 0; round < Number(values.rounds); round++) {
  for (const { command, env, peer } of sides) {
    if (peer !== 'glia' && !wanted.includes(peer)) continue
    if (['tfjs', 'jax'].includes(peer) && !existsSync(join(peersDir, 'node_modules'))) {
      problems.add(`${peer}: not installed (npm ci --ignore-scripts in bench/peers)`)
      continue
    }
    const run = spawnSync(command[0], command.slice(1), { env, encoding: 'utf8', cwd: peersDir, maxBuffer: 1 << 26 })
    if (run.error) problems.add(`${peer}: ${run.error.message}`)
    for (const text of run.stdout?.split('\n') ?? []) {
      if (!text.startsWith('{')) continue
      const line = JSON.parse(text) as Line
      const name = peer === 'torch-avx2' ? `${line.peer} (AVX2)` : line.peer
      if (line.ms === undefined) problems.add(`${name}, ${line.workload}: ${line.error?.split('\n')[0]}`)
      else note(line.workload, name, line)
    }
    if (!values.json) process.stderr.write(`round ${round + 1}: ${peer} done\n`)
  }
}

function note(workload: string, peer: string, line: Line): void {
  const byPeer = results.get(workload) ?? new Map<string, number[]>()
  results.set(workload, byPeer)
  byPeer.set(peer, [...(byPeer.get(peer) ?? []), line.ms ?? Number.NaN])
  if (line.gflops) gflops.set(`${workload} ${peer}`, line.gflops)
}

const median = (xs: readonly number[]): number => [...xs].sort((a, b) => a - b)[xs.length >> 1]
const rows: object[] = []
const table: string[] = [
  '| workload | peer | ms | ratio to glia wasm | ratio to glia wasm plain |',
  '|---|---|---|---|---|',
]
for (const [workload, byPeer] of results) {
  const own = byPeer.get('glia wasm')
  const plain = byPeer.get('glia wasm plain')
  for (const [peer, times] of byPeer) {
    const ms = median(times)
    const ratio = (mine: readonly number[] | undefined): string => (mine ? (ms / median(mine)).toFixed(2) : '')
    const rate = gflops.get(`${workload} ${peer}`)
    table.push(
      `| ${workload} | ${peer}${rate ? ` (${rate.toFixed(0)} GFLOP/s)` : ''} | ${ms.toFixed(3)} | ${ratio(own)} | ${ratio(plain)} |`,
    )
    if (own && !peer.startsWith('glia'))
      rows.push({ workload, glia_ms: median(own), peer, peer_ms: ms, ratio: ms / median(own) })
  }
}
if (values.json) for (const r of rows) console.log(JSON.stringify(r))
else console.log(table.join('\n'))
for (const p of problems) console.error(p)
mkdirSync(values.out, { recursive: true })
writeFileSync(join(values.out, 'latest.json'), `${JSON.stringify(rows, null, 1)}\n`)
writeFileSync(join(values.out, 'latest.md'), `${table.join('\n')}\n`)
