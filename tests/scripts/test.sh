#!/usr/bin/env bash
# ./test and .ci/run: what they configure and build, and that ctest has the last word.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"
stand_in_build
stand_in_apt
stand_in_user 1000
printf '%s\n' "${installed_to_build[@]}" libgtest-dev libmpfr-dev libbenchmark-dev python3-numpy python3-h5py python3-xarray \
  python3-numexpr python3-netcdf4 hdf5-tools netcdf-bin >"$STATE/installed"
stand_in ctest <<'LINES'
echo "ctest sees binding ${OMPI_MCA_hwloc_base_binding_policy:-nothing}, CI ${CI:-nothing}" >>"$CALLS"
cat <<'TEXT'
      Start  1: unit.base
 1/3 Test  #1: unit.base ................   Passed    0.25 sec
 2/3 Test  #2: unit.mpi.3ranks ..........***Failed    2.50 sec
what the failing test said
 3/3 Test #13: house.words ..............   Passed    1.00 sec

66% tests passed, 1 tests failed out of 3

Total Test time (real) =   3.75 sec
TEXT
exit 8
LINES

call ./test -R deck -L unit
expect_status 8
expect_call "cmake --preset asan"
expect_call "cmake --preset release -DWINDROW_TESTS=ON -DWINDROW_BENCHMARKS=ON -DWINDROW_ASAN_TREE=$checkout/build/asan"
expect_call "ctest sees binding none, CI nothing"
grep -q "^ctest --test-dir $checkout/build/release --output-on-failure -j [0-9]* -R deck -L unit\$" "$CALLS" ||
  wrong "ctest was called otherwise"
grep -q "^ninja -C $checkout/build/release .* all\$" "$CALLS" || wrong "not everything was built"
grep -q "^ninja -C $checkout/build/asan .* units\$" "$CALLS" || wrong "the sanitizers' units were not built"
expect_output "what the failing test said"
[[ ${output##*$'\n'} == "Total Test time (real) =   3.75 sec" ]] || wrong "the last line is not ctest's"

# The table of times stands before the closing lines, and is kept.
times=$(cat "$checkout/build/release/Testing/times.txt")
expect_output "$times"$'\n\n66% tests passed'
[[ $times == *"3.8 s in 3 tests"* && $times == *"2.50 s  unit.mpi.3ranks"* && $times == *"2.75 s  unit "* ]] ||
  wrong "the table is wrong: $times"

# Quick when nothing has changed.
call ./test
expect_no_call "cmake --preset"
expect_no_output "Built"

# Where nobody looks on, warnings are errors and the tools of the checks are asked for, but needed they are not.
touch "$STATE/apt-fails"
call .ci/run
expect_status 8
expect_call "ctest sees binding none, CI true"
grep -q '^cmake --preset release .*-DWINDROW_WERROR=ON$' "$CALLS" || wrong "warnings are no errors"

# A build that fails is not tested.
rm -r "$checkout/build"
touch "$STATE/ninja-fails"
call ./test
expect_status 1
expect_no_call ctest

finish
