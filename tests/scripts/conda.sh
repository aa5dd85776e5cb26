#!/usr/bin/env bash
# A Conda environment on the PATH, with a compiler, wrappers and CMake packages of its own: none of it gets into a build,
# neither by ./run nor by plain CMake; and all of it does when that is asked for.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"

conda=$scratch/conda env=$scratch/conda/envs/work
mkdir -p "$conda/conda-meta" "$conda/bin" "$env/conda-meta" "$env/bin" "$env/include/cairo" "$env/lib/cmake"
for name in c++ g++ cc gcc mpicxx mpic++ mpiexec mpirun h5cc h5pcc ninja; do
  printf '#!/bin/bash\necho "%s of Conda: $*" >>"%s/leaks"\nexit 1\n' "$name" "$STATE" >"$env/bin/$name"
  chmod +x "$env/bin/$name"
  cp "$env/bin/$name" "$conda/bin/$name"
done
for name in fmt CLI11 tomlplusplus nlohmann_json asmjit hdf5 HDF5; do
  mkdir -p "$env/lib/cmake/$name"
  echo "message(FATAL_ERROR \"$name of Conda\")" >"$env/lib/cmake/$name/${name}Config.cmake"
  cp "$env/lib/cmake/$name/${name}Config.cmake" "$env/lib/cmake/$name/${name,,}-config.cmake"
done
echo '#error "of Conda"' | tee "$env/include/hdf5.h" "$env/include/xxhash.h" "$env/include/libdeflate.h" "$env/include/cairo/cairo.h" "$env/include/mpi.h" >/dev/null

no_leaks() {
  [[ ! -e $STATE/leaks ]] || wrong "line ${BASH_LINENO[0]}: $(sort -u "$STATE/leaks")"
  rm -f "$STATE/leaks"
}

# ---- ./run ---------------------------------------------------------------------------------------------------------
stand_in_build
stand_in_apt
stand_in_user 1000
printf '%s\n' "${installed_to_build[@]}" >"$STATE/installed"
# shellcheck disable=SC2016 # for the stand-in
sed -i '2a echo "cmake sees ${CONDA_PREFIX:-} ${CXX:-} ${CXXFLAGS:-} ${CMAKE_PREFIX_PATH:-} ${CPATH:-} $PATH" >>"$CALLS"' "$bin/cmake"

export CONDA_PREFIX=$env CXX=x86_64-conda-linux-gnu-c++ CXXFLAGS="-O2 -isystem $env/include" \
  CMAKE_PREFIX_PATH=$env:/opt/library CPATH=$env/include
# An active environment, Conda's base without being active, and pyenv.
path=$env/bin:$conda/bin:$scratch/.pyenv/shims:$bin call ./run -n 1 deck.toml
expect_status 0
expect_call "cmake sees    /opt/library  $bin"
no_leaks
# The line that is shown names the mpirun that was used: in the user's shell, mpirun is Conda's.
expect_output "\$ $bin/mpirun -q -n 1 build/release/windrow run deck.toml"
unset CONDA_PREFIX CXX CXXFLAGS CMAKE_PREFIX_PATH CPATH

# ---- plain CMake ---------------------------------------------------------------------------------------------------
# The project's own beginning, without its sources.
mkdir "$scratch/plain"
cp -r "$repository/cmake" "$scratch/plain/"
configure() { # BUILD FOLDER, options
  output=$(cmake -S "$scratch/plain" -B "$scratch/$1" "${@:2}" 2>&1)
  status=$?
}
project='project(plain LANGUAGES C CXX)
set(CMAKE_MODULE_PATH ${PROJECT_SOURCE_DIR}/cmake)
include(Compiler)
include(Dependencies)'
{
  echo 'cmake_minimum_required(VERSION 3.20)'
  grep -x 'include(cmake/Conda.cmake)' "$repository/CMakeLists.txt"
  echo "$project"
} >"$scratch/plain/CMakeLists.txt"

export PATH=$env/bin:$PATH CONDA_PREFIX=$env CMAKE_PREFIX_PATH=$env
configure active
expect_status 0
no_leaks
! grep -n "$conda" "$scratch/active/CMakeCache.txt" || wrong "Conda is in CMakeCache.txt"

# Not active, but on the PATH.
unset CONDA_PREFIX CMAKE_PREFIX_PATH
configure base
expect_status 0
no_leaks
! grep -n "$conda" "$scratch/base/CMakeCache.txt" || wrong "Conda is in CMakeCache.txt"

# Conda's compiler with the system's libraries, given by name: refused, with what to say instead.
printf '#!/bin/bash\nexec /usr/bin/g++ "$@"\n' >"$env/bin/g++"
configure compiler -DCMAKE_CXX_COMPILER="$env/bin/g++"
expect_status 1
expect_output "-DCMAKE_CXX_COMPILER=/usr/bin/g++"

# Asked for, Conda is used: its bogus package is what stops this.
configure wanted -DCMAKE_PREFIX_PATH="$env" -DCMAKE_C_COMPILER=/usr/bin/gcc -DCMAKE_CXX_COMPILER=/usr/bin/g++ \
  -DMPI_CXX_COMPILER=/usr/bin/mpicxx
expect_status 1
expect_output "fmt of Conda"

finish
