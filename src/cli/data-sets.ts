/**
 * @file Data sets that `glia data get` knows: where their publishers keep them, and what their bytes must hash to.
 *
 * Checksums are the publishers' own where they give any (MNIST's and Fashion-MNIST's sha256 go with their published md5),
 * else those that widely used libraries hold their downloads to. Files in repositories are pinned to a commit.
 */

import type { Checksum } from '../node/download.ts'

/** A file to download. */
export interface SetFile {
  readonly name: string
  readonly bytes: number
  readonly checksum: Checksum
  /** Directories, the preferred one first, that hold it under `name`; or whole addresses, where it is named otherwise. */
  readonly from: readonly string[]
  /** For archives: what is taken out of them, and the name it gets. */
  readonly members?: Readonly<Record<string, string>>
}

export interface DataSet {
  /** One line. */
  readonly description: string
  /** The publishers' page. */
  readonly page: string
  readonly files: readonly SetFile[]
  /** What to do with it, `DIR` being where it is. */
  readonly next?: string
}

const sha256 = (value: string): Checksum => ({ sha256: value })
const raw = (repository: string, commit: string, folder: string): string =>
  `https://raw.githubusercontent.com/${repository}/${commit}/${folder}/`

const MNIST = [
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
  'http://yann.lecun.com/exdb/mnist/',
]
const FASHION = [
  'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  raw('zalandoresearch/fashion-mnist', 'b2617bb6d3ffa2e429640350f613e3291e10b141', 'data/fashion'),
]
const TORONTO = ['https://www.cs.toronto.edu/~kriz/']
const SST2 = [raw('clairett/pytorch-sentiment-classification', '457ffd83de90a9d6d472d8ffc31bbffe40a8b236', 'data/SST2')]
const MULTI30K = [raw('multi30k/dataset', 'a3d2e0d26b56f3846f66a952536ffed4e401d05a', 'data/task1/raw')]

const same = (folder: string, names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [`${folder}/${name}`, name]))

export const dataSets: Readonly<Record<string, DataSet>> = {
  mnist: {
    description: 'MNIST: 70,000 handwritten digits, 28 × 28 grey',
    page: 'http://yann.lecun.com/exdb/mnist/',
    next: 'glia train mnist-cnn --data DIR   (or lenet5, mlp)',
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        bytes: 9_912_422,
        checksum: sha256('440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'),
        from: MNIST,
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        bytes: 28_881,
        checksum: sha256('3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'),
        from: MNIST,
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        bytes: 1_648_877,
        checksum: sha256('8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'),
        from: MNIST,
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        bytes: 4_542,
        checksum: sha256('f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'),
        from: MNIST,
      },
    ],
  },
  'fashion-mnist': {
    description: 'Fashion-MNIST: 70,000 pictures of clothes, 28 × 28 grey',
    page: 'https://github.com/zalandoresearch/fashion-mnist',
    next: 'glia train lenet5 --data DIR',
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        bytes: 26_421_880,
        checksum: sha256('3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84'),
        from: FASHION,
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        bytes: 29_515,
        checksum: sha256('a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845'),
        from: FASHION,
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        bytes: 4_422_102,
        checksum: sha256('346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073'),
        from: FASHION,
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        bytes: 5_148,
        checksum: sha256('67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'),
        from: FASHION,
      },
    ],
  },
  cifar10: {
    description: 'CIFAR-10: 60,000 photographs in ten classes, 32 × 32 colour',
    page: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    next: 'glia train cifar10 --data DIR',
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        bytes: 170_052_171,
        checksum: { md5: 'c32a1d4ab5d03f1284b67883e8d87530' },
        from: TORONTO,
        members: same('cifar-10-batches-bin', [
          'batches.meta.txt',
          'data_batch_1.bin',
          'data_batch_2.bin',
          'data_batch_3.bin',
          'data_batch_4.bin',
          'data_batch_5.bin',
          'test_batch.bin',
        ]),
      },
    ],
  },
  cifar100: {
    description: 'CIFAR-100: 60,000 photographs in a hundred classes, 32 × 32 colour',
    page: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    next: "readCifarDirectory('DIR') of glia/node reads it",
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        bytes: 168_513_733,
        checksum: { md5: '03b5dce01913d631647c71ecec9e9cb8' },
        from: TORONTO,
        members: same('cifar-100-binary', ['train.bin', 'test.bin', 'fine_label_names.txt', 'coarse_label_names.txt']),
      },
    ],
  },
  movielens: {
    description: 'MovieLens latest-small: 100,836 ratings of 9,742 films (no commercial use; see README.txt)',
    page: 'https://grouplens.org/datasets/movielens/latest/',
    next: 'glia train recommender --data DIR/ratings.csv',
    files: [
      {
        name: 'ml-latest-small.zip',
        bytes: 978_202,
        checksum: sha256('696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436'),
        from: ['https://files.grouplens.org/datasets/movielens/'],
        members: same('ml-latest-small', ['ratings.csv', 'movies.csv', 'tags.csv', 'links.csv', 'README.txt']),
      },
    ],
  },
  'tiny-shakespeare': {
    description: 'Tiny Shakespeare: 40,000 lines of his plays',
    page: 'https://github.com/karpathy/char-rnn',
    next: 'glia train text-generator --data DIR/input.txt',
    files: [
      {
        name: 'input.txt',
        bytes: 1_115_394,
        checksum: sha256('86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed'),
        from: [raw('karpathy/char-rnn', '6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e', 'data/tinyshakespeare')],
      },
    ],
  },
  sst2: {
    description: 'SST-2: 9,613 sentences of the Stanford Sentiment Treebank, positive or negative, in three files',
    page: 'https://github.com/clairett/pytorch-sentiment-classification',
    next: 'glia train text-classifier --data DIR/train.tsv --text 1 --label 2',
    files: [
      {
        name: 'train.tsv',
        bytes: 720_259,
        checksum: sha256('ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920'),
        from: SST2,
      },
      {
        name: 'dev.tsv',
        bytes: 92_057,
        checksum: sha256('eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359'),
        from: SST2,
      },
      {
        name: 'test.tsv',
        bytes: 188_749,
        checksum: sha256('831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7'),
        from: SST2,
      },
    ],
  },
  'rt-polarity': {
    description: 'Sentence polarity: 5,331 positive and 5,331 negative sentences of film reviews',
    page: 'https://www.cs.cornell.edu/people/pabo/movie-review-data/',
    files: [
      {
        name: 'rt-polaritydata.tar.gz',
        bytes: 487_770,
        checksum: sha256('a05befe52aafda71d458d188a1c54506a998b1308613ba76bbda2e5029409ce9'),
        from: [
          'https://www.cs.cornell.edu/people/pabo/movie-review-data/',
          'https://storage.googleapis.com/seldon-datasets/sentence_polarity_v1/',
        ],
        members: same('rt-polaritydata', ['rt-polarity.pos', 'rt-polarity.neg']),
      },
    ],
  },
  multi30k: {
    description: 'Multi30k: 31,014 captions in English and French, for translation',
    page: 'https://github.com/multi30k/dataset',
    files: [
      {
        name: 'train.en.gz',
        bytes: 568_929,
        checksum: sha256('d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f'),
        from: MULTI30K,
      },
      {
        name: 'train.fr.gz',
        bytes: 604_242,
        checksum: sha256('622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c'),
        from: MULTI30K,
      },
      {
        name: 'val.en.gz',
        bytes: 21_650,
        checksum: sha256('14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28'),
        from: MULTI30K,
      },
      {
        name: 'val.fr.gz',
        bytes: 23_001,
        checksum: sha256('ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9'),
        from: MULTI30K,
      },
      {
        name: 'test_2016_flickr.en.gz',
        bytes: 21_077,
        checksum: sha256('611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9'),
        from: MULTI30K,
      },
      {
        name: 'test_2016_flickr.fr.gz',
        bytes: 22_310,
        checksum: sha256('6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90'),
        from: MULTI30K,
      },
    ],
  },
  'california-housing': {
    description: 'California housing: 20,640 districts of the 1990 census',
    page: 'https://www.dcc.fc.up.pt/~ltorgo/Regression/cal_housing.html',
    next: 'glia train tabular --data DIR/cal_housing.data --target 9',
    files: [
      {
        name: 'cal_housing.tgz',
        bytes: 441_963,
        checksum: sha256('aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681'),
        from: ['https://ndownloader.figshare.com/files/5976036', 'https://www.dcc.fc.up.pt/~ltorgo/Regression/'],
        members: same('CaliforniaHousing', ['cal_housing.data', 'cal_housing.domain']),
      },
    ],
  },
  iris: {
    description: 'Iris: 150 flowers of three kinds, by four lengths',
    page: 'https://archive.ics.uci.edu/dataset/53/iris',
    next: 'glia train tabular --data DIR/iris.data --target 5',
    files: [
      {
        name: 'iris.data',
        bytes: 4_551,
        checksum: sha256('6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0'),
        from: ['https://archive.ics.uci.edu/ml/machine-learning-databases/iris/'],
      },
    ],
  },
}
