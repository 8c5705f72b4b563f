/** @file ResNet-18 (He et al. 2016) as torchvision has it: weights go back and forth by name. */
import type { Tensor } from '../../src/index.ts'
import { BatchNorm2d, Conv2d, functional, Linear, Module, Sequential } from '../../src/nn/index.ts'

const conv3x3 = (i: number, o: number, stride = 1): Conv2d => new Conv2d(i, o, 3, { stride, padding: 1, bias: false })

/** Two 3 × 3 convolutions beside a shortcut: `[B, i, H, W] → [B, o, H / stride, W / stride]`. */
class BasicBlock extends Module {
  readonly conv1: Conv2d
  readonly bn1: BatchNorm2d
  readonly conv2: Conv2d
  readonly bn2: BatchNorm2d
  /** Fits the shortcut to the block's result where their shapes differ. */
  readonly downsample: Sequential | null

  constructor(i: number, o: number, stride = 1) {
    super()
    this.conv1 = conv3x3(i, o, stride)
    this.bn1 = new BatchNorm2d(o)
    this.conv2 = conv3x3(o, o)
    this.bn2 = new BatchNorm2d(o)
    this.downsample =
      stride === 1 ? null : new Sequential(new Conv2d(i, o, 1, { stride, bias: false }), new BatchNorm2d(o))
  }

  override forward(x: Tensor): Tensor {
    const h = this.bn1.call(this.conv1.call(x)).relu()
    return this.bn2
      .call(this.conv2.call(h))
      .add(this.downsample?.call(x) ?? x)
      .relu()
  }
}

/** Logits of 1000 classes: `[B, 3, H, W] → [B, 1000]`. */
export class ResNet18 extends Module {
  readonly conv1 = new Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false })
  readonly bn1 = new BatchNorm2d(64)
  readonly layer1 = new Sequential(new BasicBlock(64, 64), new BasicBlock(64, 64))
  readonly layer2 = new Sequential(new BasicBlock(64, 128, 2), new BasicBlock(128, 128))
  readonly layer3 = new Sequential(new BasicBlock(128, 256, 2), new BasicBlock(256, 256))
  readonly layer4 = new Sequential(new BasicBlock(256, 512, 2), new BasicBlock(512, 512))
  readonly fc = new Linear(512, 1000)

  override forward(x: Tensor): Tensor {
    const stem = functional.maxPool(this.bn1.call(this.conv1.call(x)).relu(), 3, { stride: 2, padding: 1 })
    const h = this.layer4.call(this.layer3.call(this.layer2.call(this.layer1.call(stem))))
    return this.fc.call(h.mean([2, 3]))
  }
}
