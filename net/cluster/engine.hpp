#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/cluster/egress.hpp"
#include "net/cluster/ingress.hpp"
#include "net/cluster/pump.hpp"
#include "net/cluster/refusal_log.hpp"
#include "net/cluster/tunnel.hpp"

namespace footfall::cluster {

/// What a tunnel is made of: the thread, the links, and the two ways to them. All but open()
/// and the destructor runs on the thread.
class engine {
public:
  static caf::expected<std::unique_ptr<engine>> open(tunnel_config config);
  ~engine();

  asio::io_context& io() { return io_; }
  const tunnel_config& config() const { return config_; }
  link_counters& counters() { return counters_; }
  refusal_log& refused() { return refused_; }
  uint16_t port() const { return ingress_ ? ingress_->port() : 0; }
  egress& dialler() { return egress_; }

  /// What a connection of now is secured with; null when nothing is encrypted.
  std::shared_ptr<ssl::context> context() {
    return certificates_ ? certificates_->current() : nullptr;
  }
  int64_t valid_until_s() const { return valid_until_s_.load(std::memory_order_relaxed); }

  bool has_room() const { return links_.size() < config_.limits.links; }
  uint64_t next_id() { return ++last_id_; }

  /// From here on the bytes flow, both ways.
  void open_link(link_info info, std::unique_ptr<wire> outer, tcp::socket inner);
  void cut(uint64_t link);

private:
  explicit engine(tunnel_config config);
  void tick();

  tunnel_config config_;
  link_counters counters_;
  refusal_log refused_;
  std::unique_ptr<certificates> certificates_;
  std::atomic<int64_t> valid_until_s_{0};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::steady_timer timer_{io_};
  std::unordered_map<uint64_t, std::shared_ptr<pump>> links_;
  uint64_t last_id_ = 0;
  std::unique_ptr<ingress> ingress_; ///< Null when nobody may come in.
  egress egress_{*this};
  std::thread thread_;
};

} // namespace footfall::cluster
