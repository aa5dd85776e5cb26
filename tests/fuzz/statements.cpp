// Any text as the value of an array, and as statements about arrays.
#include <string>
#include <string_view>
#include <vector>

#include "expr/script.hpp"
#include "fuzz/fuzz_target.hpp"

using windrow::ElementType;
using windrow::expr::Program;
using windrow::expr::Script;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    (void)Program::compile(text);
  } catch (const windrow::expr::ExpressionError& error) {
    if (error.column() > size) __builtin_trap();
  }
  std::vector<std::string> statements;
  for (const auto& [statement, offset] : windrow::expr::split_statements(text)) {
    if (offset + statement.size() > size) __builtin_trap();
    statements.push_back(statement);
  }
  const std::vector<Script::Array> arrays{
      {.name = "u", .type = ElementType::float64, .shape = {2, 197, 23}},
      {.name = "n", .type = ElementType::int32, .shape = {2, 197, 23}},
      {.name = "r", .type = ElementType::float32, .shape = {2, 1, 23}},
      {.name = "line", .type = ElementType::int64, .shape = {1, 1, 23}},
  };
  try {
    (void)Script::compile(statements, arrays);
  } catch (const windrow::expr::StatementError& error) {
    if (error.statement() >= statements.size() || error.column() > statements[error.statement()].size())
      __builtin_trap();
  }
  return 0;
}
