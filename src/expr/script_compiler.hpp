#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "expr/compiler.hpp"
#include "expr/script.hpp"

namespace windrow::expr {

/// Makes a script: first of all statements one graph of operations, then the passes over it.
class ScriptCompiler {
 public:
  explicit ScriptCompiler(std::vector<Script::Array> arrays);

  /// The next statement. Throws ExpressionError.
  void add(std::string_view text);

  /// The next expression of a chain. Throws ExpressionError.
  void add(const Script::Link& link);

  /// The script that stores what is named, or all that is assigned.
  [[nodiscard]] Script finish(std::span<const std::string> outputs);

 private:
  /// What a pass has to compute: the value of an array, or the operand of a reduction.
  struct Root {
    bool is_store = false;
    std::int64_t number = 0;  ///< of the array or the reduction
    std::int32_t place = 0;
    Shape domain;
    int level = 0;            ///< number of the pass among those of its domain
    std::int64_t alone = -1;  ///< its number, if it has passes of its own
  };

  /// What is left of the text, as the value of something of that name.
  Value value_of(Compiler& parser, std::string_view text, const std::string& name);
  Value same_everywhere(const Value& value, const Shape& shape);
  /// A new array, of which the value is assigned.
  void make_array(const std::string& name, ElementType type, const Shape& shape, const Value& value);
  void assign_array(std::int64_t number, Value value);
  void assign_number(const std::string& name, const Value& value);
  Value reduce(const ReductionCall& call);
  Value fold(Fold fold, Value operand, const ReductionCall& call);
  Value histogram(const Value& operand, const ReductionCall& call);
  Value quantile(const Value& operand, const ReductionCall& call);
  Value results_of(Reduction reduction, ElementType type, std::int64_t count);
  [[nodiscard]] int level_of(const Reduction& reduction, const std::vector<int>& levels) const;
  [[nodiscard]] Instruction bound(Instruction instruction, std::int32_t domain) const;
  Value bound(const Value& value, const Shape& shape);
  std::int32_t domain_number(const Shape& shape);

  [[nodiscard]] std::vector<int> levels() const;
  [[nodiscard]] std::vector<bool> readers_of(std::int64_t array) const;
  [[nodiscard]] std::vector<Root> roots(const std::set<std::string>& stored) const;
  void make_pass(std::span<const Root> all, std::span<const Root> roots);

  Script script_;
  Builder builder_;
  Scope scope_;
  std::map<std::string, std::int64_t> array_numbers_;
  std::set<std::string> assigned_;
  std::map<std::string, std::int64_t, std::less<>> random_calls_;
  std::map<std::int64_t, std::int32_t> values_;  ///< the last value of every array that is assigned
  std::map<std::string, Value, std::less<>> numbers_;
  std::vector<Shape> domains_;
  /// The numbers of the reductions by what they fold, how, along which axis, over which domain.
  std::map<std::tuple<Fold, std::int32_t, std::optional<int>, std::int32_t>, std::int64_t> folds_;
  /// Of each domain, by their places, what values are that have been bound to it.
  std::map<std::int32_t, std::map<std::int32_t, std::int32_t>> bound_;
  std::string text_;             ///< of the statement
  std::optional<Shape> target_;  ///< of the statement, if it is an array already
};

}  // namespace windrow::expr
