#!/usr/bin/env bash
# An installed windrow runs an installed deck, from any folder.
#   install.sh CMAKE BUILD
set -euo pipefail
cmake=$1 build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/prefix" >/dev/null
cd "$folder"
"$folder/prefix/bin/windrow" --version
"$folder/prefix/bin/windrow" run "$folder/prefix/share/windrow/input/populate.toml" --quiet
"$folder/prefix/bin/windrow" verify populate.h5
test -x "$folder/prefix/bin/windrow" -a -f "$folder/prefix/share/windrow/slurm/windrow.sbatch"
test -x "$folder/prefix/share/windrow/slurm/array.sbatch" -a -x "$folder/prefix/share/windrow/slurm/scaling.sbatch"
