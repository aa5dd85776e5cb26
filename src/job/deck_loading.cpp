#include "job/deck_loading.hpp"

#include <algorithm>
#include <filesystem>

#include "io/node_shares.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

/// The names of all keys of all jobs: what a mistyped key may have been meant to be.
std::vector<std::string> deck_language(Registry registry) {
  std::vector<std::string> names;
  for (const JobEntry& entry : registry) {
    const LoadedDeck deck = declare_deck(entry);
    for (const deck::Key& key : deck.keys.declared())
      if (std::ranges::find(names, key.name) == names.end()) names.push_back(key.name);
  }
  return names;
}

/// Of arrays that are written as they are made.
void check_output_of(LoadedDeck& deck, const JobNeeds& needs) {
  for (const PlannedArray& array : needs.arrays) {
    if (!array.is_only_in_file) continue;
    if (!deck.common->has_output)
      deck.keys.reject("output",
                       fmt::format("'{}' is kept in a file alone: add [output] with file = \"...\"", array.shape.name));
    if (deck.common->compression != 0)
      deck.keys.reject(
          "output.compression",
          fmt::format("'{}' is written as it is made, and not compressed; leave compression out", array.shape.name));
    if (deck.common->writers != io::kEveryNode)
      deck.keys.reject("output.writers", fmt::format("'{}' is written as it is made, by every node; leave writers out",
                                                     array.shape.name));
  }
}

void check_output_arrays(LoadedDeck& deck) {
  const JobNeeds needs = deck.job->needs(1);
  check_output_of(deck, needs);
  const std::vector<std::string>& names = deck.common->output_arrays;
  for (std::size_t item = 0; item < names.size(); ++item) {
    const auto here = names.begin() + static_cast<std::ptrdiff_t>(item);
    if (std::find(names.begin(), here, *here) != here)
      deck.keys.reject("output.arrays", fmt::format("'{}' is named twice", *here), {}, item);
    const auto is_named = [&](const PlannedScalar& scalar) { return scalar.name == names[item]; };
    if (std::ranges::any_of(needs.scalars, is_named)) {
      deck.keys.reject("output.arrays", fmt::format("'{}' is a number; numbers are always written", names[item]), {},
                       item);
    } else if (std::ranges::none_of(needs.arrays,
                                    [&](const PlannedArray& array) { return array.shape.name == names[item]; }))
      deck.keys.reject("output.arrays", fmt::format("the job has no array '{}'", names[item]), {}, item);
  }
}

std::optional<deck::TextFault> not_a_picture(const std::string& path) {
  if (path.empty() || path.ends_with(".png")) return std::nullopt;
  return deck::TextFault{0, "pictures are PNG files: the name must end with .png"};
}

bool is_one_file(const std::string& path, const std::string& other) {
  return !path.empty() && fs::path(path).lexically_normal() == fs::path(other).lexically_normal();
}

/// Of what is drawn, when the names of the arrays are known to be right.
void check_drawings(LoadedDeck& deck) {
  const CommonKeys& common = *deck.common;
  if (is_one_file(common.picture, common.output_file))
    deck.keys.reject("output.picture", "the picture and the output are one file");
  if (is_one_file(common.timeline, common.output_file))
    deck.keys.reject("output.timeline", "the timeline and the output are one file");
  if (is_one_file(common.timeline, common.picture))
    deck.keys.reject("output.timeline", "the timeline and the picture are one file");
  if (common.picture.empty()) return;
  if (deck.drawn_array().empty() && !deck.job->draws_bars())
    deck.keys.reject("output.picture",
                     "no array of the output has two dimensions and is in memory; leave the picture out");
  if (common.streaming == Streaming::always)
    deck.keys.reject("output.picture",
                     "arrays that pass through memory are not drawn: leave the picture out, or memory.stream");
}

}  // namespace

void CommonKeys::declare_top_level(deck::Keys& keys) {
  keys.top_level();
  keys.text("job", job, {.example = job, .help = "what to do; `windrow list` names the jobs"});
  keys.text("title", title, {.default_value = "", .help = "title of the output, for its readers"});
  keys.integer("seed", seed,
               {.default_value = 0, .minimum = 0, .help = "seed of the random numbers; same seed, same numbers"});
}

void CommonKeys::declare_sections(deck::Keys& keys, const Job& of) {
  keys.section("output", "the HDF5 file; without this section nothing is written", &has_output);
  keys.text("file", output_file, {.example = "result.h5", .help = "path of the file, .h5 or .nc"});
  keys.list("arrays", output_arrays, {.default_text = "all of the job's", .help = "names of the arrays to write"});
  keys.text("picture", picture,
            {.default_value = "",
             .help = "path of a PNG file, or none: the first two-dimensional array, drawn",
             .check = not_a_picture});
  keys.text("timeline", timeline,
            {.default_value = "",
             .help = "path of a PNG file, or none: which rank stored which rows when, drawn",
             .check = not_a_picture});
  keys.boolean("overwrite", overwrite, {.default_value = false, .help = "replace files that are there"});
  keys.integer("compression", compression,
               {.default_value = 0,
                .minimum = 0,
                .maximum = 9,
                .help = "level of the arrays' compression (shuffle, gzip): 1 is quick, 9 small, 0 none"});
  keys.boolean("durable", durable,
               {.default_value = true, .help = "wait until the file is on the disk before it gets its name"});
  keys.integer(
      "writers", writers,
      {.default_value = io::kEveryNode,
       .minimum = 1,
       .default_text = "every node",
       .unit = "nodes",
       .example = "1",
       .help = "nodes that write the file, each for its neighbours too, at most all; of compressed arrays it is one"});
  keys.section("memory", "how the shared window gets its memory");
  keys.choice("pages", pages,
              {{"auto", "the first of the following that the kernel allows"},
               {"collapse", "2 MiB pages without privilege (Linux 6.1)"},
               {"populate", "4 KiB pages (Linux 5.14)"},
               {"read", "4 KiB pages, any kernel"}},
              {.default_value = "auto", .help = "which pages, and how they are touched first"});
  if (!of.can_stream()) return;
  keys.choice("stream", streaming,
              {{"never", "arrays are in memory"},
               {"auto", "they are, if they fit"},
               {"always", "they pass through memory, in panels, from file to file"}},
              {.default_value = "never", .help = "whether arrays can be larger than memory"});
}

LoadedDeck declare_deck(const JobEntry& entry) {
  LoadedDeck deck{{}, std::make_unique<CommonKeys>(), entry.make(), {}};
  deck.common->job = entry.name;
  deck.common->declare_top_level(deck.keys);
  deck.job->declare(deck.keys);
  deck.common->declare_sections(deck.keys, *deck.job);
  return deck;
}

void LoadedDeck::stream() const {
  if (common->compression != 0)
    throw Error(ExitStatus::usage,
                "arrays that pass through memory (memory.stream) are not compressed\n  try: output.compression=0{}",
                common->streaming == Streaming::automatic ? ", or memory.stream=never with more memory" : "");
  if (common->writers != io::kEveryNode)
    throw Error(ExitStatus::usage,
                "arrays that pass through memory (memory.stream) are written by every node\n"
                "  try: a deck without output.writers{}",
                common->streaming == Streaming::automatic ? ", or memory.stream=never with more memory" : "");
  if (!common->picture.empty())
    throw Error(ExitStatus::usage,
                "arrays that pass through memory (memory.stream) are not drawn\n  try: a deck without output.picture{}",
                common->streaming == Streaming::automatic ? ", or memory.stream=never with more memory" : "");
  job->stream(true, common->has_output);
}

std::vector<std::string> LoadedDeck::output_arrays() const {
  if (!common->output_arrays.empty()) return common->output_arrays;
  std::vector<std::string> names;
  for (const PlannedArray& array : job->needs(1).arrays)
    if (array.is_result) names.push_back(array.shape.name);
  return names;
}

std::string LoadedDeck::drawn_array() const {
  const JobNeeds needs = job->needs(1);
  for (const std::string& name : output_arrays())
    for (const PlannedArray& array : needs.arrays)
      if (array.shape.name == name && !array.shape.extents.one_dimensional && !array.is_only_in_file) return name;
  return "";
}

const JobEntry* find_job(Registry registry, std::string_view name) {
  const auto found = std::ranges::find(registry, name, &JobEntry::name);
  return found == registry.end() ? nullptr : &*found;
}

std::string unknown_job(Registry registry, std::string_view name) {
  std::vector<std::string> names;
  for (const JobEntry& entry : registry) names.emplace_back(entry.name);
  const std::string near = deck::nearest(name, names);
  return fmt::format("unknown job '{}'{}; the jobs are: {}", name,
                     near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near), fmt::join(names, ", "));
}

LoadedDeck load_deck(deck::Source source, Registry registry) {
  const std::string name = deck::job_of(source);
  const JobEntry* const entry = find_job(registry, name);
  if (entry == nullptr) throw deck::DeckError({{deck::where_job(source), unknown_job(registry, name)}});
  LoadedDeck deck = declare_deck(*entry);
  deck::read(source, deck.keys, deck_language(registry));
  deck.job->ask_for(deck.common->output_arrays);
  deck.job->check(deck.keys);
  if (deck.common->streaming == Streaming::always && deck.common->compression != 0)
    deck.keys.reject(
        "memory.stream",
        "arrays that pass through memory are not compressed: set output.compression=0, or leave stream out");
  if (deck.common->streaming == Streaming::always && deck.common->writers != io::kEveryNode)
    deck.keys.reject("output.writers",
                     "arrays that pass through memory are written by every node: leave writers out, or memory.stream");
  if (deck.common->has_output && deck.common->output_file.empty()) deck.keys.reject("output.file", "the path is empty");
  deck.keys.throw_if_rejected();
  check_output_arrays(deck);
  deck.keys.throw_if_rejected();
  check_drawings(deck);
  deck.keys.throw_if_rejected();
  if (deck.common->streaming == Streaming::always) deck.stream();
  deck.source = std::move(source);
  return deck;
}

}  // namespace windrow
