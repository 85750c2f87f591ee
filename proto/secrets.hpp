#pragma once

#include <string>
#include <string_view>

namespace footfall {

/// Tells the process a password or the like: from now on no text that leaves it shows
/// the value, nor its usual encodings (percent-encoded or decoded, quoted for libpq or
/// JSON). Call it before the value can get into a text. Any thread.
void know_secret(std::string_view value);

/// `text` without secrets: each that is known becomes "***", and so does whatever stands
/// where passwords do (in URLs, after "password="). Every text that leaves the process
/// and is not a client's own data passes here: log lines, standard error, errors over HTTP
/// and gRPC, the admin port. A short word made of letters and digits alone is masked only
/// where it stands by itself, so that other words stay readable. Any thread.
std::string hide_secrets(std::string_view text);

/// "%41" becomes "A". What is no valid encoding stays.
std::string percent_decoded(std::string_view text);

} // namespace footfall
