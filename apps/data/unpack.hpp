#pragma once

#include <filesystem>
#include <vector>

#include "apps/data/published.hpp"

namespace hebb::apps {

/// Unpacks these files, wherever in the archive they lie, into a folder, where they appear, in
/// their order, after the whole archive was read and all of them were found right. FormatError, and
/// nothing unpacked, where one is absent, of another size or digest, or the archive has a path that
/// leaves the folder, a link, or anything else that is neither file nor folder. IoError.
void unpack(const std::filesystem::path& archive, const std::filesystem::path& folder,
            const std::vector<DataFile>& files);

}  // namespace hebb::apps
