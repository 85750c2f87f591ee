#include "db/postgres/binary.hpp"

#include <cstring>

#include <endian.h>
#include <libpq-fe.h>

namespace footfall::postgres {

namespace {

void put4(std::string& out, uint32_t x) {
  x = htobe32(x);
  out.append(reinterpret_cast<const char*>(&x), sizeof x);
}

void put8(std::string& out, uint64_t x) {
  x = htobe64(x);
  out.append(reinterpret_cast<const char*>(&x), sizeof x);
}

int32_t get4(const char* at) {
  uint32_t x;
  std::memcpy(&x, at, sizeof x);
  return static_cast<int32_t>(be32toh(x));
}

int64_t get8(const char* at) {
  uint64_t x;
  std::memcpy(&x, at, sizeof x);
  return static_cast<int64_t>(be64toh(x));
}

// Calls `each(data, size)` for the elements of a one-dimensional array; a NULL
// has no data.
template <class Function>
void each_element(std::string_view bytes, Function each) {
  constexpr size_t head = 20;
  if (bytes.size() < head)
    return;
  const auto count = get4(bytes.data() + 12);
  size_t at = head;
  for (int32_t i = 0; i < count && at + 4 <= bytes.size(); ++i) {
    const auto size = get4(bytes.data() + at);
    at += 4;
    if (size < 0) {
      each(nullptr, size_t{0});
      continue;
    }
    if (bytes.size() - at < static_cast<size_t>(size))
      return;
    each(bytes.data() + at, static_cast<size_t>(size));
    at += static_cast<size_t>(size);
  }
}

} // namespace

array::array(oid type, size_t count) {
  bytes_.reserve(20 + count * 12);
  put4(bytes_, count == 0 ? 0 : 1); // dimensions
  put4(bytes_, 0);                  // no NULL inside
  put4(bytes_, type);
  if (count == 0)
    return;
  put4(bytes_, static_cast<uint32_t>(count));
  put4(bytes_, 1); // lower bound
}

void array::add_int4(int32_t x) {
  put4(bytes_, 4);
  put4(bytes_, static_cast<uint32_t>(x));
}

void array::add_int8(int64_t x) {
  put4(bytes_, 8);
  put8(bytes_, static_cast<uint64_t>(x));
}

void array::add_bytes(std::string_view x) {
  put4(bytes_, static_cast<uint32_t>(x.size()));
  bytes_.append(x);
}

void parameters::add_int4(int32_t x) {
  auto& bytes = own_.emplace_back();
  put4(bytes, static_cast<uint32_t>(x));
  add(bytes.data(), bytes.size());
}

void parameters::add_int8(int64_t x) {
  auto& bytes = own_.emplace_back();
  put8(bytes, static_cast<uint64_t>(x));
  add(bytes.data(), bytes.size());
}

void parameters::add_text(std::string&& x) {
  const auto& kept = own_.emplace_back(std::move(x));
  add(kept.data(), kept.size());
}

void parameters::add(const char* data, size_t size) {
  values_.push_back(data);
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(1);
}

void result::closer::operator()(pg_result* x) const {
  PQclear(x);
}

result::result(pg_result* rows) : rows_(rows) {
  const auto status = PQresultStatus(rows);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
    return;
  const char* code = PQresultErrorField(rows, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(rows, PG_DIAG_MESSAGE_PRIMARY);
  state = code ? code : "08006";
  text = message ? message : PQresultErrorMessage(rows);
}

int result::rows() const {
  return rows_ ? PQntuples(rows_.get()) : 0;
}

bool result::is_null(int row, int column) const {
  return PQgetisnull(rows_.get(), row, column) != 0;
}

int32_t result::int4(int row, int column) const {
  return is_null(row, column) ? 0 : get4(PQgetvalue(rows_.get(), row, column));
}

int64_t result::int8(int row, int column) const {
  return is_null(row, column) ? 0 : get8(PQgetvalue(rows_.get(), row, column));
}

bool result::boolean(int row, int column) const {
  return !is_null(row, column) && *PQgetvalue(rows_.get(), row, column) != 0;
}

std::string_view result::bytes(int row, int column) const {
  return {PQgetvalue(rows_.get(), row, column),
          static_cast<size_t>(PQgetlength(rows_.get(), row, column))};
}

std::vector<int32_t> result::int4s(int row, int column) const {
  std::vector<int32_t> out;
  each_element(bytes(row, column),
               [&](const char* data, size_t) { out.push_back(data ? get4(data) : 0); });
  return out;
}

std::vector<int64_t> result::int8s(int row, int column) const {
  std::vector<int64_t> out;
  each_element(bytes(row, column),
               [&](const char* data, size_t) { out.push_back(data ? get8(data) : 0); });
  return out;
}

std::vector<std::string> result::texts(int row, int column) const {
  std::vector<std::string> out;
  each_element(bytes(row, column), [&](const char* data, size_t size) {
    out.emplace_back(data ? data : "", data ? size : 0);
  });
  return out;
}

} // namespace footfall::postgres
