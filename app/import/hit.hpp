#pragma once

#include <cstdint>
#include <string>

#include "proto/event.hpp"

namespace footfall::app {

/// What one line of a log says: the click, and what filters look at.
struct hit {
  click_event event;
  std::string method; ///< Empty: the line does not say.
  int status = -1;    ///< -1: the line does not say.
  std::string agent;  ///< Empty: the line does not say. Read only when `wants_agent`.
  bool wants_agent = false;

  void clear() {
    event = {};
    method.clear();
    status = -1;
    agent.clear();
  }
};

/// What became of one line.
enum class line_fate : uint8_t {
  event = 1,
  blank,
  directive, ///< It says how to read the lines behind it.
  not_page,  ///< Left out by only_pages.
  bot,       ///< Left out by skip_bots.
  refused,
};

} // namespace footfall::app
