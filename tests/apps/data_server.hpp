#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hebb::test {

struct Request {
  std::string path;
  int64_t from = 0;  ///< Of "Range: bytes=FROM-".
  int number = 0;    ///< Of the requests so far, from 0.
};

/// What to send, header and all, and whether to keep the connection open afterwards without a word,
/// until the server ends.
struct Response {
  std::string bytes;
  bool stall = false;
};

/// An HTTP server on the loopback that answers each request as a function says, however wrong that
/// is, and then closes the connection.
class Server {
 public:
  explicit Server(std::function<Response(const Request&)> answer);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Request> requests() const;

 private:
  void serve();

  std::function<Response(const Request&)> answer_;
  int listening_ = -1, port_ = 0;
  std::atomic<bool> ends_ = false;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<int> stalled_;
  std::thread thread_;
};

/// "HTTP/1.1 STATUS", a length and the body.
std::string http(const std::string& status, const std::string& body, int64_t length,
                 const std::string& headers = {});
/// The body from where the request asks for it on, as a server should answer.
std::string http_range(const Request& request, const std::string& body);

}  // namespace hebb::test
