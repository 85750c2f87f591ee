#include "actors/model/log_check.hpp"

#include <sstream>
#include <utility>
#include <vector>

namespace footfall::model {

namespace {

using parts = std::vector<std::pair<std::string, std::string>>;

// Identities are "name=value" parts with ';' between them: what a log cannot tell today
// it may have told before, and the other way round.
parts parts_of(const std::string& identity) {
  parts out;
  std::istringstream in{identity};
  for (std::string part; std::getline(in, part, ';');)
    if (const auto equals = part.find('='); equals != std::string::npos)
      out.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  return out;
}

std::string value_of(const parts& in, const std::string& name) {
  for (const auto& x : in)
    if (x.first == name)
      return x.second;
  return {};
}

/// The part that differs, or nothing.
std::string difference(const std::string& known, const std::string& found) {
  const auto now = parts_of(found);
  for (const auto& [name, value] : parts_of(known))
    if (const auto other = value_of(now, name); !other.empty() && other != value)
      return "its " + name + " is " + other + ", and what was applied came from " + value;
  return {};
}

/// What is known, and what is found besides.
std::string united(const std::string& known, const std::string& found) {
  auto out = known;
  const auto before = parts_of(known);
  for (const auto& [name, value] : parts_of(found))
    if (value_of(before, name).empty())
      out += (out.empty() ? "" : ";") + name + '=' + value;
  return out;
}

constexpr const char* ways_of_another =
    ". Put the log back that belongs to this store and start again, or count this one from its "
    "beginning (event ids still count once): footfall partitions --new-generation";

std::string text(int64_t x) {
  return std::to_string(x);
}

} // namespace

int64_t hash_of(const log_entry& x) noexcept {
  uint64_t hash = 14695981039346656037ull;
  auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1099511628211ull; };
  for (int shift = 0; shift < 64; shift += 8)
    mix(static_cast<unsigned char>(static_cast<uint64_t>(x.time_us) >> shift));
  for (unsigned char byte : x.value)
    mix(byte);
  return static_cast<int64_t>(hash);
}

log_verdict check_log(uint32_t partition, const known_log& known, const log_view& found) {
  log_verdict out;
  auto fault = [&out](stop_kind kind, std::string why) {
    out.fault = kind;
    out.why = std::move(why);
    return out;
  };
  const auto holds =
      "the log holds "
      + (found.first == found.end ? "nothing (its next offset is " + text(found.end) + ")"
                                  : "offsets " + text(found.first) + " to " + text(found.end - 1));
  if (auto other = difference(known.identity, found.identity); !other.empty())
    return fault(stop_kind::other_log, "the event log is another one: " + other + ways_of_another);
  if (found.end < known.next_offset)
    return fault(stop_kind::log_too_short,
                 "offsets below " + text(known.next_offset) + " were applied, and " + holds
                     + ": it was made anew, restored from an older copy, or it lost records"
                     + ways_of_another);
  if (!found.at.empty() && found.at.front().offset == known.mark.offset
      && hash_of(found.at.front()) != known.mark.hash)
    return fault(stop_kind::other_log,
                 "the event log is another one: at offset " + text(known.mark.offset)
                     + " it has another record than the one that was applied" + ways_of_another);
  if (found.first > known.next_offset)
    return fault(stop_kind::records_lost,
                 "records " + text(known.next_offset) + " to " + text(found.first - 1)
                     + " are gone from the event log and were never applied; " + holds
                     + ". Put them back and start again, or go on without them (the range is "
                       "written down as a bad event): footfall partitions --partition "
                     + std::to_string(partition) + " --skip-to " + text(found.first));
  if (auto all = united(known.identity, found.identity); all != known.identity)
    out.identity = std::move(all);
  return out;
}

} // namespace footfall::model
