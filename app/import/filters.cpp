#include "app/import/filters.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace footfall::app {

namespace {

constexpr auto npos = std::string_view::npos;

/// Endings of files that pages are made of.
constexpr std::string_view static_endings[] = {
    "css",  "js",   "mjs",  "map",  "png", "jpg", "jpeg", "gif",        "svg",
    "svgz", "ico",  "webp", "avif", "bmp", "tif", "tiff", "woff",       "woff2",
    "ttf",  "otf",  "eot",  "mp3",  "mp4", "m4a", "m4v",  "ogg",        "ogv",
    "wav",  "webm", "mov",  "avi",  "flv", "swf", "wasm", "webmanifest"};

/// Parts of agents, in lower case. A part that is a word of many agents comes first.
/// Maintained by hand: add what a log shows, with a line in tests/contract/import_parts.cpp.
constexpr std::string_view bot_parts[] = {"bot",
                                          "crawl",
                                          "spider",
                                          "slurp",
                                          "archiver",
                                          "scrap",
                                          "monitor",
                                          "uptime",
                                          "pingdom",
                                          "statuscake",
                                          "curl/",
                                          "wget",
                                          "python",
                                          "go-http-client",
                                          "java/",
                                          "libwww",
                                          "httpclient",
                                          "http-client",
                                          "okhttp",
                                          "axios",
                                          "node-fetch",
                                          "undici",
                                          "perl",
                                          "ruby",
                                          "php/",
                                          "guzzle",
                                          "headless",
                                          "phantomjs",
                                          "lighthouse",
                                          "pagespeed",
                                          "facebookexternalhit",
                                          "facebookcatalog",
                                          "meta-externalagent",
                                          "whatsapp",
                                          "preview",
                                          "feedfetcher",
                                          "feedburner",
                                          "feedly",
                                          "rss",
                                          "mediapartners",
                                          "adsbot",
                                          "apis-google",
                                          "google-read-aloud",
                                          "googleother",
                                          "yandex.com/bots",
                                          "baiduspider",
                                          "bytespider",
                                          "chatgpt-user",
                                          "perplexity",
                                          "claude-web",
                                          "ahrefs",
                                          "semrush",
                                          "screaming frog",
                                          "sitechecker",
                                          "nutch",
                                          "masscan",
                                          "zgrab",
                                          "nmap",
                                          "nikto",
                                          "sqlmap",
                                          "censys",
                                          "expanse",
                                          "nuclei",
                                          "kube-probe",
                                          "elb-healthchecker",
                                          "googlehc",
                                          "check_http",
                                          "site24x7",
                                          "newrelic",
                                          "datadog",
                                          "prometheus",
                                          "blackbox",
                                          "validator",
                                          "linkcheck",
                                          "w3c_",
                                          "ia_archiver",
                                          "wayback",
                                          "heritrix",
                                          "httrack",
                                          "apache-httpclient"};

/// A brand of telephones, not a robot.
constexpr std::string_view no_bot = "cubot";

} // namespace

bool is_page(const hit& x) noexcept {
  const bool asked = x.method.empty() || x.method == "GET";
  const bool answered = x.status < 0 || (x.status >= 200 && x.status < 300) || x.status == 304;
  return asked && answered && !is_static_file(x.event.page_url);
}

bool is_static_file(std::string_view page_url) noexcept {
  const auto path = page_url.substr(0, page_url.find_first_of("?#;"));
  const auto name = path.substr(path.rfind('/') == npos ? 0 : path.rfind('/') + 1);
  if (name == "robots.txt")
    return true;
  const auto dot = name.rfind('.');
  if (dot == npos || name.size() - dot > 12)
    return false;
  std::string ending{name.substr(dot + 1)};
  for (char& c : ending)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return std::find(std::begin(static_endings), std::end(static_endings), ending)
         != std::end(static_endings);
}

bool is_bot(std::string_view agent) noexcept {
  std::string lower{agent};
  for (char& c : lower)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  for (auto at = lower.find(no_bot); at != npos; at = lower.find(no_bot, at))
    lower.erase(at, no_bot.size());
  return std::any_of(std::begin(bot_parts), std::end(bot_parts),
                     [&](std::string_view part) { return lower.find(part) != npos; });
}

} // namespace footfall::app
