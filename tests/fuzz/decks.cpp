// Any text as a deck; what follows a NUL is an override of the command line, and so on.
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/fuzz_target.hpp"
#include "job/deck_loading.hpp"
#include "jobs/registry.hpp"

namespace {

using windrow::deck::Source;

/// While it lives this process opens no file: a deck may name any, a FIFO or a device too.
class NoFiles {
 public:
  NoFiles() {
    getrlimit(RLIMIT_NOFILE, &limit_);
    set({.rlim_cur = 0, .rlim_max = limit_.rlim_max});
  }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;
  ~NoFiles() { set(limit_); }

 private:
  static void set(const rlimit& limit) {
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) __builtin_trap();
  }

  rlimit limit_{};
};

Source split(std::string_view text) {
  const std::size_t end = std::min(text.find('\0'), text.size());
  Source source{"d.toml", std::string(text.substr(0, end)), {}};
  for (text.remove_prefix(end); !text.empty();) {
    text.remove_prefix(1);
    source.overrides.emplace_back(text.substr(0, text.find('\0')));
    text.remove_prefix(source.overrides.back().size());
  }
  return source;
}

/// The effective deck; none of a deck that is refused as a deck may be.
std::optional<std::string> effective(Source source) {
  try {
    const windrow::LoadedDeck deck = windrow::load_deck(std::move(source), windrow::jobs::registry());
    return windrow::deck::effective(deck.keys);
  } catch (const windrow::deck::DeckError& error) {
    if (error.diagnostics().empty()) __builtin_trap();
    for (const auto& [where, message] : error.diagnostics())
      if (where.line < 1 || where.column < 1 || message.empty()) __builtin_trap();
  } catch (const windrow::Error& error) {
    const std::string_view message = error.what();
    const bool has_no_file = error.status() == windrow::ExitStatus::io && message.starts_with("cannot open ");
    const bool cannot_stream =
        error.status() == windrow::ExitStatus::usage && message.find("memory.stream") != std::string_view::npos;
    if (!has_no_file && !cannot_stream) throw;
  }
  return std::nullopt;
}

/// An effective deck without what tells which values were given: it marks the others as defaults.
std::string without_marks(std::string text) {
  constexpr std::string_view mark = "default";
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) text.erase(at, mark.size());
  std::erase_if(text, [](char c) { return std::string_view(" \n#,").find(c) != std::string_view::npos; });
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const NoFiles no_files;
  const std::optional<std::string> printed = effective(split({reinterpret_cast<const char*>(data), size}));
  if (!printed) return 0;
  const std::optional<std::string> again = effective({"effective.toml", *printed, {}});
  if (!again || without_marks(*again) != without_marks(*printed)) __builtin_trap();
  if (effective({"again.toml", *again, {}}) != again) __builtin_trap();
  return 0;
}
