#include "app/import/identity.hpp"

#include <algorithm>
#include <cassert>

#include <openssl/evp.h>

#include "actors/model/event_key.hpp"

namespace footfall::app {

namespace {

constexpr size_t first_size = 1 << 10;

uint64_t number_at(const uint8_t* bytes) noexcept {
  uint64_t out = 0;
  for (int i = 0; i < 8; ++i)
    out = out << 8 | bytes[i];
  return out;
}

void append_number(std::string& out, uint64_t x) {
  for (int i = 0; i < 8; ++i)
    out += static_cast<char>(x >> (8 * i) & 0xff);
}

} // namespace

ordinals::entry& ordinals::table::slot(uint64_t line) {
  if (used * 2 >= entries.size())
    grow();
  const size_t mask = entries.size() - 1;
  size_t i = line & mask;
  while (entries[i].ordinal != 0 && entries[i].line != line)
    i = (i + 1) & mask;
  used += entries[i].ordinal == 0 ? 1 : 0;
  return entries[i];
}

const ordinals::entry* ordinals::table::find(uint64_t line) const noexcept {
  if (entries.empty())
    return nullptr;
  const size_t mask = entries.size() - 1;
  for (size_t i = line & mask; entries[i].ordinal != 0; i = (i + 1) & mask)
    if (entries[i].line == line)
      return &entries[i];
  return nullptr;
}

void ordinals::table::grow() {
  std::vector<entry> old(std::max(first_size, entries.size() * 4));
  old.swap(entries);
  used = 0;
  for (const auto& x : old)
    if (x.ordinal != 0)
      slot(x.line) = x;
}

uint32_t ordinals::next(uint64_t line) {
  ++line_;
  if (turn_++ == window) {
    turn_ = 1;
    before_ = std::move(now_);
    now_ = {};
  }
  auto& own = now_.slot(line);
  const auto* known = own.ordinal != 0 ? &own : before_.find(line);
  // Far away lines are told apart from near ones by distance alone, never by turns.
  const bool is_near = known && line_ - known->at <= window;
  const uint32_t ordinal = is_near ? known->ordinal : 0;
  own = {line, line_, ordinal + 1};
  return ordinal;
}

// Looked up once: OpenSSL takes longer to find SHA-256 than to run it over a line.
struct line_ids::context {
  context() : sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr)), state(EVP_MD_CTX_new()) {}
  ~context() {
    EVP_MD_CTX_free(state);
    EVP_MD_free(sha256);
  }
  EVP_MD* sha256;
  EVP_MD_CTX* state;
};

line_ids::line_ids(std::string_view source)
    : context_(std::make_unique<context>()), source_(source) {}
line_ids::~line_ids() = default;
line_ids::line_ids(line_ids&&) noexcept = default;
line_ids& line_ids::operator=(line_ids&&) noexcept = default;

line_ids::digest line_ids::hash_of(int64_t at_us, std::string_view text, uint32_t ordinal) {
  buffer_.assign("footfall line\n");
  append_number(buffer_, source_.size());
  buffer_ += source_;
  append_number(buffer_, static_cast<uint64_t>(at_us));
  append_number(buffer_, ordinal);
  buffer_ += text;
  digest out;
  const bool fine = EVP_DigestInit_ex2(context_->state, context_->sha256, nullptr) == 1
                    && EVP_DigestUpdate(context_->state, buffer_.data(), buffer_.size()) == 1
                    && EVP_DigestFinal_ex(context_->state, out.data(), nullptr) == 1;
  assert(fine);
  return out;
}

std::string line_ids::of(int64_t at_us, std::string_view text) {
  auto made = hash_of(at_us, text, 0);
  if (const auto ordinal = ordinals_.next(number_at(&made[16])); ordinal > 0) {
    ++repeated_;
    made = hash_of(at_us, text, ordinal);
  }
  // Times of events begin with the year 2000; none at all sorts before them.
  return model::uuid7(std::max<int64_t>(at_us, 0) / 1000, number_at(&made[0]), number_at(&made[8]));
}

} // namespace footfall::app
