#include "expr/fused_loop.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "expr/lanes.hpp"
#include "expr/vector_code.hpp"

namespace windrow::expr {
namespace {

using asmjit::Imm;
using asmjit::Label;
using asmjit::x86::Gp;
using asmjit::x86::Mem;
using asmjit::x86::ptr;

/// Bodies up to this size are done for several vectors at a time: what one waits for, another uses.
constexpr std::size_t kShortBody = 64;
constexpr int kVectorsAtATime = 2;
/// What fits into registers beside the values of a body: pointers, and scalars by the number of vector registers.
constexpr std::size_t kPointersInRegisters = 9;
constexpr std::size_t kScalarsInZmm = 18;
constexpr std::size_t kScalarsInYmm = 8;

Opcode operation(Fold fold) {
  switch (fold) {
    case Fold::sum:
    case Fold::deviation:
      return Opcode::add;
    case Fold::product:
      return Opcode::multiply;
    case Fold::minimum:
      return Opcode::minimum;
    default:
      return Opcode::maximum;
  }
}

/// The lane that changes nothing: -0.0 keeps the sign of a zero.
std::int64_t neutral(Fold fold, bool is_float) {
  using Float = std::numeric_limits<double>;
  using Int = std::numeric_limits<std::int64_t>;
  switch (fold) {
    case Fold::sum:
    case Fold::deviation:
      return is_float ? lane(-0.0) : 0;
    case Fold::product:
      return is_float ? lane(1.0) : 1;
    case Fold::minimum:
      return is_float ? lane(Float::infinity()) : Int::max();
    default:
      return is_float ? lane(-Float::infinity()) : Int::min();
  }
}

/// Emits the loop of a recipe.
class LoopWriter {
 public:
  LoopWriter(asmjit::x86::Compiler& compiler, const Recipe& recipe, bool is_streaming)
      : cc_(compiler), code_(compiler, recipe.level), recipe_(recipe), is_streaming_(is_streaming) {
    uses_.resize(recipe.instructions.size(), 0);
    for (const Instruction& instruction : recipe.instructions)
      for (const std::int32_t place : instruction.operands)
        if (place != Instruction::kNone) ++uses_[index(place)];
  }

  void write() {
    begin();
    recipe_.folds.empty() ? elements() : blocks();
    end();
  }

 private:
  using Vec = VectorCode::Vec;
  using Mask = VectorCode::Mask;
  using Operand = VectorCode::Operand;

  /// The value of an instruction for one vector: a truth value is a mask, lanes, or both, as readers want it.
  struct Value {
    std::optional<Vec> lanes = {};
    std::optional<Mask> mask = {};
  };
  using Values = std::vector<Value>;

  // ---- Around the body ----

  void elements() {
    const auto step = static_cast<std::int32_t>(code_.bytes());
    const bool is_short = recipe_.instructions.size() - index(recipe_.inputs) <= kShortBody;
    if (is_short) {
      const Gp most = cc_.newInt64("most");
      cc_.mov(most, end_);
      cc_.and_(most, Imm(-std::int64_t{step} * kVectorsAtATime));
      loop(kVectorsAtATime, most);
    }
    loop(1, end_);
  }

  /// Of each block, what is folded side by side stays in registers.
  void blocks() {
    for (std::size_t f = 0; f < recipe_.folds.size(); ++f) folds_.push_back(fresh(recipe_.folds[f], bases_.size() + f));
    const Label block = cc_.newLabel();
    const Label row = cc_.newLabel();
    const Gp block_end = cc_.newInt64("block_end");
    cc_.bind(block);
    for (const Folded& folded : folds_) {
      const std::int64_t start = neutral(folded.of.fold, is_float(at(index(folded.of.place)).type));
      for (const Vec& lanes : folded.lanes) code_.set(lanes, static_cast<std::uint64_t>(start));
      for (const Vec& lanes : folded.squares) code_.set(lanes, static_cast<std::uint64_t>(start));
    }
    find_middles();
    cc_.lea(block_end, ptr(at_, kFoldBlock * 8));
    cc_.align(asmjit::AlignMode::kCode, 32);
    cc_.bind(row);
    for (first_ = 0; first_ < side_by_side(); first_ += kVectorsAtATime) body(kVectorsAtATime);
    first_ = 0;
    cc_.add(at_, Imm(kFoldLanes * 8));
    cc_.cmp(at_, block_end);
    cc_.jb(row);
    for (Folded& folded : folds_) {
      const auto put = [&](const Vec& number) {
        code_.store_first(ptr(folded.to), number);
        cc_.add(folded.to, Imm(8));
      };
      if (folded.middle) put(*folded.middle);
      put(tree(folded.of, folded.lanes));
      if (folded.middle) put(tree(folded.of, folded.squares));
    }
    cc_.cmp(at_, end_);
    cc_.jb(block);
  }

  void begin() {
    auto* const function =
        cc_.addFunc(asmjit::FuncSignatureT<std::uint32_t, void* const*, std::int64_t>(asmjit::CallConvId::kHost));
    function->frame().setAvxEnabled();
    if (recipe_.level == kernel::Level::avx512) function->frame().setAvx512Enabled();
    function->frame().setAvxCleanup();
    pointers_ = cc_.newIntPtr("pointers");
    end_ = cc_.newInt64("end");
    at_ = cc_.newInt64("at");
    function->setArg(0, pointers_);
    function->setArg(1, end_);
    cc_.imul(end_, end_, Imm(code_.bytes()));
    cc_.xor_(at_, at_);
    const auto is_watched = [&](std::int32_t k) { return is_float(at(index(k)).type); };
    if (std::ranges::any_of(recipe_.stores, is_watched)) apart_ = code_.zero();
    const std::size_t most_scalars = recipe_.level == kernel::Level::avx512 ? kScalarsInZmm : kScalarsInYmm;
    std::size_t scalars = 0;
    scalars_.resize(index(recipe_.inputs));
    for (std::size_t k = 0; k < scalars_.size(); ++k)
      if (!is_lanes(k)) scalars_[k] = scalar(k, scalars++ < most_scalars);
    const std::size_t count = index(recipe_.inputs) + recipe_.outputs.size() + recipe_.stores.size();
    bases_.resize(count);
    std::size_t bases = 0;
    for (std::size_t n = 0; n < count && bases < kPointersInRegisters; ++n) {
      if (n < scalars_.size() && !is_lanes(n)) continue;
      bases_[n] = base(n);
      ++bases;
    }
  }

  void end() {
    const Gp result = cc_.newUInt32("result");
    if (apart_) {
      code_.move_to(result, code_.mask_of(*apart_));
    } else {
      cc_.xor_(result, result);
    }
    cc_.ret(result);
    cc_.endFunc();
  }

  [[nodiscard]] bool is_lanes(std::size_t input) const { return recipe_.instructions[input].opcode == Opcode::load; }

  /// Ready for all vectors: in a register, or on the stack.
  Operand scalar(std::size_t input, bool is_in_register) {
    const Vec lanes = code_.broadcast(ptr(base(input)));
    if (is_in_register) return lanes;
    const Mem place = cc_.newStack(code_.bytes(), code_.bytes());
    code_.store(place, lanes, false);
    return place;
  }

  Gp base(std::size_t pointer) {
    const Gp found = cc_.newIntPtr();
    cc_.mov(found, ptr(pointers_, static_cast<std::int32_t>(pointer * sizeof(void*))));
    return found;
  }

  void loop(int vectors, const Gp& end) {
    const Label again = cc_.newLabel();
    const Label done = cc_.newLabel();
    cc_.cmp(at_, end);
    cc_.jae(done);
    cc_.align(asmjit::AlignMode::kCode, 32);
    cc_.bind(again);
    body(vectors);
    cc_.add(at_, Imm(code_.bytes() * static_cast<std::uint32_t>(vectors)));
    cc_.cmp(at_, end);
    cc_.jb(again);
    cc_.bind(done);
  }

  void compute(int vectors) {
    values_.assign(index(vectors), Values(recipe_.instructions.size()));
    for (std::size_t k = index(recipe_.inputs); k < recipe_.instructions.size(); ++k)
      for (int v = 0; v < vectors; ++v) value(k, v) = computed(k, v);
  }

  /// Everything is read before anything is stored: a destination may be where an operand is.
  void body(int vectors) {
    compute(vectors);
    std::size_t pointer = index(recipe_.inputs);
    for (const std::int32_t k : recipe_.outputs) store(pointer++, index(k), vectors, false);
    for (const std::int32_t k : recipe_.stores) {
      store(pointer++, index(k), vectors, is_streaming_);
      if (is_float(at(index(k)).type)) watch(index(k), vectors);
    }
    for (const Folded& folded : folds_) fold(folded, vectors);
  }

  // ---- Folds ----

  /// What is folded, of the present block.
  struct Folded {
    Recipe::Folded of;
    Gp to;                          ///< where the next number goes
    std::vector<Vec> lanes = {};    ///< side by side; of a deviation the differences to the middle,
    std::vector<Vec> squares = {};  ///< and the squares of these
    std::optional<Vec> middle = {};
  };

  [[nodiscard]] std::int32_t side_by_side() const { return static_cast<std::int32_t>(kFoldLanes * 8 / code_.bytes()); }

  Folded fresh(const Recipe::Folded& of, std::size_t pointer) {
    Folded folded{.of = of, .to = base(pointer)};
    const bool is_deviation = of.fold == Fold::deviation;
    for (std::int32_t v = 0; v < side_by_side(); ++v) {
      folded.lanes.push_back(code_.new_vector());
      if (is_deviation) folded.squares.push_back(code_.new_vector());
    }
    if (is_deviation) folded.middle = code_.new_vector();
    return folded;
  }

  /// The means of the first values that lie side by side, which are computed again when they are folded: nothing is
  /// stored before.
  void find_middles() {
    std::vector<std::vector<Vec>> first(folds_.size());
    const auto is_deviation = [](const Folded& folded) { return folded.middle.has_value(); };
    if (std::ranges::none_of(folds_, is_deviation)) return;
    for (first_ = 0; first_ < side_by_side(); first_ += kVectorsAtATime) {
      compute(kVectorsAtATime);
      for (std::size_t f = 0; f < folds_.size(); ++f)
        if (is_deviation(folds_[f]))
          for (int v = 0; v < kVectorsAtATime; ++v) first[f].push_back(lanes(index(folds_[f].of.place), v));
    }
    first_ = 0;
    const Vec part = code_.new_vector();
    code_.set(part, static_cast<std::uint64_t>(lane(1.0 / kFoldLanes)));
    for (std::size_t f = 0; f < folds_.size(); ++f) {
      if (!is_deviation(folds_[f])) continue;
      const Vec mean = code_.arithmetic(Opcode::multiply, true, tree(folds_[f].of, first[f]), part);
      code_.set(*folds_[f].middle, code_.broadcast(mean));
    }
  }

  void fold(const Folded& folded, int vectors) {
    for (int v = 0; v < vectors; ++v) {
      const auto side = index(first_ + v);
      Vec x = lanes(index(folded.of.place), v);
      if (folded.middle) {
        x = code_.arithmetic(Opcode::subtract, true, x, *folded.middle);
        const Vec square = code_.arithmetic(Opcode::multiply, true, x, x);
        code_.set(folded.squares[side], folded_with(folded.of, folded.squares[side], square));
      }
      code_.set(folded.lanes[side], folded_with(folded.of, folded.lanes[side], x));
    }
  }

  Vec folded_with(const Recipe::Folded& of, const Vec& a, const Vec& b) {
    return code_.arithmetic(operation(of.fold), is_float(at(index(of.place)).type), a, b);
  }

  /// The binary tree over what is side by side: its result is in the first lane.
  Vec tree(const Recipe::Folded& of, std::vector<Vec> vectors) {
    for (std::size_t half = vectors.size() / 2; half > 0; half /= 2)
      for (std::size_t v = 0; v < half; ++v) vectors[v] = folded_with(of, vectors[v], vectors[v + half]);
    Vec folded = vectors[0];
    for (int parts = 2; parts * 8 <= static_cast<int>(code_.bytes()); parts *= 2)
      folded = folded_with(of, folded, code_.shifted(folded, parts));
    return folded;
  }

  // ---- Stores ----

  /// Finite numbers alone are 0 less than themselves.
  void watch(std::size_t k, int vectors) {
    for (int v = 0; v < vectors; ++v) {
      const Vec x = lanes(k, v);
      code_.join(*apart_, code_.arithmetic(Opcode::subtract, true, x, x));
    }
  }

  void store(std::size_t pointer, std::size_t k, int vectors, bool is_streaming) {
    for (int v = 0; v < vectors; ++v) code_.store(address(pointer, v), lanes(k, v), is_streaming);
  }

  Mem address(std::size_t pointer, int v) {
    const Gp from = bases_[pointer] ? *bases_[pointer] : base(pointer);
    return ptr(from, at_, 0, (first_ + v) * static_cast<std::int32_t>(code_.bytes()));
  }

  // ---- Values ----

  Value& value(std::size_t k, int v) { return values_[index(v)][k]; }
  [[nodiscard]] const Instruction& at(std::size_t k) const { return recipe_.instructions[k]; }

  Vec lanes(std::size_t k, int v) {
    Value& found = value(k, v);
    if (!found.lanes) found.lanes = found.mask ? code_.lanes_of(*found.mask) : code_.loaded(input(k, v));
    return *found.lanes;
  }

  /// As the last operand of an instruction: what is read only once may be in memory.
  Operand operand(std::size_t k, int v) {
    const Value& found = value(k, v);
    const bool is_in_memory = !found.lanes && !found.mask && (uses_[k] == 1 || !is_lanes(k));
    return is_in_memory ? input(k, v) : Operand(lanes(k, v));
  }

  Operand input(std::size_t k, int v) { return is_lanes(k) ? Operand(address(k, v)) : scalars_[k]; }

  Mask mask(std::size_t k, int v) {
    Value& found = value(k, v);
    if (!found.mask) found.mask = code_.mask_of(lanes(k, v));
    return *found.mask;
  }

  Value computed(std::size_t k, int v) {
    const Instruction& instruction = at(k);
    const auto a = index(instruction.operands[0]);
    const auto b = index(instruction.operands[1]);
    switch (instruction.opcode) {
      case Opcode::less:
      case Opcode::less_equal:
      case Opcode::equal:
      case Opcode::not_equal:
        return {.mask = code_.compare(instruction.opcode, is_float(at(a).type), lanes(a, v), operand(b, v))};
      case Opcode::bit_and:
      case Opcode::bit_or:
      case Opcode::bit_xor:
        if (is_mask(a, v) && is_mask(b, v)) return {.mask = code_.combine(instruction.opcode, mask(a, v), mask(b, v))};
        if (instruction.opcode == Opcode::bit_xor && is_mask(a, v) && is_one(b))
          return {.mask = code_.invert(mask(a, v))};
        break;
      case Opcode::select: {
        const Mask condition = mask(a, v);
        const Operand chosen = operand(b, v);
        return {.lanes = code_.select(condition, chosen, lanes(index(instruction.operands[2]), v))};
      }
      case Opcode::to_float64:
      case Opcode::round_to_float32:
      case Opcode::wrap_to_int32:
      case Opcode::truncate:
        return {.lanes = code_.convert(instruction, lanes(a, v))};
      case Opcode::function:
        if (instruction.type == ValueType::boolean) return {.mask = code_.test(instruction.function, lanes(a, v))};
        return {.lanes = code_.function(instruction.function, lanes(a, v))};
      default:
        break;
    }
    const Vec first = lanes(a, v);
    return {.lanes = code_.arithmetic(instruction.opcode, is_float(at(a).type), first, operand(b, v))};
  }

  [[nodiscard]] bool is_mask(std::size_t k, int v) { return value(k, v).mask && !value(k, v).lanes; }
  [[nodiscard]] bool is_one(std::size_t k) const { return at(k).opcode == Opcode::constant && at(k).integer == 1; }

  asmjit::x86::Compiler& cc_;
  VectorCode code_;
  const Recipe& recipe_;
  bool is_streaming_;
  std::vector<int> uses_;
  Gp pointers_;
  Gp end_;                    ///< of the vectors, in bytes
  Gp at_;                     ///< the present ones, in bytes
  std::optional<Vec> apart_;  ///< bits, if anything that was stored is not finite
  std::int32_t first_ = 0;    ///< vector of the present ones that a body begins with
  std::vector<Folded> folds_;
  std::vector<Operand> scalars_;
  std::vector<std::optional<Gp>> bases_;
  std::vector<Values> values_;
};

}  // namespace

Executable make_loop(const Recipe& recipe, bool is_streaming) {
  asmjit::CodeHolder code;
  if (code.init(asmjit::Environment::host()) != asmjit::kErrorOk) return {};
  asmjit::x86::Compiler compiler(&code);
  LoopWriter(compiler, recipe, is_streaming).write();
  if (compiler.finalize() != asmjit::kErrorOk) return {};
  return Executable(code);
}

}  // namespace windrow::expr
