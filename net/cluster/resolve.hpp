#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace footfall::cluster {

/// Looks up host names, each on a thread of its own: a name server that is silent delays nobody
/// else, and not the end of the process either.
class resolver {
public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  /// @param why empty unless there are no endpoints
  using done_fn = std::function<void(const std::string& why, endpoints found)>;

  explicit resolver(boost::asio::io_context& io) : shared_(std::make_shared<shared>()) {
    shared_->io = &io;
  }
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// Calls `done` on the context's thread, perhaps before it returns when `host` is an address,
  /// or never once the resolver is gone: then it is destroyed on any thread, so it must own
  /// nothing of the context.
  void find(const std::string& host, uint16_t port, done_fn done);

private:
  /// What outlives the resolver as long as a look-up does.
  struct shared {
    std::mutex mutex;
    boost::asio::io_context* io = nullptr; ///< Null once nobody waits any more.
    std::atomic<size_t> threads{0};
  };
  std::shared_ptr<shared> shared_;
};

/// The same, waiting for it. @returns why there is none.
std::string find_now(const std::string& host, uint16_t port, resolver::endpoints& found);

} // namespace footfall::cluster
