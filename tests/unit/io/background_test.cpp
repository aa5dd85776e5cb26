#include "io/background.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/error.hpp"

namespace windrow::io::test {
namespace {

class BackgroundTest : public testing::Test {
 protected:
  FailureRecord failure_{};
  Waiter waiter_{failure_, 1};
};

TEST_F(BackgroundTest, DoesOneThingAfterTheOther) {
  Background background;
  std::vector<int> done;
  for (int round = 0; round < 100; ++round) {
    for (int n = 0; n < 10; ++n) background.submit([&done, n] { done.push_back(n); });
    background.wait(waiter_);
    ASSERT_EQ(done, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    done.clear();
  }
}

TEST_F(BackgroundTest, TellsWhatHasFailedAndDoesNothingAfterIt) {
  Background background;
  std::atomic<bool> is_done = false;
  background.submit([] { throw Error(ExitStatus::io, "no such luck"); });
  background.submit([&] { is_done = true; });
  EXPECT_THROW(background.wait(waiter_), Error);
  EXPECT_THROW(background.wait(waiter_), Error);
  EXPECT_FALSE(is_done);
}

TEST_F(BackgroundTest, WaitingEndsWhenAnotherRankFails) {
  std::atomic<bool> may_end = false;
  Background background;
  background.submit([&] { may_end.wait(false); });
  raise_failure(failure_, 1, ExitStatus::io, "elsewhere");
  EXPECT_THROW(background.wait(waiter_), PeerFailure);
  may_end = true;
  may_end.notify_all();
}

TEST_F(BackgroundTest, DropsWhatWasNotBegunAtItsEnd) {
  std::atomic<int> done = 0;
  {
    std::atomic<bool> has_begun = false;
    Background background;
    background.submit([&] {
      has_begun = true;
      has_begun.notify_all();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++done;
    });
    background.submit([&] { ++done; });
    has_begun.wait(false);
  }
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace windrow::io::test
