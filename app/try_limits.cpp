#include "app/try_limits.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

namespace footfall::app {

namespace {

constexpr size_t names_most = 10'000;
constexpr int64_t minute_us = 60'000'000;

} // namespace

uint32_t try_limits::wait_s(const std::string& name, int64_t now_us) {
  if (empty_at_us_.size() >= names_most && !empty_at_us_.contains(name)) {
    absl::erase_if(empty_at_us_, [now_us](const auto& x) { return x.second <= now_us; });
    // So many at once are an attack from many networks: it must not keep everybody out.
    if (empty_at_us_.size() >= names_most)
      empty_at_us_.clear();
  }
  auto& empty_at = empty_at_us_[name];
  empty_at = std::max(empty_at, now_us);
  const auto over_us = empty_at + step_us_ - now_us - minute_us;
  if (over_us > 0)
    return static_cast<uint32_t>((over_us + 999'999) / 1'000'000);
  empty_at += step_us_;
  return 0;
}

void try_limits::give_back(const std::string& name) {
  if (const auto known = empty_at_us_.find(name); known != empty_at_us_.end())
    known->second -= step_us_;
}

std::string network_of(const std::string& address) {
  boost::system::error_code ec;
  const auto parsed = boost::asio::ip::make_address(address, ec);
  if (ec || !parsed.is_v6())
    return address;
  if (parsed.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6()).to_string();
  auto bytes = parsed.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6{bytes}.to_string();
}

} // namespace footfall::app
