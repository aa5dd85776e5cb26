#pragma once

#include <cstddef>
#include <cstdint>

/// Takes any bytes; what is wrong with them is an exception that it catches, anything else a crash. libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
