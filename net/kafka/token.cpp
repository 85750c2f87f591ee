#include "net/kafka/token.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>

#include <simdjson.h>

namespace footfall::kafka {

namespace {

constexpr size_t token_bytes_max = 64 << 10;
constexpr std::chrono::minutes unsaid_life{5};

struct token {
  std::string text;
  std::string principal = "footfall";
  int64_t until_ms = 0;
};

std::optional<unsigned> base64url_digit(char c) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto at = digits.find(c);
  return at == std::string_view::npos ? std::nullopt : std::optional<unsigned>(at);
}

/// Empty when it is none.
std::string base64url_decoded(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (char c : text) {
    const auto digit = base64url_digit(c);
    if (!digit)
      return {};
    bits = (bits << 6 | *digit) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

/// What a JWT says of itself. Who may come in is the broker's to check.
void read_claims(token& out) {
  const auto first = out.text.find('.');
  const auto second = first == std::string::npos ? first : out.text.find('.', first + 1);
  if (second == std::string::npos)
    return;
  simdjson::dom::parser parser;
  simdjson::dom::element claims;
  const auto payload =
      base64url_decoded(std::string_view{out.text}.substr(first + 1, second - first - 1));
  if (payload.empty() || parser.parse(payload).get(claims) != simdjson::SUCCESS)
    return;
  if (double seconds = 0;
      claims["exp"].get(seconds) == simdjson::SUCCESS && seconds > 0 && seconds < 1e12)
    out.until_ms = static_cast<int64_t>(seconds * 1000);
  if (std::string_view name; claims["sub"].get(name) == simdjson::SUCCESS && !name.empty())
    out.principal = name;
}

/// @returns what is wrong.
std::string read_token(const std::string& path, token& out) {
  std::ifstream file{path};
  std::string more;
  if (!file || !(std::getline(file, out.text) || file.eof()))
    return std::string{"cannot be read ("} + std::strerror(errno) + ")";
  while (!out.text.empty() && (out.text.back() == '\r' || out.text.back() == ' '))
    out.text.pop_back();
  if (out.text.empty())
    return "is empty";
  if (out.text.size() > token_bytes_max || std::getline(file, more))
    return "holds more than one token on one line";
  const auto now = std::chrono::system_clock::now() + unsaid_life;
  out.until_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  read_claims(out);
  return {};
}

} // namespace

void give_token(rd_kafka_t* client, const std::string& path) {
  token found;
  char text[512];
  auto wrong = read_token(path, found);
  if (wrong.empty()
      && rd_kafka_oauthbearer_set_token(client, found.text.c_str(), found.until_ms,
                                        found.principal.c_str(), nullptr, 0, text, sizeof text)
             != RD_KAFKA_RESP_ERR_NO_ERROR)
    wrong = std::string{"is of no use: "} + text;
  if (!wrong.empty())
    rd_kafka_oauthbearer_set_token_failure(
        client, ("the token file " + path + " (KAFKA_SASL_TOKEN_FILE) " + wrong).c_str());
}

} // namespace footfall::kafka
