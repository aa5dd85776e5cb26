#!/usr/bin/env bash
# slurm/windrow.sbatch: how many ranks, which program, what it starts, its status, and signals.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"
ln -s "$(command -v kill)" "$bin/kill"
script=$repository/slurm/windrow.sbatch
stand_in windrow </dev/null
stand_in mpirun <<'LINES'
echo "keepalive ${OMPI_MCA_oob_tcp_keepalive_time:-unset}" >>"$CALLS"
exit "$(cat "$STATE/status" 2>/dev/null || echo 0)"
LINES
stand_in srun <<<'exit 3'
unset "${!SLURM_@}" WINDROW WINDROW_LAUNCHER
export SLURM_JOB_ID=17 SLURM_JOB_NODELIST='node[1-3]' SLURM_JOB_NUM_NODES=3 SLURM_SUBMIT_DIR=$checkout

# The ranks are those of the allocation; the program is the one on the PATH when the folder has none.
for tasks in '4:4' '4(x3):12' '4(x2),2:10' '3,1,2(x4):12' ':1'; do
  SLURM_TASKS_PER_NODE=${tasks%:*} call bash "$script" input/populate.toml array.rows=6e7 "title=two words"
  expect_status 0
  expect_call "mpirun -n ${tasks#*:} $bin/windrow run input/populate.toml array.rows=6e7 title=two words"
  expect_call "keepalive 30"
done
export SLURM_TASKS_PER_NODE='2(x3)'
expect_output "job 17 on node[1-3]: 3 nodes"

# A number of tasks for all is what counts.
SLURM_NTASKS=7 call bash "$script" deck.toml
expect_call "mpirun -n 7 $bin/windrow run deck.toml"

# The built one comes first, and WINDROW before that; none at all is told.
mkdir -p "$checkout/build/release"
cp "$bin/windrow" "$checkout/build/release/windrow"
call bash "$script" deck.toml
expect_call "mpirun -n 6 $checkout/build/release/windrow run deck.toml"
WINDROW=/opt/windrow call bash "$script" deck.toml
expect_call "mpirun -n 6 /opt/windrow run deck.toml"
rm -r "$checkout/build" "$bin/windrow"
call bash "$script" deck.toml
expect_status 2
expect_no_call mpirun
stand_in windrow </dev/null
call bash "$script"
expect_status 2
expect_output "usage: sbatch"

# srun: told to stop all when one rank fails.
WINDROW_LAUNCHER=srun call bash "$script" deck.toml
expect_status 3
expect_call "srun --mpi=pmix --kill-on-bad-exit=1 --ntasks=6 $bin/windrow run deck.toml"

# The status is the launcher's.
for number in 0 2 3 75 137; do
  echo "$number" >"$STATE/status"
  call bash "$script" deck.toml
  expect_status "$number"
done
rm "$STATE/status"

# Signals reach the launcher while it runs, as often as they come, and its status is still the one that counts.
stand_in mpirun <<'LINES'
trap 'echo "got USR1" >>"$CALLS"' USR1
trap 'echo "got TERM" >>"$CALLS"; exit 75' TERM
touch "$STATE/started"
for ((i = 0; i < 600; ++i)); do sleep 0.05; done
LINES
signals() { # SIGNAL...
  rm -f "$STATE/started"
  : >"$CALLS"
  (cd "$checkout" && PATH=$bin exec bash "$script" deck.toml >/dev/null 2>&1) &
  local batch=$! signal seen
  while [[ ! -e $STATE/started ]]; do sleep 0.02; done
  for signal in "$@"; do
    seen=$(grep -c '^got' "$CALLS")
    kill -s "$signal" "$batch"
    for ((i = 0; i < 200; ++i)); do
      [[ $(grep -c '^got' "$CALLS") -gt $seen ]] && break
      sleep 0.05
    done
  done
  wait "$batch"
  status=$?
}
signals USR1 USR1 TERM
expect_status 75
[[ $(grep -c '^got USR1' "$CALLS") == 2 && $(grep -c '^got TERM' "$CALLS") == 1 ]] || wrong "signals were lost"

# Nothing but the marked block names a site; Slurm reads its options before the first command.
first=$(grep -n -m 1 '^[^#]' "$script" | cut -d: -f1)
last=$(grep -n '^#SBATCH' "$script" | tail -n 1 | cut -d: -f1)
((last < first)) || wrong "an #SBATCH line comes after the first command"

finish
