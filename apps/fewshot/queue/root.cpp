#include "apps/fewshot/queue/root.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apps/common/app.hpp"
#include "core/check.hpp"

namespace hebb::apps {

Root::Root(Communicator& communicator, Execute execute, Journal& journal, Options options)
    : Rank(communicator, std::move(execute)),
      journal_(journal),
      options_(std::move(options)),
      leases_(options_.open),
      peers_(size_t(communicator.size())),
      progress_("runs", std::ssize(options_.open), options_.quiet) {
  peers_[0].ended = true;
  progress_.update(0);
}

bool Root::has_lost_ranks() const { return std::ranges::any_of(peers_, &Peer::lost); }

void Root::finish(int64_t run, const RunResult& result) {
  if (!leases_.finish(run)) return;
  const RunKey& key = *options_.runs[size_t(run)];
  journal_.append(key.text(), result);
  progress_.update(++finished_, fmt::format("{} {}-shot {}", key.dataset, key.shots, key.method));
}

void Root::exchange(std::chrono::duration<double> since_last) {
  while (const auto report = communicator().receive<Report>(false)) hear(*report);
  for (int rank = 1; rank < std::ssize(peers_); ++rank)
    if (!peers_[size_t(rank)].ended) look_after(rank, since_last);
}

void Root::hear(const Report& report) {
  check(report.runs == options_.checksum,
        "rank {} has other runs, another version or instruction set than rank 0", report.rank);
  Peer& peer = peers_[size_t(report.rank)];
  peer.silence.broken();
  if (std::exchange(peer.lost, false)) say(fmt::format("rank {} is there again", report.rank));
  switch (report.kind) {
    case Report::Kind::here:
      break;
    case Report::Kind::wants_run:
      ++peer.runs_wanted;
      break;
    case Report::Kind::finished:
      finish(report.run, report.result);
      break;
    case Report::Kind::interrupted:
      Interrupt::request();
      break;
    case Report::Kind::ended:
      peer.ended = true;
      break;
  }
}

void Root::look_after(int rank, std::chrono::duration<double> since_last) {
  Peer& peer = peers_[size_t(rank)];
  if (peer.lost) return;
  if (peer.silence.lasts(since_last)) {
    peer.lost = true;
    say(fmt::format("rank {} has died (nothing heard of it for {} s); its runs go to others: {}",
                    rank, Silence::limit.count(), leases_.take_back(rank)));
    return;
  }
  if (peer.told_to_end) return;
  if (stopping() || all_finished()) {
    peer.told_to_end = true;
    tell(rank, {.kind = Order::Kind::end});
    return;
  }
  for (; peer.runs_wanted > 0; --peer.runs_wanted) {
    const std::optional<int64_t> run = leases_.take(rank);
    if (!run) break;
    tell(rank, {.kind = Order::Kind::run, .run = *run});
  }
  peer.since_told += since_last;
  if (peer.since_told > between_signs) tell(rank, {});
}

void Root::tell(int rank, const Order& order) {
  peers_[size_t(rank)].since_told = {};
  communicator().send(rank, order);
}

bool Root::may_leave() const {
  return idle() &&
         std::ranges::all_of(peers_, [](const Peer& peer) { return peer.ended || peer.lost; });
}

void Root::say(const std::string& line) {
  progress_.clear();
  fmt::print(stderr, "hebb-fewshot: {}\n", line);
}

}  // namespace hebb::apps
