#include "app/access_parts.hpp"

#include <spdlog/spdlog.h>

#include "actors/ports/clock.hpp"
#include "app/access.hpp"
#include "app/cluster_options.hpp"
#include "app/log.hpp"

namespace footfall::app {

namespace {

constexpr int64_t try_every_us = 10'000'000;

} // namespace

access_parts::access_parts(const settings& from)
    : from_(from), keeper_(gate_, system_now_us,
                           [](const std::string& line) { spdlog::warn("{}", redact(line)); }) {}

access_desk& access_parts::desk() {
  if (has_store(from_))
    return keeper_;
  return remote_;
}

access_links access_parts::links() {
  access_links out;
  if (from_.cluster_listen.empty())
    return out;
  if (has_store(from_)) {
    out.desk = &keeper_;
    out.rows = [this] { return keeper_.rows(); };
    out.revoked = [this] { return keeper_.revoked(); };
    out.take_revoked = [this](const access_revoked& x) { keeper_.take_revoked(x); };
  } else {
    out.take = [this](const access_rows& x) { gate_.publish(x); };
    out.answer = [this](access_told x) { remote_.take(std::move(x)); };
  }
  return out;
}

bool access_parts::is_of_use() const {
  return has_store(from_) && (asks_for_keys(from_) || !from_.cluster_listen.empty());
}

caf::error access_parts::try_to_begin() {
  auto records = open_access(from_);
  return records ? keeper_.begin(std::move(*records)) : std::move(records.error());
}

caf::error access_parts::begin() {
  auto bad = is_of_use() ? try_to_begin() : caf::error{};
  const bool is_away = code_of(bad) == errc::store_unavailable || code_of(bad) == errc::timeout;
  if (!bad || !is_away || asks_for_keys(from_))
    return bad;
  spdlog::warn("gateways are told no keys yet: {}", redact(text_of(bad)));
  try_at_us_ = steady_now() + try_every_us;
  return caf::none;
}

std::string access_parts::why_nobody() const {
  const bool is_open = !has_store(from_) || !asks_for_keys(from_);
  return is_open || gate_.has_somebody(system_now_us()) ? std::string{} : no_key_text(from_);
}

bool access_parts::is_known() const {
  return has_store(from_) || !asks_for_keys(from_) || gate_.knows();
}

void access_parts::look() {
  if (try_at_us_ != 0 && try_at_us_ <= steady_now())
    try_at_us_ = try_to_begin() ? steady_now() + try_every_us : 0;
  if (!has_store(from_))
    remote_.look(gate_, steady_now());
}

} // namespace footfall::app
