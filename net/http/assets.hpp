#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http/exchange.hpp"

namespace footfall::http {

/// A file that was taken into the program.
struct embedded_file {
  std::string_view path; ///< "/assets/app.js".
  std::string_view text;
};

/// What `npm run build` made in ui/, see cmake/EmbedFiles.cmake.
const std::vector<embedded_file>& ui_files();

/// The files of the dashboard, packed once at the start. Any thread.
class assets {
public:
  explicit assets(const std::vector<embedded_file>& files);

  /// Whether there is a file at the path, or a screen.
  bool has(std::string_view path) const { return find(path) != nullptr; }

  /// Answers a GET or HEAD of what is there: a screen with the page that draws them all. A page
  /// says that nothing may run or be asked but what this port serves (CSP).
  void answer(exchange& x) const { answer(x, *find(x.in->path()), {}); }

  /// The page that draws all screens, at the address of a shared view: no search engine lists it.
  void answer_shared(exchange& x) const;

private:
  struct file {
    std::string_view path;
    std::string_view text;
    std::string packed; ///< By gzip; empty where that saves nothing.
    std::string type;
    std::string tag;         ///< For ETag, without quotes.
    bool keeps_name = false; ///< Its name tells what is in it: it never changes.
  };
  const file* find(std::string_view path) const;
  static void answer(exchange& x, const file& found, std::string_view more_headers);

  std::vector<file> files_;
};

} // namespace footfall::http
