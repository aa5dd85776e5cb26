#!/usr/bin/env bash
# Debian: what is missing is installed, with the rights there are, and asked for where there is somebody to ask.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"
stand_in_build
stand_in_apt
all="${installed_to_build[*]} ccache libhwloc-dev"
options="-q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends"

# On a terminal, with this answer.
answering() { # ANSWER COMMAND...
  : >"$CALLS"
  output=$(cd "$checkout" && PATH=$bin /usr/bin/python3 -B "$repository/tests/scripts/on-terminal.py" "$@" 2>&1)
  status=$?
}

# root, nobody there to ask: it installs, in one call, what is missing and nothing else.
stand_in_user 0
call ./run deck.toml
expect_status 0
expect_call "apt-get $options $all"
expect_no_call "apt-get -q -o Acquire::Retries=3 update"
expect_no_call sudo
expect_output "116 MB"
expect_output "the C++20 compiler"
call ./run deck.toml
expect_status 0
expect_no_call apt-get
[[ $(grep -c ^dpkg-query "$CALLS") == 1 ]] || wrong "more than one call of dpkg-query"

# Only what is missing; what is only good to have is no reason to ask.
sed -i '/^ccache$/d' "$STATE/installed"
call ./run deck.toml
expect_no_call apt-get
sed -i '/^libfmt-dev$/d' "$STATE/installed"
call ./run deck.toml
expect_call "apt-get $options libfmt-dev ccache"

# ./test adds the oracles.
stand_in ctest </dev/null
call ./test
expect_status 0
expect_call "apt-get $options libgtest-dev libmpfr-dev libbenchmark-dev python3-numpy python3-h5py python3-xarray python3-numexpr python3-netcdf4 hdf5-tools netcdf-bin"

# A fresh machine has no lists of packages.
rm "$STATE/lists"
: >"$STATE/installed"
call ./run deck.toml
expect_status 0
expect_call "apt-get -q -o Acquire::Retries=3 update"
expect_call "apt-get $options $all"

# What apt says is shown when it fails, and nothing is built.
: >"$STATE/installed"
touch "$STATE/apt-fails"
call ./run deck.toml
expect_status 2
expect_output "E: no route to host"
expect_no_call "mpirun -q"
rm "$STATE/apt-fails"

# Not root: sudo, if it works without a password.
stand_in_user 1000
stand_in sudo <<<'[[ $1 == -n ]] && exit; exec "$@"'
call ./run deck.toml
expect_status 0
expect_call "sudo env DEBIAN_FRONTEND=noninteractive apt-get $options $all"

# Not root, and no sudo that works: the exact line, and 2.
for sudo in absent refusing; do
  : >"$STATE/installed"
  rm -f "$bin/sudo"
  if [[ $sudo == refusing ]]; then stand_in sudo <<<'exit 1'; fi
  call ./run deck.toml
  expect_status 2
  expect_output "  apt-get update && apt-get install -y --no-install-recommends $all"
  expect_no_call apt-get
done

# On a terminal it asks, with what each package is for and the size.
stand_in sudo <<<'exec "$@"'
answering n ./run deck.toml
expect_status 2
expect_output "Install them with sudo apt-get? [Y/n]"
expect_output "116 MB to download"
expect_output "the file format of the results"
expect_no_call "sudo env"
answering '' ./run deck.toml
expect_status 0
expect_call "sudo env DEBIAN_FRONTEND=noninteractive apt-get $options $all"
answering n ./run deck.toml
expect_status 0
expect_no_output "[Y/n]"

# The page for systems without these packages names what must be there, but for the compiler, in the same words.
# shellcheck source=cmake/packages.sh
source "$repository/cmake/packages.sh"
choose_rows build
wanted=$(for i in "${!row_need[@]}"; do
  [[ ${row_need[i]} == must && ${row_spack[i]} != gcc ]] && echo "${row_spack[i]}"
done | sort -u | paste -sd ' ')
grep -qx "spack add $wanted" "$repository/docs/slurm.md" || wrong "docs/slurm.md does not have: spack add $wanted"

finish
