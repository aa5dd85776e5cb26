#include "job/context.hpp"

#include <gtest/gtest.h>

namespace windrow {
namespace {

TEST(Context, RefusesAnArrayThatIsNotItsOwn) {
  const Topology topology = Topology::discover(1);
  const ArrayShape shape{"a", ElementType::float64, {197, 23}};
  NodeMemory memory(topology, {.arrays = {shape}, .tickets = 2});
  Context context(memory, {.arrays = {{shape, "planned"}}, .tickets = 2}, {});
  const auto fill = [&](SharedArray& array) {
    BlockSchedule blocks(array, 10, Schedule::fixed, context.fresh_counter());
    expr::Evaluator value = context.evaluator(array, "i");
    context.fill_blocks(array, blocks, value);
  };
  // The same rows by the same name, but nobody keeps their record.
  SharedArray stranger(memory, shape, 0);
  EXPECT_THROW(fill(stranger), Error);
  EXPECT_THROW(static_cast<void>(context.array("b")), Error);
  memory.publish();
  fill(context.array("a"));
  EXPECT_FALSE(context.blocks_of("a").empty());
  memory.publish();
}

}  // namespace
}  // namespace windrow
