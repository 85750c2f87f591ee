/// Requests from the bytes of a connection mean the same however the network cut them, and what
/// is let through keeps to its bounds.
#include <algorithm>

#include "net/http/framing.hpp"
#include "net/http/query_string.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace footfall;
using namespace footfall::fuzz;
using namespace footfall::http;

namespace {

constexpr framing_limits bounds{1024, 16, 4096};

void require_bounded(const request& x) {
  require(x.body.size() <= bounds.body_bytes, "a body within its limit");
  require(!x.target.empty()
              && std::all_of(x.target.begin(), x.target.end(),
                             [](unsigned char c) { return c > ' ' && c < 127; }),
          "a target of visible ASCII", x.target);
  size_t kept = x.target.size() + x.after.size();
  for (const auto& value : x.kept) {
    kept += value.size();
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
            "a header on one line", value);
  }
  require(kept <= bounds.header_bytes, "headers within their limit");
}

std::string describe(const request& x) {
  std::string out = std::to_string(static_cast<int>(x.verb)) + ' ' + x.target;
  for (const bool flag : {x.http_1_0, x.keep_alive, x.expects_continue, x.has_after})
    out += flag ? '1' : '0';
  out += std::to_string(static_cast<int>(x.packed_with)) + '[' + x.after + ']';
  for (const auto& value : x.kept)
    out += '[' + value + ']';
  return out + x.body + '\n';
}

/// All requests in the bytes, given in pieces whose sizes `seed` chooses; 0: at once.
std::string requests_of(std::string_view bytes, uint32_t seed) {
  request_reader reader{bounds};
  std::string out, waiting;
  for (size_t given = 0;;) {
    size_t used = 0;
    const auto state = reader.read(waiting, used);
    require(used <= waiting.size(), "no more used than there was");
    waiting.erase(0, used);
    if (state == framing_state::refused)
      return out + "refused " + std::to_string(reader.refusal().status);
    if (state == framing_state::complete) {
      require_bounded(reader.get());
      out += describe(reader.get());
      if (!reader.get().keep_alive)
        return out;
      reader.next();
      if (!waiting.empty())
        continue;
    }
    if (given == bytes.size())
      return out + (state == framing_state::needs_body ? "in a body" : "in a head");
    seed = seed * 1'664'525 + (seed == 0 ? 0 : 1'013'904'223);
    const size_t piece = seed == 0 ? bytes.size() : 1 + (seed >> 24) % 32;
    waiting += bytes.substr(given, piece);
    given = std::min(bytes.size(), given + piece);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = text_of(data, size);
  const auto whole = requests_of(bytes, 0);
  for (const uint32_t seed : {1u, static_cast<uint32_t>(size) + 2})
    if (const auto cut = requests_of(bytes, seed); cut != whole)
      require(false, "the same in pieces as at once", whole + "\n--- in pieces:\n" + cut);
  return 0;
}
