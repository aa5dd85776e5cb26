#include "array/replicated_array.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace windrow::test {
namespace {

TEST(ReplicatedArray, EveryNodeHasItWhole) {
  for (const int nodes : {1, 2, 3})
    for (const std::int64_t rows : {1, 197, 300'000}) {
      const Topology topology = Topology::discover(nodes);
      const ArrayShape other{"array", ElementType::float64, {10, 10}};
      const ArrayShape shape{"table", ElementType::int64, {rows, 3}};
      NodeMemory memory(topology,
                        {.arrays = {other}, .rings = {{.slots = 2, .slot_bytes = 100}}, .replicas = {shape, shape}});
      for (const std::size_t number : {0U, 1U}) {
        ReplicatedArray table(memory, shape, number);
        const std::span<std::byte> share = table.fill_share();
        for (std::int64_t n = 0; n < table.share().rows() * 3; ++n) {
          const std::int64_t value = table.share().begin * 3 + n + static_cast<std::int64_t>(number);
          std::memcpy(share.data() + n * 8, &value, 8);
        }
      }
      memory.publish();
      for (const std::size_t number : {0U, 1U}) {
        const std::span<const std::byte> whole = ReplicatedArray(memory, shape, number).read();
        ASSERT_EQ(std::ssize(whole), rows * 24);
        for (std::int64_t n = 0; n < rows * 3; ++n) {
          std::int64_t value = 0;
          std::memcpy(&value, whole.data() + n * 8, 8);
          ASSERT_EQ(value, n + static_cast<std::int64_t>(number));
        }
      }
      topology.world.barrier();
    }
}

}  // namespace
}  // namespace windrow::test
