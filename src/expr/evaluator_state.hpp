#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "expr/evaluator.hpp"
#include "expr/fused.hpp"
#include "expr/lanes.hpp"
#include "expr/layout.hpp"
#include "kernel/kernels.hpp"
#include "kernel/level.hpp"

namespace windrow::expr {

using kernel::kLanePadding;

/// Elements of a strip, which are a block of a sum too: with some buffers of them the first-level cache is not full,
/// and memory is not left idle for long.
inline constexpr std::int64_t kStrip = kFoldBlock;
/// Blocks that machine code folds in a call: what sinks do with them must not keep memory idle for long.
inline constexpr std::int64_t kBlocksAtATime = 64;
static_assert(kBlocksAtATime * numbers_in_partial(Fold::deviation) <= kStrip, "a buffer takes what is folded");
inline constexpr std::int64_t kLineBytes = 64;
inline constexpr std::int64_t kLineLanes = kLineBytes / 8;

struct alignas(kLineBytes) Buffer {
  std::array<std::int64_t, kStrip + kLanePadding> lanes{};
};

/// A value of which kernels may read a whole vector.
struct alignas(kLineBytes) Cell {
  std::array<std::int64_t, kLanePadding + 1> lanes{};
};

/// The value of an instruction: a scalar is `base`, as the bits of its lane; a ramp is base, base + step, ...
struct Held {
  std::int64_t base = 0;
  std::int64_t step = 0;
  const void* lanes = nullptr;
};

/// Consecutive elements that are evaluated together; the first has the number `element` and is at (row, column). In a
/// line the row is 0 and the column the element.
struct Strip {
  std::int64_t element = 0;
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t count = 1;
  bool is_whole = false;   ///< cache lines of all destinations that take lanes as they are
  bool is_folded = false;  ///< whole blocks, of which the sinks take what machine code has folded
};

/// What an evaluator has and does; of evaluator.cpp and strip_instructions.cpp alone.
struct Evaluator::State {
  State(Program the_program, Bindings the_bindings);

  Bindings bindings;
  std::vector<std::vector<std::int64_t>> columns;  ///< lanes of what depends on the column alone
  Program program;
  std::span<const Instruction> instructions;
  kernel::Level level = kernel::Level::baseline;
  Layout layout;
  bool is_constant = false;      ///< all results are
  std::vector<FusedCode> codes;  ///< of the fused steps, in order
  std::vector<bool> is_read_by_kernels;
  bool is_one_loop = false;   ///< the only fused step does it all, from inputs as they are: it needs no buffers
  bool is_only_read = false;  ///< sinks take inputs as they are
  bool is_foldable = false;   ///< as is_one_loop, and it computes what sinks take
  std::vector<Fold> folds;    ///< of `folding`: how the sinks want results folded
  std::optional<FusedCode> folding;
  std::vector<Buffer> folded;  ///< for each sink the numbers of each block
  std::vector<Held> values;
  std::vector<bool> is_overwritten_result;  ///< a load that is a result, while inputs are overwritten
  std::vector<std::uint64_t> keys;
  std::vector<Buffer> buffers;
  std::vector<Buffer> ramps;  ///< operands of a step that are ramps, written out
  std::vector<void*> pointers;
  std::vector<bool> is_stored;                ///< results of the present strip that steps have put where they belong
  std::vector<kernel::NotFinite> not_finite;  ///< of each result that is stored
  Buffer row_numbers;
  Buffer column_numbers;
  std::array<std::int32_t, kStrip + kLanePadding> narrow{};

  // Of the present call.
  const kernel::Kernels* kernels = nullptr;
  std::int64_t longest_strip = kStrip;
  bool folds_blocks = false;
  std::int64_t offset = 0;
  ElementRange range;
  std::span<const Target> targets;
  std::span<Sink* const> sinks;
  void evaluate();
  /// The keys of the random calls, for the sample.
  void find_keys();

 private:
  /// Computes what depends on the column alone; returns the program that reads it.
  Program hoist_columns(Program whole);

  /// The layout and the code for a level; where no code can be made, a layout for kernels alone.
  void prepare(kernel::Level wanted);
  void find_readers();
  /// Whether one loop of machine code does it all, perhaps with the folds of sinks.
  void find_loop();

  /// Whether an operand of a fused step is a scalar, or lanes in the memory of an input.
  [[nodiscard]] bool is_read_as_it_is(std::size_t k) const;
  /// Whether it is the elements of an input, which are lanes.
  [[nodiscard]] bool is_as_it_is(std::size_t k) const;
  [[nodiscard]] bool all_direct() const;
  [[nodiscard]] bool compile();
  /// Whether there is machine code that folds blocks as all sinks want them.
  [[nodiscard]] bool can_fold();

  // ---- Strips ----

  Strip strip_from(std::int64_t element) const;

  /// At most longest_strip elements: up to where a cache line of the first destination begins, then whole lines, then
  /// the rest.
  void shorten(Strip& strip) const;
  /// What a sink takes ends where a block of a sum does.
  [[nodiscard]] std::int64_t most_elements(const Strip& strip) const;
  [[nodiscard]] std::byte* destination(std::size_t result, std::int64_t element) const;
  void evaluate_strip(const Strip& strip);

  /// Whether a step may store a result where it belongs: lanes as they are, and nobody is to read what was there.
  [[nodiscard]] bool is_direct(std::size_t result, bool in_last_step) const;

  // ---- Fused steps ----

  void run(const FusedCode& code, const Step& step, const Strip& strip, bool is_last);
  void take_folded(const Strip& strip);

  // ---- Single instructions ----

  /// The value of an instruction: of a scalar, from its operands alone.
  void execute(std::size_t k, const Strip& strip, bool is_last);
  Held row(const Strip& strip) const;
  Held column(const Strip& strip) const;
  void load(std::size_t k, const Strip& strip);
  Held draw(std::size_t k, kernel::Distribution distribution, const Strip& strip, bool is_last);
  Held to_float64(std::size_t k, const Strip& strip);

  /// By way of elements of the type.
  Held truncate(std::size_t k, const Strip& strip);
  Held unary(std::size_t k, kernel::Kernels::Unary function, const Strip& strip, bool is_last);
  Held binary(std::size_t k, const Strip& strip, bool is_last);
  Held select(std::size_t k, const Strip& strip, bool is_last);

  /// A select with one condition for all elements is one of its operands.
  Held choose(std::size_t k, std::size_t chosen, const Strip& strip, bool is_last);

  /// A result, converted into its destination.
  void store(std::size_t result, const Strip& strip);
  /// Adds up what is not finite of what a strip has just stored.
  void count_not_finite(std::size_t result, const Strip& strip);
  [[nodiscard]] kernel::Kernels::Fill fill_of(ElementType type) const;

  // ---- Values ----

  struct Output {
    void* lanes = nullptr;
    Store store = Store::cached;
    std::int32_t result = -1;  ///< whose destination it is
  };

  /// Where the lanes of an instruction go: where they belong, if nothing else needs them.
  Output output(std::size_t k, const Strip& strip, bool is_last);

  /// The same for kernels that do not tell whether floats are finite: those are converted later.
  Output unwatched_output(std::size_t k, const Strip& strip, bool is_last);
  /// What a kernel tells of an output.
  void note(const Output& out, bool all_finite, const Strip& strip);

  /// The lanes of a value, written to `space` if it has none.
  const void* readable(std::size_t k, const Strip& strip, Buffer& space);

  /// What a kernel reads of an operand: the lanes or the scalar.
  const void* readable_operand(std::size_t k, std::size_t n, const Strip& strip);
  [[nodiscard]] const Layout::Held& held(std::size_t k) const { return layout.held[k]; }
  std::int64_t* buffer(std::size_t k) { return buffers[index(held(k).buffer)].lanes.data(); }
  [[nodiscard]] std::size_t place(std::size_t k, std::size_t n) const { return index(instructions[k].operands[n]); }
  [[nodiscard]] const Held& operand(std::size_t k, std::size_t n) const { return values[place(k, n)]; }
  [[nodiscard]] Spread operand_spread(std::size_t k, std::size_t n) const { return held(place(k, n)).spread; }
  [[nodiscard]] bool is_scalar(std::size_t k, std::size_t n) const { return operand_spread(k, n) == Spread::scalar; }
};

}  // namespace windrow::expr
