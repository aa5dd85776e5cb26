#include "expr/executable.hpp"

#include <utility>

namespace windrow::expr {

using asmjit::kErrorOk;
using asmjit::VirtMem::MemoryFlags;

Executable::Executable(asmjit::CodeHolder& code) {
  if (code.flatten() != kErrorOk || code.resolveUnresolvedLinks() != kErrorOk) return;
  const std::size_t page = asmjit::VirtMem::info().pageSize;
  const std::size_t bytes = (code.codeSize() + page - 1) / page * page;
  void* pages = nullptr;
  if (asmjit::VirtMem::alloc(&pages, bytes, MemoryFlags::kAccessReadWrite) != kErrorOk) return;
  const bool is_executable =
      code.relocateToBase(reinterpret_cast<std::uintptr_t>(pages)) == kErrorOk &&
      code.copyFlattenedData(pages, bytes, asmjit::CopySectionFlags::kPadSectionBuffer) == kErrorOk &&
      asmjit::VirtMem::protect(pages, bytes, MemoryFlags::kAccessRX) == kErrorOk;
  if (is_executable) {
    pages_ = pages;
    bytes_ = bytes;
  } else {
    asmjit::VirtMem::release(pages, bytes);
  }
}

Executable::~Executable() {
  if (pages_ != nullptr) asmjit::VirtMem::release(pages_, bytes_);
}

Executable::Executable(Executable&& other) noexcept
    : pages_(std::exchange(other.pages_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Executable& Executable::operator=(Executable&& other) noexcept {
  std::swap(pages_, other.pages_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace windrow::expr
