#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/choice.hpp"

namespace hebb::apps {

/// A file as its publisher has it.
struct PublishedFile {
  std::string name;  ///< "train-images-idx3-ubyte.gz", or an archive.
  int64_t bytes = 0;
  std::string digest;  ///< MD5 or SHA-256, in hexadecimal.
};

/// A file that a reader takes, packed or not.
struct DataFile {
  std::string name;    ///< Without ".gz".
  int64_t bytes = 0;   ///< Unpacked.
  std::string digest;  ///< SHA-256 of the unpacked bytes.
};

/// Where a data set comes from, and what it has to be.
struct Published {
  std::string folder;                    ///< In which the reader looks, of the data sets' folder.
  std::vector<std::string> homes;        ///< Folders in the web, the first to be asked first.
  std::vector<PublishedFile> downloads;  ///< From each home; NAME.tar.gz holds all `files`.
  std::vector<DataFile> files;           ///< What is there in the end, in the order of appearance.
};

/// "mnist", "fashion-mnist", "cifar10".
const Choices<Published>& published_datasets();

}  // namespace hebb::apps
