#include "jobs/registry.hpp"

#include <array>

namespace windrow::jobs {

std::unique_ptr<Job> make_populate();

Registry registry() {
  static constexpr std::array table{
      JobEntry{"populate", "fill a shared array by blocks of rows from an expression, and write it", make_populate},
  };
  return table;
}

}  // namespace windrow::jobs
