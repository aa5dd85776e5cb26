#include "array/node_memory.hpp"

#include <atomic>

#include "mpi/fault_point.hpp"

namespace windrow {

Machine machine_of(const Topology& topology) {
  return {topology.ranks_per_node, topology.host_of_node};
}

namespace {

/// A huge page cannot be protected in parts.
PageMode small_pages(PageMode mode) {
  return mode == PageMode::read ? PageMode::read : PageMode::populate;
}

}  // namespace

NodeMemory::NodeMemory(const Topology& topology, const WindowNeeds& needs)
    : NodeMemory(topology, needs, AccessCheck::is_wanted(topology.node)) {}

NodeMemory::NodeMemory(const Topology& topology, const WindowNeeds& needs, bool is_checked)
    : topology_(&topology),
      layout_(WindowLayout::make(machine_of(topology), topology.node_number, needs)),
      window_(topology.node, {.bytes = layout_.bytes,
                              .control_bytes = layout_.control_bytes,
                              .pages = is_checked ? small_pages(needs.pages) : needs.pages}),
      control_(ControlWords::at(window_.data(), layout_.control)),
      rendezvous_(topology, *control_.rendezvous),
      abort_claim_(control_.rendezvous->failure),
      check_(is_checked ? std::make_unique<AccessCheck>(topology, window_, layout_, needs.arrays) : nullptr) {}

std::span<std::byte> NodeMemory::staging() const {
  return window_.bytes().subspan(static_cast<std::size_t>(layout_.staging.begin),
                                 static_cast<std::size_t>(layout_.staging.bytes()));
}

void NodeMemory::touch_staging() {
  const std::int64_t bytes = layout_.staging.bytes() / topology_->node.size();
  const std::int64_t begin = layout_.staging.begin + topology_->node_rank() * bytes;
  window_.touch(begin, begin + bytes);
}

void NodeMemory::publish() {
  fault_point("publish");
  ++phase_;
  if (check_)
    check_->end_phase(rendezvous_);
  else
    rendezvous_.publish();
}

void NodeMemory::together(const std::function<void()>& body) {
  rendezvous_.together([&] {
    body();
    if (check_) check_->end_phase(rendezvous_);
  });
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
