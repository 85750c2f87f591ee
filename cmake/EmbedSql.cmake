# Puts the files FOLDER/NNNN-name.sql into TARGET as a list of db/schema/migration.hpp:
#   footfall_embed_sql(TARGET FUNCTION FOLDER)
# defines `const std::vector<footfall::migration>& footfall::FUNCTION()`, in order.
function(footfall_embed_sql target function folder)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/[0-9][0-9][0-9][0-9]-*.sql")
  list(SORT files)
  set(rows "")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    string(REGEX MATCH "^[0-9]+" version "${name}")
    math(EXPR version "1${version} - 10000")
    file(READ "${file}" text)
    string(APPEND rows "    {${version}, \"${name}\", R\"sql(${text})sql\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  endforeach()
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp")
  file(CONFIGURE OUTPUT "${out}" @ONLY CONTENT [[
#include "db/schema/migration.hpp"

namespace footfall {

const std::vector<migration>& @function@() {
  static const std::vector<migration> all = {
@rows@  };
  return all;
}

} // namespace footfall
]])
  target_sources(${target} PRIVATE "${out}")
endfunction()
