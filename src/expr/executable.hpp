#pragma once

#include <asmjit/core.h>

#include <cstddef>

namespace windrow::expr {

/// Pages of machine code: written first, then executable, never both, so that systems with such a rule agree.
class Executable {
 public:
  /// Nothing to execute.
  Executable() = default;
  /// The code of a finished emitter; nothing where the system does not allow it.
  explicit Executable(asmjit::CodeHolder& code);
  ~Executable();
  Executable(Executable&& other) noexcept;
  Executable& operator=(Executable&& other) noexcept;

  [[nodiscard]] explicit operator bool() const { return pages_ != nullptr; }
  [[nodiscard]] void* entry() const { return pages_; }

 private:
  void* pages_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace windrow::expr
