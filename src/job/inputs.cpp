#include "job/inputs.hpp"

#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

/// What tells files apart that may be copies of each other.
struct Print {
  std::int64_t bytes = 0;
  std::uint64_t checksum = 0;
};

void check_same(const Topology& topology, const io::FileReader& file, const Print& own, const Print& first) {
  if (own.bytes == first.bytes && own.checksum == first.checksum) return;
  throw Error(ExitStatus::io,
              "{} is not the same file on all hosts: on {} it has {} bytes, on {} {}\n"
              "  try: a file in a folder that all nodes share, or copies of one",
              file.path(), processor_name(), own.bytes, topology.host_names[0],
              own.bytes == first.bytes ? "as many, and others" : std::to_string(first.bytes));
}

}  // namespace

void check_inputs(const Topology& topology, const std::vector<const io::InputDataset*>& inputs) {
  std::vector<Print> own(inputs.size());
  std::vector<Print> first;
  together(topology.world, [&] {
    for (std::size_t n = 0; n < inputs.size(); ++n) {
      const io::FileReader& file = inputs[n]->file();
      file.check_in_place();
      if (topology.is_leader()) own[n] = {file.size(), file.sampled_checksum()};
    }
    first = own;
  });
  topology.world.broadcast(std::as_writable_bytes(std::span(first)), 0);
  together(topology.world, [&] {
    for (std::size_t n = 0; n < inputs.size() && topology.is_leader(); ++n)
      check_same(topology, inputs[n]->file(), own[n], first[n]);
  });
}

}  // namespace windrow
