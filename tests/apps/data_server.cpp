#include "tests/apps/data_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace hebb::test {
namespace {

std::string read_head(int connection) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && recv(connection, &byte, 1, 0) == 1) head += byte;
  return head;
}

void send_all(int connection, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;  // the client had enough
    sent += size_t(n);
  }
}

}  // namespace

Server::Server(std::function<Response(const Request&)> answer) : answer_(std::move(answer)) {
  listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listening_, 8) != 0 ||
      getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no server on the loopback");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

Server::~Server() {
  ends_ = true;
  thread_.join();
  for (const int connection : stalled_) close(connection);
  close(listening_);
}

std::vector<Request> Server::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void Server::serve() {
  while (!ends_) {
    pollfd ready{.fd = listening_, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 20) <= 0) continue;
    const int connection = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::string head = read_head(connection);
    Request request;
    request.path = head.substr(0, head.find(' ', 4)).substr(4);
    if (const size_t range = head.find("Range: bytes="); range != head.npos)
      request.from = std::atoll(head.c_str() + range + 13);
    {
      const std::lock_guard lock(mutex_);
      request.number = int(requests_.size());
      requests_.push_back(request);
    }
    const Response response = answer_(request);
    send_all(connection, response.bytes);
    if (response.stall)
      stalled_.push_back(connection);
    else
      close(connection);
  }
}

std::string http(const std::string& status, const std::string& body, int64_t length,
                 const std::string& headers) {
  return "HTTP/1.1 " + status +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(length) + "\r\n" + headers +
         "\r\n" + body;
}

std::string http_range(const Request& request, const std::string& body) {
  const int64_t size = std::ssize(body);
  if (request.from == 0) return http("200 OK", body, size);
  if (request.from >= size) return http("416 Range Not Satisfiable", "", 0);
  const std::string range =
      std::to_string(request.from) + "-" + std::to_string(size - 1) + "/" + std::to_string(size);
  return http("206 Partial Content", body.substr(size_t(request.from)), size - request.from,
              "Content-Range: bytes " + range + "\r\n");
}

}  // namespace hebb::test
