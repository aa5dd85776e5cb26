#include "jobs/registry.hpp"

#include <array>

namespace windrow::jobs {

std::unique_ptr<Job> make_populate();
std::unique_ptr<Job> make_sharing();
std::unique_ptr<Job> make_evaluate();
std::unique_ptr<Job> make_pipeline();
std::unique_ptr<Job> make_mandelbrot();

Registry registry() {
  static constexpr std::array table{
      JobEntry{"evaluate", "compute arrays and numbers from arrays, by statements like v = u**2 and total = sum(v)",
               make_evaluate},
      JobEntry{"mandelbrot",
               "count the steps to infinity over a region of the plane, blocks of rows to whoever is idle",
               make_mandelbrot},
      JobEntry{"pipeline", "send samples through stages of expressions, and keep a number or the array of each",
               make_pipeline},
      JobEntry{"populate", "fill a shared array by blocks of rows from an expression, and write it", make_populate},
      JobEntry{"sharing", "time the ways to fill, share or move an array between ranks, side by side", make_sharing},
  };
  return table;
}

}  // namespace windrow::jobs
