# Flags of every target of ours, and the compiler cache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

find_program(WINDROW_CCACHE ccache)
if(WINDROW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths below the project are hashed as relative ones: another checkout finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${WINDROW_CCACHE})
endif()

add_library(windrow_flags INTERFACE)
# A fused multiply-add only where it is written: results must not depend on the compiler's taste.
target_compile_options(windrow_flags INTERFACE -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                               -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast)
if(WINDROW_WERROR)
  target_compile_options(windrow_flags INTERFACE -Werror)
endif()
if(WINDROW_SANITIZE)
  target_compile_options(windrow_flags INTERFACE -fsanitize=${WINDROW_SANITIZE} -fno-sanitize-recover=all
                                                 -fno-omit-frame-pointer)
  target_link_options(windrow_flags INTERFACE -fsanitize=${WINDROW_SANITIZE})
endif()
