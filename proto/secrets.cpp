#include "proto/secrets.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace footfall {

namespace {

constexpr std::string_view mask = "***";
constexpr size_t plain_word_most = 16;
constexpr size_t secret_least = 2; ///< Without one letter, or one digit, no text can be read.

bool is_word(unsigned char c) {
  return std::isalnum(c) != 0;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Everything but letters, digits and `plain` as %XX.
std::string percent_encoded(std::string_view text, const char* digits, std::string_view plain) {
  std::string out;
  for (unsigned char c : text)
    if (is_word(c) || plain.find(static_cast<char>(c)) != std::string_view::npos)
      out += static_cast<char>(c);
    else
      out += {'%', digits[c >> 4], digits[c & 15]};
  return out;
}

std::string backslashed(std::string_view text, std::string_view which) {
  std::string out;
  for (char c : text) {
    if (which.find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

/// What is looked for: a secret in one of the forms that it may have in a text.
struct form {
  std::string text;
  bool anywhere = true; ///< False: only where no letter or digit touches it.
};

class known_forms {
public:
  void add(std::string_view value) {
    for (const auto& secret : {std::string{value}, percent_decoded(value)}) {
      add_form(secret);
      for (const char* digits : {"0123456789ABCDEF", "0123456789abcdef"})
        for (std::string_view plain : {"-._~", "-._~!$&'()*+,;=", "-._~!$&'()*+,;=:@/?"})
          add_form(percent_encoded(secret, digits, plain));
      add_form(backslashed(secret, "'\\"));
      add_form(backslashed(secret, "\"\\"));
      add_form(backslashed(backslashed(secret, "'\\"), "\"\\"));
    }
    // A longer form first: its rest must not stay behind when a shorter one is found.
    std::stable_sort(forms_.begin(), forms_.end(),
                     [](const form& a, const form& b) { return a.text.size() > b.text.size(); });
  }

  void hide(std::string& text) const {
    for (const auto& x : forms_)
      for (size_t at = 0; (at = text.find(x.text, at)) != std::string::npos;)
        at = hide_at(text, at, x);
  }

private:
  void add_form(const std::string& text) {
    if (text.empty() || text == mask)
      return;
    for (const auto& known : forms_)
      if (known.text == text)
        return;
    const bool plain =
        text.size() < plain_word_most
        && std::all_of(text.begin(), text.end(), [](unsigned char c) { return is_word(c); });
    forms_.push_back({text, !plain});
  }

  static size_t hide_at(std::string& text, size_t at, const form& x) {
    const auto end = at + x.text.size();
    auto touches = [&](size_t i) { return is_word(static_cast<unsigned char>(text[i])); };
    if (!x.anywhere && ((at > 0 && touches(at - 1)) || (end < text.size() && touches(end))))
      return at + 1;
    text.replace(at, x.text.size(), mask);
    return at + mask.size();
  }

  std::vector<form> forms_;
};

struct registry {
  std::shared_mutex mutex;
  std::atomic<bool> any{false};
  known_forms forms;
};

registry& known() {
  static registry all;
  return all;
}

/// "scheme://user:password@host": the password ends at the last "@" before the host
/// does, because people forget to write it as %40.
void mask_urls(std::string& text) {
  for (size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
    at += 3;
    auto end = std::min(text.find_first_of(" \t\"'", at), text.size());
    auto host = text.rfind('@', end);
    auto colon = text.find(':', at);
    if (host == std::string::npos || host < at || host >= end || colon >= host)
      continue;
    text.replace(colon + 1, host - colon - 1, mask);
    at = colon + 1 + mask.size();
  }
}

/// Where a value that starts at `at` ends: quoted as libpq has it, or up to a space
/// or the next parameter of a URL.
size_t end_of_value(std::string_view text, size_t at) {
  if (at < text.size() && text[at] == '\'') {
    for (++at; at < text.size() && text[at] != '\''; ++at)
      if (text[at] == '\\')
        ++at;
    return std::min(at + 1, text.size());
  }
  return std::min(text.find_first_of(" \t&", at), text.size());
}

/// "password = value" of a libpq text, a URL's query or a log line; also sslpassword.
void mask_parameters(std::string& text) {
  constexpr std::string_view word = "password";
  auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  auto begin = text.begin();
  while (true) {
    auto found = std::search(begin, text.end(), word.begin(), word.end(), same);
    if (found == text.end())
      return;
    auto at = static_cast<size_t>(found - text.begin()) + word.size();
    auto equals = text.find_first_not_of(" \t", at);
    if (equals != std::string::npos && text[equals] == '=') {
      at = std::min(text.find_first_not_of(" \t", equals + 1), text.size());
      text.replace(at, end_of_value(text, at) - at, mask);
      at += mask.size();
    }
    begin = text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size()));
  }
}

} // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_value(text[i + 2]);
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

void know_secret(std::string_view value) {
  if (value.size() < secret_least)
    return;
  auto& all = known();
  std::unique_lock guard{all.mutex};
  all.forms.add(value);
  all.any = true;
}

std::string hide_secrets(std::string_view text) {
  std::string out{text};
  auto& all = known();
  if (all.any.load(std::memory_order_acquire)) {
    std::shared_lock guard{all.mutex};
    all.forms.hide(out);
  }
  mask_urls(out);
  mask_parameters(out);
  return out;
}

} // namespace footfall
