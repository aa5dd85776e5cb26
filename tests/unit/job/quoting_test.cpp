#include "job/quoting.hpp"

#include <gtest/gtest.h>

namespace windrow {
namespace {

// Expected are the words that Python 3.11's shlex.quote() and ast.literal_eval() take for the text.

TEST(ShellWord, IsQuotedWhereItMustBe) {
  for (const char* const word : {"deck.toml", "array.rows=6e7", "/a-b/c_d:1,2@3%4+"}) EXPECT_EQ(shell_word(word), word);
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  for (const char* const word : {"a b", "a\nb", "!!", "`id`", "^", "a=*", "\xC3\xB6"})
    EXPECT_EQ(shell_word(word), std::string("'") + word + "'");
}

TEST(PythonLiteral, HoldsEveryCharacterOnOneLine) {
  EXPECT_EQ(python_literal("a b.h5"), R"("a b.h5")");
  EXPECT_EQ(python_literal("a\"b'\\n"), R"("a\"b'\\n")");
  EXPECT_EQ(python_literal("a\nb\t\x7F"), R"("a\x0ab\x09\x7f")");
  EXPECT_EQ(python_literal("Gr\xC3\xB6\xC3\x9F"
                           "e"),
            "\"Gr\xC3\xB6\xC3\x9F"
            "e\"");
}

}  // namespace
}  // namespace windrow
