#include "apps/data/published.hpp"

namespace hebb::apps {
namespace {

constexpr int64_t train_images = 47'040'016, train_labels = 60'008, test_images = 7'840'016,
                  test_labels = 10'008, cifar_batch = 30'730'000;

// Digests of packed files: torchvision's (vision/torchvision/datasets/mnist.py). Those of unpacked
// files were computed from files whose MD5 are the ones that are known for the originals
// (6bbc9ace898e44ae57da46a324031adb and so on). http://yann.lecun.com, the first home, is closed.
Published mnist() {
  return {
      .folder = "mnist",
      .homes = {"https://ossci-datasets.s3.amazonaws.com/mnist",
                "https://storage.googleapis.com/cvdf-datasets/mnist"},
      .downloads = {{"train-images-idx3-ubyte.gz", 9'912'422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"},
                    {"train-labels-idx1-ubyte.gz", 28'881, "d53e105ee54ea40749a09fcbcd1e9432"},
                    {"t10k-images-idx3-ubyte.gz", 1'648'877, "9fb629c4189551a2d022fa330f9573f3"},
                    {"t10k-labels-idx1-ubyte.gz", 4'542, "ec29112dd5afa0611ce80d1b7f02629c"}},
      .files = {{"train-images-idx3-ubyte", train_images,
                 "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
                {"train-labels-idx1-ubyte", train_labels,
                 "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
                {"t10k-images-idx3-ubyte", test_images,
                 "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
                {"t10k-labels-idx1-ubyte", test_labels,
                 "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}};
}

// Digests of packed files: the README of github.com/zalandoresearch/fashion-mnist; of unpacked
// files: computed from images put together from the same 70,000 in their order, and the labels.
Published fashion_mnist() {
  return {
      .folder = "fashion-mnist",
      .homes =
          {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
           "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"},
      .downloads = {{"train-images-idx3-ubyte.gz", 26'421'880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
                    {"train-labels-idx1-ubyte.gz", 29'515, "25c81989df183df01b3e8a0aad5dffbe"},
                    {"t10k-images-idx3-ubyte.gz", 4'422'102, "bef4ecab320f06d8554ea6380940ec79"},
                    {"t10k-labels-idx1-ubyte.gz", 5'148, "bb300cfdad3c16e7a12a480ee83cd310"}},
      .files = {{"train-images-idx3-ubyte", train_images,
                 "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
                {"train-labels-idx1-ubyte", train_labels,
                 "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
                {"t10k-images-idx3-ubyte", test_images,
                 "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
                {"t10k-labels-idx1-ubyte", test_labels,
                 "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}}};
}

// The page of the data set publishes an MD5 (c32a1d4ab5d03f1284b67883e8d87530); the SHA-256 of the
// archive and its files are torchvision's port's to Ruby. The test batch comes last: without it the
// reader takes the set for absent.
Published cifar10() {
  return {.folder = "cifar10",
          .homes = {"https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz"},
          .downloads = {{"cifar-10-binary.tar.gz", 170'052'171,
                         "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}},
          .files = {{"data_batch_1.bin", cifar_batch,
                     "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
                    {"data_batch_2.bin", cifar_batch,
                     "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
                    {"data_batch_3.bin", cifar_batch,
                     "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
                    {"data_batch_4.bin", cifar_batch,
                     "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
                    {"data_batch_5.bin", cifar_batch,
                     "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
                    {"test_batch.bin", cifar_batch,
                     "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"}}};
}

}  // namespace

const Choices<Published>& published_datasets() {
  static const Choices<Published> datasets(
      "data", {{"mnist", mnist()}, {"fashion-mnist", fashion_mnist()}, {"cifar10", cifar10()}});
  return datasets;
}

}  // namespace hebb::apps
