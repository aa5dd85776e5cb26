# shellcheck shell=bash
# An environment without strangers in it, and a quiet build in build/PRESET. Sourced by ./run and ./test, with `root`
# naming the checkout.
: "${root:?}"

# ---- Conda and pyenv ---------------------------------------------------------------------------------------------

# Their folders shadow the system's compilers, wrappers and libraries: a program compiled against one libhdf5 would load
# another.
stranger() { # FOLDER
  local folder=$1
  [[ $folder == */.pyenv/* || $folder == */pyenv-virtualenv/shims ]] && return 0
  [[ -n ${PYENV_ROOT:-} && $folder/ == "$PYENV_ROOT"/* ]] && return 0
  [[ -n ${CONDA_PREFIX:-} && $folder/ == "$CONDA_PREFIX"/* ]] && return 0
  while [[ $folder == /?* ]]; do
    [[ -d $folder/conda-meta ]] && return 0
    folder=${folder%/*}
  done
  return 1
}

# Whether the value of a compiler, flag or prefix variable comes from Conda.
stranger_value() { # VALUE
  [[ $1 == *-conda-* || (-n ${CONDA_PREFIX:-} && $1 == *"$CONDA_PREFIX"*) ]] || { [[ $1 == /* ]] && stranger "${1%/}"; }
}

clean_environment() {
  local name folder folders kept
  for name in PATH CMAKE_PREFIX_PATH CMAKE_PROGRAM_PATH CMAKE_INCLUDE_PATH CMAKE_LIBRARY_PATH CPATH C_INCLUDE_PATH \
    CPLUS_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH PKG_CONFIG_PATH; do
    [[ -n ${!name:-} ]] || continue
    kept=
    IFS=: read -r -a folders <<<"${!name}"
    for folder in "${folders[@]}"; do
      if ! stranger "$folder"; then kept+=${kept:+:}$folder; fi
    done
    if [[ -n $kept ]]; then export "$name=$kept"; else unset "$name"; fi
  done
  for name in CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS CMAKE_ARGS OPAL_PREFIX MPI_HOME HDF5_DIR HDF5_ROOT; do
    if [[ -n ${!name:-} ]] && stranger_value "${!name}"; then unset "$name"; fi
  done
  unset CONDA_PREFIX
  hash -r
}

# ---- The machine -------------------------------------------------------------------------------------------------

# Processors' worth of time that the control group allows, or nothing.
cpu_quota() {
  local own file quota period
  own=$(sed -n 's/^0:://p' /proc/self/cgroup 2>/dev/null) || own=
  for file in "/sys/fs/cgroup$own/cpu.max" /sys/fs/cgroup/cpu.max; do
    if read -r quota period 2>/dev/null <"$file" && [[ $quota != max ]]; then
      echo $(((quota + period - 1) / period))
      return
    fi
  done
  if read -r quota 2>/dev/null </sys/fs/cgroup/cpu/cpu.cfs_quota_us && ((quota > 0)) &&
    read -r period 2>/dev/null </sys/fs/cgroup/cpu/cpu.cfs_period_us; then
    echo $(((quota + period - 1) / period))
  fi
}

smaller() { if (($1 < $2)); then echo "$1"; else echo "$2"; fi; }

# Processors for the compiler.
usable_processors() {
  local processors quota
  processors=$(nproc)
  quota=$(cpu_quota)
  smaller "$processors" "${quota:-$processors}"
}

# Physical cores that this process may run on: mpirun's own count of slots, and the most ranks that gain anything.
usable_cores() {
  local allowed range siblings first last cpu cores='' count=0 quota
  allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
  for range in ${allowed//,/ }; do
    first=${range%-*} last=${range#*-}
    for ((cpu = first; cpu <= last; ++cpu)); do
      read -r siblings 2>/dev/null <"/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list" || siblings=$cpu
      [[ " $cores " == *" $siblings "* ]] && continue
      cores+=" $siblings" count=$((count + 1))
    done
  done
  quota=$(cpu_quota)
  smaller "$count" "${quota:-$count}"
}

# ---- CMake and ninja ---------------------------------------------------------------------------------------------

# Configures build/PRESET unless it is there and has these options; options given before stay as they are.
configure_tree() { # PRESET [-DNAME=VALUE...]
  local preset=$1 tree=$root/build/$1 cache='' option fresh=1 log
  shift
  if [[ -f $tree/build.ninja && -f $tree/CMakeCache.txt ]]; then
    cache=$'\n'$(<"$tree/CMakeCache.txt")$'\n' fresh=0
    for option in "$@" "-DCMAKE_HOME_DIRECTORY=$root"; do
      option=${option#-D}
      [[ $cache =~ $'\n'"${option%%=*}":[A-Z]+="${option#*=}"$'\n' ]] || fresh=1
    done
    ((fresh == 0)) && return 0
    # A tree that came with a copied or moved checkout belongs to another place.
    [[ $cache == *$'\n'"CMAKE_HOME_DIRECTORY:INTERNAL=$root"$'\n'* ]] || rm -rf "$tree"
  else
    # What an earlier attempt did not find is remembered as missing.
    rm -rf "$tree/CMakeCache.txt" "$tree/CMakeFiles"
  fi
  mkdir -p "$tree"
  log=$tree/configure.log
  if ! (cd "$root" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
    cat "$log" >&2
    echo "CMake could not configure build/$preset." >&2
    return 1
  fi
}

# A log of ninja without ninja's own lines.
compiler_words() { grep -v -e '^\[[0-9]*/[0-9]*\] ' -e '^ninja: Entering directory' "$1"; }

# Builds targets of build/PRESET: a line that changes on a terminal, one short line at the end, the compiler's words only
# if it has any.
build_tree() { # PRESET TARGET...
  local preset=$1 tree=$root/build/$1 log=$root/build/$1/build.log line status=0 start=$SECONDS
  shift
  ninja -C "$tree" -j "$(usable_processors)" "$@" 2>&1 | tee "$log" | if [[ -t 1 ]]; then
    while IFS= read -r line; do
      if [[ $line == \[* ]]; then printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "$line"; fi
    done
    printf '\r\033[K'
  else
    cat >/dev/null
  fi || status=1
  if ((status != 0)); then
    compiler_words "$log" >&2 || true
    echo "The build of build/$preset failed; all of its output is in build/$preset/build.log." >&2
    return 1
  fi
  if grep -q 'warning:' "$log"; then compiler_words "$log" >&2 || true; fi
  if ! grep -q 'no work to do' "$log"; then echo "Built build/$preset in $((SECONDS - start)) s."; fi
}
