// How the bytes of a log become lines.
#include <catch2/catch.hpp>

#include <fstream>

#include "app/import/line_reader.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::app;
using Catch::Matchers::Contains;

namespace {

/// The lines of a file with the given content, and what came behind them.
struct file_lines {
  explicit file_lines(const std::string& content, framing how = framing::guess) {
    const auto path = folder.path() + "/log";
    std::ofstream{path, std::ios::binary} << content;
    std::string why;
    reader = std::make_unique<line_reader>(unpack(open_file(path, why)), how);
    std::string line;
    while ((end = reader->next(line)) == read_state::data) {
      lines.push_back(line);
      cut.push_back(reader->is_cut());
    }
  }
  test::temporary_folder folder;
  std::unique_ptr<line_reader> reader;
  std::vector<std::string> lines;
  std::vector<bool> cut;
  read_state end = read_state::idle;
};

} // namespace

TEST_CASE("a file is read line by line", "[contract][import]") {
  const std::string long_line(line_reader::line_bytes_max + 5, 'x');
  file_lines x{"\xef\xbb\xbfone\r\n\n\xef\xbb\xbftwo\n" + long_line + "\nlast\nrest"};
  CHECK(x.end == read_state::end);
  REQUIRE(x.lines.size() == 5);
  CHECK(x.lines[0] == "one");
  CHECK(x.lines[1].empty());
  CHECK(x.lines[2] == "two");
  CHECK(x.lines[3].size() == line_reader::line_bytes_max);
  CHECK(x.cut == std::vector<bool>{false, false, false, true, false});
  CHECK(x.lines[4] == "last");
  CHECK(x.reader->take_rest() == "rest");
  CHECK(x.reader->take_rest().empty());
  CHECK(x.reader->bytes_read() == x.reader->bytes_total());
  CHECK(file_lines{""}.lines.empty());
  std::string why;
  uint64_t bytes = 7;
  CHECK_FALSE(can_read("/nowhere/none", bytes, why));
  CHECK_THAT(why, Contains("No such file"));
  CHECK_FALSE(can_read("/tmp", bytes, why));
  CHECK_THAT(why, Contains("directory"));
  CHECK(can_read("/dev/null", bytes, why));
  CHECK(bytes == 0);
  CHECK_FALSE(open_file("/nowhere/none", why));
  CHECK_FALSE(open_file("/tmp", why));
  CHECK_THAT(why, Contains("directory"));
}

TEST_CASE("a line without its newline is the line that it will be", "[contract][import]") {
  for (auto text : {"\xef\xbb\xbfx", "x\r", "\xef\xbb\xbfx\r", "a\n\xef\xbb\xbfx\r"}) {
    file_lines unfinished{text};
    CHECK(unfinished.reader->take_rest() == "x");
    CHECK(file_lines{std::string(text) + "\n"}.lines.back() == "x");
  }
  file_lines large{std::string(line_reader::line_bytes_max + 1, 'x')};
  CHECK(large.reader->take_rest().size() == line_reader::line_bytes_max);
  CHECK(large.reader->is_cut());
}

TEST_CASE("an array is cut into its elements", "[contract][import]") {
  const std::string a = R"({"a":"x]}\"[{","b":[1,{"c":2}]})";
  for (const auto& text :
       {"[" + a + "," + a + "]", "\xef\xbb\xbf \n[ \n" + a + "\n,\n" + a + "\n]\n",
        "[" + a + "]\n[" + a + "]"}) {
    file_lines x{text};
    CHECK(x.lines == std::vector<std::string>{a, a});
    CHECK(x.reader->is_array());
    CHECK_FALSE(x.reader->is_open());
  }
  CHECK(file_lines{"[]"}.lines.empty());
  CHECK(file_lines{"[{\n\"a\":\n1}]"}.lines == std::vector<std::string>{"{ \"a\": 1}"});
  CHECK(file_lines{"[1, \"x,\",null]", framing::array}.lines
        == std::vector<std::string>{"1", "\"x,\"", "null"});
  CHECK(file_lines{"[{},{\"a\""}.reader->is_open());
  CHECK(file_lines{"[{},"}.reader->is_open());
  CHECK_FALSE(file_lines{"[2001:db8::1]:443 - - [17"}.reader->is_array());
  file_lines large{"[{\"a\":\"" + std::string(line_reader::line_bytes_max, 'x') + "\"},{}]"};
  CHECK(large.cut == std::vector<bool>{true, false});
  CHECK(large.lines[1] == "{}");
}

TEST_CASE("what is not UTF-8 is named", "[contract][import]") {
  using namespace std::string_literals;
  for (const auto& text : {"\xff\xfe{\0"s, "\xfe\xff\0{"s, "{\0\"\0"s, "\0{\0\""s}) {
    file_lines x{text};
    CHECK(x.end == read_state::failed);
    CHECK_THAT(x.reader->why(), Contains("UTF-16") && Contains("iconv"));
  }
  CHECK_THAT(file_lines("\xff\xfe\0\0{\0\0\0"s).reader->why(), Contains("UTF-32"));
}
