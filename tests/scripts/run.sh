#!/usr/bin/env bash
# ./run: its arguments, what it starts, what it builds, and the status it gives.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"
stand_in_build
stand_in_apt
stand_in_user 1000
printf '%s\n' "${installed_to_build[@]}" >"$STATE/installed"
# shellcheck source=cmake/build.sh
cores=$(root=$checkout && source "$repository/cmake/build.sh" && usable_cores)

# The first minute: the small example, then a size that means something; their files are told, and are replaced unasked.
call ./run
expect_status 0
expect_call "cmake --preset release"
expect_output "Built build/release"
expect_output "\$ mpirun -q -n $cores build/release/windrow run input/populate.toml --overwrite"
expect_call "mpirun -q -n $cores build/release/windrow run input/populate.toml --overwrite"
large="input/populate.toml array.rows=20000 array.cols=3000 populate.block_rows=500 output.file=populate-large.h5"
expect_call "windrow plan $large --ranks $cores --here"
expect_call "mpirun -q -n $cores build/release/windrow run $large --overwrite"
expect_output "480 MB"
expect_output "populate-large.h5"

# The second time nothing is configured or built.
call ./run
expect_status 0
expect_no_call "cmake --preset"
expect_no_output "Built"

# A machine with less room gets a smaller array, and is told.
echo 6000 >"$STATE/room"
call ./run
expect_status 0
expect_call "mpirun -q -n $cores build/release/windrow run ${large/20000/5000} --overwrite"
expect_output "120 MB (not 480 MB"
rm "$STATE/room"

# A deck of one's own: once, and nothing of it is overwritten unasked.
call ./run -n 1 input/other.toml array.rows=5 "title=two words" --report r.json
expect_output "\$ mpirun -q -n 1 build/release/windrow run input/other.toml array.rows=5 'title=two words' --report r.json"
expect_call "mpirun -q -n 1 build/release/windrow run input/other.toml array.rows=5 title=two words --report r.json"
expect_no_call "windrow plan"
call ./run array.rows=7 -n1
expect_call "mpirun -q -n 1 build/release/windrow run input/populate.toml array.rows=7"
call ./run -
expect_call "mpirun -q -n $cores build/release/windrow run -"

# No number of ranks is wrong.
call ./run -n "$((cores + 1))" deck.toml
expect_call "mpirun -q --oversubscribe -n $((cores + 1)) build/release/windrow run deck.toml"
for number in 0 -1 two 1.5 ''; do
  call ./run -n "$number" deck.toml
  expect_status 2
  expect_no_call mpirun
done
call ./run -n
expect_status 2
call ./run --help
expect_status 0
expect_output "Usage: ./run"
expect_no_call cmake

# The status is mpirun's, and the second run of the example does not hide that of the first.
for number in 2 3 75 139; do
  echo "$number" >"$STATE/status"
  call ./run deck.toml
  expect_status "$number"
  call ./run
  expect_status "$number"
  [[ $(grep -c '^mpirun -q' "$CALLS") == 1 ]] || wrong "went on after $number"
done
rm "$STATE/status"

# Called from elsewhere: files go there, and the line still works there.
mkdir "$scratch/elsewhere"
folder=$scratch/elsewhere call "$checkout/run" -n 1
expect_status 0
expect_call "mpirun -q -n 1 $checkout/build/release/windrow run $checkout/input/populate.toml --overwrite"
[[ -f $scratch/elsewhere/populate.h5 ]] || wrong "no file in the current folder"

# root: mpirun's consent is given, and shown; not to others.
call ./run deck.toml
expect_call "mpirun sees nothing nothing"
stand_in_user 0
call ./run deck.toml
expect_call "mpirun sees 1 1"
expect_output "\$ OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -q"
stand_in_user 1000

# Without an input at all.
# shellcheck disable=SC2016 # for the shell below
call bash -c './run deck.toml <&-'
expect_status 0

# Open MPI's own options only for Open MPI.
cp "$bin/mpirun" "$scratch/mpirun"
stand_in mpirun <<<'[[ $1 == --version ]] && echo "HYDRA build details"; exit 0'
call ./run -n 64000 deck.toml
expect_call "mpirun -n 64000 build/release/windrow run deck.toml"
cp "$scratch/mpirun" "$bin/mpirun"

# A build that fails shows the compiler's words and starts nothing.
touch "$STATE/ninja-fails"
call ./run
expect_status 1
expect_output "populate.cpp:3:1: error: a wrong word"
expect_no_output "[1/2]"
expect_no_call mpirun
rm "$STATE/ninja-fails"

# A checkout that was copied with its build tree is configured for its new place; a failed configuration is retried.
sed -i 's,^CMAKE_HOME_DIRECTORY.*,CMAKE_HOME_DIRECTORY:INTERNAL=/somewhere/else,' "$checkout/build/release/CMakeCache.txt"
call ./run deck.toml
expect_status 0
expect_call "cmake --preset release"
rm -r "$checkout/build"
touch "$STATE/cmake-fails"
call ./run
expect_status 1
expect_output "CMake Error: broken"
rm "$STATE/cmake-fails"
call ./run
expect_status 0

# What ./test has configured stays.
echo "WINDROW_TESTS:BOOL=ON" >>"$checkout/build/release/CMakeCache.txt"
call ./run deck.toml
expect_no_call "cmake --preset"
grep -q WINDROW_TESTS "$checkout/build/release/CMakeCache.txt" || wrong "the tests are gone"

finish
