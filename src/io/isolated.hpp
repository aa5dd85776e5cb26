#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace windrow::io {

/// Runs `body` in a child process and returns its result: the HDF5 library crashes on some damaged files, loops on
/// others, or asks for all memory, and it is then the child that ends. The child may use `spare_bytes` of memory more
/// than this process has, and a minute of processor time; it must not use MPI. *Cost*: a millisecond or two. *Throws*,
/// on the calling rank: the Error that `body` throws, or Error(io) "cannot DOING: ..." where the child was ended.
[[nodiscard]] std::string isolated(std::string_view doing, std::int64_t spare_bytes,
                                   const std::function<std::string()>& body);

}  // namespace windrow::io
