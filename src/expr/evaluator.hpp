#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "expr/program.hpp"
#include "expr/reduction.hpp"
#include "kernel/kernels.hpp"
#include "kernel/store.hpp"

namespace windrow::expr {

using kernel::Store;

/// Where elements of an input are: those with the row-major numbers [begin, end) of its array.
struct InputMemory {
  const std::byte* first = nullptr;  ///< of element `begin`
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// What a program's variables, inputs and parameters stand for during a run on one rank.
struct Bindings {
  Extents extents;                        ///< of the domain
  std::vector<std::string> streams = {};  ///< the names of the streams of random numbers, by their numbers
  std::uint64_t seed = 0;
  std::int64_t sample = 0;  ///< number of the sample, another part of the stream
  std::int64_t rank = 0;    ///< world rank
  std::int64_t node = 0;
  std::int64_t pid = 0;
  std::vector<InputMemory> inputs = {};
  std::vector<std::int64_t> parameters = {};  ///< the bits of their lanes
  bool is_one_of_many = false;                ///< samples, from one to the next of which inputs and parameters change
  bool may_compile = true;                    ///< to machine code, where that is possible
};

/// What becomes of a result that is stored.
struct Target {
  /// Where the first element of the range goes, aligned as its type; the elements follow without gaps.
  void* destination = nullptr;
  ElementType type = ElementType::float64;
  Store store = Store::streaming;
  bool is_input = false;  ///< the program reads what it overwrites
};

/// What takes a result that is not stored.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;
  /// `count` lanes of the result, for consecutive elements from number `element` on. Lanes may be read kLanePadding
  /// further.
  virtual void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept = 0;

  /// How whole blocks (kFoldBlock) may be folded before the sink takes them: a sum, a product, an extreme or a
  /// deviation.
  [[nodiscard]] virtual std::optional<Fold> lane_fold() const noexcept { return std::nullopt; }
  /// numbers_in_partial() of the fold for each of `blocks` blocks, the first of which begins with the element of that
  /// number.
  virtual void take_folded(const void* /*lanes*/, std::int64_t /*element*/, std::int64_t /*blocks*/) noexcept {}
};

/// A program with its variables bound and its scratch memory: one for each rank, reused for every block.
class Evaluator {
 public:
  Evaluator(Program program, Bindings bindings);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;

  /// Evaluates the elements `range` (row-major numbers in the domain): the first results go to `targets`, the others to
  /// `sinks`. `offset` is the value of the variable of that name: the first row of the block. The value of an element
  /// is the same whatever the range, the level of the kernels and the way of storing, and whether it is compiled. It is
  /// converted once, as numpy on x86-64 does: float64 to an integer truncates and gives the type's minimum where it
  /// does not fit or is no number, int64 to int32 wraps, int64 to float32 goes by way of float64. *Cost*: one pass, no
  /// allocation after the first call. *Throws*: nothing.
  void evaluate(ElementRange range, std::int64_t offset, std::span<const Target> targets,
                std::span<Sink* const> sinks = {}) noexcept;
  /// Other memory for the inputs, in their order. *Throws*: nothing.
  void rebind(std::span<const InputMemory> inputs) noexcept;
  /// The next of many samples: its number, and other parameters. *Throws*: nothing.
  void begin_sample(std::int64_t sample, std::span<const std::int64_t> parameters) noexcept;

  void evaluate(ElementRange range, std::int64_t offset, const Target& target) noexcept {
    evaluate(range, offset, std::span(&target, 1));
  }

  /// How many elements of each result that is stored were not finite, over all calls; 0 for targets of integers.
  [[nodiscard]] std::span<const kernel::NotFinite> not_finite() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The lanes of a program's results for the single element of a domain without axes.
[[nodiscard]] std::vector<std::int64_t> evaluate_numbers(const Program& program,
                                                         const std::vector<std::int64_t>& parameters,
                                                         std::int64_t sample = 0);

}  // namespace windrow::expr
