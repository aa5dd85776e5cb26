#include "expr/fused.hpp"

namespace windrow::expr {

struct FusedCode::State {};

bool FusedCode::can_fuse(const Instruction&, kernel::Level) {
  return false;
}
FusedCode::FusedCode(std::span<const Instruction>, const Layout&, const Step&, kernel::Level) {}
FusedCode::~FusedCode() = default;
FusedCode::FusedCode(FusedCode&&) noexcept = default;
FusedCode& FusedCode::operator=(FusedCode&&) noexcept = default;
bool FusedCode::is_made() const {
  return false;
}
std::int64_t FusedCode::width() const {
  return 8;
}
void FusedCode::run(Pointers, std::int64_t, bool) const noexcept {}

}  // namespace windrow::expr
