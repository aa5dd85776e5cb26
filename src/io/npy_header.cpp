#include "io/npy_header.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>

namespace windrow::io {
namespace {

[[noreturn]] void refuse(std::string_view why) {
  throw Error(ExitStatus::io, "its .npy header {}", why);
}

/// Bytes of a foreign file, for a message.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 40)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::string_view what_is_refused(char kind) {
  switch (kind) {
    case 'c':
      return "complex numbers";
    case 'U':
    case 'S':
    case 'a':
      return "text";
    case 'O':
      return "Python objects";
    case 'V':
      return "records or raw bytes";
    case 'M':
    case 'm':
      return "dates or times";
    default:
      return "no numbers";
  }
}

NumberFormat parse_type(std::string_view text) {
  const std::string_view whole = text;
  NumberFormat format;
  if (!text.empty() && std::string_view("<>=|").find(text.front()) != std::string_view::npos) {
    format.big_endian = text.front() == '>';
    text.remove_prefix(1);
  }
  const char kind = text.empty() ? '?' : text.front();
  const std::string_view bytes = text.empty() ? text : text.substr(1);
  const auto has_bytes = [&](std::initializer_list<std::string_view> all) {
    for (const std::string_view one : all)
      if (bytes == one) return true;
    return false;
  };
  const bool is_known = kind == 'f'   ? has_bytes({"2", "4", "8", "16"})
                        : kind == 'b' ? has_bytes({"1"})
                                      : (kind == 'i' || kind == 'u') && has_bytes({"1", "2", "4", "8"});
  if (!is_known)
    throw Error(ExitStatus::io, "it holds elements of type '{}': {}; integers and real numbers can be read",
                printable(whole), what_is_refused(kind));
  format.kind = kind == 'f'   ? NumberFormat::Kind::floating
                : kind == 'b' ? NumberFormat::Kind::boolean
                : kind == 'i' ? NumberFormat::Kind::signed_integer
                              : NumberFormat::Kind::unsigned_integer;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), format.bytes);
  return format;
}

/// Reads the literal of a Python dictionary with the three keys of a header.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  NpyHeader read() {
    expect('{');
    while (!takes('}')) {
      read_item();
      if (takes(',')) continue;
      expect('}');
      break;
    }
    skip_blanks();
    if (!text_.empty()) refuse("goes on after its dictionary");
    if (!type_ || !order_ || !shape_) refuse("lacks one of descr, fortran_order and shape");
    return {parse_type(*type_), std::move(*shape_), *order_, 0};
  }

 private:
  void read_item() {
    const std::string_view key = string();
    expect(':');
    if (key == "descr" && !type_) {
      skip_blanks();
      if (text_.starts_with('[')) throw Error(ExitStatus::io, "it holds records; one field alone can be read: save it");
      type_ = string();
    } else if (key == "fortran_order" && !order_) {
      order_ = boolean();
    } else if (key == "shape" && !shape_) {
      shape_ = tuple();
    } else {
      throw Error(ExitStatus::io, "its .npy header has the key '{}', twice or unknown", printable(key));
    }
  }

  std::string_view string() {
    skip_blanks();
    const char quote = text_.empty() ? '\0' : text_.front();
    if (quote != '\'' && quote != '"') refuse("is no dictionary of texts");
    const std::size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) refuse("has a text without its closing quote");
    const std::string_view inside = text_.substr(1, end - 1);
    if (inside.find('\\') != std::string_view::npos) refuse("has an escape in a text");
    text_.remove_prefix(end + 1);
    return inside;
  }

  bool boolean() {
    skip_blanks();
    const bool value = text_.starts_with("True");
    if (!value && !text_.starts_with("False")) refuse("tells neither True nor False of fortran_order");
    text_.remove_prefix(value ? 4 : 5);
    return value;
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> numbers;
    expect('(');
    while (!takes(')')) {
      numbers.push_back(number());
      if (takes(',')) continue;
      expect(')');
      break;
    }
    return numbers;
  }

  std::int64_t number() {
    skip_blanks();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{} || value < 0) refuse("has a shape that is none, or of more than 63 bits");
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    if (text_.starts_with('L')) text_.remove_prefix(1);  // Python 2's long
    return value;
  }

  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }

  bool takes(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!takes(c)) throw Error(ExitStatus::io, "its .npy header has no '{}' where one must be", c);
  }

  std::string_view text_;
  std::optional<std::string_view> type_;
  std::optional<bool> order_;
  std::optional<std::vector<std::int64_t>> shape_;
};

std::int64_t little_endian(std::string_view bytes) {
  std::int64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value * 256 + static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

NpyHeader parse_npy_header(std::string_view bytes) {
  constexpr std::size_t version_end = kNpyMagic.size() + 2;
  if (!bytes.starts_with(kNpyMagic)) throw Error(ExitStatus::io, "it is no .npy file");
  if (bytes.size() < version_end) refuse("is cut off");
  const char major = bytes[kNpyMagic.size()];
  if (major < 1 || major > 3) refuse("is of an unknown version");
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  if (bytes.size() < version_end + length_bytes) refuse("is cut off");
  const std::int64_t length = little_endian(bytes.substr(version_end, length_bytes));
  const std::size_t begin = version_end + length_bytes;
  const std::int64_t end = static_cast<std::int64_t>(begin) + length;
  if (end > kMostNpyHeaderBytes) refuse("is longer than any");
  if (static_cast<std::int64_t>(bytes.size()) < end) refuse("is cut off");
  NpyHeader header = Literal(bytes.substr(begin, static_cast<std::size_t>(length))).read();
  header.header_bytes = end;
  return header;
}

}  // namespace windrow::io
