#pragma once
/// The clicks of a busy site, written straight into request bodies: Zipf pages,
/// even users, ids at random (UUIDv4) or in the order of time (UUIDv7).

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <vector>

namespace footfall::bench {

struct event_plan {
  size_t pages = 1'500;
  size_t users = 100'000;
  bool ordered_ids = false;
  /// Event i goes to page i % pages and user i / pages % users, so that a number of
  /// different pages or pairs is exact.
  bool in_turn = false;
  uint64_t seed = 1;
  /// What every event has a value of its own of: "types", "users", "pages", "sites" or
  /// "minutes" (of 2000 to 2099); empty: nothing. The other fields are as ever.
  std::string flood;
  size_t first = 0; ///< Of what it numbers: a later load invents others.
};

class event_maker {
public:
  explicit event_maker(const event_plan& plan)
      : plan_(plan), random_(plan.seed), made_(plan.first) {
    double sum = 0;
    for (size_t i = 1; i <= plan.pages; ++i)
      zipf_.push_back(sum += 1.0 / static_cast<double>(i));
    for (auto& x : zipf_)
      x /= sum;
  }

  /// The next page and user; the same ones for events and for queries.
  void draw() {
    if (plan_.in_turn) {
      page_ = made_ % plan_.pages;
      user_ = made_ / plan_.pages % plan_.users;
    } else {
      const double x = static_cast<double>(random_() >> 11) * 0x1p-53;
      const auto at = std::lower_bound(zipf_.begin(), zipf_.end(), x) - zipf_.begin();
      page_ = std::min(static_cast<size_t>(at), plan_.pages - 1);
      user_ = random_() % plan_.users;
    }
    if (plan_.flood == "pages")
      page_ = made_;
    if (plan_.flood == "users")
      user_ = made_;
    ++made_;
  }

  /// The site of the next request, as its query string.
  void append_site(std::string& out) const {
    if (plan_.flood == "sites")
      out += "?site=s" + std::to_string(made_);
  }

  void append_page(std::string& out) const {
    out += "/articles/2025/page-of-the-site-";
    out += std::to_string(page_);
  }
  void append_user(std::string& out) const {
    out += "visitor-";
    out += std::to_string(user_);
  }

  void append_event(std::string& out) {
    draw();
    out += R"({"event_id":")";
    append_id(out);
    out += R"(","user_id":")";
    append_user(out);
    out += R"(","event_type":")";
    append_type(out);
    out += R"(","page_url":")";
    append_page(out);
    out += R"(","time_stamp":")";
    append_time(out);
    out += "\"}";
  }

  /// Sets the time that the following events carry; once for each request will do.
  void take_time() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    now_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const auto second = static_cast<std::time_t>(now_ms_ / 1000);
    if (second != second_) {
      second_ = second;
      std::tm parts{};
      gmtime_r(&second, &parts);
      char text[32];
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
      std::memcpy(time_, text, sizeof time_);
    }
    const auto rest = now_ms_ % 1000;
    time_[20] = static_cast<char>('0' + rest / 100);
    time_[21] = static_cast<char>('0' + rest / 10 % 10);
    time_[22] = static_cast<char>('0' + rest % 10);
  }

private:
  void append_type(std::string& out) {
    const bool view = random_() % 4 == 0;
    if (plan_.flood == "types")
      out += "type-" + std::to_string(made_);
    else
      out += view ? "view" : "click";
  }

  void append_time(std::string& out) const {
    if (plan_.flood != "minutes") {
      out.append(time_, sizeof time_);
      return;
    }
    // A stride without a factor in common: neighbours are decades apart, all differ.
    constexpr uint64_t minutes = 52'594'560, stride = 16'231'561;
    const auto second = static_cast<std::time_t>(946'684'800 + made_ * stride % minutes * 60);
    std::tm parts{};
    gmtime_r(&second, &parts);
    char text[32];
    out.append(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
  }

  void append_id(std::string& out) {
    uint64_t high = random_(), low = random_();
    if (plan_.ordered_ids)
      high = static_cast<uint64_t>(now_ms_) << 16 | (high & 0xfff) | 0x7000;
    else
      high = (high & ~0xf000ULL) | 0x4000;
    low = (low & 0x3fff'ffff'ffff'ffffULL) | 0x8000'0000'0000'0000ULL;
    static constexpr char digits[] = "0123456789abcdef";
    char text[36];
    size_t at = 0;
    for (int i = 0; i < 32; ++i) {
      if (i == 8 || i == 12 || i == 16 || i == 20)
        text[at++] = '-';
      const uint64_t half = i < 16 ? high : low;
      text[at++] = digits[half >> (60 - 4 * (i % 16)) & 15];
    }
    out.append(text, sizeof text);
  }

  event_plan plan_;
  std::mt19937_64 random_;
  std::vector<double> zipf_;
  size_t made_ = 0;
  size_t page_ = 0;
  size_t user_ = 0;
  int64_t now_ms_ = 0;
  std::time_t second_ = -1;
  char time_[24] = {};
};

} // namespace footfall::bench
