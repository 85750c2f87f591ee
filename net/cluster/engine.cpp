#include "net/cluster/engine.hpp"

#include <pthread.h>

#include "proto/error.hpp"

namespace footfall::cluster {

namespace {

/// How often what lasts too long is looked for.
constexpr auto tick_period = std::chrono::milliseconds{250};

} // namespace

engine::engine(tunnel_config config)
    : config_(std::move(config)), refused_(counters_, config_.report, config_.limits.report_every) {
}

caf::expected<std::unique_ptr<engine>> engine::open(tunnel_config config) {
  if (!config.report)
    config.report = [](const std::string&) {};
  if (!config.on_link)
    config.on_link = [](const link_info&) {};
  if (!config.on_end)
    config.on_end = [](uint64_t, const std::string&) {};
  std::unique_ptr<engine> out{new engine(std::move(config))};
  if (const auto& files = out->config_.files) {
    auto read = certificates::open(*files, out->config_.report);
    if (!read)
      return read.error();
    out->certificates_ = std::move(*read);
  }
  if (!out->config_.host.empty()) {
    out->ingress_ = std::make_unique<ingress>(*out);
    if (auto bad = out->ingress_->open())
      return bad;
  }
  out->tick();
  out->thread_ = std::thread{[x = out.get()] { x->io_.run(); }};
  ::pthread_setname_np(out->thread_.native_handle(), "cluster"); // For top -H.
  return out;
}

engine::~engine() {
  io_.stop();
  if (thread_.joinable())
    thread_.join();
  egress_.stop();
  ingress_.reset();
  links_.clear();
}

void engine::tick() {
  const auto now = std::chrono::steady_clock::now();
  refused_.tick(now);
  if (certificates_)
    valid_until_s_.store(certificates_->valid_until_s(), std::memory_order_relaxed);
  // A link that ends is taken out of the map: not while we walk through it.
  std::vector<std::shared_ptr<pump>> all;
  all.reserve(links_.size());
  for (const auto& [id, link] : links_)
    all.push_back(link);
  for (const auto& link : all)
    link->look(now, config_.limits.linger);
  timer_.expires_after(tick_period);
  timer_.async_wait([this](const error_code& ec) {
    if (!ec)
      tick();
  });
}

void engine::open_link(link_info info, std::unique_ptr<wire> outer, tcp::socket inner) {
  const auto id = info.id;
  auto ended = [this, id](const std::string& why) {
    counters_.links.fetch_sub(1, std::memory_order_relaxed);
    links_.erase(id);
    config_.on_end(id, why);
  };
  auto made = std::make_shared<pump>(std::move(outer), std::move(inner),
                                     config_.limits.buffer_bytes, counters_, std::move(ended));
  links_.emplace(id, made);
  add(counters_.links);
  config_.on_link(info);
  made->start();
}

void engine::cut(uint64_t link) {
  const auto at = links_.find(link);
  if (at == links_.end())
    return;
  const auto keep = at->second; // It takes itself out of the map.
  keep->stop("cut");
}

} // namespace footfall::cluster
