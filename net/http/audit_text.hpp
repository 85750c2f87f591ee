#pragma once

#include <string>

#include "net/http/query_string.hpp"
#include "proto/audit.hpp"

namespace footfall::http {

/// Reads `live`, `site` and `page_url`. @returns what is wrong, else an empty text.
std::string read_audit_ask(const query_params& from, audit_ask& ask);

/// `{"ok":...,"differences":[...],...}`
std::string render(const audit_reply& reply);

} // namespace footfall::http
