#include "array/node_memory.hpp"

#include <atomic>

namespace windrow {

Machine machine_of(const Topology& topology) {
  return {topology.ranks_per_node, topology.host_of_node};
}

NodeMemory::NodeMemory(const Topology& topology, const Options& options)
    : topology_(&topology),
      layout_(WindowLayout::make(machine_of(topology), topology.node_number, options.arrays, options.tickets)),
      window_(topology.node, {.bytes = layout_.bytes, .control_bytes = layout_.control_bytes, .pages = options.pages}),
      control_(ControlWords::at(window_.data(), topology.node.size(), options.tickets)),
      rendezvous_(topology, *control_.rendezvous) {}

void NodeMemory::publish() {
  ++phase_;
  rendezvous_.publish();
}

void NodeMemory::together(const std::function<void()>& body) {
  rendezvous_.together(body);
  ++phase_;
}

void NodeMemory::add_progress(std::int64_t bytes) {
  std::atomic_ref(control_.progress[static_cast<std::size_t>(topology_->node_rank())].bytes_done)
      .fetch_add(bytes, std::memory_order_relaxed);
}

void NodeMemory::reset_progress() {
  std::atomic_ref(control_.progress[static_cast<std::size_t>(topology_->node_rank())].bytes_done)
      .store(0, std::memory_order_relaxed);
}

std::int64_t NodeMemory::progress_bytes() const {
  std::int64_t bytes = 0;
  for (ProgressWord& word : control_.progress)
    bytes += std::atomic_ref(word.bytes_done).load(std::memory_order_relaxed);
  return bytes;
}

}  // namespace windrow
