#pragma once

#include <string>
#include <string_view>

#include "proto/trace.hpp"

namespace footfall::app {

/// Sets spdlog's default logger: lines to standard error, as text or JSON, written
/// by a thread of its own. A full queue drops its oldest lines rather than block an
/// actor. `level` and `format` are checked options; `node` is named in each line of JSON.
void start_log(const std::string& level, const std::string& format, const std::string& node);

enum class severity { info, warn, error };

/// Writes a line of which is known what told it. In JSON it has members for that; as text it names
/// the trace at its end.
void log_of(severity level, std::string_view actor, std::string_view message,
            const trace_context& trace = {});

/// Writes what is queued and ends the thread. Later lines are lost.
void stop_log();

/// What every line on standard error passes: secrets are masked, and control
/// characters escaped, so that nobody's input can forge a line.
std::string redact(std::string_view message);

/// `text` as a JSON string, quotes included. Bytes that are no UTF-8 become "?".
std::string json_text(std::string_view text);

} // namespace footfall::app
