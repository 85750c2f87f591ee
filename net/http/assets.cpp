#include "net/http/assets.hpp"

#include <algorithm>
#include <stdexcept>

#include <absl/strings/escaping.h>
#include <openssl/sha.h>
#include <zlib.h>

namespace footfall::http {

namespace {

constexpr std::string_view index_path = "/index.html";

/// What the first part of a path names in ui/src/main.tsx; all else is a mistake, and told so.
constexpr std::string_view screens[] = {"", "page", "live", "actors", "system", "try", "settings"};

/// For the page and all that it loads. Trusted Types keep text from becoming markup.
constexpr std::string_view page_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Vary: Accept-Encoding\r\n";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"},
      {".woff2", "font/woff2"},
  };
  for (const auto& [end, type] : known)
    if (path.ends_with(end))
      return std::string(type);
  return "application/octet-stream";
}

/// As gzip does it, with nothing of the time in it; empty when it is not shorter.
std::string pack(std::string_view text) {
  z_stream z{};
  if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib cannot begin");
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return ended == Z_STREAM_END && out.size() < text.size() ? out : std::string{};
}

std::string tag_of(std::string_view text) {
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), sum);
  return absl::BytesToHexString({reinterpret_cast<const char*>(sum), 8});
}

/// Whether a client takes gzip: it says so, and not with the weight 0.
bool takes_gzip(std::string_view accepted) {
  for (size_t at = 0; at < accepted.size();) {
    const auto end = std::min(accepted.find(',', at), accepted.size());
    const auto part = accepted.substr(at, end - at);
    if (contains(part, "gzip"))
      return !contains(part, "q=0") || contains(part, "q=0.");
    at = end + 1;
  }
  return false;
}

} // namespace

assets::assets(const std::vector<embedded_file>& files) {
  for (const auto& x : files)
    files_.push_back({x.path, x.text, pack(x.text), type_of(x.path), tag_of(x.text),
                      x.path.starts_with("/assets/")});
}

const assets::file* assets::find(std::string_view path) const {
  const auto first = path.front() == '/' ? path.substr(1, path.find('/', 1) - 1) : path;
  const bool is_screen =
      std::find(std::begin(screens), std::end(screens), first) != std::end(screens);
  if (is_screen && !path.starts_with("//"))
    path = index_path;
  const auto found =
      std::find_if(files_.begin(), files_.end(), [path](const file& x) { return x.path == path; });
  return found == files_.end() ? nullptr : &*found;
}

void assets::answer_shared(exchange& x) const {
  answer(x, *find(index_path), "X-Robots-Tag: noindex, nofollow\r\n");
}

void assets::answer(exchange& x, const file& found, std::string_view more_headers) {
  const bool packed = !found.packed.empty() && takes_gzip(x.in->value(header::accept_encoding));
  const auto tag = '"' + found.tag + (packed ? "-gz\"" : "\"");
  std::string headers{page_headers};
  headers += more_headers;
  headers += "ETag: " + tag + "\r\nCache-Control: ";
  headers += found.keeps_name ? "public, max-age=31536000, immutable\r\n" : "no-cache\r\n";
  if (packed)
    headers += "Content-Encoding: gzip\r\n";
  const bool known = contains(x.in->value(header::if_none_match), tag);
  if (known)
    x.frame.without_body = true;
  x.answer(known ? 304 : 200, found.type, headers,
           packed ? std::string_view(found.packed) : found.text);
}

} // namespace footfall::http
