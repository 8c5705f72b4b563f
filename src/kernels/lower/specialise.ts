/**
 * @file A pass where one loop is known to stay in a range: guards that hold all over it are dropped, what they close
 * becomes 0, selections that they decide are made. What no longer mentions the loop can then be computed outside it.
 */
import { type Expr, type Guard, operands } from '../expr.ts'
import { add, type Index, indexOf, mentions, newVar, strideOf, substitute, type Var } from '../index.ts'
import type { Pass } from '../kernel.ts'
import { mapExpressions, mapOperands } from './rewrite.ts'
import { survey } from './survey.ts'

const cache = new WeakMap<Pass, Map<string, Pass>>()

/** The pass for from ≤ v < to. Expressions to which this makes no difference stay the same objects. */
export function specialise(pass: Pass, v: Var, from: number, to: number): Pass {
  if (!survey(pass).guards.some((g) => mentions(g.index, v))) return pass
  const known = cache.get(pass) ?? new Map<string, Pass>()
  cache.set(pass, known)
  const key = `${v.key},${from},${to}`
  let special = known.get(key)
  if (special === undefined) {
    const s = new Specialiser(v, from, to)
    special = mapExpressions([pass], (e) => s.expr(e))[0]
    known.set(key, special)
  }
  return special
}

type Truth = boolean | null

class Specialiser {
  readonly #v: Var
  readonly #from: number
  readonly #to: number
  readonly #done = new Map<Expr, Expr>()

  constructor(v: Var, from: number, to: number) {
    this.#v = v
    this.#from = from
    this.#to = to
  }

  expr(e: Expr): Expr {
    let made = this.#done.get(e)
    if (made === undefined) {
      made = this.#make(e)
      this.#done.set(e, made)
    }
    return made
  }

  #make(e: Expr): Expr {
    switch (e.op) {
      case 'load':
      case 'gather':
      case 'bound': {
        const guards = this.#open(e.guards)
        if (guards === null) return { op: 'constant', dtype: e.dtype, value: 0 }
        const inner = mapOperands(e, (x) => this.expr(x))
        return guards.length === e.guards.length ? inner : { ...inner, guards }
      }
      case 'inside': {
        const guards = this.#open(e.guards)
        if (guards === null) return { op: 'constant', dtype: 'bool', value: 0 }
        if (guards.length === 0) return { op: 'constant', dtype: 'bool', value: 1 }
        return guards.length === e.guards.length ? e : { ...e, guards }
      }
      case 'select': {
        const [condition, a, b] = [this.expr(e.condition), this.expr(e.a), this.expr(e.b)]
        if (condition.op === 'constant' && !checks(condition.value === 0 ? a : b)) return condition.value === 0 ? b : a
        return condition === e.condition && a === e.a && b === e.b ? e : { ...e, condition, a, b }
      }
      default:
        return mapOperands(e, (x) => this.expr(x))
    }
  }

  /** The guards that are left to check, null where one never holds. */
  #open(guards: readonly Guard[]): Guard[] | null {
    const left: Guard[] = []
    for (const g of guards) {
      const truth = this.#truth(g)
      if (truth === false) return null
      if (truth === null) left.push(g)
    }
    return left
  }

  #truth({ index, lo, hi }: Guard): Truth {
    const [least, most] = this.#bounds(index)
    if (least >= lo && most < hi) return true
    return most < lo || least >= hi ? false : null
  }

  #bounds(index: Index): [number, number] {
    const stride = strideOf(index, this.#v)
    if (stride === null) {
      const narrowed = add(indexOf(newVar(this.#to - this.#from)), this.#from)
      const { lo, hi } = substitute(index, new Map([[this.#v, narrowed]]))
      return [lo, hi]
    }
    const last = stride * (this.#v.extent - 1)
    const [p, q] = [stride * this.#from, stride * (this.#to - 1)]
    return [index.lo - Math.min(0, last) + Math.min(p, q), index.hi - Math.max(0, last) + Math.max(p, q)]
  }
}

/** Whether an expression checks indices: it may then fail, wanted or not. */
function checks(e: Expr, seen: Set<Expr> = new Set()): boolean {
  if (seen.has(e)) return false
  seen.add(e)
  return e.op === 'bound' || operands(e).some((x) => checks(x, seen))
}
