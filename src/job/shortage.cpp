#include "job/shortage.hpp"

#include <algorithm>
#include <filesystem>

#include "base/units.hpp"
#include "io/output_target.hpp"
#include "job/quoting.hpp"
#include "mpi/shared_window.hpp"

namespace windrow {
namespace {

// As many as the command line of `plan` takes.
constexpr int kMostRanks = 1'000'000;

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

/// As a mount option, Docker and Slurm write it: in units of 2^20 bytes, rounded up.
std::int64_t mebibytes(std::int64_t bytes) {
  return divide_up(bytes, kMiB);
}

/// The same arrays with elements of half the size, what to set in the deck for it, and what then becomes of values; ""
/// if that cannot be set.
struct Smaller {
  JobNeeds needs;
  std::string settings;
  std::string condition;
};

Smaller with_smaller_types(JobNeeds needs) {
  std::string settings;
  bool is_rounded = false;
  bool is_narrower = false;
  for (PlannedArray& array : needs.arrays) {
    if (bytes_of(array.shape.type) != 8 || array.type_key.empty()) continue;
    const bool is_float = array.shape.type == ElementType::float64;
    (is_float ? is_rounded : is_narrower) = true;
    array.shape.type = is_float ? ElementType::float32 : ElementType::int32;
    settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", array.type_key, name_of(array.shape.type));
  }
  return {std::move(needs), settings,
          fmt::format("{}{}", is_rounded ? ", if 7 digits are enough" : "",
                      is_narrower ? ", if the whole numbers fit into 32 bits" : "")};
}

std::int64_t array_elements(const JobNeeds& needs) {
  std::int64_t elements = 0;
  for (const PlannedArray& array : needs.arrays) elements += array.shape.extents.elements();
  return elements;
}

/// What a host needs, with the output where that takes of the same.
MemoryNeed with_output(MemoryNeed need, std::int64_t file_bytes, OutputPlace place) {
  if (place == OutputPlace::elsewhere) return need;
  need.memory = checked_add(need.memory, file_bytes);
  if (place == OutputPlace::shared_memory) need.shared_memory = checked_add(need.shared_memory, file_bytes);
  return need;
}

/// A run on equal hosts like the one that is short, one node each, that might do instead.
struct Variant {
  int hosts = 1;
  int ranks_per_host = 1;
  bool smaller_types = false;
  bool streams = false;
  std::int64_t slots = 0;  ///< of each ring; 0: as planned
};

/// Has the arrays of a job pass through memory, for as long as it lives.
class StreamingForNow {
 public:
  explicit StreamingForNow(const LoadedDeck& deck) : deck_(&deck) { set(true); }
  StreamingForNow(const StreamingForNow&) = delete;
  StreamingForNow& operator=(const StreamingForNow&) = delete;
  ~StreamingForNow() { set(false); }

 private:
  void set(bool passes) { deck_->job->stream(passes, deck_->common->has_output); }
  const LoadedDeck* deck_;
};

/// Tries variants of a plan on what the host has.
class Trials {
 public:
  Trials(const LoadedDeck& deck, const Plan& plan, const HostResources& resources)
      : deck_(&deck), plan_(&plan), resources_(&resources) {}

  [[nodiscard]] bool fits(const MemoryNeed& need) const {
    return need.shared_memory <= resources_->shared_memory_free && need.memory <= resources_->memory_free;
  }

  /// Whether the arrays can pass through memory, and do not yet.
  [[nodiscard]] bool can_stream() const {
    return deck_->job->can_stream() && deck_->common->compression == 0 &&
           deck_->common->streaming != Streaming::automatic &&
           std::ranges::none_of(plan_->needs.arrays, [](const auto& array) { return array.panel_rows.has_value(); });
  }

  /// What the fullest host of a variant needs; none if it is no run of the same arrays.
  [[nodiscard]] std::optional<MemoryNeed> need_of(const Variant& variant) const {
    const int ranks = variant.hosts * variant.ranks_per_host;
    std::optional<StreamingForNow> streaming;
    if (variant.streams) streaming.emplace(*deck_);
    try {
      JobNeeds needs = deck_->job->needs(ranks);
      if (array_elements(needs) != array_elements(plan_->needs)) return std::nullopt;
      if (variant.smaller_types) needs = with_smaller_types(std::move(needs)).needs;
      if (variant.slots > 0)
        for (RingShape& ring : needs.rings) ring.slots = variant.slots;
      // The first of equal nodes has the largest share of the rows.
      const Machine machine = equal_nodes(ranks, variant.hosts);
      const WindowLayout window = WindowLayout::make(machine, 0, window_needs(*deck_, needs, ranks));
      const std::int64_t file_bytes = plan_->file.empty() ? 0 : planned_certain_bytes(*deck_, needs, ranks);
      return with_output(memory_need(window, variant.ranks_per_host, needs.rank_bytes), file_bytes,
                         resources_->output_place);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  [[nodiscard]] bool fits(const Variant& variant) const {
    const std::optional<MemoryNeed> need = need_of(variant);
    return need && fits(*need);
  }

  /// The least number of hosts above those of the plan on which a variant fits; none if no number helps.
  [[nodiscard]] std::optional<int> hosts_for(Variant variant) const {
    const int most = kMostRanks / variant.ranks_per_host;
    auto too_few = static_cast<int>(plan_->hosts.size());
    int enough = too_few;
    do {
      if (enough == most) return std::nullopt;
      enough = static_cast<int>(std::min<std::int64_t>(std::int64_t{enough} * 2, most));
      variant.hosts = enough;
    } while (!fits(variant));
    while (enough - too_few > 1) {
      variant.hosts = too_few + (enough - too_few) / 2;
      (fits(variant) ? enough : too_few) = variant.hosts;
    }
    return enough;
  }

 private:
  const LoadedDeck* deck_;
  const Plan* plan_;
  const HostResources* resources_;
};

std::string nodes_text(int nodes, int ranks_per_node) {
  return fmt::format("{} nodes like this one (sbatch --nodes={} --ntasks-per-node={})", nodes, nodes, ranks_per_node);
}

int ranks_on(const Plan& plan, int host) {
  int ranks = 0;
  for (std::size_t node = 0; node < plan.windows.size(); ++node)
    if (plan.machine.host_of_node[node] == host) ranks += plan.machine.ranks_per_node[node];
  return ranks;
}

/// The most slots with which the run would fit; 0 if none do.
std::int64_t slots_that_fit(const Trials& trials, const Plan& plan, Variant variant) {
  if (plan.needs.rings.empty() || plan.needs.slots_key.empty()) return 0;
  std::int64_t enough = 0;
  std::int64_t too_many = plan.needs.rings.front().slots;
  while (too_many - enough > 1) {
    variant.slots = enough + (too_many - enough) / 2;
    (trials.fits(variant) ? enough : too_many) = variant.slots;
  }
  return enough;
}

/// Remedies that change the run, not the host: a type, nodes, ranks. `what` is short.
std::string remedies_by_variants(const Trials& trials, const Plan& plan, int host, std::int64_t MemoryNeed::*what) {
  std::string text;
  const auto add = [&](const std::string& remedy) { text += "\n  try: " + remedy; };
  const auto hosts = static_cast<int>(plan.hosts.size());
  const int ranks = ranks_on(plan, host);
  const Smaller smaller = with_smaller_types(plan.needs);
  const bool smaller_is_enough =
      !smaller.settings.empty() && trials.fits(Variant{.hosts = hosts, .ranks_per_host = ranks, .smaller_types = true});
  if (trials.can_stream()) {
    const Variant streamed{.hosts = hosts, .ranks_per_host = ranks, .streams = true};
    if (trials.fits(streamed))
      add(fmt::format("memory.stream=auto: the arrays pass through {}",
                      format_bytes(trials.need_of(streamed).value_or(MemoryNeed{}).*what)));
  }
  if (const std::int64_t slots = slots_that_fit(trials, plan, {.hosts = hosts, .ranks_per_host = ranks}); slots > 0)
    add(fmt::format("{}={}, which fits", plan.needs.slots_key, slots));
  if (smaller_is_enough) add(smaller.settings + ", which fits" + smaller.condition);
  if (const auto nodes = trials.hosts_for({.hosts = hosts, .ranks_per_host = ranks})) add(nodes_text(*nodes, ranks));
  if (!smaller.settings.empty() && !smaller_is_enough)
    if (const auto nodes = trials.hosts_for({.hosts = hosts, .ranks_per_host = ranks, .smaller_types = true}))
      add(fmt::format("{} on {} such nodes{}; on {} it would need {}", smaller.settings, *nodes, smaller.condition,
                      hosts == 1 ? "one" : "these",
                      format_bytes(trials.need_of({hosts, ranks, true}).value_or(MemoryNeed{}).*what)));
  if (hosts > 1) return text;
  for (int fewer = ranks - 1; fewer > 0; --fewer) {
    if (!trials.fits(Variant{.hosts = 1, .ranks_per_host = fewer})) continue;
    add(fewer == 1 ? "1 rank, whose window is no shared memory" : fmt::format("{} ranks instead of {}", fewer, ranks));
    break;
  }
  return text;
}

/// How much of the need the output is; "" where it is elsewhere.
std::string output_part(const Plan& plan, const HostResources& resources) {
  if (resources.output_place == OutputPlace::elsewhere) return "";
  return fmt::format(", {} of it for the output {}, whose folder lies in memory", format_bytes(plan.certain_file_bytes),
                     plan.file);
}

std::string another_folder(const Plan& plan, const std::string& folder) {
  return fmt::format("\n  try: {}, --output DIR/{}", folder, std::filesystem::path(plan.file).filename().string());
}

std::string remedy_for_output(const Trials& trials, const Plan& plan, int host, const HostResources& resources) {
  if (resources.output_place == OutputPlace::elsewhere || !trials.fits(plan.need_of(host))) return "";
  return another_folder(plan, "a folder on a disk");
}

/// Whether the windows, without the output, fit into the roomiest other tmpfs.
bool fits_other_tmpfs(const Plan& plan, int host, const HostResources& resources) {
  const std::int64_t windows = plan.need_of(host).shared_memory;
  switch (resources.output_place) {
    case OutputPlace::elsewhere:
      return windows <= resources.other_tmpfs_free;
    // It may be the output's own.
    case OutputPlace::memory:
      return checked_add(windows, plan.certain_file_bytes) <= resources.other_tmpfs_free;
    case OutputPlace::shared_memory:
      return windows <= resources.other_tmpfs_free && plan.certain_file_bytes <= resources.shared_memory_free;
  }
  return false;
}

std::string remedies_for_shared_memory(const MemoryNeed& need, const Plan& plan, int host,
                                       const HostResources& resources) {
  // Where the memory itself is short, another folder for it is no help.
  if (need.memory > resources.memory_free) return "";
  std::string text;
  if (fits_other_tmpfs(plan, host, resources))
    text += fmt::format("\n  try: --shm-dir {}, which has {} free", resources.other_tmpfs,
                        format_bytes(resources.other_tmpfs_free));
  if (resources.shared_memory_mount.empty()) return text;
  const std::int64_t size =
      mebibytes(resources.shared_memory_total - resources.shared_memory_free + need.shared_memory);
  if (resources.is_container && resources.shared_memory_mount == "/dev/shm")
    text += fmt::format("\n  try: docker run --shm-size={}m ...", size);
  else
    text += fmt::format("\n  try: as root, mount -o remount,size={}m {}", size, resources.shared_memory_mount);
  return text;
}

std::string remedies_for_memory(const MemoryNeed& need, const HostResources& resources) {
  if (resources.control_group.empty() || need.memory > resources.host_memory_free) return "";
  // What has been taken when a run looks, by mpirun and by ranks that have started, is a little more at the next time.
  const std::int64_t used = resources.control_group_used + resources.control_group_used / 8 + 4 * kMiB;
  const std::int64_t limit = mebibytes(checked_add(need.memory, used));
  if (resources.control_group.find("slurm") != std::string::npos)
    return fmt::format("\n  try: sbatch --mem={}M", limit);
  if (resources.is_container) return fmt::format("\n  try: docker run --memory={}m ...", limit);
  return fmt::format("\n  try: a limit of {} MiB for this group (systemd-run -p MemoryMax={}M ...)", limit, limit);
}

/// Where the old output would make room for the new one, which replaces it only when it is whole.
std::string remedy_by_removal(const LoadedDeck& deck, const Plan& plan, std::int64_t free) {
  const std::int64_t old = deck.common->overwrite ? io::bytes_freed_by_removal(plan.file) : 0;
  if (old == 0 || plan.file_bytes > checked_add(free, old)) return "";
  return fmt::format("\n  try: rm {}, which frees {}: the old output is otherwise kept until the new one is whole",
                     shell_word(io::follow_links(plan.file)), format_bytes(old));
}

std::string limit_text(const std::string& what, std::int64_t need, std::int64_t limit, const std::string& option) {
  return fmt::format(
      "{} {}, but `ulimit {}` leaves {}\n  try: `ulimit {} unlimited` before the run, or ask whoever set the limit; "
      "under Slurm add --propagate=NONE",
      what, format_bytes(need), option, format_bytes(limit), option);
}

}  // namespace

std::optional<std::string> find_memory_shortage(const LoadedDeck& deck, const Plan& plan, int host,
                                                const std::string& host_name, const HostResources& resources) {
  const MemoryNeed need = with_output(plan.need_of(host), plan.certain_file_bytes, resources.output_place);
  const Trials trials(deck, plan, resources);
  if (trials.fits(need)) return std::nullopt;
  const bool is_shared = need.shared_memory > resources.shared_memory_free;
  const auto what = is_shared ? &MemoryNeed::shared_memory : &MemoryNeed::memory;
  const std::string place =
      is_shared ? fmt::format("{} has {} free (a twentieth more than the windows take must be: Open MPI asks for it)",
                              resources.shared_memory_folder, format_bytes(resources.shared_memory_free))
                : fmt::format("{} has {} available", resources.memory_limit, format_bytes(resources.memory_free));
  return fmt::format(
      "the run needs {} of {} on {}{}, where {}{}{}{}", format_bytes(need.*what),
      is_shared ? "shared memory" : "memory", host_name, output_part(plan, resources), place,
      remedy_for_output(trials, plan, host, resources),
      is_shared ? remedies_for_shared_memory(need, plan, host, resources) : remedies_for_memory(need, resources),
      remedies_by_variants(trials, plan, host, what));
}

std::optional<std::string> find_windows_on_disk(const Plan& plan, int host, const HostResources& resources) {
  const std::int64_t bytes = plan.need_of(host).shared_memory;
  if (bytes == 0 || resources.shared_memory_disk.empty()) return std::nullopt;
  return fmt::format(
      "the shared windows, {}, are to lie in {}, which is on a disk ({}): the kernel writes to it what the ranks fill, "
      "which takes several times as long\n  try: --shm-dir {}",
      format_bytes(bytes), resources.shared_memory_folder, resources.shared_memory_disk,
      fits_other_tmpfs(plan, host, resources) ? resources.other_tmpfs : "DIR, a tmpfs");
}

std::optional<std::string> find_limit_shortage(const Plan& plan, int node, bool is_leader,
                                               const ProcessLimits& limits) {
  const auto number = static_cast<std::size_t>(node);
  const std::int64_t window = SharedWindow::requested_bytes(plan.windows[number].bytes);
  if (window > limits.address_bytes)
    return limit_text("each rank needs an address space of", window, limits.address_bytes, "-v");
  const bool is_shared = plan.machine.ranks_per_node[number] > 1;
  if (!is_shared && window > limits.data_bytes)
    return limit_text("a single rank needs memory of its own of", window, limits.data_bytes, "-d");
  // The leader makes the file of the window; all write the output.
  if (is_leader && is_shared && window > limits.file_bytes)
    return limit_text("the file behind the shared window has", window, limits.file_bytes, "-f");
  if (!plan.file.empty() && plan.certain_file_bytes > limits.file_bytes)
    return limit_text(fmt::format("the output {} needs", plan.file), plan.certain_file_bytes, limits.file_bytes, "-f");
  return std::nullopt;
}

std::optional<std::string> find_disk_shortage(const LoadedDeck& deck, const Plan& plan) {
  if (plan.file.empty()) return std::nullopt;
  const std::int64_t free = io::free_disk_bytes(plan.file);
  if (plan.certain_file_bytes <= free) return std::nullopt;
  const Smaller smaller = with_smaller_types(plan.needs);
  std::string remedies = remedy_by_removal(deck, plan, free) + another_folder(plan, "another folder");
  if (!smaller.settings.empty()) {
    const std::int64_t bytes = planned_certain_bytes(deck, smaller.needs, plan.machine.ranks());
    if (bytes < plan.certain_file_bytes)
      remedies += fmt::format("\n  try: {}{}, which needs {}{}", smaller.settings,
                              bytes <= free ? "" : " in another folder", format_bytes(bytes), smaller.condition);
  }
  return fmt::format("the output {} needs {}, but its file system has {} free{}", plan.file,
                     format_bytes(plan.certain_file_bytes), format_bytes(free), remedies);
}

}  // namespace windrow
