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

TEST(Context, TellsTheBlockInWhichATaskFails) {
  const Topology topology = Topology::discover(1);
  const ArrayShape shape{"a", ElementType::int32, {197, 23}};
  NodeMemory memory(topology, {.arrays = {shape}, .tickets = 1});
  Context context(memory, {.arrays = {{shape, "planned"}}, .tickets = 1}, {});
  SharedArray& array = context.array("a");
  std::string told;
  try {
    context.phase("work", 0, [&] {
      BlockSchedule blocks(array, 10, Schedule::dynamic, context.fresh_counter());
      context.fill_blocks(array, blocks, [](const BlockId& block, const Piece&) {
        if (block.number == 13) throw Error(ExitStatus::io, "no more");
      });
    });
  } catch (const AgreedError& error) {
    told = error.what();
    EXPECT_EQ(error.status(), ExitStatus::io);
  }
  // The row blocks of three ranks and of seven end within it: then it has two parts.
  EXPECT_TRUE(told.starts_with("block 13 (rows 13") && told.ends_with("): no more")) << told;
  EXPECT_TRUE(topology.ranks() > 2 || told == "block 13 (rows 130 to 139): no more") << told;
}

}  // namespace
}  // namespace windrow
