# shellcheck shell=bash
# For tests of the scripts: a copy of them in a scratch folder, a PATH of nothing but named tools and stand-ins, which
# write down how they were called, and the words to say what is expected. Sourced.
set -uo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/windrow-scripts-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
checkout=$scratch/checkout bin=$scratch/bin
export CALLS=$scratch/calls STATE=$scratch/state
mkdir -p "$checkout" "$bin" "$STATE"
touch "$CALLS"

cp -r "$repository/run" "$repository/test" "$repository/.ci" "$repository/cmake" "$checkout/"
mkdir -p "$checkout/input"
touch "$checkout/input/populate.toml" "$checkout/CMakePresets.json"
for tool in awk bash cat chmod cp cut dirname env false grep head id ln mkdir mktemp nproc rm sed sleep sort stat tail tee \
  touch true; do
  ln -s "$(command -v $tool)" "$bin/$tool"
done

# What may be set where this test itself runs, and would change what is tested.
unset CI CC CXX SLURM_NTASKS OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM CONDA_PREFIX CMAKE_PREFIX_PATH PYENV_ROOT

stand_in() { # NAME, its lines on standard input
  rm -f "$bin/$1"
  {
    echo '#!/bin/bash'
    echo "echo \"$1 \$*\" >>\"\$CALLS\""
    cat
  } >"$bin/$1"
  chmod +x "$bin/$1"
}

# CMake, ninja, the program, and mpirun, as far as ./run and ./test see them.
stand_in_build() {
  stand_in cmake <<'LINES'
[[ ${1:-} == --version ]] && echo "cmake version 3.25.1" && exit
[[ -e $STATE/cmake-fails ]] && echo "CMake Error: broken" && exit 1
tree=build/$2
mkdir -p "$tree"
touch "$tree/build.ninja"
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >>"$tree/CMakeCache.txt"
for option in "${@:3}"; do option=${option#-D} && echo "${option%%=*}:BOOL=${option#*=}" >>"$tree/CMakeCache.txt"; done
LINES
  stand_in ninja <<'LINES'
if [[ -e $STATE/ninja-fails ]]; then
  echo "[1/2] Building CXX object populate.o"
  echo "FAILED: populate.o"
  echo "populate.cpp:3:1: error: a wrong word"
  exit 1
fi
[[ -e $2/built ]] && echo "ninja: no work to do." && exit
echo "[1/1] Linking CXX executable windrow"
touch "$2/built"
cp "$STATE/windrow" "$2/windrow"
LINES
  cat >"$STATE/windrow" <<'LINES'
#!/bin/bash
echo "windrow $*" >>"$CALLS"
[[ $1 == plan ]] || exit 0
rows=${3#array.rows=}
((rows <= $(cat "$STATE/room" 2>/dev/null || echo 1000000))) || exit 3
LINES
  chmod +x "$STATE/windrow"
  stand_in mpirun <<'LINES'
[[ ${1:-} == --version ]] && echo "mpirun (Open MPI) 4.1.4" && exit
echo "mpirun sees ${OMPI_ALLOW_RUN_AS_ROOT:-nothing} ${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM:-nothing}" >>"$CALLS"
if [[ " $* " == *populate-large.h5* ]]; then echo data >populate-large.h5; else echo data >populate.h5; fi
exit "$(cat "$STATE/status" 2>/dev/null || echo 0)"
LINES
}

# dpkg and apt: $STATE/installed lists what is there, $STATE/lists stands for apt's lists of packages.
stand_in_apt() {
  touch "$STATE/installed" "$STATE/lists"
  stand_in dpkg-query <<'LINES'
status=0
for name in "${@:3}"; do
  if grep -qx "$name" "$STATE/installed"; then echo "$name installed"; else status=1; fi
done
exit "$status"
LINES
  stand_in apt-get <<'LINES'
[[ " $* " == *" update "* ]] && touch "$STATE/lists" && exit
[[ -e $STATE/lists ]] || { echo "E: Unable to locate package" >&2; exit 100; }
[[ " $* " == *--print-uris* ]] && echo "'http://somewhere/a.deb' a.deb 116000000 SHA256:0" && exit
[[ -e $STATE/apt-fails ]] && echo "E: no route to host" && exit 100
install=0
for word in "$@"; do
  if ((install)) && [[ $word != -* ]]; then echo "$word" >>"$STATE/installed"; fi
  [[ $word == install ]] && install=1
done
exit 0
LINES
}
# shellcheck disable=SC2034 # for those that source this
installed_to_build=(g++ cmake ninja-build libopenmpi-dev openmpi-bin libhdf5-dev libfmt-dev libcli11-dev
  libtomlplusplus-dev nlohmann-json3-dev libxxhash-dev libasmjit-dev libdeflate-dev libcairo2-dev)
stand_in_user() { # NUMBER
  stand_in id <<<"echo $1"
}

# ---- What is expected ------------------------------------------------------------------------------------------------
failures=0
output='' status=0

call() { # COMMAND...: in the checkout, on the PATH of stand-ins; gives `output` and `status`
  : >"$CALLS"
  output=$(cd "${folder:-$checkout}" && PATH=${path:-$bin} "$@" 2>&1 </dev/null)
  status=$?
}

wrong() {
  echo "WRONG: $1"
  echo "--- status $status, output:"
  tail -n 40 <<<"$output"
  echo "--- calls:"
  cat "$CALLS"
  failures=$((failures + 1))
}

expect_status() { [[ $status == "$1" ]] || wrong "line ${BASH_LINENO[0]}: status is not $1"; }
expect_output() { [[ $output == *"$1"* ]] || wrong "line ${BASH_LINENO[0]}: no output: $1"; }
expect_no_output() { [[ $output != *"$1"* ]] || wrong "line ${BASH_LINENO[0]}: output: $1"; }
expect_call() { grep -qxF -- "$1" "$CALLS" || wrong "line ${BASH_LINENO[0]}: no call: $1"; }
expect_no_call() { ! grep -q -- "^$1" "$CALLS" || wrong "line ${BASH_LINENO[0]}: a call: $1"; }

finish() {
  echo "$failures wrong"
  exit "$((failures > 0))"
}
