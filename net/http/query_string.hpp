#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace footfall::http {

/// Percent-decodes a part of a query string, `+` as space. False for a `%` that
/// two hexadecimal digits do not follow.
bool decode_percent(std::string_view text, std::string& out);

/// The parameters of a query string, decoded.
class query_params {
public:
  /// @param many the one parameter that may be given several times.
  /// @returns empty, or what is wrong with the text.
  std::string parse(std::string_view query, std::string_view many = {});

  /// The value, or nullptr when the parameter was not given.
  const std::string* find(std::string_view name) const;

  /// One more, as if it had been given.
  void add(std::string_view name, std::string value);

  /// The value in the place of the one that was given, if one was.
  void set(std::string_view name, std::string value);

  /// All of them in one text, equal for equal ones.
  std::string text() const;

  /// All values of the one that may be given several times.
  std::vector<std::string> find_all(std::string_view name) const;

  /// Empty when every parameter is one of `names`, else what is wrong.
  std::string check_names(std::initializer_list<std::string_view> names) const;

private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Reads `limit`, when it is given; its bounds are the caller's.
/// @returns empty, or what is wrong.
std::string read_limit(const query_params& params, uint32_t& out);

/// Reads a time (RFC 3339), when it is given. @returns empty, or what is wrong.
std::string read_time(const query_params& params, std::string_view name, int64_t& out);

} // namespace footfall::http
