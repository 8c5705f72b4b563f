/** @file Calls of the assembler, each with the text that objdump must show: moves, lanes, masks, gathers. */
import type { Assembler, Mem, VecOptions, Width } from '../../../../src/targets/x64/asm/assembler.ts'
import { type Case, MEMORY, Rotation } from './cases.ts'
import { address, k, mem, r32, vec } from './format.ts'
import { vectorCases } from './vector-cases.ts'

const WIDTHS: readonly Width[] = [128, 256, 512]
const memory = new Rotation(MEMORY)

function moves(): Case[] {
  const scalar = { widths: [128] as const, broadcast: false, operand: 'memory' } as const
  return [
    ...vectorCases(
      'load',
      { vex: 'vmovups', broadcast: false, operand: 'memory' },
      (a, w, [d, , m], o) => a.load(w, d, m as Mem, o),
      (d, _, m, w, o) => `${d(w)}${o},${m}`,
    ),
    ...vectorCases(
      'store',
      { vex: 'vmovups', broadcast: false, operand: 'memory' },
      (a, w, [s, , m], o) => a.store(w, m as Mem, s, o),
      (s, _, m, w, o) => `${m}${o},${s(w)}`,
    ),
    ...vectorCases(
      'move',
      { vex: 'vmovaps', operand: 'register' },
      (a, w, [d, , s], o) => a.move(w, d, s as number, o),
      (d, _, s, w, o) => `${d(w)}${o},${s}`,
    ),
    ...vectorCases(
      'loadScalar',
      { ...scalar, vex: 'vmovss', bytes: () => 4 },
      (a, _, [d, , m], o) => a.loadScalar(d, m as Mem, o),
      (d, _, m, w, o) => `${d(w)}${o},${m}`,
    ),
    ...vectorCases(
      'storeScalar',
      { ...scalar, vex: 'vmovss', bytes: () => 4 },
      (a, _, [s, , m], o) => a.storeScalar(m as Mem, s, o),
      (s, _, m, w, o) => `${m}${o},${s(w)}`,
    ),
    ...vectorCases(
      'storeBytes',
      { vex: false, evex: 'vpmovdb', broadcast: false, operand: 'memory', bytes: (w) => w / 32 },
      (a, w, [s, , m], o) => a.storeBytes(w, m as Mem, s, o),
      (s, _, m, w, o) => `${m}${o},${s(w)}`,
    ),
    ...unmasked(
      'vmovntps',
      WIDTHS,
      (w) => w / 8,
      (a, w, r, m) => a.storeNt(w, m, r),
      false,
    ),
    ...unmasked(
      'vmovsd',
      [128],
      () => 8,
      (a, _, r, m) => a.load64v(r, m),
      true,
    ),
    ...unmasked(
      'vmovsd',
      [128],
      () => 8,
      (a, _, r, m) => a.store64v(m, r),
      false,
    ),
  ]
}

/** Loads and stores without options. */
function unmasked(
  name: string,
  widths: readonly Width[],
  bytes: (w: Width) => number,
  call: (a: Assembler, w: Width, r: number, m: Mem) => void,
  load: boolean,
): Case[] {
  const cases: Case[] = []
  for (const w of widths)
    for (const r of [1, 6, 9, 15, 16, 24, 31]) {
      const m = memory.next()
      const [register, place] = [vec(w, r), mem(bytes(w), m)]
      cases.push({
        text: `${name} ${load ? `${register},${place}` : `${place},${register}`}`,
        emit: (a) => call(a, w, r, m),
        ...(w === 512 || r > 15 ? { on: 'avx512' as const } : {}),
      })
    }
  return cases
}

function lanes(): Case[] {
  const cases: Case[] = []
  for (const [r, v, x] of [
    [0, 1, 2],
    [5, 9, 3],
    [12, 4, 14],
    [9, 15, 8],
    [3, 20, 1],
    [13, 2, 31],
  ]) {
    const on = v > 15 || x > 15 ? ({ on: 'avx512' } as const) : {}
    const first = v > 15 ? on : {}
    const m = memory.next()
    const n = memory.next()
    cases.push(
      { text: `vmovd ${r32(r)},${vec(128, v)}`, emit: (a) => a.toGpr(r, v), ...first },
      { text: `vmovd ${vec(128, v)},${r32(r)}`, emit: (a) => a.fromGpr(v, r), ...first },
      { text: `vpextrd ${r32(r)},${vec(128, v)},0x3`, emit: (a) => a.extractLane(r, v, 3), ...first },
      { text: `vpextrd ${mem(4, m)},${vec(128, v)},0x1`, emit: (a) => a.extractLane(m, v, 1), ...first },
      { text: `vpinsrd ${vec(128, v)},${vec(128, x)},${r32(r)},0x2`, emit: (a) => a.insertLane(v, x, r, 2), ...on },
      { text: `vpinsrd ${vec(128, v)},${vec(128, x)},${mem(4, n)},0x3`, emit: (a) => a.insertLane(v, x, n, 3), ...on },
      { text: `vpextrb ${mem(1, n)},${vec(128, v)},0xf`, emit: (a) => a.extractByteTo(n, v, 15), ...first },
      { text: `vpinsrb ${vec(128, v)},${vec(128, x)},${r32(r)},0x0`, emit: (a) => a.insertByte(v, x, r, 0), ...on },
      { text: `vpinsrb ${vec(128, v)},${vec(128, x)},${mem(1, m)},0x7`, emit: (a) => a.insertByte(v, x, m, 7), ...on },
    )
    for (const w of WIDTHS) {
      const wide = w === 512 ? ({ on: 'avx512' } as const) : {}
      cases.push({ text: `vpbroadcastd ${vec(w, v)},${r32(r)}`, emit: (a) => a.broadcastGpr(w, v, r), on: 'avx512' })
      if (w !== 512 && v < 16)
        cases.push({ text: `vmovmskps ${r32(r)},${vec(w, v)}`, emit: (a) => a.movmskps(w, r, v) })
      if (w !== 512 && v < 16 && x < 16)
        cases.push(
          { text: `vtestps ${vec(w, v)},${vec(w, x)}`, emit: (a) => a.testps(w, v, x) },
          { text: `vtestps ${vec(w, v)},${mem(w / 8, n)}`, emit: (a) => a.testps(w, v, n) },
          {
            text: `vblendvps ${[v, x, r, 15 - r].map((i) => vec(w, i)).join(',')}`,
            emit: (a) => a.blendv(w, v, x, r, 15 - r),
          },
          {
            text: `vblendvps ${vec(w, v)},${vec(w, x)},${mem(w / 8, m)},${vec(w, r)}`,
            emit: (a) => a.blendv(w, v, x, m, r),
          },
          { text: `vmaskmovps ${vec(w, v)},${vec(w, x)},${mem(w / 8, m)}`, emit: (a) => a.maskLoad(w, v, x, m) },
          { text: `vmaskmovps ${mem(w / 8, n)},${vec(w, x)},${vec(w, v)}`, emit: (a) => a.maskStore(w, n, x, v) },
        )
      if (w === 128) continue
      const part = w / 128 - 1
      const evex = w === 512 || v > 15 || x > 15
      const extract = w === 512 || v > 15 || x > 15 ? 'vextractf32x4' : 'vextractf128'
      const at = evex ? ({ on: 'avx512' } as const) : {}
      cases.push(
        { text: `${extract} ${vec(128, x)},${vec(w, v)},0x${part}`, emit: (a) => a.extract128(w, x, v, part), ...at },
        {
          text: `${w === 512 || v > 15 ? 'vextractf32x4' : 'vextractf128'} ${mem(16, m)},${vec(w, v)},0x1`,
          emit: (a) => a.extract128(w, m, v, 1),
          ...(v > 15 ? at : wide),
        },
        {
          text: `${evex ? 'vinsertf32x4' : 'vinsertf128'} ${vec(w, v)},${vec(w, x)},${vec(128, 3)},0x${part}`,
          emit: (a) => a.insert128(w, v, x, 3, part),
          ...at,
        },
        {
          text: `${evex ? 'vinsertf32x4' : 'vinsertf128'} ${vec(w, v)},${vec(w, x)},${mem(16, m)},0x0`,
          emit: (a) => a.insert128(w, v, x, m, 0),
          ...at,
        },
      )
    }
    cases.push(
      { text: `vextractf64x4 ${vec(256, x)},${vec(512, v)},0x1`, emit: (a) => a.extract256(x, v, 1), on: 'avx512' },
      { text: `vextractf64x4 ${mem(32, m)},${vec(512, v)},0x0`, emit: (a) => a.extract256(m, v, 0), on: 'avx512' },
      {
        text: `vinsertf64x4 ${vec(512, v)},${vec(512, x)},${vec(256, 17)},0x1`,
        emit: (a) => a.insert256(v, x, 17, 1),
        on: 'avx512',
      },
      {
        text: `vinsertf64x4 ${vec(512, v)}{k2},${vec(512, x)},${mem(32, n)},0x0`,
        emit: (a) => a.insert256(v, x, n, 0, { mask: 2 }),
        on: 'avx512',
      },
    )
  }
  return cases
}

const FLOATS = [
  'eq',
  'lt',
  'le',
  'unord',
  'neq',
  'nlt',
  'nle',
  'ord',
  'eq_uq',
  'nge',
  'ngt',
  'false',
  'neq_oq',
  'ge',
  'gt',
]
const INTEGERS = ['eq', 'lt', 'le', '', 'neq', 'nlt', 'gt']
const UNSIGNED = ['eq', 'lt', 'le', '', 'neq', 'nlt', 'nle']

function masks(): Case[] {
  const cases: Case[] = []
  const add = (text: string, emit: (a: Assembler) => void): number => cases.push({ text, emit, on: 'avx512' })
  for (const [d, x, y] of [
    [1, 2, 3],
    [7, 0, 5],
    [0, 6, 7],
  ]) {
    const names = `${k(d)},${k(x)},${k(y)}`
    add(`kandw ${names}`, (a) => a.kand(d, x, y))
    add(`kandnw ${names}`, (a) => a.kandn(d, x, y))
    add(`korw ${names}`, (a) => a.kor(d, x, y))
    add(`kxorw ${names}`, (a) => a.kxor(d, x, y))
    add(`knotw ${k(d)},${k(x)}`, (a) => a.knot(d, x))
    add(`kmovw ${k(d)},${k(x)}`, (a) => a.kcopy(d, x))
    add(`kortestw ${k(d)},${k(x)}`, (a) => a.kortest(d, x))
    for (const r of [0, 6, 8, 15]) {
      add(`kmovw ${k(d)},${r32(r)}`, (a) => a.kmov(d, r))
      add(`kmovw ${r32(r)},${k(d)}`, (a) => a.kmovTo(r, d))
    }
    for (const w of WIDTHS) {
      const compare = (
        name: (i: number) => string,
        call: (a: Assembler, v: number, b: number | Mem, i: number, o: VecOptions) => void,
        predicates: readonly string[],
      ): void => {
        predicates.forEach((p, i) => {
          if (p === '') return
          const v = (i * 5 + d) % 32
          const b = (i * 11 + x) % 32
          add(`${name(i)} ${k(d)},${vec(w, v)},${vec(w, b)}`, (a) => call(a, v, b, i, {}))
        })
        const m = memory.next()
        add(`${name(1)} ${k(d)}{k4},${vec(w, y)},${mem(w / 8, m)}`, (a) => call(a, y, m, 1, { mask: 4 }))
        const n = memory.next()
        add(`${name(1)} ${k(d)},${vec(w, y)},DWORD BCST ${address(n)}`, (a) => call(a, y, n, 1, { broadcast: true }))
      }
      compare(
        (i) => `vcmp${FLOATS[i]}ps`,
        (a, v, b, i, o) => a.cmpMask(w, d, v, b, i, o),
        FLOATS,
      )
      compare(
        (i) => `vpcmp${INTEGERS[i]}d`,
        (a, v, b, i, o) => a.cmpMaskInt(w, d, v, b, i, o),
        INTEGERS,
      )
      compare(
        (i) => `vpcmp${UNSIGNED[i]}ud`,
        (a, v, b, i, o) => a.cmpMaskUint(w, d, v, b, i, o),
        UNSIGNED,
      )
      compare(
        () => 'vptestmd',
        (a, v, b, _, o) => a.testMask(w, d, v, b, o),
        ['any'],
      )
      for (const v of [1, 9, 18, 31]) {
        add(`vpmovm2d ${vec(w, v)},${k(x)}`, (a) => a.maskToVec(w, v, x))
        add(`vpmovd2m ${k(x)},${vec(w, v)}`, (a) => a.vecToMask(w, x, v))
      }
    }
  }
  return cases
}

function gathers(): Case[] {
  const cases: Case[] = []
  const places = new Rotation(MEMORY.filter((m) => m.index !== undefined))
  for (const w of WIDTHS)
    for (const [d, index, mask] of [
      [1, 2, 3],
      [9, 4, 7],
      [0, 15, 10],
      [14, 12, 1],
    ]) {
      const m: Mem = { ...places.next(), index }
      const place = `DWORD PTR ${address(m, (i) => vec(w, i))}`
      if (w !== 512)
        cases.push({
          text: `vgatherdps ${vec(w, d)},${place},${vec(w, mask)}`,
          emit: (a) => a.gather(w, d, m, mask),
          on: 'avx2',
        })
      for (const high of [0, 16]) {
        const far: Mem = { ...m, index: index + high }
        const there = `DWORD PTR ${address(far, (i) => vec(w, i))}`
        const by = (mask % 7) + 1
        cases.push(
          {
            text: `vgatherdps ${vec(w, d + 16 - high)}{${k(by)}},${there}`,
            emit: (a) => a.gather(w, d + 16 - high, far, by),
            on: 'avx512',
          },
          {
            text: `vscatterdps ${there}{${k(by)}},${vec(w, d + high)}`,
            emit: (a) => a.scatter(w, far, d + high, by),
            on: 'avx512',
          },
        )
      }
    }
  return cases
}

/** Memory at a label, whose distance counts from the end of the instruction, behind immediates. */
function atLabels(): Case[] {
  const rows: [string, (a: Assembler, m: Mem) => void][] = [
    ['mov r9,QWORD PTR [rip+0x10] # 0x17', (a, m) => a.load64(9, m)],
    ['cmp DWORD PTR [rip+0x10],0x5 # 0x17', (a, m) => a.cmp32MemImm(m, 5)],
    ['cmp DWORD PTR [rip+0x10],0x500 # 0x1a', (a, m) => a.cmp32MemImm(m, 0x500)],
    ['mov DWORD PTR [rip+0x10],0xffffffff # 0x1a', (a, m) => a.store32Imm(m, -1)],
    ['mov QWORD PTR [rip+0x10],0x5 # 0x1b', (a, m) => a.store64Imm(m, 5)],
    ['vaddps ymm9,ymm2,YMMWORD PTR [rip+0x10] # 0x18', (a, m) => a.v3('addps', 256, 9, 2, m)],
    ['vblendvps ymm9,ymm2,YMMWORD PTR [rip+0x10],ymm3 # 0x1a', (a, m) => a.blendv(256, 9, 2, m, 3)],
  ]
  const wide: typeof rows = [
    ['vaddps zmm9,zmm2,ZMMWORD PTR [rip+0x10] # 0x1a', (a, m) => a.v3('addps', 512, 9, 2, m)],
    ['vaddps zmm9,zmm2,DWORD BCST [rip+0x10] # 0x1a', (a, m) => a.v3('addps', 512, 9, 2, m, { broadcast: true })],
    ['vcmpltps k1,zmm2,ZMMWORD PTR [rip+0x10] # 0x1b', (a, m) => a.cmpMask(512, 1, 2, m, 1)],
  ]
  return [...rows, ...wide].map(
    ([text, emit]): Case => ({
      text,
      emit: (a) => {
        const l = a.label()
        emit(a, { base: 0, offset: 16, label: l })
        a.bind(l)
      },
      ...(/zmm/.test(text) ? { on: 'avx512' } : {}),
    }),
  )
}

export function otherCases(): Case[] {
  return [...moves(), ...lanes(), ...masks(), ...gathers(), ...atLabels()]
}
