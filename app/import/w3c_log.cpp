#include "app/import/w3c_log.hpp"

#include <algorithm>

#include "app/import/client_field.hpp"
#include "app/import/log_time.hpp"
#include "app/import/request_line.hpp"

namespace footfall::app {

namespace {

constexpr auto npos = std::string_view::npos;

/// The text behind "#Fields:", whatever the case of the word.
bool has_name(std::string_view line, std::string_view name, std::string_view& value) {
  if (line.size() < name.size())
    return false;
  for (size_t i = 0; i < name.size(); ++i)
    if ((line[i] | 0x20) != (name[i] | 0x20))
      return false;
  value = line.substr(name.size());
  return true;
}

std::string_view next_word(std::string_view& rest) {
  const auto begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  const auto end = std::min(rest.find_first_of(" \t", begin), rest.size());
  const auto out = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return out;
}

} // namespace

bool looks_like_w3c(std::string_view line) noexcept {
  if (!line.empty() && line.front() == '#') {
    std::string_view value;
    for (const auto* name : {"#Fields:", "#Version:", "#Software:", "#Date:", "#Start-Date:"})
      if (has_name(line, name, value))
        return true;
    return false;
  }
  int64_t at_us;
  return line.size() > 19 && (line[10] == ' ' || line[10] == '\t')
         && parse_w3c_time(line.substr(0, 10), line.substr(11, 8), at_us);
}

line_fate w3c_log::read(std::string_view line, hit& out, std::string& why) {
  if (!line.empty() && line.front() == '#') {
    read_directive(line);
    return line_fate::directive;
  }
  split(line);
  why = missing();
  if (!why.empty())
    return line_fate::refused;
  const auto day = where_[date] != none ? cell(date) : std::string_view{date_};
  if (!parse_w3c_time(day, cell(time), out.event.at_us))
    why = "the date and time are not like 2012-04-01 00:00:13, or no such time exists";
  const auto who = read_client(cell(client));
  if (why.empty() && who.shape == client_shape::none)
    why = "c-ip is neither an address nor a host name";
  if (why.empty() && where_[method] != none && !is_method(cell(method)))
    why = "cs-method is no method of HTTP";
  const auto page = where_[stem] != none ? cell(stem) : cell(uri);
  if (why.empty())
    why = fault_of_target(cell(method), page);
  if (!why.empty())
    return line_fate::refused;
  out.event.user_id = who.text;
  out.event.page_url = page;
  if (const auto more = where_[stem] != none ? cell(query) : std::string_view{}; !more.empty())
    (out.event.page_url += '?') += more;
  out.event.event_type = "click";
  out.method = cell(method);
  const auto code = cell(status);
  if (code.size() == 3
      && std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; }))
    out.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  if (out.wants_agent)
    out.agent = cell(agent);
  return line_fate::event;
}

void w3c_log::read_directive(std::string_view line) {
  std::string_view rest;
  if (has_name(line, "#Date:", rest) || has_name(line, "#Start-Date:", rest))
    date_ = next_word(rest);
  if (!has_name(line, "#Fields:", rest))
    return;
  constexpr std::string_view names[columns] = {"date",      "time",        "c-ip",
                                               "cs-method", "cs-uri-stem", "cs-uri-query",
                                               "cs-uri",    "sc-status",   "cs(user-agent)"};
  fields_line_ = line;
  std::fill(where_.begin(), where_.end(), none);
  count_ = 0;
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest), ++count_)
    for (size_t i = 0; i < columns; ++i) {
      std::string_view more;
      if (has_name(word, names[i], more) && more.empty() && where_[i] == none)
        where_[i] = count_;
    }
}

void w3c_log::split(std::string_view line) {
  cells_.clear();
  const char parts = line.find('\t') != npos ? '\t' : ' ';
  while (!line.empty()) {
    size_t end = std::min(line.find(parts), line.size());
    // A quoted text may hold spaces, and doubled quotes.
    if (parts == ' ' && line.front() == '"') {
      end = line.find('"', 1);
      while (end != npos && end + 1 < line.size() && line[end + 1] == '"')
        end = line.find('"', end + 2);
      end = end == npos ? line.size() : end + 1;
    }
    auto cell = line.substr(0, end);
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
      cell = cell.substr(1, cell.size() - 2);
    cells_.push_back(cell);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
}

std::string_view w3c_log::cell(column which) const noexcept {
  const auto at = where_[which];
  if (at == none || at >= cells_.size() || cells_[at] == "-")
    return {};
  return cells_[at];
}

std::string w3c_log::missing() const {
  if (fields_line_.empty())
    return "no #Fields directive stands above the line; import the file from its start";
  if (where_[time] == none || (where_[date] == none && date_.empty()))
    return "the #Fields directive names no date and time";
  if (where_[client] == none)
    return "the #Fields directive names no c-ip";
  if (where_[stem] == none && where_[uri] == none)
    return "the #Fields directive names no cs-uri-stem";
  if (cells_.size() != count_)
    return "the line has " + std::to_string(cells_.size()) + " columns, the #Fields directive "
           + std::to_string(count_) + "; it may be cut off";
  return {};
}

} // namespace footfall::app
