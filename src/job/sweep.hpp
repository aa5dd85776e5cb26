#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "expr/script.hpp"
#include "job/context.hpp"
#include "job/passage.hpp"

namespace windrow {

/// Whether the rows of an input are those of the domain, and so divided in the same way.
[[nodiscard]] bool lies_alike(const expr::Input& input, const Extents& array, const Extents& domain);

/// A pass of a script over memory, each rank over its own rows: stores, and hands the other results to sinks.
class Sweep {
 public:
  using MakeSinks = std::function<std::vector<expr::Sink*>(RowRange rows)>;
  /// Those that are not in memory, by their numbers.
  using PassingArrays = std::map<std::int64_t, PassingArray>;

  /// `parameters` are what reductions have given.
  Sweep(Context& context, const expr::Script& script, const expr::Script::Pass& pass,
        const std::vector<std::int64_t>& parameters, PassingArrays& passing);

  /// A phase. How many elements of each array that is stored are not finite, in the rows of this rank. *Collective
  /// over* the world. *Throws*: as Context::phase().
  std::vector<kernel::NotFinite> run(const std::string& phase, const MakeSinks& make_sinks);

 private:
  /// Where some elements of an array are stored: in a lease that numbers them from elsewhere, `shift` further on.
  struct Destination {
    std::int64_t array = 0;
    Lease lease;
    std::int64_t shift = 0;
  };

  [[nodiscard]] std::int64_t bytes_moved() const;
  [[nodiscard]] Passage passage();
  [[nodiscard]] std::vector<Destination> destinations(const PanelRows& panel);
  [[nodiscard]] std::vector<expr::InputMemory> inputs(const PanelRows& panel, std::span<Destination> destinations);
  void lease_row_results();
  void evaluate(expr::Evaluator& evaluator, RowRange rows, std::span<Destination> destinations,
                std::span<expr::Sink* const> sinks);
  [[nodiscard]] std::vector<std::byte> replica(const SharedArray& source);

  [[nodiscard]] const expr::Script::Array& described(std::int64_t number) const {
    return script_->arrays()[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] Extents extents(std::int64_t number) const { return described(number).shape.extents(); }
  /// In the window.
  [[nodiscard]] SharedArray& array(std::int64_t number) { return context_->array(described(number).name); }
  /// Null for an array that is in memory.
  [[nodiscard]] PassingArray* passing(std::int64_t number);

  Context* context_;
  const expr::Script* script_;
  const expr::Script::Pass* pass_;
  const std::vector<std::int64_t>* parameters_;
  PassingArrays* passing_;
  Extents domain_;
  RowRange rows_;  ///< of this rank
  /// Of each input, what every rank reads whole, but other nodes have rows of.
  std::vector<std::vector<std::byte>> replicas_;
};

}  // namespace windrow
