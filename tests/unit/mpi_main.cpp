// The main function of the unit tests that run under mpirun: MPI around GoogleTest, output from rank 0 and from
// failures.
#include <gtest/gtest.h>

#include "mpi/communicator.hpp"
#include "mpi/environment.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const windrow::Environment environment;
  const windrow::WorldComm world = windrow::WorldComm::duplicate();
  if (world.rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
  }
  const int failed = RUN_ALL_TESTS();
  for (int i = 0; failed != 0 && i < testing::UnitTest::GetInstance()->total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *testing::UnitTest::GetInstance()->GetTestSuite(i);
    for (int j = 0; world.rank() != 0 && j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      for (int k = 0; k < test.result()->total_part_count(); ++k)
        if (test.result()->GetTestPartResult(k).failed())
          fmt::print(stderr, "rank {}: {}.{}: {}\n", world.rank(), suite.name(), test.name(),
                     test.result()->GetTestPartResult(k).summary());
    }
  }
  return world.maximum(std::int64_t{failed}) == 0 ? 0 : 1;
}
