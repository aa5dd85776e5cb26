#!/usr/bin/env bash
# input/reference.toml holds every key: `check` marks none of them as left to its default.
#   reference.sh WINDROW SOURCE
set -euo pipefail
deck=$("$1" check "$2/input/reference.toml")
printf '%s\n' "$deck"
if grep -nE '#.*\bdefault\b' <<<"$deck"; then
  echo "these keys are missing in input/reference.toml" >&2
  exit 1
fi
