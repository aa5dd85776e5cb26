#pragma once

namespace windrow::kernel {

/// How a result is stored: past the caches (bulk arrays) or through them (what is read again at once).
enum class Store { streaming, cached };

}  // namespace windrow::kernel
