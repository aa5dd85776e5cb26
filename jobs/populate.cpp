// populate: a(i, j) = value(i, j, offset) for the rows i of each block, where offset is the block's first row.
#include "job/array_keys.hpp"
#include "job/context.hpp"
#include "job/job.hpp"

namespace windrow::jobs {
namespace {

// Blocks are recorded one by one in the output: 40 bytes each.
constexpr std::int64_t kMostBlocks = 1'000'000;
// Without block_rows: a function of the extents alone, since `offset` depends on it.
constexpr std::int64_t kDefaultBlocks = 256;

class Populate final : public Job {
 public:
  void declare(deck::Keys& keys) override {
    array_.declare(keys, "array");
    keys.section("populate", "how the array is filled, a block of rows at a time");
    keys.integer("block_rows", block_rows_,
                 {.default_value = 0,
                  .minimum = 1,
                  .default_text = "a 256th of the rows, rounded up",
                  .unit = "rows",
                  .example = "100",
                  .help = "rows of a block, the unit that is handed to a rank"});
    keys.choice("schedule", schedule_,
                {{"static", "every rank fills its own rows"},
                 {"dynamic", "the next block goes to whoever is idle"},
                 {"guided", "the same, several blocks at once while many are left"}},
                {.default_value = "static", .help = "who fills which block"});
  }

  void check(deck::Keys& keys) const override {
    array_.check(keys);
    const std::int64_t rows = array_.shape(1).extents.rows;
    if ((rows - 1) / block_rows(rows) >= kMostBlocks)
      keys.reject("populate.block_rows",
                  fmt::format("{} rows in blocks of {} are more than {} blocks; take populate.block_rows={} or more",
                              rows, block_rows(rows), kMostBlocks, (rows - 1) / kMostBlocks + 1));
  }

  JobNeeds needs(int ranks) const override {
    const std::int64_t rows = array_.shape(ranks).extents.rows;
    const std::int64_t blocks = rows / block_rows(rows) + 1;
    JobNeeds needs{.arrays = {array_.planned(ranks)}, .tickets = 1, .block_records = blocks + ranks};
    needs.arrays[0].is_final_when_filled = true;
    return needs;
  }

  void run(Context& context) override {
    SharedArray& array = context.array(array_.name());
    expr::Evaluator value = context.evaluator(array, array_.value());
    context.phase("populate", array.extents().bytes(array.type()), [&] {
      BlockSchedule blocks(array, block_rows(array.extents().rows), schedule_, context.fresh_counter());
      context.fill_blocks(array, blocks, value);
    });
  }

 private:
  [[nodiscard]] std::int64_t block_rows(std::int64_t rows) const {
    return block_rows_ > 0 ? block_rows_ : (rows - 1) / kDefaultBlocks + 1;
  }

  ArrayKeys array_;
  std::int64_t block_rows_ = 0;
  Schedule schedule_ = Schedule::fixed;
};

}  // namespace

std::unique_ptr<Job> make_populate() {
  return make_job<Populate>();
}

}  // namespace windrow::jobs
