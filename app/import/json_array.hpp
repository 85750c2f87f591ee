#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::app {

/// Cuts a JSON array into the texts of its elements, in bounded memory. Does not judge
/// the JSON; whoever reads the elements does.
class json_array {
public:
  explicit json_array(size_t element_bytes_max) : room_(element_bytes_max) {}

  /// True when `text` begins an array of objects; `known` is false when more text is
  /// needed to tell.
  static bool begins(std::string_view text, bool& known) noexcept;

  /// Takes bytes off `text` until an element is whole: then true, and `element` holds it.
  bool next(std::string_view& text, std::string& element);
  /// The element was longer than the limit; only its start was kept.
  bool is_cut() const noexcept { return is_cut_; }
  /// The array's end is missing.
  bool is_open() const noexcept { return where_ != place::outside || !began_; }

private:
  enum class place : uint8_t { outside, between, inside };
  /// True: `c` is used. False: it belongs to what follows the element, which ends here.
  bool take(char c, std::string& element);
  void put(char c, std::string& element);

  size_t room_;
  place where_ = place::outside;
  bool began_ = false;
  bool is_cut_ = false;
  bool in_text_ = false;
  bool is_escaped_ = false;
  bool is_done_ = false; ///< The element is whole.
  size_t depth_ = 0;
};

} // namespace footfall::app
