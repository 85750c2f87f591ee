#include "actors/ports/store.hpp"

namespace footfall {

namespace {

template <class Row>
bool rise(const std::vector<Row>& rows, int64_t from, int64_t until) {
  for (const auto& x : rows) {
    if (x.offset < from || x.offset >= until)
      return false;
    from = x.offset + 1;
  }
  return true;
}

} // namespace

bool is_in_order(const apply_request& batch) {
  return batch.first_offset >= 0 && batch.first_offset <= batch.next_offset
         && rise(batch.rows, batch.first_offset, batch.next_offset)
         && rise(batch.bad, batch.first_offset, batch.next_offset)
         && batch.mark.offset < batch.next_offset;
}

} // namespace footfall
