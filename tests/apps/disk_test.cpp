#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/serialize.hpp"
#include "tests/apps/runs.hpp"
#include "tests/data/support.hpp"

namespace hebb::test {
namespace {

namespace fs = std::filesystem;

// A file system of its own, in memory, where this process may mount one.
class Disk {
 public:
  Disk(std::string path, const char* size) : path_(std::move(path)) {
    fs::create_directory(path_);
    mounted_ = mount("hebb", path_.c_str(), "tmpfs", 0, size) == 0;
    if (!mounted_) WARN("skipped: cannot mount: " << std::strerror(errno));
  }
  ~Disk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  bool mounted() const { return mounted_; }
  void become(unsigned long flags, const char* size) const {
    REQUIRE(mount("hebb", path_.c_str(), "tmpfs", MS_REMOUNT | flags, size) == 0);
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("hebb-train: a file system that is full or read-only costs nothing", "[apps]") {
  const Runs runs({"--model", "mlp:784-64-10", "--epochs", "6"});
  runs.finish("straight");
  // The weights take 200 KB, a checkpoint three times as much: there is room for one of each.
  const Disk disk(runs / "disk", "size=1200k");
  if (!disk.mounted()) return;
  const std::string checkpoint = runs / "disk/run/checkpoint.safetensors";
  const std::vector<std::string> each_epoch = {"--resume", "--checkpoint-every", "epochs=1"};
  for (int i = 0; i < 2; ++i) {
    check_failure(runs.start("disk/run", each_epoch), 1,
                  "checkpoint.safetensors: No space left on device");
    REQUIRE_NOTHROW(load_safetensors(checkpoint));
    for (const fs::directory_entry& entry : fs::directory_iterator(runs / "disk/run"))
      CHECK(entry.path().extension() != ".partial");
  }
  const Bytes before = read_file(checkpoint);

  disk.become(MS_RDONLY, "size=10m");
  check_failure(runs.start("disk/run", each_epoch), 1, "lock: cannot open: Read-only file system");
  check_failure(runs.start("disk/other"), 1,
                "disk/other: cannot create the folder: Read-only file system");
  CHECK(read_file(checkpoint) == before);

  disk.become(0, "size=10m");
  runs.finish("disk/run", each_epoch);
  runs.check_equal("straight", "disk/run");
}

}  // namespace hebb::test
