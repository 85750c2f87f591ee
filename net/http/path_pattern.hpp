#pragma once

#include <string_view>

namespace footfall::http {

/// What docs/openapi.yaml calls the path, of the ports that clients reach, such as
/// "/v1/users/{name}"; empty where it names none. Says nothing that a client wrote: for logs.
std::string_view path_pattern(std::string_view path);

} // namespace footfall::http
