// A read-only array that every rank needs whole: loaded once a node, or by each rank.
#include <vector>

#include "jobs/sharing/way.hpp"

namespace windrow::jobs::sharing {
namespace {

/// Each rank loads a part into the window, and reads all of them there.
class LoadOnce final : public Way {
 public:
  explicit LoadOnce(const Setting& setting) : Way(setting), array_(&setting.context->array("numbers")) {}
  void run(std::int64_t time) override {
    const std::span<std::byte> bytes = array_->lease_row_block().bytes();
    fill({reinterpret_cast<double*>(bytes.data()), bytes.size() / sizeof(double)}, rank(), time);
    setting().context->memory().publish();
    const RowRange rows = array_->node_rows();
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const std::span<const std::byte> part = array_->read({row, row + 1});
      verify_sum(setting(), sum({reinterpret_cast<const double*>(part.data()), part.size() / sizeof(double)}),
                 static_cast<int>(row - rows.begin), time);
    }
    setting().context->memory().publish();
  }

 private:
  SharedArray* array_;
};

class LoadEach final : public Way {
 public:
  explicit LoadEach(const Setting& setting)
      : Way(setting), whole_(static_cast<std::size_t>(setting.numbers * setting.node().size())) {}
  void run(std::int64_t time) override {
    for (int part = 0; part < setting().node().size(); ++part) {
      const auto numbers = static_cast<std::size_t>(setting().numbers);
      const std::span<double> own = std::span(whole_).subspan(static_cast<std::size_t>(part) * numbers, numbers);
      fill(own, part, time);
      verify_sum(setting(), sum(own), part, time);
    }
  }

 private:
  std::vector<double> whole_;
};

}  // namespace

std::unique_ptr<Way> make_load_once(const Setting& setting) {
  return std::make_unique<LoadOnce>(setting);
}
std::unique_ptr<Way> make_load_each(const Setting& setting) {
  return std::make_unique<LoadEach>(setting);
}

}  // namespace windrow::jobs::sharing
