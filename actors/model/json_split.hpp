#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace footfall::model {

/// Finds where values of a JSON text begin and end by brackets and strings alone, for
/// texts in which a parser found something wrong: one value is told from the others
/// without a look at what is in it.

/// Where the object or array that `text` begins with ends, or npos if it does not.
size_t end_of_container(std::string_view text);

/// The elements of the array that `text` is, without blanks around it; up to `most` + 1.
/// False when brackets, quotes or commas do not add up, so that nobody can tell one element
/// from the next.
bool split_array(std::string_view text, size_t most, std::vector<std::string_view>& out);

} // namespace footfall::model
