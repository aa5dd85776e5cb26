#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <vector>

namespace windrow {

/// As many as Linux can be built for.
inline constexpr std::size_t kMostProcessors = 8192;

/// Processors of a host, by the kernel's numbers.
using ProcessorSet = std::bitset<kMostProcessors>;

/// A processor of a host: what the kernel runs a process on, a hardware thread.
struct Processor {
  int number = 0;
  int core = 0;    ///< the lowest number of the processors that share its core
  int domain = 0;  ///< the kernel's number of its NUMA domain
  bool is_open =
      false;  ///< to the first process of this host, or container: whoever may not run there was bounded later
};

/// The processors of this host that are online, in the order of their numbers: as hwloc tells it, or where it is not
/// there, as /sys does. *Cost*: some milliseconds, more on large hosts. *Throws*: nothing but std::bad_alloc; where
/// nothing tells of cores and domains, each processor is a core and all are in one domain.
[[nodiscard]] std::vector<Processor> find_processors();

/// What find_processors() finds without hwloc; the system's own files are looked for below `root`.
[[nodiscard]] std::vector<Processor> read_processors(const std::string& root = "/");

/// Those that this process may run on; all if the kernel does not tell. *Throws*: nothing.
[[nodiscard]] ProcessorSet processors_of_this_process();

/// Sets as the kernel writes them, "0-3,8". What is no number is no processor.
[[nodiscard]] ProcessorSet processor_set(const std::string& list);
[[nodiscard]] std::string processor_list(const ProcessorSet& set);

}  // namespace windrow
