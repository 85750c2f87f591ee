#pragma once

#include <functional>
#include <string>

namespace footfall::rpc {

/// Has what gRPC itself has to say told by `report` instead of standard error: a line every ten
/// seconds at most, as strangers can make it speak (each failed handshake is one). Of the whole
/// process; empty: nothing is told. No call of an earlier one is under way when it returns.
void tell_library_log(std::function<void(const std::string&)> report);

} // namespace footfall::rpc
