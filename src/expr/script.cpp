#include "expr/script.hpp"

#include "expr/script_compiler.hpp"

namespace windrow::expr {

Script Script::compile(std::span<const std::string> statements, std::vector<Array> arrays,
                       std::span<const std::string> outputs) {
  ScriptCompiler compiler(std::move(arrays));
  for (std::size_t number = 0; number < statements.size(); ++number) {
    try {
      compiler.add(statements[number]);
    } catch (const ExpressionError& error) {
      throw StatementError(number, error);
    }
  }
  return compiler.finish(outputs);
}

}  // namespace windrow::expr
