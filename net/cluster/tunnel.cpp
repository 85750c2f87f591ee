#include "net/cluster/tunnel.hpp"

#include <boost/asio/post.hpp>

#include "net/cluster/engine.hpp"

namespace footfall::cluster {

tunnel::tunnel(std::unique_ptr<engine> x) : engine_(std::move(x)) {}

tunnel::~tunnel() = default;

caf::expected<std::unique_ptr<tunnel>> tunnel::open(tunnel_config config) {
  auto made = engine::open(std::move(config));
  if (!made)
    return made.error();
  return std::unique_ptr<tunnel>{new tunnel(std::move(*made))};
}

uint16_t tunnel::port() const noexcept {
  return engine_->port();
}

void tunnel::dial(std::string host, uint16_t port, std::string name,
                  std::function<void(const dial_answer&)> done) {
  engine_->dialler().dial({std::move(host), port, std::move(name), std::move(done)});
}

void tunnel::cut(uint64_t link) {
  asio::post(engine_->io(), [x = engine_.get(), link] { x->cut(link); });
}

const link_counters& tunnel::counters() const noexcept {
  return engine_->counters();
}

int64_t tunnel::valid_until_s() const noexcept {
  return engine_->valid_until_s();
}

} // namespace footfall::cluster
