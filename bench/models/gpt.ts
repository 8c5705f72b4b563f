/** @file A small GPT over characters: pre-norm decoder blocks with causal attention (Radford et al. 2019). */
import { arange, type Tensor } from '../../src/index.ts'
import { Buffer, Embedding, LayerNorm, Linear, Module, Sequential } from '../../src/nn/index.ts'

/** Attention and a feed-forward part, each added to its input: `[B, T, D] → [B, T, D]` with T the context's length. */
class Block extends Module {
  readonly ln1: LayerNorm
  readonly ln2: LayerNorm
  readonly qkv: Linear
  readonly proj: Linear
  readonly up: Linear
  readonly down: Linear
  /** Which positions (columns) each position (row) may look at, bool `[T, T]`. */
  readonly mask: Buffer
  readonly #heads: number

  constructor(width: number, heads: number, context: number) {
    super()
    this.ln1 = new LayerNorm(width)
    this.ln2 = new LayerNorm(width)
    this.qkv = new Linear(width, 3 * width)
    this.proj = new Linear(width, width)
    this.up = new Linear(width, 4 * width)
    this.down = new Linear(4 * width, width)
    this.mask = new Buffer(arange(context).unsqueeze(1).ge(arange(context)))
    this.#heads = heads
  }

  override forward(x: Tensor): Tensor {
    const y = x.add(this.proj.call(this.attend(this.ln1.call(x))))
    return y.add(this.down.call(this.up.call(this.ln2.call(y)).gelu()))
  }

  /** softmax(q kᵀ / √d) v in each head. */
  attend(x: Tensor): Tensor {
    const [b, t, d] = x.shape
    const size = d / this.#heads
    const heads = this.qkv.call(x).view([b, t, 3, this.#heads, size]).permute([2, 0, 3, 1, 4])
    const [q, k, v] = [0, 1, 2].map((i) => heads.select(0, i))
    const scores = q.matmul(k.transpose()).mul(size ** -0.5)
    const weights = scores.maskedFill(this.mask.not(), Number.NEGATIVE_INFINITY).softmax()
    return weights.matmul(v).transpose(1, 2).reshape([b, t, d])
  }
}

/** Logits of the next character at each position: int32 `[B, 128] → [B, 128, 65]`. */
export class GPT extends Module {
  static readonly vocabulary = 65
  static readonly context = 128
  readonly tok: Embedding
  readonly pos: Embedding
  readonly blocks: Sequential
  readonly ln: LayerNorm
  readonly head: Linear

  constructor(width = 128, layers = 4, heads = 4) {
    super()
    this.tok = new Embedding(GPT.vocabulary, width)
    this.pos = new Embedding(GPT.context, width)
    this.blocks = new Sequential(...Array.from({ length: layers }, () => new Block(width, heads, GPT.context)))
    this.ln = new LayerNorm(width)
    this.head = new Linear(width, GPT.vocabulary, { bias: false })
  }

  override forward(x: Tensor): Tensor {
    const embedded = this.tok.call(x).add(this.pos.call(arange(GPT.context)))
    return this.head.call(this.ln.call(this.blocks.call(embedded)))
  }
}
