import { describe, expect, test } from 'vitest'
import { cocoMask, parseCoco } from '../../../src/data/readers/coco.ts'
import { parseYolo } from '../../../src/data/readers/yolo.ts'

describe('parseYolo', () => {
  test('boxes in pixels; polygons become their boxes', () => {
    const { boxes, labels } = parseYolo('0 0.5 0.5 0.2 0.4\n\n2 0.1 0.1 0.3 0.1 0.2 0.4\n1 0.5 0.5 1 1 0.9\n', {
      width: 100,
      height: 50,
    })
    expect([...labels.data]).toEqual([0, 2, 1])
    expect(boxes.shape).toEqual([3, 4])
    const expected = [40, 15, 60, 35, 10, 5, 30, 20, 0, 0, 100, 50]
    expected.forEach((value, i) => {
      expect(boxes.data[i]).toBeCloseTo(value, 4)
    })
    expect(parseYolo('').boxes.shape).toEqual([0, 4])
  })

  test('names a wrong line', () => {
    expect(() => parseYolo('0 0.5 0.5 0.1 0.1\n0 1.5 0.5 0.1 0.1', { name: 'a.txt' })).toThrow(
      'a.txt, line 2: the coordinate 1.5 is not between 0 and 1',
    )
    expect(() => parseYolo('0 0.5 0.5')).toThrow('neither class, centre and size')
    expect(() => parseYolo('3 0.5 0.5 0.1 0.1', { classes: 3 })).toThrow('class 3 is out of range')
    expect(() => parseYolo('0 a 0.5 0.1 0.1')).toThrow('the coordinate NaN')
  })
})

describe('parseCoco', () => {
  const file = {
    images: [{ id: 7, file_name: 'a.jpg', width: 4, height: 3 }],
    categories: [
      { id: 90, name: 'dog' },
      { id: 1, name: 'cat' },
    ],
    annotations: [
      { id: 1, image_id: 7, category_id: 90, bbox: [1, 1, 2, 1], iscrowd: 0, segmentation: [[1, 1, 3, 1, 3, 2, 1, 2]] },
      { id: 2, image_id: 7, category_id: 1, bbox: [0, 0, 1, 1], iscrowd: 1, keypoints: [1, 2, 2, 0, 0, 0] },
      { id: 3, image_id: 8, category_id: 1, bbox: [0, 0, 1, 1] },
      { id: 4, image_id: 7, category_id: 5, bbox: [0, 0, 1, 1] },
      { id: 5, image_id: 7, category_id: 1, bbox: [0, 0, 0, 1] },
      { id: 6, image_id: 7, caption: 'a dog' },
    ],
  }

  test('gives each picture its objects, and lists what it left out', () => {
    const { images, classes, skipped } = parseCoco(JSON.stringify(file))
    expect(classes).toEqual(['cat', 'dog'])
    expect(images).toEqual([
      {
        id: 7,
        file: 'a.jpg',
        width: 4,
        height: 3,
        boxes: { data: Float32Array.of(1, 1, 3, 2, 0, 0, 1, 1), shape: [2, 4] },
        labels: { data: Int32Array.of(1, 0), shape: [2] },
        crowd: { data: Uint8Array.of(0, 1), shape: [2] },
        segmentations: [[[1, 1, 3, 1, 3, 2, 1, 2]], null],
        keypoints: { data: Float32Array.of(0, 0, 0, 0, 0, 0, 1, 2, 2, 0, 0, 0), shape: [2, 2, 3] },
        captions: ['a dog'],
      },
    ])
    expect(skipped.map(({ annotation }) => annotation)).toEqual([3, 4, 5])
    expect(skipped[0].reason).toBe('its picture 8 is not listed')
  })

  test('refuses other files', () => {
    expect(() => parseCoco('{', 'a.json')).toThrow('a.json is not JSON')
    expect(() => parseCoco('{"images": 3}')).toThrow('no list called images')
    expect(() => parseCoco('{"images": [{"id": 1}], "annotations": []}')).toThrow('image 0 has no id, file_name')
  })

  test('masks: polygons, run lengths, packed run lengths', () => {
    const rows = ['0000', '0110', '0000']
    const mask = { data: Uint8Array.from(rows.join(''), Number), shape: [3, 4] }
    expect(cocoMask([[1, 1, 3, 1, 3, 2, 1, 2]], 4, 3)).toEqual(mask)
    expect(cocoMask({ size: [3, 4], counts: [4, 1, 2, 1, 4] }, 4, 3)).toEqual(mask)
    // As pycocotools packs it: 4, 1, 2, then 1 − 1 and 4 − 2.
    expect(cocoMask({ size: [3, 4], counts: '41202' }, 4, 3)).toEqual(mask)
    expect(() => cocoMask({ size: [3, 4], counts: [4] }, 4, 3)).toThrow('do not add up to 4 × 3')
  })
})
