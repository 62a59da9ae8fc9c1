#include "apps/data/download.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <thread>

#include "core/check.hpp"
#include "core/version.hpp"

namespace hebb::apps {
namespace {

// One request, and what came of it.
class Transfer {
 public:
  enum class Outcome { ended, again, elsewhere, stopped };

  Transfer(PartialFile& file, int64_t bytes, const DownloadOptions& options)
      : file_(file), bytes_(bytes), options_(options), curl_(curl_easy_init()) {
    if (!curl_) throw std::bad_alloc();
  }

  Outcome run(const std::string& address) {
    const int64_t begin = file_.size();
    std::array<char, CURL_ERROR_SIZE> text{};
    CURL* curl = curl_.get();
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, address.c_str());
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text.data());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, fmt::format("hebb/{}", version()).c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, long(options_.stall_seconds));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, long(options_.stall_seconds));
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, curl_off_t(begin));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::show);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    const CURLcode code = curl_easy_perform(curl);
    if (failure_) std::rethrow_exception(failure_);
    return judge(code, begin, text.data());
  }
  const std::string& message() const { return message_; }

 private:
  Outcome judge(CURLcode code, int64_t begin, const char* text) {
    constexpr long timeout = 408, too_many = 429, no_such_range = 416, servers_fault = 500;
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    message_ = *text ? text : curl_easy_strerror(code);
    if (code == CURLE_OK) return Outcome::ended;
    if (code == CURLE_ABORTED_BY_CALLBACK) return Outcome::stopped;
    if (too_long_) {
      message_ = fmt::format("expected {} bytes, got more", bytes_);
      file_.clear();
      return begin > 0 ? Outcome::again : Outcome::elsewhere;
    }
    if (begin > 0 && (code == CURLE_RANGE_ERROR || status == no_such_range)) {
      message_ = "cannot go on in the middle";
      file_.clear();
      return Outcome::again;
    }
    const bool pointless = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                           code == CURLE_TOO_MANY_REDIRECTS ||
                           code == CURLE_PEER_FAILED_VERIFICATION ||
                           (code == CURLE_HTTP_RETURNED_ERROR && status < servers_fault &&
                            status != timeout && status != too_many);
    return pointless ? Outcome::elsewhere : Outcome::again;
  }

  static size_t write(char* data, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const size_t got = size * count;
    transfer.too_long_ = transfer.file_.size() + int64_t(got) > transfer.bytes_;
    if (transfer.too_long_) return 0;
    try {
      transfer.file_.append({reinterpret_cast<const std::byte*>(data), got});
    } catch (...) {  // not through a library in C
      transfer.failure_ = std::current_exception();
      return 0;
    }
    return got;
  }

  static int show(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.options_.progress(transfer.file_.size());
    return transfer.options_.stop() ? 1 : 0;
  }

  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  PartialFile& file_;
  int64_t bytes_;
  const DownloadOptions& options_;
  std::unique_ptr<CURL, Cleanup> curl_;
  std::string message_;
  bool too_long_ = false;
  std::exception_ptr failure_;
};

bool wait_for(std::chrono::milliseconds time, const DownloadOptions& options) {
  constexpr std::chrono::milliseconds step{50};
  for (; time.count() > 0 && !options.stop(); time -= step) std::this_thread::sleep_for(step);
  return !options.stop();
}

// Nothing when the file is complete and right, else what kept it from being so; `stopped` too.
std::optional<std::string> download_from(const std::string& address, PartialFile& file,
                                         int64_t bytes, const std::function<bool()>& right,
                                         const DownloadOptions& options, bool& stopped) {
  using Outcome = Transfer::Outcome;
  int64_t farthest = file.size();
  std::chrono::milliseconds wait = options.first_wait;
  for (int attempt = 1;;) {
    const int64_t begin = file.size();
    std::string message;
    Outcome outcome = Outcome::ended;
    if (begin < bytes) {
      Transfer transfer(file, bytes, options);
      outcome = transfer.run(address);
      message = transfer.message();
    }
    if (outcome == Outcome::stopped) {
      stopped = true;
      return message;
    }
    if (outcome == Outcome::ended && file.size() == bytes) {
      if (right()) return std::nullopt;
      message = "got other bytes than were published: their digest differs";
      file.clear();
      // Those from before may be to blame.
      if (begin == 0) return message;
    } else if (outcome == Outcome::ended) {
      message = fmt::format("got {} of {} bytes", file.size(), bytes);
    }
    if (outcome == Outcome::elsewhere) return message;
    if (file.size() == 0 && begin > 0) {
      farthest = 0;
      if (++attempt > options.attempts) return message;
      continue;
    }
    if (file.size() > farthest) {
      farthest = file.size();
      attempt = 1;
      wait = options.first_wait;
    } else if (++attempt > options.attempts) {
      return message;
    }
    options.say(fmt::format("{}: {}; trying again in {:.3g} s", address, message,
                            std::chrono::duration<double>(wait).count()));
    if (!wait_for(wait, options)) {
      stopped = true;
      return message;
    }
    wait *= 2;
  }
}

}  // namespace

bool download(PartialFile& file, const std::vector<std::string>& addresses, int64_t bytes,
              const std::function<bool()>& right, const DownloadOptions& options) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  check<Error>(ready == CURLE_OK, "libcurl: {}", curl_easy_strerror(ready));
  if (file.size() > bytes) file.clear();
  std::vector<std::string> failures;
  for (const std::string& address : addresses) {
    bool stopped = false;
    try {
      const auto failure = download_from(address, file, bytes, right, options, stopped);
      if (!failure) return true;
      if (stopped) return false;
      failures.push_back(fmt::format("{}: {}", address, *failure));
    } catch (const IoError&) {  // a full disk has better uses for it
      file.remove();
      throw;
    }
  }
  fail<IoError>("cannot get {}", fmt::join(failures, "; "));
}

}  // namespace hebb::apps
