#include "actors/model/applied_history.hpp"

#include <algorithm>
#include <cassert>

namespace footfall::model {

void applied_history::start(int64_t next_offset) {
  if (next_offset != end_)
    begin_ = end_ = next_offset;
}

void applied_history::add(int64_t next_offset, const std::vector<int64_t>& fresh) {
  if (fresh_.empty())
    fresh_.resize(static_cast<size_t>(kept));
  const auto first = std::max(end_, next_offset - kept);
  for (auto offset = first; offset < next_offset; ++offset)
    fresh_[bit(offset)] = false;
  for (auto offset : fresh)
    if (offset >= first && offset < next_offset)
      fresh_[bit(offset)] = true;
  end_ = std::max(end_, next_offset);
  begin_ = std::max(begin_, end_ - kept);
  assert(begin_ <= end_ && end_ - begin_ <= kept);
}

applied_counts applied_history::count(int64_t first, int64_t last) const {
  applied_counts out;
  if (last < first)
    return out;
  // Told in parts: before what is known, known, behind it.
  const auto known_from = std::clamp(begin_, first, last + 1);
  const auto known_to = std::clamp(end_, known_from, last + 1);
  out.forgotten = static_cast<uint64_t>(known_from - first);
  out.waiting = static_cast<uint64_t>(last + 1 - known_to);
  for (auto offset = known_from; offset < known_to; ++offset)
    ++(fresh_[bit(offset)] ? out.fresh : out.duplicates);
  return out;
}

} // namespace footfall::model
