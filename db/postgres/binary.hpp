#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace footfall::postgres {

/// Microseconds from 1970 to PostgreSQL's own epoch, 2000-01-01.
inline constexpr int64_t epoch_us = 946'684'800'000'000;

/// One array parameter in PostgreSQL's binary form; its elements are appended.
class array {
public:
  enum oid : uint32_t {
    bytea = 17,
    int8 = 20,
    int4 = 23,
    text = 25,
    timestamptz = 1184,
    uuid = 2950
  };

  array(oid type, size_t count);
  void add_int4(int32_t x);
  void add_int8(int64_t x);
  void add_time(int64_t at_us) { add_int8(at_us - epoch_us); }
  void add_bytes(std::string_view x);
  const std::string& bytes() const { return bytes_; }

private:
  std::string bytes_;
};

/// The parameters of one statement, in binary form. Named texts and arrays must outlive
/// it; a temporary text is kept.
class parameters {
public:
  void add_int4(int32_t x);
  void add_int8(int64_t x);
  void add_text(const std::string& x) { add(x.data(), x.size()); }
  void add_text(std::string&& x); ///< Kept: nobody else would.
  void add_array(const array& x) { add(x.bytes().data(), x.bytes().size()); }
  void add_array(array&& x) = delete; ///< It would not live long enough.

  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

private:
  void add(const char* data, size_t size);

  std::deque<std::string> own_; // A deque: elements never move.
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// The answer to a statement: rows in binary form, or why there are none.
class result {
public:
  result() = default;
  explicit result(pg_result* rows);
  result(std::string state, std::string text) : state(std::move(state)), text(std::move(text)) {}

  std::string state; ///< Empty: done. Else an SQLSTATE, or one of connection.hpp's.
  std::string text;  ///< PostgreSQL's message.
  bool ok() const { return state.empty(); }

  int rows() const;
  bool is_null(int row, int column) const;
  int32_t int4(int row, int column) const;
  int64_t int8(int row, int column) const;
  bool boolean(int row, int column) const;
  std::string_view bytes(int row, int column) const;
  /// Arrays: NULL gives an empty one, NULL elements 0 or "".
  std::vector<int32_t> int4s(int row, int column) const;
  std::vector<int64_t> int8s(int row, int column) const;
  std::vector<std::string> texts(int row, int column) const;

private:
  struct closer {
    void operator()(pg_result* x) const;
  };
  std::unique_ptr<pg_result, closer> rows_;
};

} // namespace footfall::postgres
