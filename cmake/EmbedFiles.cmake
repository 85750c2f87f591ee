# Puts all files of FOLDER into TARGET as a list of net/http/assets.hpp:
#   footfall_embed_files(TARGET FUNCTION FOLDER)
# defines `const std::vector<footfall::http::embedded_file>& footfall::http::FUNCTION()`.
# The files are taken by the assembler as they are.
function(footfall_embed_files target function folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE "${folder}" "${folder}/*")
  list(SORT files)
  set(blobs "")
  set(rows "")
  set(n 0)
  foreach(file IN LISTS files)
    string(APPEND blobs "__asm__(\".section .rodata\\n\"\n"
      "        \".global ${function}_${n}\\n${function}_${n}:\\n\"\n"
      "        \".incbin \\\"${folder}/${file}\\\"\\n\"\n"
      "        \".global ${function}_${n}_end\\n${function}_${n}_end:\\n\"\n"
      "        \".byte 0\\n.previous\\n\");\n"
      "extern \"C\" const char ${function}_${n}[], ${function}_${n}_end[];\n")
    string(APPEND rows "      {\"/${file}\", text_of(${function}_${n}, ${function}_${n}_end)},\n")
    math(EXPR n "${n} + 1")
  endforeach()
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp")
  file(CONFIGURE OUTPUT "${out}" @ONLY CONTENT [=[
#include "net/http/assets.hpp"

@blobs@
namespace footfall::http {

namespace {

[[maybe_unused]] std::string_view text_of(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

} // namespace

const std::vector<embedded_file>& @function@() {
  static const std::vector<embedded_file> all = {
@rows@  };
  return all;
}

} // namespace footfall::http
]=])
  list(TRANSFORM files PREPEND "${folder}/")
  set_source_files_properties("${out}" PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE "${out}")
endfunction()
