#include "app/config_file.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "app/options.hpp"

namespace footfall::app {
namespace {

constexpr size_t config_bytes_max = 1 << 20;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string_view without_comment(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i)
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
      return line.substr(0, i);
  return line;
}

/// What may be shown: a line that is no setting at all may be a secret.
bool is_name(std::string_view text) {
  return text.size() <= 60 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '_';
         });
}

/// Takes one line over. @returns what is wrong with it.
std::string take_line(std::string_view line, size_t number, config_values& out) {
  line = trimmed(without_comment(line));
  if (line.empty())
    return {};
  auto equals = line.find('=');
  if (equals == std::string_view::npos)
    return "is not \"name = value\"";
  std::string name{trimmed(line.substr(0, equals))};
  auto options = option_table();
  if (std::none_of(options.begin(), options.end(), [&](auto& x) { return name == x.name; }))
    return "has an unknown option" + (is_name(name) ? ", \"" + name + "\"" : std::string{})
           + "; footfall serve --help lists them";
  auto [at, fresh] =
      out.try_emplace(name, config_line{std::string{trimmed(line.substr(equals + 1))}, number});
  if (!fresh)
    return "sets " + name + " again, after line " + std::to_string(at->second.line);
  return {};
}

} // namespace

std::string read_config_file(const std::string& path, config_values& out) {
  std::ifstream file{path};
  if (!file)
    return "config file " + path + ": " + std::strerror(errno);
  std::string line;
  size_t bytes = 0;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if ((bytes += line.size() + 1) > config_bytes_max)
      return "config file " + path + ": more than 1 MiB; is it a config file?";
    if (auto wrong = take_line(line, number, out); !wrong.empty())
      return "config file " + path + ": line " + std::to_string(number) + " " + wrong;
  }
  if (file.bad())
    return "config file " + path + ": cannot be read (" + std::strerror(errno) + ")";
  return {};
}

} // namespace footfall::app
