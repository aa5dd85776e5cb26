#!/usr/bin/env bash
# Without apt nothing is installed: what is found is used, what is missing is named for each system.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"
stand_in_build
stand_in_user 0
stand_in sudo <<<'exec "$@"'
stand_in mpicxx </dev/null
# A compiler that sees every header asked for but those in $STATE/unseen. Its input is asked about header by header.
stand_in c++ <<'LINES'
[[ " $* " == *" -E "* ]] || exit 0
while read -r word header; do
  if [[ $word == seen ]] && ! grep -qxs "$header" "$STATE/unseen"; then echo "seen $header"; fi
done
LINES

# Everything is there: it builds and runs, and asks no more once CMake has found everything.
call ./run deck.toml
expect_status 0
expect_call "cmake --preset release"
call ./run deck.toml
expect_status 0
expect_no_call c++

# Two things are missing: all systems' names, the lines for CMake, 2, and no attempt at installing.
rm -r "$checkout/build"
printf '%s\n' CLI/CLI.hpp hdf5.h >"$STATE/unseen"
call ./run
expect_status 2
for name in libcli11-dev cli11-devel cli11 libhdf5-dev hdf5-devel 'reads the command line'; do expect_output "$name"; done
[[ $(grep -c '^  missing ' <<<"$output") == 2 ]] || wrong "not two rows are missing"
[[ $output == *"missing  libcli11-dev"* && $output == *"found    libfmt-dev"* ]] || wrong "the wrong rows are missing"
expect_output "cmake --preset release -DCMAKE_PREFIX_PATH="
expect_no_call "cmake --preset"
expect_no_call sudo

# HDF5 known to its compiler wrapper only will do; a CMake that is too old will not.
echo CLI/CLI.hpp >"$STATE/unseen"
stand_in h5cc </dev/null
call ./run
[[ $output == *"found    libhdf5-dev"* ]] || wrong "h5cc was not noticed"
rm "$STATE/unseen"
sed -i 's/3\.25\.1/3.16.3/' "$bin/cmake"
call ./run
expect_status 2
[[ $output == *"missing  cmake "* ]] || wrong "CMake 3.16 was taken"
sed -i 's/3\.16\.3/3.100.0/' "$bin/cmake"
call ./run deck.toml
expect_status 0

# No compiler at all.
rm -r "$checkout/build" "$bin/c++" "$bin/mpicxx"
call ./run
expect_status 2
[[ $output == *"missing  g++ "* && $output == *"missing  libopenmpi-dev "* ]] || wrong "a missing compiler is not told"

# The real compiler, where this machine has one with all the libraries: its headers are found by their names.
if ln -s "$(command -v c++)" "$bin/c++" && [[ -e /usr/include/toml++/toml.h && -e /usr/include/hdf5/serial/hdf5.h ]]; then
  stand_in mpicxx </dev/null
  rm "$bin/h5cc"
  path=$bin:$(dirname "$(command -v as)") call bash -c '
    root=$PWD; source cmake/packages.sh; row_need=(); choose_rows build; probe_rows; echo "$?"; echo "$probe_table"'
  for name in libhdf5-dev libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libxxhash-dev libasmjit-dev libdeflate-dev libcairo2-dev; do
    expect_output "found    $name"
  done
fi

finish
