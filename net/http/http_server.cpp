#include "net/http/http_server.hpp"

#include <thread>

#include "net/http/listener.hpp"

namespace footfall {

struct http_server::impl {
  std::unique_ptr<http::listener> ingest;
  std::unique_ptr<http::listener> query;
  std::unique_ptr<http::listener> admin;
};

http_server::http_server(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

http_server::~http_server() {
  stop();
}

caf::expected<std::unique_ptr<http_server>> http_server::open(const http_config& config,
                                                              request_handler& handler,
                                                              metrics& counters, now_fn now) {
  auto parts = std::make_unique<impl>();
  auto settings = config;
  auto listen = [&](const char* name, const std::string& address, uint16_t port, uint32_t most,
                    std::unique_ptr<http::endpoint> target,
                    std::unique_ptr<http::listener>& out) -> caf::error {
    auto made = http::listener::open({name, address, port, most}, settings, std::move(target),
                                     counters, now);
    if (!made)
      return made.error();
    out = std::move(*made);
    return {};
  };
  if (auto bad = listen("ingest", config.bind, config.ingest_port, config.connections,
                        http::make_ingest_endpoint(handler), parts->ingest))
    return bad;
  if (auto bad = listen("query", config.bind, config.query_port, config.connections,
                        http::make_query_endpoint(handler, now), parts->query))
    return bad;
  settings.answer_timeout = settings.admin_answer_timeout;
  if (auto bad = listen("admin", config.admin_bind, config.admin_port, config.admin_connections,
                        http::make_admin_endpoint(handler, now), parts->admin))
    return bad;
  parts->ingest->start();
  parts->query->start();
  parts->admin->start();
  return std::unique_ptr<http_server>{new http_server(std::move(parts))};
}

http_ports http_server::ports() const {
  return {impl_->ingest->port(), impl_->query->port(), impl_->admin->port()};
}

void http_server::drain(std::chrono::milliseconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  impl_->ingest->drain();
  impl_->query->drain();
  impl_->ingest->wait_until_empty(end);
  impl_->query->wait_until_empty(end);
}

void http_server::stop() {
  impl_->ingest->stop();
  impl_->query->stop();
  impl_->admin->stop();
}

} // namespace footfall
