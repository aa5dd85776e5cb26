#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "array/access_check.hpp"
#include "array/control.hpp"
#include "array/layout.hpp"
#include "mpi/environment.hpp"
#include "mpi/shared_window.hpp"

namespace windrow {

[[nodiscard]] Machine machine_of(const Topology& topology);

/// A node's part of a run: its window, the control words in it, and the place where the ranks meet.
/// Arrays and ticket counters are carved from it; it must outlive them.
class NodeMemory {
 public:
  /// *Collective over* the node. *Cost*: no memory is touched but the control words. *Throws*: as SharedWindow.
  NodeMemory(const Topology& topology, const WindowNeeds& needs);

  [[nodiscard]] const Topology& topology() const { return *topology_; }
  [[nodiscard]] const WindowLayout& layout() const { return layout_; }
  [[nodiscard]] SharedWindow& window() { return window_; }
  [[nodiscard]] Rendezvous& rendezvous() { return rendezvous_; }
  [[nodiscard]] const ControlWords& control() const { return control_; }

  /// The staging of the node, once every rank has touched its part: touch_staging(). *Throws*: Error(resources), on the
  /// calling rank.
  [[nodiscard]] std::span<std::byte> staging() const;
  void touch_staging();

  /// Ends a phase within the node: my stores are readable by everybody on it, theirs by me; leases end.
  /// *Collective over* the node. *Throws*: PeerFailure if a rank of the node has failed.
  void publish();
  /// Runs a phase, or a step of one, on every rank: see Rendezvous::together(). Leases end with it.
  /// *Collective over* the world. *Throws*: the same AgreedError on all ranks.
  void together(const std::function<void()>& body);

  /// What looks after leases and reads if WINDROW_CHECK=1 asks for it; otherwise none.
  [[nodiscard]] AccessCheck* check() const { return check_.get(); }

  /// Number of the phase: what leases of an earlier one are known by.
  [[nodiscard]] std::int64_t phase() const { return phase_; }

  /// Adds to what this rank has done, and sums up what the ranks of the node have; relaxed, for the eye.
  void add_progress(std::int64_t bytes);
  void reset_progress();
  [[nodiscard]] std::int64_t progress_bytes() const;

 private:
  NodeMemory(const Topology& topology, const WindowNeeds& needs, bool is_checked);

  const Topology* topology_;
  WindowLayout layout_;
  SharedWindow window_;
  ControlWords control_;
  Rendezvous rendezvous_;
  AbortClaim abort_claim_;
  std::unique_ptr<AccessCheck> check_;
  std::int64_t phase_ = 0;
};

}  // namespace windrow
