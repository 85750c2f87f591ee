#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace footfall::model {

/// When to say that something fails: once when it begins, once a minute while it goes on,
/// once when it is over. What fails now and then, and works in between, is one trouble: it
/// is over only after a calm time, which grows while it keeps coming back. So a minute has
/// few lines whatever happens. Fed with what is wrong, about once a second; the times are
/// the caller's.
class trouble_report {
public:
  struct pace {
    std::chrono::seconds patience{0}; ///< It fails for as long before it is said.
    std::chrono::seconds every{60};
    std::chrono::seconds calm{3}; ///< Without failure before it is over.
    std::chrono::seconds calm_most{60};
    std::chrono::seconds relapse{300}; ///< Back within this: the calm time doubles.
  };

  explicit trouble_report(std::string name) : name_(std::move(name)) {}
  trouble_report(std::string name, pace how) : name_(std::move(name)), pace_(how) {}

  /// @param why what is wrong at `now_us`; empty: nothing
  /// @returns the line to write now, mostly none
  std::string heed(const std::string& why, int64_t now_us);

  /// It was said that it fails, and not yet that it is over.
  bool open() const noexcept { return open_; }

private:
  std::string fails(const std::string& why, int64_t now_us);
  std::string works(int64_t now_us);

  std::string name_;
  pace pace_;
  bool open_ = false;
  int64_t since_us_ = 0;         ///< Of this trouble, or of one that is not said yet; 0: none.
  int64_t failed_us_ = 0;        ///< When it was last seen to fail.
  int64_t said_us_ = 0;          ///< The last line.
  int64_t ended_us_ = 0;         ///< Of the trouble before; 0: none.
  std::chrono::seconds calm_{0}; ///< Of this trouble.
};

} // namespace footfall::model
