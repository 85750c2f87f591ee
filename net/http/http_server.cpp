#include "net/http/http_server.hpp"

#include <vector>

#include <thread>

#include "net/http/listener.hpp"

namespace footfall {

struct http_server::impl {
  std::unique_ptr<http::listener> ingest;
  std::unique_ptr<http::listener> query;
  std::unique_ptr<http::listener> admin;

  /// Those of clients, if there are any.
  std::vector<http::listener*> fronts() const {
    return ingest ? std::vector{ingest.get(), query.get()} : std::vector<http::listener*>{};
  }
  std::vector<http::listener*> all() const {
    auto out = fronts();
    out.push_back(admin.get());
    return out;
  }
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
    const bool is_admin = &out == &parts->admin;
    auto made = http::listener::open(
        {name, address, port, most, is_admin ? config.admin_gate : config.gate,
         &out == &parts->query, config.certificate, is_admin, is_admin ? nullptr : config.traces},
        settings, std::move(target), counters, now);
    if (!made)
      return made.error();
    out = std::move(*made);
    return {};
  };
  if (config.takes_requests) {
    if (auto bad = listen("ingest", config.bind, config.ingest_port, config.connections,
                          http::make_ingest_endpoint(handler), parts->ingest))
      return bad;
    if (auto bad = listen("query", config.bind, config.query_port, config.connections,
                          http::make_query_port(handler, counters, now,
                                                {config.has_ui, config.live_streams,
                                                 config.live_topics, config.gate, config.desk}),
                          parts->query))
      return bad;
  }
  settings.answer_timeout = settings.admin_answer_timeout;
  if (auto bad = listen("admin", config.admin_bind, config.admin_port, config.admin_connections,
                        http::make_admin_endpoint(handler, now), parts->admin))
    return bad;
  for (auto* x : parts->all())
    x->start();
  return std::unique_ptr<http_server>{new http_server(std::move(parts))};
}

http_ports http_server::ports() const {
  http_ports out;
  if (impl_->ingest) {
    out.ingest = impl_->ingest->port();
    out.query = impl_->query->port();
  }
  out.admin = impl_->admin->port();
  return out;
}

void http_server::say_goodbye() {
  for (auto* x : impl_->fronts())
    x->say_goodbye();
}

void http_server::drain(std::chrono::milliseconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  for (auto* x : impl_->fronts())
    x->drain();
  for (auto* x : impl_->fronts())
    x->wait_until_empty(end);
}

void http_server::stop() {
  for (auto* x : impl_->all())
    x->stop();
}

} // namespace footfall
