#include "net/http/applied_list.hpp"

#include <charconv>

#include "net/http/json_text.hpp"
#include "net/http/key_check.hpp"

namespace footfall::http {

namespace {

constexpr size_t ranges_max = 64;
constexpr int64_t positions_max = 1 << 16; ///< Of all ranges: they are counted one by one.

/// Takes a number off the front, and `mark` behind it unless it is the end.
template <class T>
bool take_number(std::string_view& text, T& out) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
  return read.ec == std::errc{};
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted)
    return false;
  text.remove_prefix(1);
  return true;
}

/// "0:17-42,1:5". False when it is not that.
bool read_ranges(std::string_view text, std::vector<position_range>& out) {
  int64_t positions = 0;
  do {
    position_range x;
    if (!take_number(text, x.partition) || !take_char(text, ':') || !take_number(text, x.first))
      return false;
    x.last = x.first;
    if (take_char(text, '-') && !take_number(text, x.last))
      return false;
    if (x.first < 0 || x.last < x.first || x.last - x.first >= positions_max)
      return false;
    positions += x.last - x.first + 1;
    out.push_back(x);
  } while (out.size() < ranges_max && take_char(text, ','));
  return text.empty() && positions <= positions_max;
}

} // namespace

void answer_applied(exchange& x, const request_handler& handler) {
  if (x.in->verb != method::get && x.in->verb != method::head)
    return x.refuse(wrong_method("GET, HEAD"));
  if (x.in->packed_with != coding::none)
    return x.refuse({415, "unsupported_encoding", "Content-Encoding is not supported here"});
  query_params params;
  if (auto bad = params.parse(x.in->query()); !bad.empty())
    return x.refuse(invalid(std::move(bad)));
  if (auto bad = params.check_names({"ranges"}); !bad.empty())
    return x.refuse(invalid(std::move(bad)));
  if (!x.in->body.empty())
    return x.refuse(invalid("this request has no body; leave it out"));
  std::vector<position_range> ranges;
  const auto* text = params.find("ranges");
  if (!text || !read_ranges(*text, ranges))
    return x.refuse(invalid("ranges is missing or wrong; write partition:first-last, at most 64 "
                            "of them with 65,536 positions together, such as 0:17-42,1:5"));
  if (!charge(x, ranges.size()))
    return;
  std::string body = "{\"ranges\":[";
  for (const auto& range : ranges) {
    const auto counts = handler.applied(range);
    body += body.back() == '[' ? "{" : ",{";
    for (auto [name, value] : {std::pair{"new", counts.fresh},
                               {"duplicate", counts.duplicates},
                               {"waiting", counts.waiting},
                               {"forgotten", counts.forgotten}}) {
      append_key(body, name);
      append_number(body, value);
    }
    body += '}';
  }
  x.answer(200, json_type, {}, body + "]}\n");
}

} // namespace footfall::http
