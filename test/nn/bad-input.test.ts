/** @file Layers over images refuse what cannot be meant: every message names the layer or operation, and the rule. */
import { describe, expect, it } from 'vitest'
import { GliaError, tensor, zeros } from '../../src/index.ts'
import * as nn from '../../src/nn/index.ts'

const { functional: f } = nn
const image = (...shape: number[]) => zeros(shape.length > 0 ? shape : [1, 4, 6, 6])

/** What is done, and what the message says. */
const mistakes: readonly (readonly [what: string, run: () => unknown, says: RegExp])[] = [
  // Convolutions
  ['no channels', () => new nn.Conv2d(0, 4, 3), /Conv2d: inChannels must be a whole number of at least 1; received 0/],
  ['half a channel', () => new nn.Conv1d(2, 1.5, 3), /Conv1d: outChannels/],
  ['groups', () => new nn.Conv2d(4, 6, 3, { groups: 4 }), /Conv2d: groups must divide the channels/],
  ['groups below 1', () => new nn.Conv2d(4, 6, 3, { groups: 0 }), /Conv2d: groups/],
  ['kernel of 0', () => new nn.Conv2d(4, 6, 0), /Conv2d: kernelSize/],
  ['kernel of three axes', () => new nn.Conv2d(4, 6, [3, 3, 3]), /Conv2d: kernelSize must be .* or 2 of them/],
  ['stride of 0', () => new nn.Conv3d(4, 6, 3, { stride: 0 }), /Conv3d: stride/],
  ['dilation of 0', () => new nn.Conv2d(4, 6, 3, { dilation: 0 }), /Conv2d: dilation/],
  ['negative padding', () => new nn.Conv2d(4, 6, 3, { padding: -1 }), /Conv2d: padding/],
  ['NaN padding', () => new nn.Conv2d(4, 6, 3, { padding: Number.NaN }), /Conv2d: padding/],
  ['kernel beyond the image', () => new nn.Conv2d(4, 6, 7).forward(image()), /kernel .* reaches over 7 .* only 6/],
  ['other channels', () => new nn.Conv2d(3, 6, 3).forward(image()), /conv2d: the input \[1, 4, 6, 6\] has 4 channels/],
  ['no batch axis', () => new nn.Conv2d(4, 6, 3).forward(image(4, 6, 6)), /Conv2d: .* rank 4.*unsqueeze\(0\)/],
  ['an image for a sequence', () => new nn.Conv1d(4, 6, 3).forward(image()), /Conv1d: expects an input of rank 3/],
  [
    'reflection beyond the image',
    () => new nn.Conv2d(4, 6, 3, { padding: 6, paddingMode: 'reflect' }).forward(image()),
    /pad: .* axis 2 .* reflect padding of 6 elements adds at most 5/,
  ],
  [
    'output padding',
    () => new nn.ConvTranspose2d(4, 6, 3, { outputPadding: 1 }).forward(image()),
    /outputPadding must/,
  ],
  ['negative output padding', () => new nn.ConvTranspose2d(4, 6, 3, { outputPadding: -1 }), /outputPadding/],
  ['transposed channels', () => new nn.ConvTranspose2d(3, 6, 3).forward(image()), /convTranspose2d: .* 4 channels/],
  // Pools
  ['window of 0', () => new nn.MaxPool2d(0), /MaxPool2d: kernelSize/],
  [
    'padding beyond half the window',
    () => new nn.AvgPool2d(2, { padding: 2 }),
    /AvgPool2d: padding may be at most half/,
  ],
  ['divisor 0', () => new nn.AvgPool2d(2, { divisorOverride: 0 }), /divisorOverride/],
  ['window beyond the image', () => new nn.MaxPool2d(7).forward(image()), /window reaches over 7 .* only 6/],
  ['p of 0', () => new nn.LPPool2d(0, 2), /LPPool2d: p must be greater than 0/],
  ['p of ∞', () => f.lpPool(image(), Infinity, 2), /lpPool: p must/],
  ['output of 0', () => new nn.AdaptiveAvgPool2d(0), /AdaptiveAvgPool2d: outputSize/],
  ['output of three axes', () => new nn.AdaptiveMaxPool2d([1, 2, 3]), /AdaptiveMaxPool2d: outputSize/],
  ['global pool of vectors', () => new nn.GlobalAvgPool1d().forward(image(2, 3)), /GlobalAvgPool1d: expects .* rank 3/],
  ['global pool of nothing', () => new nn.GlobalMaxPool1d().forward(image(2, 3, 0)), /globalMaxPool: .* \[2, 3, 0\]/],
  ['adaptive pool of nothing', () => new nn.AdaptiveMaxPool1d(2).forward(image(2, 3, 0)), /not empty/],
  ['neither size nor ratio', () => new nn.FractionalMaxPool2d(2, {}), /either outputSize or outputRatio/],
  ['ratio of 1', () => new nn.FractionalMaxPool2d(2, { outputRatio: 1 }).forward(image()), /outputRatio must lie in/],
  ['too many windows', () => new nn.FractionalMaxPool2d(2, { outputSize: 6 }).forward(image()), /do not fit/],
  ['a window beyond the image', () => new nn.StochasticPool2d(7).forward(image()), /do not fit/],
  [
    'other indices',
    () => new nn.MaxUnpool2d(2).forward(image(), tensor([0], { dtype: 'int32' })),
    /maxUnpool: input and indices must agree/,
  ],
  [
    'an output that the pool cannot have had',
    () => new nn.MaxUnpool1d(2).forward(image(1, 1, 2), zeros([1, 1, 2], { dtype: 'int32' }), { outputSize: [7] }),
    /outputSize must be within/,
  ],
  [
    'an index outside',
    () => f.maxUnpool(image(1, 1, 2), tensor([[[0, 4]]], { dtype: 'int32' }), 2).dataSync(),
    /maxUnpool: .*4/,
  ],
  // Padding
  ['three widths', () => new nn.ZeroPad2d([1, 2, 3]), /ZeroPad2d: padding must be .* or 4 of them/],
  ['negative reflection', () => new nn.ReflectionPad1d(-1), /ReflectionPad1d: padding .* at least 0/],
  [
    'reflection of all',
    () => new nn.ReflectionPad1d(3).forward(image(1, 1, 3)),
    /reflect padding of 3 elements adds at most 2/,
  ],
  [
    'around more than once',
    () => new nn.CircularPad1d(4).forward(image(1, 1, 3)),
    /circular padding of 3 elements adds at most 3/,
  ],
  ['the edge of nothing', () => new nn.ReplicationPad1d(1).forward(image(1, 1, 0)), /replicate/],
  ['more cropped than there is', () => new nn.ZeroPad1d(-2).forward(image(1, 1, 3)), /no more can be cropped/],
  // Resampling
  ['size and factor', () => new nn.Upsample({ size: 4, scaleFactor: 2 }), /either size or scaleFactor/],
  ['neither', () => new nn.Upsample({}), /either size or scaleFactor/],
  ['factor 0', () => new nn.Upsample({ scaleFactor: 0 }).forward(image()), /scaleFactor must be a number above 0/],
  ['aligned nearest', () => new nn.Upsample({ size: 4, alignCorners: true }), /alignCorners is for linear/],
  ['nothing left', () => f.interpolate(image(), { scaleFactor: 0.1 }), /size must be/],
  ['a sequence as an image', () => f.interpolate(image(1, 2, 3), { size: 4, mode: 'bilinear' }), /rank 4/],
  ['an unknown mode', () => f.interpolate(image(), { size: 4, mode: 'cubic' as 'bicubic' }), /mode must be one of/],
  ['channels short of pixels', () => new nn.PixelShuffle(3).forward(image()), /multiple of factor² = 9/],
  ['pixels short of channels', () => new nn.PixelUnshuffle(4).forward(image()), /multiples of factor 4/],
  ['groups of channels', () => new nn.ChannelShuffle(3).forward(image()), /channelShuffle: .* 3 groups/],
  // Patches
  ['patches beyond the image', () => new nn.Unfold(7).forward(image()), /unfold: patches of \[7, 7\]/],
  ['a stride of 0', () => new nn.Unfold(2, { stride: 0 }), /Unfold: stride/],
  ['other columns', () => new nn.Fold([4, 4], 2).forward(image(1, 8, 4)), /fold: .* expects \[B, C · 4, 9\]/],
  // Normalisation
  ['negative eps', () => new nn.BatchNorm2d(3, { eps: -1 }), /BatchNorm2d: eps must be at least 0/],
  ['momentum of 2', () => new nn.BatchNorm1d(3, { momentum: 2 }), /BatchNorm1d: momentum/],
  ['one value per channel', () => new nn.BatchNorm1d(3).forward(image(1, 3)), /more than one value per channel/],
  [
    'channels',
    () => new nn.BatchNorm2d(3).forward(image()),
    /BatchNorm2d: expects \[B, 3, H, W\]; received \[1, 4, 6, 6\]/,
  ],
  ['a rank', () => new nn.BatchNorm1d(4).forward(image()), /expects \[B, 4\] or \[B, 4, L\]/],
  ['one value per instance', () => new nn.InstanceNorm1d(3).forward(image(2, 3, 1)), /more than one value per example/],
  ['a shape', () => new nn.LayerNorm([2, 6]).forward(image()), /layerNorm: .* last axes are \[2, 6\]/],
  ['no shape', () => new nn.LayerNorm([]), /LayerNorm: shape/],
  ['an extent of 0', () => new nn.RMSNorm(0), /RMSNorm: shape/],
  ['groups that do not divide', () => new nn.GroupNorm(3, 4), /GroupNorm: groups must divide/],
  ['channels of groups', () => new nn.GroupNorm(3, 6).forward(image()), /GroupNorm: expects \[B, 6, …\]/],
  ['a size of 0', () => new nn.LocalResponseNorm(0), /LocalResponseNorm: size/],
  // Dropout
  ['p above 1', () => new nn.Dropout2d(1.1), /Dropout2d: p must lie in \[0, 1\]; received 1.1/],
  ['p of NaN', () => new nn.AlphaDropout(Number.NaN), /AlphaDropout: p/],
  ['an image for a sequence of channels', () => new nn.Dropout1d().forward(image()), /Dropout1d: expects .* rank 3/],
]

describe('refuses', () => {
  it.each(mistakes)('%s', (_, run, says) => {
    expect(run).toThrow(GliaError)
    expect(run).toThrow(says)
  })
})
