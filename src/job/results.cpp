#include "job/results.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/standard_output.hpp"
#include "io/hdf5_version.hpp"
#include "io/node_shares.hpp"
#include "io/picture.hpp"
#include "job/drawing.hpp"
#include "job/numpy_text.hpp"
#include "job/preflight.hpp"
#include "job/preview.hpp"
#include "job/quoting.hpp"
#include "mpi/environment.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow {

void Results::reserve(const std::string& deck_path) {
  if (plan_.file.empty()) return;
  together(topology_.world, [&] {
    fault_point("start.reserve");
    check_is_not_deck(plan_.file, deck_path);
    file_.emplace(topology_, plan_.file,
                  io::TargetOptions{.overwrite = deck_.common->overwrite, .durable = deck_.common->durable});
  });
  file_->guard(topology_);
  together(topology_.world, [&] {
    file_->reserve();
    for (const std::string& message : file_->messages()) say(fmt::format("windrow: {}", message));
    fault_point("start.reserved");
  });
  file_->check_is_seen(topology_);
}

void Results::begin() {
  if (file_) file_->begin(topology_, planned_file(deck_, plan_.needs), plan_.certain_file_bytes, deck_.common->writers);
}

std::vector<io::ArrayBlocks> Results::gather_blocks(Context& context) const {
  fault_point("write.gather");
  const Together run_together = [&](const std::function<void()>& body) { context.memory().together(body); };
  std::vector<io::ArrayBlocks> all;
  for (const PlannedArray& array : plan_.needs.arrays) {
    const std::vector<io::BlockRecord>& own = context.blocks_of(array.shape.name);
    const std::vector<std::byte> bytes = gather(topology_.world, run_together, std::as_bytes(std::span(own)));
    std::vector<io::BlockRecord> blocks(bytes.size() / sizeof(io::BlockRecord));
    if (!bytes.empty()) std::memcpy(blocks.data(), bytes.data(), bytes.size());
    std::ranges::sort(blocks, {}, &io::BlockRecord::first_row);
    all.push_back({array.shape.name, std::move(blocks)});
  }
  return all;
}

io::FileSpec Results::file_spec(std::vector<io::ArrayBlocks> blocks) const {
  io::FileSpec spec = planned_file(deck_, plan_.needs);
  io::Provenance& provenance = spec.provenance;
  const auto started =
      std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                             std::chrono::duration<double>(steady_seconds() - process_start_s_));
  provenance.attributes = {
      {"windrow_version", std::string(WINDROW_VERSION)},
      {"mpi_version", Environment::library_version()},
      {"hdf5_version", io::hdf5_version()},
      {"job", deck_.common->job},
      {"ranks", std::int64_t{topology_.ranks()}},
      {"nodes", std::int64_t{topology_.nodes()}},
      {"seed", deck_.common->seed},
      {"vector_level", report_.level},
      {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(started)))}};
  provenance.hosts = topology_.host_names;
  for (const PhaseReport& phase : report_.phases) provenance.phases.push_back({phase.name, phase.seconds});
  provenance.blocks = std::move(blocks);
  for (io::ScalarSpec& scalar : spec.scalars)
    scalar.value = std::ranges::find(report_.results, scalar.name, &ScalarResult::name)->value;
  return spec;
}

/// Whether the array is in the file when the job has run.
bool Results::is_written_behind(const std::string& name) const {
  return !plan_.is_compressed && std::ranges::any_of(plan_.needs.arrays, [&](const PlannedArray& array) {
    return array.shape.name == name && array.is_final_when_filled;
  });
}

/// Each array of the output gets its writer, in the file's order.
void Results::attach(Context& context) {
  if (!file_) return;
  for (const io::ArraySpec& written : planned_file(deck_, plan_.needs).arrays) {
    if (const PlannedArray& planned = context.planned(written.name); !planned.is_in_window()) {
      io::RowFile* const rows = file_->attach_rows(planned.shape, planned.is_only_in_file || topology_.is_leader());
      if (rows != nullptr) context.write_rows(written.name, *rows);
      continue;
    }
    SharedArray& array = context.array(written.name);
    io::GroupWriter* const writer = file_->attach(array);
    if (writer != nullptr && is_written_behind(written.name)) context.write_behind(array, *writer);
  }
}

void Results::write(Context& context) {
  std::vector<io::ArrayBlocks> blocks = gather_blocks(context);
  std::int64_t bytes = 0;
  std::int64_t node_bytes = 0;
  for (const std::string& name : deck_.output_arrays()) {
    if (!context.planned(name).is_in_window()) continue;
    const io::NodeShares shares(machine_of(topology_), context.array(name).shape(),
                                plan_.is_compressed ? io::kEveryNode : deck_.common->writers);
    for (int node = 0; node < shares.nodes(); ++node) {
      if (is_written_behind(name) && shares.writes(node)) continue;
      bytes += shares.has(node).bytes();
      if (shares.writer_of(node) == topology_.node_number) node_bytes += shares.has(node).bytes();
    }
  }
  context.collective_phase("write", bytes, node_bytes, [&] {
    file_->finish(
        context.memory(), [&] { return file_spec(std::move(blocks)); },
        [&](std::int64_t done) { context.advance(done); });
  });
  report_.output = plan_.file;
}

/// The picture of which rank stored which rows when, on world rank 0.
std::string Results::timeline(Context& context) const {
  io::Timeline timeline{
      .title = title() + ": which rank stored which rows when", .ranks = topology_.ranks(), .blocks = {}};
  for (const io::ArrayBlocks& array : gather_blocks(context))
    timeline.blocks.insert(timeline.blocks.end(), array.blocks.begin(), array.blocks.end());
  return is_first() ? io::draw(timeline) : "";
}

/// What a job draws instead of an array, on world rank 0.
std::string Results::bars(Context& context) const {
  context.bars().title = title();
  return is_first() ? io::draw(context.bars()) : "";
}

void Results::draw(Context& context) {
  const CommonKeys& common = *deck_.common;
  context.collective_phase("draw", 0, 0, [&] {
    std::string picture;
    std::string timeline;
    fault_point("draw.gather");
    if (!common.picture.empty())
      picture = deck_.job->draws_bars() ? bars(context) : picture_of(context, deck_.drawn_array(), title());
    if (!common.timeline.empty()) timeline = this->timeline(context);
    context.memory().together([&] {
      if (!is_first()) return;
      fault_point("draw.write");
      if (!common.picture.empty()) io::write_whole(common.picture, picture, picture_options(deck_));
      if (!common.timeline.empty()) io::write_whole(common.timeline, timeline, timeline_options(deck_));
    });
  });
}

/// Of pictures: the deck's, or else the job.
std::string Results::title() const {
  return deck_.common->title.empty() ? deck_.common->job : deck_.common->title;
}

void Results::show(Context& context, const std::function<void(const std::string&)>& announce) const {
  fault_point("end.preview");
  for (const std::string& name : deck_.output_arrays()) {
    const PlannedArray& planned = context.planned(name);
    const std::string text = planned.is_in_window()
                                 ? preview(context.array(name))
                                 : preview(context.memory(), planned.shown_shape(), context.shown_rows(name));
    announce(fmt::format("\n{}{} =\n{}\n", name, planned.is_only_in_file ? "[0]" : "", text));
  }
  if (!report_.results.empty()) announce("\n");
  for (const ScalarResult& result : report_.results)
    announce(
        fmt::format("{} = {}\n", result.name, std::visit([](auto value) { return numpy_text(value); }, result.value)));
  if (const std::string text = not_finite_text(report_); !text.empty()) announce("\n" + text);
  if (!report_.remarks.empty()) announce(fmt::format("\n{}\n", fmt::join(report_.remarks, "\n")));
  if (!plan_.file.empty()) {
    const std::vector<std::string> arrays = deck_.output_arrays();
    const std::string code =
        fmt::format("import h5py; print(h5py.File({})[\"{}\"][{}])", python_literal(plan_.file),
                    arrays.empty() ? report_.results.front().name : arrays.front(), arrays.empty() ? "()" : ":");
    announce(fmt::format("\nwritten: {}\nread it: python3 -c {}\n", plan_.file, shell_word(code)));
  }
  for (const std::string* drawing : {&deck_.common->picture, &deck_.common->timeline})
    if (!drawing->empty()) announce(fmt::format("drawn: {}\n", *drawing));
}

}  // namespace windrow
