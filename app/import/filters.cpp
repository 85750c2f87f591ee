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

/// What machines ask for by its name.
constexpr std::string_view machine_files[] = {"robots.txt", "ads.txt",      "app-ads.txt",
                                              "humans.txt", "security.txt", "sitemap.xml"};

/// Parts of agents, in lower case. Maintained by hand: add what a log shows, with a case
/// in tests/contract/import_parts.cpp; a part that browsers have too does not belong here.
constexpr std::string_view bot_parts[] = {
    // What robots call themselves, search engines and previews of links.
    "bot", "crawl", "spider", "slurp", "archiver", "scrap", "nutch", "heritrix", "httrack",
    "mediapartners", "apis-google", "google-read-aloud", "googleother", "google-inspection",
    "google-extended", "bytedance", "facebookexternalhit", "facebookcatalog", "meta-externalagent",
    "whatsapp", "preview", "feed", "chatgpt-user", "perplexity", "claude-web", "ahrefs", "semrush",
    "screaming frog", "sitechecker", "wordpress/",
    // Monitors and health checks.
    "monitor", "uptime", "pingdom", "statuscake", "site24x7", "nagios", "zabbix", "check_http",
    "newrelic", "datadog", "prometheus", "blackbox", "kube-probe", "elb-healthchecker", "googlehc",
    "internal dummy connection", "lighthouse", "pagespeed", "validator", "linkcheck", "w3c_",
    // Libraries and tools of HTTP.
    "curl/", "wget", "python", "go-http-client", "java/", "libwww", "httpclient", "http-client",
    "okhttp", "axios", "node-fetch", "undici", "perl/", "ruby", "php/", "guzzle", "postman",
    "headless", "phantomjs",
    // Scanners.
    "masscan", "zgrab", "nmap", "nikto", "sqlmap", "nuclei", "censys", "expanse"};

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
  if (std::find(std::begin(machine_files), std::end(machine_files), name)
      != std::end(machine_files))
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
