#include "expr/script.hpp"

#include "expr/script_compiler.hpp"

namespace windrow::expr {

bool is_word(std::string_view name) {
  return variable(name) || function(name) || reduction(name) != nullptr;
}

std::vector<StatementText> split_statements(std::string_view text) {
  std::vector<StatementText> statements;
  StatementText open;
  int depth = 0;
  const auto close = [&](std::size_t next) {
    if (open.text.find_first_not_of(" \t\r\n") != std::string::npos) statements.push_back(open);
    open = {.text = "", .offset = next};
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '#') {
      // Blanks keep the columns of what follows.
      for (; at < text.size() && text[at] != '\n'; ++at) open.text += ' ';
      if (at == text.size()) break;
    }
    if (text[at] == '(' || text[at] == '[') ++depth;
    if (text[at] == ')' || text[at] == ']') --depth;
    const bool is_end = text[at] == ';' || (text[at] == '\n' && depth <= 0);
    if (is_end) {
      depth = 0;
      close(at + 1);
    } else {
      open.text += text[at];
    }
  }
  close(text.size());
  return statements;
}

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

Script Script::chain(std::span<const Link> links, std::vector<Array> arrays, std::span<const std::string> outputs) {
  ScriptCompiler compiler(std::move(arrays));
  for (std::size_t number = 0; number < links.size(); ++number) {
    try {
      compiler.add(links[number]);
    } catch (const ExpressionError& error) {
      throw StatementError(number, error);
    }
  }
  const std::vector<std::string> nothing{""};  // no array is called so
  return compiler.finish(outputs.empty() ? nothing : outputs);
}

}  // namespace windrow::expr
