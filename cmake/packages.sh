# shellcheck shell=bash
# What Windrow is built with and tested by: the one table, and how its rows are found or installed. Sourced by ./run and
# ./test. On Debian and its relatives missing packages are installed; elsewhere nothing is ever installed, but what is
# found and missing is told with the names to look for.

# group: build = ./run and ./test, test = ./test, check = ./test when CI=true,
#        bench = ./test when WINDROW_BASELINES=true: programs that the benchmarks compare with
# need:  must = nothing works without it, good = used where it is there
package_table='
# group | need | Debian               | RHEL, Fedora           | Spack         | found by              | what for
build   | must | g++                  | gcc-c++                | gcc           | compiler              | the C++20 compiler, GCC 11 or later
build   | must | cmake                | cmake                  | cmake         | cmake 3.20            | configures the build, 3.20 or later
build   | must | ninja-build          | ninja-build            | ninja         | command ninja         | runs the build
build   | must | libopenmpi-dev       | openmpi-devel          | openmpi       | command mpicxx        | MPI: headers and libraries
build   | must | openmpi-bin          | openmpi                | openmpi       | command mpirun        | MPI: starts the ranks
build   | must | libhdf5-dev          | hdf5-devel             | hdf5          | header hdf5.h         | the file format of the results
build   | must | libfmt-dev           | fmt-devel              | fmt           | header fmt/core.h     | formats text
build   | must | libcli11-dev         | cli11-devel            | cli11         | header CLI/CLI.hpp    | reads the command line
build   | must | libtomlplusplus-dev  | tomlplusplus-devel     | tomlplusplus  | header toml++/toml.h  | reads decks
build   | must | nlohmann-json3-dev   | json-devel             | nlohmann-json | header nlohmann/json.hpp | writes reports
build   | must | libxxhash-dev        | xxhash-devel           | xxhash        | header xxhash.h       | checksums
build   | must | libasmjit-dev        | asmjit-devel           | asmjit        | header asmjit/x86.h   | makes machine code of expressions
build   | must | libdeflate-dev       | libdeflate-devel       | libdeflate    | header libdeflate.h   | compresses results
build   | must | libcairo2-dev        | cairo-devel            | cairo         | header cairo/cairo.h  | draws pictures
build   | good | ccache               | ccache                 | ccache        | command ccache        | makes a second build quick
build   | good | libhwloc-dev         | hwloc-devel            | hwloc         | header hwloc.h        | tells of cores and NUMA domains
test    | must | libgtest-dev         | gtest-devel            | googletest    | header gtest/gtest.h  | unit tests
test    | must | libmpfr-dev          | mpfr-devel             | mpfr          | header mpfr.h         | computes what functions must give
test    | must | libbenchmark-dev     | google-benchmark-devel | benchmark     | header benchmark/benchmark.h | benchmarks
test    | must | python3-numpy        | python3-numpy          | py-numpy      | python numpy          | computes what results must be
test    | must | python3-h5py         | python3-h5py           | py-h5py       | python h5py           | reads results as users do
test    | must | python3-xarray       | python3-xarray         | py-xarray     | python xarray         | reads results as users do
test    | must | python3-numexpr      | python3-numexpr        | py-numexpr    | python numexpr        | is compared with
test    | must | python3-netcdf4      | python3-netcdf4        | py-netcdf4    | python netCDF4        | reads results as users do
test    | must | hdf5-tools           | hdf5                   | hdf5          | command h5dump        | reads results as users do
test    | must | netcdf-bin           | netcdf                 | netcdf-c      | command ncdump        | reads results as users do
check   | good | mpich                | mpich                  | mpich         | command mpiexec.mpich | another MPI, for a test: starts the ranks
check   | good | libmpich-dev         | mpich-devel            | mpich         | command mpicxx.mpich  | another MPI, for a test: headers and libraries
check   | good | clang-format         | clang-tools-extra      | llvm          | command clang-format  | the layout of the sources
check   | good | clang-tidy           | clang-tools-extra      | llvm          | command clang-tidy    | the style of the sources
check   | good | shellcheck           | ShellCheck             | shellcheck    | command shellcheck    | the shell scripts
check   | good | slurmctld            | slurm-slurmctld        | slurm         | command slurmctld     | a cluster, for a test: hands out its hosts
check   | good | slurmd               | slurm-slurmd           | slurm         | command slurmd        | a cluster, for a test: starts programs on a host
check   | good | slurm-client         | slurm                  | slurm         | command sbatch        | a cluster, for a test: takes jobs
check   | good | munge                | munge                  | munge         | command munged        | a cluster, for a test: tells who asks
check   | good | libpmix-dev          | pmix-devel             | pmix          | header pmix.h         | a cluster, for a test: srun and MPI find each other
check   | good | openssh-server       | openssh-server         | openssh       | command sshd          | a cluster, for a test: mpirun without Slurm
check   | good | iproute2             | iproute                | iproute2      | command ip            | a cluster, for a test: its network
bench   | must | libhdf5-openmpi-dev  | hdf5-openmpi-devel     | hdf5          | command h5pcc         | a program with parallel HDF5
bench   | must | python3-xxhash       | python3-xxhash         | py-xxhash     | python xxhash         | a program in Python
'

# The chosen rows, one element each: need, Debian, RHEL, Spack, how it is found, what for.
row_need=() row_debian=() row_rhel=() row_spack=() row_probe=() row_why=()

choose_rows() { # GROUP...
  local group need debian rhel spack probe why wanted=" $* "
  while IFS='|' read -r group need debian rhel spack probe why; do
    read -r group <<<"$group"
    [[ -n $group && $wanted == *" $group "* ]] || continue
    read -r need <<<"$need" && row_need+=("$need")
    read -r debian <<<"$debian" && row_debian+=("$debian")
    read -r rhel <<<"$rhel" && row_rhel+=("$rhel")
    read -r spack <<<"$spack" && row_spack+=("$spack")
    read -r probe <<<"$probe" && row_probe+=("$probe")
    read -r why <<<"$why" && row_why+=("$why")
  done <<<"$package_table"
}

# ---- Debian and its relatives ------------------------------------------------------------------------------------

have_apt() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# The rows whose Debian package is not installed, as indices in `missing`; true if one of them must be there.
missing_debian() {
  local installed i must=1
  # dpkg-query fails when a single package is unknown to it, and lists the others all the same.
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${row_debian[@]}" 2>/dev/null) || true
  missing=()
  for i in "${!row_debian[@]}"; do
    [[ $'\n'$installed$'\n' == *$'\n'"${row_debian[i]} installed"$'\n'* ]] && continue
    missing+=("$i")
    if [[ ${row_need[i]} == must ]]; then must=0; fi
  done
  return "$must"
}

# How root is reached, in `as_root`; false if it is not.
find_root() {
  as_root=()
  [[ $(id -u) == 0 ]] && return 0
  command -v sudo >/dev/null || return 1
  as_root=(sudo)
  [[ -t 0 && -t 2 ]] && return 0 # sudo may ask for a password
  sudo -n true 2>/dev/null
}

# apt-get waits for dpkg's lock by itself, but not for the lock of the lists, which a machine that has just started
# often holds for a minute.
update_lists() { # LOG
  local deadline=$((SECONDS + 300))
  until "${as_root[@]}" apt-get -q -o Acquire::Retries=3 update >"$1" 2>&1; do
    if ! grep -q 'Could not get lock' "$1" || ((SECONDS > deadline)); then return 1; fi
    sleep 5
  done
}

# Installs the missing rows, asking first on a terminal. False if that was declined or failed.
install_missing() {
  local log install i answer download update=0
  # Answers whether the lists know every package, and the size of the download.
  download=$(apt-get --print-uris -qq -y --no-install-recommends install "${missing_names[@]}" 2>/dev/null |
    awk '{ bytes += $3 } END { if (bytes) printf "%.0f MB", bytes / 1e6 }') || update=1

  echo "Missing packages${download:+ (with what they need, $download to download)}:"
  for i in "${missing[@]}"; do printf '  %-20s %s\n' "${row_debian[i]}" "${row_why[i]}"; done
  if [[ -t 0 && -t 1 && ${CI:-} != true ]]; then
    read -r -p "Install them with ${as_root[*]:+${as_root[*]} }apt-get? [Y/n] " answer || answer=n
    [[ ${answer,,} == @(|y|yes) ]] || return 1
  fi
  echo "Installing: ${as_root[*]:+${as_root[*]} }$install_line"

  log=$(mktemp)
  install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300
    -o Acquire::Retries=3 install -y --no-install-recommends "${missing_names[@]}")
  # Lists that are missing or out of date show as a failure: fetch them, and try once more.
  if { ((update == 0)) && "${install[@]}" >"$log" 2>&1; } ||
    { update_lists "$log" && "${install[@]}" >"$log" 2>&1; }; then
    rm -f "$log"
    hash -r
    return 0
  fi
  cat "$log" >&2
  rm -f "$log"
  echo "apt-get failed; once that is mended: ${as_root[*]:+${as_root[*]} }$install_line" >&2
  return 1
}

# ---- Everywhere else ---------------------------------------------------------------------------------------------

version_at_least() { # WANTED HAVE
  [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

# The compiler tells in one call which headers it sees, in `seen_headers`.
see_headers() {
  local i include=() prefix prefixes
  IFS=: read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}" "${HDF5_ROOT:-}"; do
    if [[ -n $prefix ]]; then include+=(-I "$prefix/include"); fi
  done
  seen_headers=$(
    for i in "${!row_probe[@]}"; do
      [[ ${row_probe[i]} == header* ]] || continue
      echo "#if __has_include(<${row_probe[i]#header }>)"
      echo "seen ${row_probe[i]#header }"
      echo "#endif"
    done | "${CXX:-c++}" "${include[@]}" -I /usr/include/hdf5/serial -x c++ -E -P - 2>/dev/null
  ) || seen_headers=
}

found() { # PROBE
  local kind what
  read -r kind what <<<"$1"
  case $kind in
    compiler) "${CXX:-c++}" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null <<<'template <class T> concept Any = true;' ;;
    cmake) command -v cmake >/dev/null && version_at_least "$what" "$(cmake --version | awk 'NR == 1 { print $3 }')" ;;
    command) command -v "$what" >/dev/null ;;
    # The wrapper h5cc knows its headers when the compiler does not.
    header) [[ $'\n'$seen_headers$'\n' == *$'\n'"seen $what"$'\n'* ]] ||
      { [[ $what == hdf5.h ]] && { command -v h5cc || command -v h5pcc; } >/dev/null; } ;;
    python) /usr/bin/python3 -c \
      "import importlib.util, sys; sys.exit(importlib.util.find_spec('$what') is None)" 2>/dev/null ;;
  esac
}

# Looks for every row, giving a table of it in `probe_table`; false if something that must be there is missing.
probe_rows() {
  local i state lost=0
  see_headers
  probe_table=$(printf '  %-8s %-20s %-23s %-14s %s' '' Debian 'RHEL, Fedora (EPEL)' Spack 'what for')
  for i in "${!row_probe[@]}"; do
    state=found
    if ! found "${row_probe[i]}"; then
      state=missing
      if [[ ${row_need[i]} == must ]]; then lost=1; else state='(none)'; fi
    fi
    probe_table+=$'\n'$(printf '  %-8s %-20s %-23s %-14s %s' \
      "$state" "${row_debian[i]}" "${row_rhel[i]}" "${row_spack[i]}" "${row_why[i]}")
  done
  return "$lost"
}

tell_probes() {
  cat >&2 <<TEXT
Windrow cannot be built here yet. This is what was looked for:

$probe_table

The names are those of each system's packages. Where software comes as modules, load modules of these kinds (on RHEL:
module load mpi/openmpi-x86_64). What CMake still does not find can be told to it:

  cmake --preset release -DCMAKE_PREFIX_PATH="/path/of/hdf5;/path/of/fmt" \\
        -DCMAKE_CXX_COMPILER=g++-12 -DMPI_CXX_COMPILER=/path/of/mpicxx -DHDF5_ROOT=/path/of/hdf5
  cmake --build --preset release --target windrow

After that ./run takes build/release as it is.
TEXT
}

# Makes sure of everything in the groups, or leaves with 2. TREE, where it is not empty, is a build tree that shows, when
# it is configured, that all was found before.
ensure_packages() { # TREE GROUP...
  local tree=$1 i needed=1 missing missing_names=() install_line as_root
  shift
  choose_rows "$@"
  if ! have_apt; then
    [[ -n $tree && -f $tree/build.ninja ]] && return 0
    probe_rows && return 0
    tell_probes
    exit 2
  fi

  missing_debian || needed=0
  # What is only good to have is not worth a question.
  if ((needed == 0)) && [[ ${CI:-} != true || ${#missing[@]} -eq 0 ]]; then return 0; fi
  for i in "${missing[@]}"; do missing_names+=("${row_debian[i]}"); done
  install_line="apt-get install -y --no-install-recommends ${missing_names[*]}"
  if find_root; then
    if install_missing || ((needed == 0)) || probe_rows; then return 0; fi
    tell_probes
  else
    if ((needed == 0)) || probe_rows; then return 0; fi
    {
      echo "Packages are missing, and installing them needs root. Have this run as root, then call again:"
      echo "  apt-get update && $install_line"
    } >&2
  fi
  exit 2
}
