/// Query strings: what is read is found again, and stays what it is when it is encoded anew.
#include "net/http/query_string.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace footfall;
using namespace footfall::fuzz;
using namespace footfall::http;

namespace {

std::string encode(std::string_view text) {
  std::string out;
  char code[4];
  for (const unsigned char c : text) {
    std::snprintf(code, sizeof code, "%%%02X", c);
    out += code;
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  std::string decoded, twice;
  if (decode_percent(text, decoded))
    require(decode_percent(encode(decoded), twice) && twice == decoded, "encoded and read again");
  query_params params;
  if (!params.parse(text, "topic").empty())
    return 0;
  int64_t at = 0;
  uint32_t limit = 0;
  read_time(params, "from", at);
  read_limit(params, limit);
  query_params again;
  std::string anew;
  for (const std::string_view name : {"site", "page_url", "from", "limit"})
    if (const auto* value = params.find(name))
      anew += std::string(anew.empty() ? "" : "&") + encode(name) + '=' + encode(*value);
  require(again.parse(anew, "topic").empty(), "what was read can be asked again", anew);
  for (const std::string_view name : {"site", "page_url", "from", "limit"})
    if (const auto* value = params.find(name))
      require(again.find(name) && *again.find(name) == *value, "and is the same", *value);
  return 0;
}
