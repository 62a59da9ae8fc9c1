#include <archive.h>
#include <archive_entry.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "apps/common/folder_lock.hpp"
#include "apps/data/digest.hpp"
#include "apps/data/fetch.hpp"
#include "apps/data/inspect.hpp"
#include "apps/data/picture_grid.hpp"
#include "apps/data/unpack.hpp"
#include "data/catalog.hpp"
#include "tests/apps/data_server.hpp"
#include "tests/apps/process.hpp"
#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::apps;
using namespace hebb::test;

namespace {

const std::string program = HEBB_BIN "/hebb-data";
constexpr auto none = "00000000000000000000000000000000";
constexpr auto none_256 = "0000000000000000000000000000000000000000000000000000000000000000";

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string digest_of(const std::string& text, const char* sort) {
  Digest digest(sort);
  digest.add(as_bytes(text));
  return digest.finish();
}

std::string slurp(const std::string& path) {
  const Bytes all = read_file(path);
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

// A file that is not packed, whatever its name says.
const std::string& body() {
  static const std::string made = [] {
    std::string text;
    for (unsigned i = 0; i < 300'000; ++i) text += char('a' + i * i % 23);
    return text;
  }();
  return made;
}

Published set_of(const std::string& text, const std::string& home) {
  return {.folder = "set",
          .homes = {home},
          .downloads = {{"x.gz", std::ssize(text), digest_of(text, none)}},
          .files = {{"x", std::ssize(text), digest_of(text, none_256)}}};
}

FetchOptions quick() {
  return {
      .download = {.attempts = 3, .first_wait = std::chrono::milliseconds(1), .stall_seconds = 1},
      .quiet = true};
}

// Fetches from a server; what it has in the end, or the error.
std::string fetched(const TemporaryFolder& folder, const Server& server) {
  try {
    const bool done = fetch(set_of(body(), server.address()), folder.path(), quick());
    CHECK(done);
  } catch (const IoError& error) {
    CHECK(!std::filesystem::exists(folder / "set/x.gz"));
    return error.what();
  }
  CHECK(!std::filesystem::exists(folder / "set/x.gz.partial"));
  CHECK((slurp(folder / "set/x.gz") == body()));
  return "whole";
}

std::string tar(const std::string& path, const std::function<void(archive*, archive_entry*)>& add) {
  archive* out = archive_write_new();
  archive_write_add_filter_gzip(out);
  archive_write_set_format_pax_restricted(out);
  archive_write_open_filename(out, path.c_str());
  archive_entry* entry = archive_entry_new();
  add(out, entry);
  archive_entry_free(entry);
  archive_write_free(out);
  return path;
}

void add_file(archive* out, archive_entry* entry, const std::string& name,
              const std::string& text) {
  archive_entry_clear(entry);
  archive_entry_set_pathname(entry, name.c_str());
  archive_entry_set_size(entry, std::ssize(text));
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  archive_write_header(out, entry);
  archive_write_data(out, text.data(), text.size());
}

}  // namespace

TEST_CASE("hebb-data: digests", "[apps]") {
  CHECK(digest_of("abc", none) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(digest_of("abc", none_256) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_THROWS_AS(Digest("abc"), ValueError);
}

TEST_CASE("hebb-data: fetches, and knows what it has", "[apps]") {
  const TemporaryFolder folder;
  const Server server([](const Request& r) { return Response{http_range(r, body())}; });
  CHECK(fetched(folder, server) == "whole");
  CHECK(server.requests().size() == 1);
  CHECK(server.requests()[0].path == "/x.gz");
  CHECK(fetched(folder, server) == "whole");
  CHECK(server.requests().size() == 1);
}

TEST_CASE("hebb-data: goes on where a file ends", "[apps]") {
  const TemporaryFolder folder;
  test::write_file(folder / "set/x.gz.partial", as_bytes(body().substr(0, 1000)));
  SECTION("ranges") {
    const Server server([](const Request& r) { return Response{http_range(r, body())}; });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests()[0].from == 1000);
    CHECK(server.requests().size() == 1);
  }
  SECTION("no ranges") {
    const Server server(
        [](const Request&) { return Response{http("200 OK", body(), std::ssize(body()))}; });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests().back().from == 0);
  }
  SECTION("another file's begin") {
    test::write_file(folder / "set/x.gz.partial", as_bytes(std::string(1000, '?')));
    const Server server([](const Request& r) { return Response{http_range(r, body())}; });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests().back().from == 0);
  }
  SECTION("more than there is") {
    test::write_file(folder / "set/x.gz.partial", as_bytes(body() + "more"));
    const Server server([](const Request& r) { return Response{http_range(r, body())}; });
    CHECK(fetched(folder, server) == "whole");
  }
}

TEST_CASE("hebb-data: servers that fail now and then", "[apps]") {
  const TemporaryFolder folder;
  SECTION("cuts answers short") {
    const Server server([](const Request& r) {
      const std::string all = http_range(r, body());
      return Response{all.substr(0, 100'000)};
    });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests().size() > 2);
  }
  SECTION("stalls") {
    const Server server([](const Request& r) {
      const std::string all = http_range(r, body());
      if (r.number == 0) return Response{all.substr(0, 50'000), true};
      return Response{all};
    });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests()[1].from > 0);
  }
  SECTION("says a shorter length") {
    const Server server([](const Request& r) {
      return Response{r.number == 0 ? http("200 OK", body(), 5000) : http_range(r, body())};
    });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests()[1].from == 5000);
  }
  SECTION("is busy") {
    const Server server([](const Request& r) {
      return Response{r.number < 2 ? http("503 Busy", "", 0) : http_range(r, body())};
    });
    CHECK(fetched(folder, server) == "whole");
    CHECK(server.requests().size() == 3);
  }
  SECTION("moves") {
    const Server server([](const Request& r) {
      if (r.path == "/elsewhere") return Response{http_range(r, body())};
      return Response{http("302 Found", "moved", 5, "Location: /elsewhere\r\n")};
    });
    CHECK(fetched(folder, server) == "whole");
  }
}

TEST_CASE("hebb-data: servers that never have it", "[apps]") {
  const TemporaryFolder folder;
  SECTION("other bytes") {
    const Server server([](const Request&) {
      return Response{http("200 OK", std::string(body().size(), '?'), std::ssize(body()))};
    });
    CHECK(contains(fetched(folder, server), "digest differs"));
    CHECK(!std::filesystem::exists(folder / "set/x.gz.partial"));
  }
  SECTION("more bytes") {
    const Server server([](const Request&) {
      return Response{http("200 OK", body() + "more", std::ssize(body()) + 4)};
    });
    CHECK(contains(fetched(folder, server), "expected 300000 bytes, got more"));
  }
  SECTION("absent") {
    const Server server([](const Request&) { return Response{http("404 Not Found", "", 0)}; });
    CHECK(contains(fetched(folder, server), "404"));
    CHECK(server.requests().size() == 1);
  }
  SECTION("circles") {
    const Server server(
        [](const Request&) { return Response{http("302 Found", "", 0, "Location: /x.gz\r\n")}; });
    CHECK(contains(fetched(folder, server), "redirects"));
  }
  SECTION("says nothing") {
    const Server server([](const Request&) { return Response{"", true}; });
    CHECK(contains(fetched(folder, server), "/x.gz: "));
    CHECK(server.requests().size() == 3);
  }
}

TEST_CASE("hebb-data: a mirror after another", "[apps]") {
  const TemporaryFolder folder;
  const Server absent([](const Request&) { return Response{http("404 Not Found", "", 0)}; });
  const Server server([](const Request& r) { return Response{http_range(r, body())}; });
  Published set = set_of(body(), absent.address());
  set.homes.push_back(server.address() + "/");
  CHECK(fetch(set, folder.path(), quick()));
  CHECK((slurp(folder / "set/x.gz") == body()));
}

TEST_CASE("hebb-data: archives", "[apps]") {
  const TemporaryFolder folder;
  const std::vector<DataFile> files = {{"a", 3, digest_of("abc", none_256)},
                                       {"b", 2, digest_of("de", none_256)}};
  const std::string path = folder / "x.tar.gz", target = folder / "out";
  std::filesystem::create_directories(target);
  const auto refused = [&](const std::string& text, auto&& add) {
    tar(path, [&](archive* out, archive_entry* entry) {
      add_file(out, entry, "in/b", "de");
      add_file(out, entry, "in/readme", "not wanted");
      add(out, entry);
    });
    CHECK(contains(message_of<FormatError>([&] { unpack(path, target, files); }), text));
    CHECK(std::filesystem::is_empty(target));
  };
  const auto link = [](archive* out, archive_entry* entry, bool hard) {
    archive_entry_clear(entry);
    archive_entry_set_pathname(entry, "in/a");
    archive_entry_set_filetype(entry, hard ? AE_IFREG : AE_IFLNK);
    hard ? archive_entry_set_hardlink(entry, "in/b") : archive_entry_set_symlink(entry, "/etc");
    archive_write_header(out, entry);
  };
  refused("leaves the folder", [](auto* o, auto* e) { add_file(o, e, "../a", "abc"); });
  refused("leaves the folder", [](auto* o, auto* e) { add_file(o, e, "/a", "abc"); });
  refused("is a link", [&](auto* o, auto* e) { link(o, e, false); });
  refused("is a link", [&](auto* o, auto* e) { link(o, e, true); });
  refused("is neither file nor folder", [](auto* o, auto* e) {
    archive_entry_clear(e);
    archive_entry_set_pathname(e, "in/a");
    archive_entry_set_filetype(e, AE_IFIFO);
    archive_write_header(o, e);
  });
  refused("\"a\" is not in it", [](auto*, auto*) {});
  refused("is of 4 bytes, expected 3", [](auto* o, auto* e) { add_file(o, e, "a", "abcd"); });
  refused("digest differs", [](auto* o, auto* e) { add_file(o, e, "a", "abd"); });
  refused("is in it twice", [](auto* o, auto* e) { add_file(o, e, "b", "de"); });

  tar(path, [](archive* out, archive_entry* entry) {
    add_file(out, entry, "in/a", "abc");
    add_file(out, entry, "in/b", "de");
  });
  unpack(path, target, files);
  CHECK(slurp(target + "/a") == "abc");
  CHECK(slurp(target + "/b") == "de");

  const std::string whole = slurp(path);
  Published set{.folder = "set",
                .homes = {},
                .downloads = {{"x.tar.gz", std::ssize(whole), digest_of(whole, none)}},
                .files = files};
  const Server server([&](const Request& r) { return Response{http_range(r, whole)}; });
  set.homes = {server.address()};
  CHECK(fetch(set, folder.path(), quick()));
  CHECK(slurp(folder / "set/a") == "abc");
  CHECK(!std::filesystem::exists(folder / "set/x.tar.gz.partial"));
  CHECK(fetch(set, folder.path(), quick()));
  CHECK(server.requests().size() == 1);

  test::write_file(path, as_bytes(whole.substr(0, whole.size() / 2)));
  std::filesystem::remove_all(target);
  std::filesystem::create_directories(target);
  CHECK_THROWS_AS(unpack(path, target, files), FormatError);
  CHECK(std::filesystem::is_empty(target));
}

TEST_CASE("hebb-data: a folder that another one writes to", "[apps]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "set");
  const FolderLock lock(folder / "set", "");
  const auto message = message_of<IoError>(
      [&] { fetch(set_of(body(), "http://127.0.0.1:1"), folder.path(), quick()); });
  CHECK(contains(message, "is in use by another run; wait until it has ended"));
}

TEST_CASE("hebb-data: ^C, and a full disk", "[apps]") {
  const TemporaryFolder folder;
  const std::string part = "mnist/train-images-idx3-ubyte.gz.partial";
  const std::string zeros(200'000, '\0');
  std::atomic<bool> stalled = false;
  const Server server([&](const Request&) {
    stalled = true;
    return Response{http("200 OK", zeros, 9'912'422), true};
  });
  const std::vector<std::string> command = {program,       "fetch",    "mnist",         "--data",
                                            folder.path(), "--mirror", server.address()};
  SECTION("^C keeps what there is") {
    const auto result =
        run_process(command, {.meanwhile = [&](int pid) {
                      while (!stalled || !std::filesystem::exists(folder / part) ||
                             std::filesystem::file_size(folder / part) < zeros.size())
                        std::this_thread::sleep_for(std::chrono::milliseconds(5));
                      kill(pid, SIGINT);
                    }});
    check_failure(result, 130, "interrupted; the same command goes on from here");
    CHECK(std::filesystem::file_size(folder / part) == zeros.size());
  }
  SECTION("a full disk keeps nothing") {
    const auto result = run_process(command, {.in_child = [] {
                                      signal(SIGXFSZ, SIG_IGN);
                                      const rlimit limit{.rlim_cur = 100'000, .rlim_max = 100'000};
                                      setrlimit(RLIMIT_FSIZE, &limit);
                                    }});
    check_failure(result, 1, "cannot write " + folder / part);
    std::filesystem::remove(folder / "mnist/lock");
    CHECK(std::filesystem::is_empty(folder / "mnist"));
  }
}

TEST_CASE("hebb-data: makes, inspects, lists and verifies", "[apps]") {
  const TemporaryFolder folder;
  const std::string data = folder / "mnist";
  const auto made = run_process({program, "make", "digits", "--output", data, "--train", "30",
                                 "--test", "20", "--seed", "3"});
  CHECK(made.code == 0);
  const auto seen =
      run_process({program, "inspect", data + "/t10k-images-idx3-ubyte.gz", "--images", "2"});
  CHECK(seen.code == 0);
  CHECK_THAT(seen.output, ContainsSubstring("[20, 28, 28]"));
  CHECK_THAT(seen.output, ContainsSubstring("    9         2\n"));
  CHECK_THAT(seen.output, ContainsSubstring("###"));

  const std::string png = folder / "grid.png";
  CHECK(run_process({program, "inspect", data + "/t10k-images-idx3-ubyte.gz", "--png", png}).code ==
        0);
  CHECK(slurp(png).starts_with("\x89PNG\r\n"));

  const auto list = run_process({program, "list", "--data", folder.path()});
  CHECK_THAT(list.output, ContainsSubstring("in " + data));
  CHECK_THAT(list.output, ContainsSubstring("hebb-data fetch cifar10 gets it"));
  check_failure(run_process({program, "verify", "mnist", "--data", folder.path()}), 1,
                "mnist: 4 of 4 files are not as published");
  check_failure(run_process({program, "verify", "imagenet"}), 2, "mnist, fashion-mnist, cifar10");
  check_failure(run_process({program, "make", "mnist", "--output", data}), 2, "expected digits");
  check_failure(run_process({program, "inspect", folder.path()}), 1, "is a folder");
}

TEST_CASE("hebb-data: pictures", "[apps]") {
  const Tensor images =
      Tensor::from(std::vector<uint8_t>{255, 0, 0, 255, 0, 0, 0, 0}, {2, 1, 2, 2});
  const Pixels grid = make_grid(images, 5, 5);
  CHECK(grid.width == 5);
  CHECK(grid.height == 2);
  CHECK(to_text(grid, false) == "==   \n");
  CHECK(to_text(grid, true).starts_with("\033[38;2;255;255;255m\033[48;2;0;0;0m▀"));
  CHECK_THROWS_AS(make_grid(Tensor::from(std::vector<uint8_t>(8), {1, 2, 2, 2}), 1, 1), ShapeError);
}

TEST_CASE("hebb-data: the real sets are as published", "[apps][needs-data]") {
  for (const std::string name : {"mnist", "fashion-mnist"}) {
    const std::string root = data_root();
    if (!std::filesystem::is_directory(root + "/" + name))
      return skip("no " + name + " in " + root);
    const auto result = run_process({program, "verify", name});
    CAPTURE(result.output);
    CHECK(result.code == 0);
  }
}
