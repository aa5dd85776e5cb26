#include "expr/fused.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "expr/fused_loop.hpp"
#include "expr/vector_code.hpp"

namespace windrow::expr {
namespace {

/// Beyond that many instructions the code is larger than the first-level cache, and long in the making.
constexpr std::size_t kMostInstructions = 2048;
/// A loop with folds has its body once for each vector that is folded side by side.
constexpr std::size_t kMostFoldedInstructions = 128;
/// Codes that are kept for steps to come.
constexpr std::size_t kMostKept = 64;

/// Users who want no code that is made at run time set WINDROW_JIT=off.
bool is_allowed() {
  static const bool is = [] {
    const char* const word = std::getenv("WINDROW_JIT");
    return word == nullptr || std::string_view(word) != "off";
  }();
  return is;
}

/// What an operand from outside of the step means to the code: where it is from does not matter.
Instruction as_input(const Instruction& instruction, Spread spread) {
  if (spread != Spread::scalar) return {.opcode = Opcode::load, .type = instruction.type};
  const bool is_constant_one = instruction.opcode == Opcode::constant && instruction.integer == 1;
  if (is_constant_one) return {.opcode = Opcode::constant, .type = instruction.type, .integer = 1};
  return {.opcode = Opcode::parameter, .type = instruction.type};
}

Recipe recipe_of(const Program& program, const Layout& layout, const Step& step, kernel::Level level,
                 std::span<const Fold> folds) {
  const std::span<const Instruction> instructions = program.instructions();
  const auto at = [](std::int32_t place) { return static_cast<std::size_t>(place); };
  Recipe recipe{.level = level, .inputs = static_cast<std::int32_t>(step.inputs.size())};
  std::vector<std::int32_t> places(instructions.size(), Instruction::kNone);
  for (const std::int32_t k : step.inputs) {
    places[at(k)] = static_cast<std::int32_t>(recipe.instructions.size());
    recipe.instructions.push_back(as_input(instructions[at(k)], layout.held[at(k)].spread));
  }
  for (const std::int32_t k : step.instructions) {
    places[at(k)] = static_cast<std::int32_t>(recipe.instructions.size());
    Instruction instruction = instructions[at(k)];
    for (std::int32_t& place : instruction.operands)
      if (place != Instruction::kNone) place = places[at(place)];
    recipe.instructions.push_back(instruction);
  }
  for (std::size_t n = 0; n < folds.size(); ++n)
    recipe.folds.push_back({places[at(program.results()[program.stores() + n])], folds[n]});
  if (folds.empty())
    for (const std::int32_t k : step.outputs) recipe.outputs.push_back(places[at(k)]);
  for (const std::int32_t r : step.stores) recipe.stores.push_back(places[at(program.results()[at(r)])]);
  return recipe;
}

/// The code of a recipe; that which stores past the caches is made when it is first wanted.
struct Code {
  explicit Code(Recipe the_recipe) : recipe(std::move(the_recipe)), cached(make_loop(recipe, false)) {}

  FusedLoop loop(bool is_streaming) {
    if (is_streaming && !streaming) streaming = make_loop(recipe, true);
    const bool is_there = is_streaming && *streaming;
    return std::bit_cast<FusedLoop>((is_there ? *streaming : cached).entry());
  }

  Recipe recipe;
  Executable cached;
  std::optional<Executable> streaming;
};

/// A statement that is evaluated again costs nothing: its code is still there. Ranks are processes: there is one user.
std::shared_ptr<Code> code_of(Recipe recipe) {
  static std::deque<std::shared_ptr<Code>> kept;
  const auto found = std::ranges::find_if(kept, [&](const auto& code) { return code->recipe == recipe; });
  if (found != kept.end()) return *found;
  if (kept.size() == kMostKept) kept.pop_front();
  kept.push_back(std::make_shared<Code>(std::move(recipe)));
  return kept.back();
}

}  // namespace

struct FusedCode::State {
  std::shared_ptr<Code> code;
  kernel::Level level;
};

bool FusedCode::can_fuse(const Instruction& instruction, kernel::Level level) {
  return is_allowed() && VectorCode::has(instruction, level);
}

FusedCode::FusedCode(const Program& program, const Layout& layout, const Step& step, kernel::Level level,
                     std::span<const Fold> folds) {
  if (step.instructions.size() > (folds.empty() ? kMostInstructions : kMostFoldedInstructions)) return;
  auto code = code_of(recipe_of(program, layout, step, level, folds));
  if (code->cached) state_ = std::make_unique<State>(State{.code = std::move(code), .level = level});
}

FusedCode::~FusedCode() = default;
FusedCode::FusedCode(FusedCode&&) noexcept = default;
FusedCode& FusedCode::operator=(FusedCode&&) noexcept = default;

bool FusedCode::is_made() const {
  return state_ != nullptr;
}

std::int64_t FusedCode::width() const {
  return state_->level == kernel::Level::avx512 ? 8 : 4;
}

bool FusedCode::run(Pointers pointers, std::int64_t vectors, bool streaming) const noexcept {
  return state_->code->loop(streaming)(pointers, vectors) == 0;
}

}  // namespace windrow::expr
