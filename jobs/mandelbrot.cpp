// mandelbrot: counts(i, j) = the step at which z -> z^2 + c, from 0, is farther from 0 than 2 for the first time, where
// c = x(j) + i y(i) is the middle of a cell of the region; 0 where that does not happen within the limit.
#include <algorithm>
#include <cmath>

#include "job/context.hpp"
#include "job/job.hpp"
#include "kernel/kernels.hpp"

namespace windrow::jobs {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 60;
// Blocks are recorded one by one in the output.
constexpr std::int64_t kMostBlocks = 1'000'000;
// Small enough that the last ones end together, and large enough that handing them out costs nothing.
constexpr std::int64_t kDefaultBlocks = 512;

class Mandelbrot final : public Job {
 public:
  void declare(deck::Keys& keys) override {
    keys.section("mandelbrot",
                 "the region of the complex plane, the grid of points in it, and who computes which rows");
    keys.number("x_min", x_min_, {.default_value = -2.0, .help = "left edge of the region"});
    keys.number("x_max", x_max_, {.default_value = 0.6, .help = "right edge"});
    keys.number("y_min", y_min_, {.default_value = -1.17, .help = "lower edge"});
    keys.number("y_max", y_max_, {.default_value = 1.17, .help = "upper edge: that of row 0"});
    keys.integer("rows", extents_.rows,
                 {.minimum = 1,
                  .unit = "rows",
                  .example = "900",
                  .help = "points down, each in the middle of its cell of the region"});
    keys.integer("cols", extents_.cols, {.minimum = 1, .unit = "columns", .example = "1000", .help = "points across"});
    keys.integer("limit", limit_,
                 {.default_value = 1000,
                  .minimum = 1,
                  .maximum = 1'000'000'000,
                  .unit = "steps",
                  .help = "after so many steps a point counts as one that never leaves, and its element is 0"});
    keys.integer("block_rows", block_rows_,
                 {.default_value = 0,
                  .minimum = 1,
                  .default_text = "a 512th of the rows, rounded up",
                  .unit = "rows",
                  .help = "rows of a block, the unit that is handed to a rank"});
    keys.choice("schedule", schedule_,
                {{"static", "every rank computes its own rows"},
                 {"dynamic", "the next block goes to whoever is idle"},
                 {"guided", "the same, several blocks at once while many are left"}},
                {.default_value = "dynamic", .help = "who computes which block"});
  }

  void check(deck::Keys& keys) const override {
    check_edges(keys, "x", x_min_, x_max_);
    check_edges(keys, "y", y_min_, y_max_);
    if (extents_.rows > kMostElements / extents_.cols)
      keys.reject("mandelbrot.rows", fmt::format("{} x {} points are too many", extents_.rows, extents_.cols));
    if ((extents_.rows - 1) / block_rows() >= kMostBlocks)
      keys.reject("mandelbrot.block_rows",
                  fmt::format("{} rows in blocks of {} are more than {} blocks; take mandelbrot.block_rows={} or more",
                              extents_.rows, block_rows(), kMostBlocks, (extents_.rows - 1) / kMostBlocks + 1));
  }

  JobNeeds needs(int ranks) const override {
    const ArrayShape counts{"counts", ElementType::int32, extents_};
    JobNeeds needs{.arrays = {{counts, "first step at which z**2 + c is outside the circle of radius 2; 0: none"}},
                   .tickets = 1,
                   .rank_bytes = ranks > 1 ? 3 * std::min(block_rows(), extents_.rows) * extents_.cols * 4 : 0,
                   .block_records = extents_.rows / block_rows() + 1 + ranks};
    needs.arrays[0].is_final_when_filled = true;
    needs.arrays[0].drawing = drawing();
    return needs;
  }

  void run(Context& context) override {
    SharedArray& counts = context.array("counts");
    const auto escapes = kernel::kernels().escapes;
    const double x_step = (x_max_ - x_min_) / static_cast<double>(extents_.cols);
    const double y_step = (y_max_ - y_min_) / static_cast<double>(extents_.rows);
    context.phase("mandelbrot", extents_.bytes(counts.type()), [&] {
      BlockSchedule blocks(counts, block_rows(), schedule_, context.fresh_counter());
      context.share_blocks(counts, blocks, [&](const BlockId& /*block*/, const Piece& piece) {
        auto* destination = reinterpret_cast<std::int32_t*>(piece.destination);
        for (std::int64_t point = piece.elements.begin; point < piece.elements.end;) {
          const std::int64_t row = point / extents_.cols;
          const std::int64_t end = std::min(piece.elements.end, (row + 1) * extents_.cols);
          const double y = y_max_ - (static_cast<double>(row) + 0.5) * y_step;
          escapes(x_min_, x_step, point - row * extents_.cols, y, limit_, destination, end - point);
          destination += end - point;
          point = end;
        }
      });
    });
  }

 private:
  static void check_edges(deck::Keys& keys, const std::string& axis, double least, double largest) {
    constexpr double farthest = 1e100;
    const std::string last = fmt::format("mandelbrot.{}_max", axis);
    if (!(least < largest))
      keys.reject(last, fmt::format("{}_max is {}; it must be above {}_min, {}", axis, largest, axis, least));
    else if (std::max(std::abs(least), std::abs(largest)) > farthest)
      keys.reject(last, fmt::format("{} from {} to {} is too far from 0", axis, least, largest));
  }

  [[nodiscard]] std::int64_t block_rows() const {
    return block_rows_ > 0 ? block_rows_ : (extents_.rows - 1) / kDefaultBlocks + 1;
  }

  [[nodiscard]] Drawing drawing() const {
    return {.x = {.label = "real part of c", .first_edge = x_min_, .last_edge = x_max_},
            .y = {.label = "imaginary part of c", .first_edge = y_max_, .last_edge = y_min_},
            .colours = {.label = "first step outside the circle of radius 2",
                        .scale = io::ColourScale::logarithmic,
                        .no_value_label = "never leaves"}};
  }

  double x_min_ = 0.0;
  double x_max_ = 0.0;
  double y_min_ = 0.0;
  double y_max_ = 0.0;
  Extents extents_;
  std::int64_t limit_ = 0;
  std::int64_t block_rows_ = 0;
  Schedule schedule_ = Schedule::dynamic;
};

}  // namespace

std::unique_ptr<Job> make_mandelbrot() {
  return make_job<Mandelbrot>();
}

}  // namespace windrow::jobs
