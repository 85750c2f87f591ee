#include "actors/model/trouble_report.hpp"

#include <algorithm>

namespace footfall::model {

namespace {

int64_t us(std::chrono::seconds x) {
  return std::chrono::microseconds(x).count();
}

std::string seconds_text(int64_t span_us) {
  return std::to_string(span_us / 1'000'000) + " s";
}

} // namespace

std::string trouble_report::heed(const std::string& why, int64_t now_us) {
  return why.empty() ? works(now_us) : fails(why, now_us);
}

std::string trouble_report::fails(const std::string& why, int64_t now_us) {
  if (since_us_ == 0)
    since_us_ = now_us;
  failed_us_ = now_us;
  if (!open_) {
    if (now_us - since_us_ < us(pace_.patience))
      return {};
    const bool again = ended_us_ != 0 && since_us_ - ended_us_ < us(pace_.relapse);
    calm_ = again ? std::min(std::max(calm_ * 2, pace_.calm), pace_.calm_most) : pace_.calm;
    open_ = true;
    said_us_ = now_us;
    return name_ + " fails: " + why;
  }
  if (now_us - said_us_ < us(pace_.every))
    return {};
  said_us_ = now_us;
  return name_ + " has failed for " + seconds_text(now_us - since_us_) + ": " + why;
}

std::string trouble_report::works(int64_t now_us) {
  if (!open_) {
    since_us_ = 0;
    return {};
  }
  if (now_us - failed_us_ < us(calm_))
    return {};
  const auto span = failed_us_ - since_us_;
  open_ = false;
  ended_us_ = now_us;
  since_us_ = 0;
  return name_ + " works again, after " + seconds_text(std::max<int64_t>(span, 1'000'000));
}

} // namespace footfall::model
