// What nobody may read: each known secret in all its forms, and what looks like one.
#include <catch2/catch.hpp>

#include "proto/secrets.hpp"

using namespace footfall;

TEST_CASE("passwords are masked wherever they stand", "[model][secrets]") {
  auto [text, wanted] = GENERATE(table<std::string, std::string>(
      {{"postgresql://u:p@h:5432/d", "postgresql://u:***@h:5432/d"},
       {"postgresql://u:p@w@h/d?x=1", "postgresql://u:***@h/d?x=1"},
       {"postgresql://u:p/q@h/d", "postgresql://u:***@h/d"},
       {"postgresql://u@h:5432/d", "postgresql://u@h:5432/d"},
       {"postgresql://h/d?password=p&x=1", "postgresql://h/d?password=***&x=1"},
       {"redis://:pw@h:6379", "redis://:***@h:6379"},
       {"host=h password=p user=u", "host=h password=*** user=u"},
       {"host=h password = 'p \\' q' user=u", "host=h password = *** user=u"},
       {"sslpassword=p", "sslpassword=***"},
       {"PASSWORD=p", "PASSWORD=***"},
       {"host=h password=", "host=h password=***"},
       {"tried a://u:p@h and b://u:p@h", "tried a://u:***@h and b://u:***@h"},
       {"http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"},
       {"no password here", "no password here"}}));
  CHECK(hide_secrets(text) == wanted);
}

TEST_CASE("a known secret is masked in every form and at every place", "[model][secrets]") {
  // Known for good once told: every case has a value of its own.
  know_secret("one%2Fca/na@ry");
  know_secret("it's \"quoted\"\\");
  auto text = GENERATE("one%2Fca/na@ry", "one/ca/na@ry", "one%2Fca%2Fna%40ry", "one%2fca%2fna%40ry",
                       "one%252Fca%2Fna%40ry", "xone/ca/na@ryx", "it's \"quoted\"\\",
                       "it\\'s \"quoted\"\\\\", "it's \\\"quoted\\\"\\\\",
                       "it%27s%20%22quoted%22%5C", "it's%20%22quoted%22%5C");
  INFO(text);
  CHECK(hide_secrets(std::string{"cannot reach \""} + text + "\" at h").find("***")
        != std::string::npos);
  CHECK(hide_secrets(text).find("na@ry") == std::string::npos);
  CHECK(hide_secrets(text).find("quoted") == std::string::npos);
}

TEST_CASE("a plain word is masked where it stands alone", "[model][secrets]") {
  know_secret("sesame4");
  CHECK(hide_secrets("user sesame4") == "user ***");
  CHECK(hide_secrets("\"sesame4\":1") == "\"***\":1");
  CHECK(hide_secrets("opensesame4s stay") == "opensesame4s stay");
  know_secret("a-plain-word-and-longer");
  CHECK(hide_secrets("xa-plain-word-and-longerx") == "x***x");
}

TEST_CASE("what is empty hides nothing", "[model][secrets]") {
  know_secret("");
  CHECK(hide_secrets("abc") == "abc");
  CHECK(hide_secrets("") == "");
}
