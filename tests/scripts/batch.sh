#!/usr/bin/env bash
# slurm/windrow.sbatch: how many ranks, which program, what it starts, its status, and signals.
# shellcheck source=tests/scripts/stand-ins.sh
source "$(dirname "${BASH_SOURCE[0]}")/stand-ins.sh"
ln -s "$(command -v kill)" "$bin/kill"
script=$repository/slurm/windrow.sbatch
stand_in windrow </dev/null
stand_in mpirun <<'LINES'
echo "keepalive ${OMPI_MCA_oob_tcp_keepalive_time:-unset}" >>"$CALLS"
echo "mapped by ${OMPI_MCA_rmaps_base_mapping_policy:-unset}" >>"$CALLS"
echo "bound to ${OMPI_MCA_hwloc_base_binding_policy:-unset}" >>"$CALLS"
exit "$(cat "$STATE/status" 2>/dev/null || echo 0)"
LINES
stand_in srun <<<'exit 3'
unset "${!SLURM_@}" WINDROW WINDROW_LAUNCHER OMPI_MCA_rmaps_base_mapping_policy OMPI_MCA_hwloc_base_binding_policy
export SLURM_JOB_ID=17 SLURM_JOB_NODELIST='node[1-3]' SLURM_JOB_NUM_NODES=3 SLURM_SUBMIT_DIR=$checkout

# The ranks are those of the allocation; the program is the one on the PATH when the folder has none.
for tasks in '4:4' '4(x3):12' '4(x2),2:10' '3,1,2(x4):12' ':1'; do
  SLURM_TASKS_PER_NODE=${tasks%:*} call bash "$script" input/populate.toml array.rows=6e7 "title=two words"
  expect_status 0
  expect_call "mpirun -n ${tasks#*:} $bin/windrow run input/populate.toml array.rows=6e7 title=two words"
  expect_call "keepalive 30"
  expect_call "mapped by numa"
  expect_call "bound to core:overload-allowed,if-supported"
done
OMPI_MCA_hwloc_base_binding_policy=none call bash "$script" input/populate.toml
expect_call "bound to none"
export SLURM_TASKS_PER_NODE='2(x3)'
expect_output "job 17 on node[1-3]: ranks: 1, nodes: 3"

# A number of tasks for all is what counts.
SLURM_NTASKS=7 call bash "$script" deck.toml
expect_call "mpirun -n 7 $bin/windrow run deck.toml"

# The built one comes first, and WINDROW before that; none at all is told.
mkdir -p "$checkout/build/release"
cp "$bin/windrow" "$checkout/build/release/windrow"
call bash "$script" deck.toml
expect_call "mpirun -n 6 $checkout/build/release/windrow run deck.toml"
cp "$bin/windrow" "$checkout/another"
WINDROW=$checkout/another call bash "$script" deck.toml
expect_call "mpirun -n 6 $checkout/another run deck.toml"
WINDROW=/nowhere/windrow call bash "$script" deck.toml
expect_status 2
expect_output "WINDROW=/nowhere/windrow: there is no such program on "
expect_no_call mpirun
WINDROW_LAUNCHER=mpiexec.none call bash "$script" deck.toml
expect_status 2
expect_output "the launcher mpiexec.none is not on the PATH"
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

# It binds where Slurm has the plugin for it. A launcher may come with options.
stand_in scontrol <<<'echo "TaskPlugin              = task/cgroup,task/affinity"'
WINDROW_LAUNCHER="srun --nodes=2" call bash "$script" deck.toml
expect_call "srun --mpi=pmix --kill-on-bad-exit=1 --ntasks=6 --cpu-bind=cores --nodes=2 $bin/windrow run deck.toml"
rm "$bin/scontrol"

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
for script in "$repository"/slurm/*.sbatch; do
  first=$(grep -n -m 1 '^[^#]' "$script" | cut -d: -f1)
  last=$(grep -n '^#SBATCH' "$script" | tail -n 1 | cut -d: -f1)
  ((last < first)) || wrong "$script: an #SBATCH line comes after the first command"
done

# array.sbatch: the value of the element, and a name of its own for the output, by windrow.sbatch beside it.
stand_in mpirun </dev/null
script=$repository/slurm/array.sbatch
run="mpirun -n 6 $bin/windrow run"
SLURM_ARRAY_TASK_ID=1 call bash "$script" input/square.toml seed 11 12 13
expect_status 0
expect_call "$run input/square.toml seed=12 --output square-1.h5"
SLURM_ARRAY_TASK_ID=2 call bash "$script" my.toml title "no space" "two words" "a 100%" -- array.rows=7 --output out/%a.h5
expect_call "$run my.toml title=a 100% array.rows=7 --output out/2.h5"
SLURM_ARRAY_TASK_ID=0 call bash "$script" my.toml seed 11 -- output.file=%a.h5
expect_call "$run my.toml seed=11 output.file=0.h5"
SLURM_ARRAY_TASK_ID=0 call bash "$script" -my.toml title "x --output y"
expect_call "$run ./-my.toml title=x --output y --output -my-0.h5"
refused() { # OUTPUT ARGUMENT...
  call bash "$script" "${@:2}"
  expect_status 2
  expect_output "$1"
  expect_no_call mpirun
}
refused "this is no job array; try: sbatch --array=0-1 ..." my.toml seed 11 12
export SLURM_ARRAY_TASK_ID=3
refused "element 3 has no value: seed has 3; try: sbatch --array=0-2 ..." my.toml seed 11 12 13
refused "usage: sbatch --array=0-N" my.toml seed
refused "no values for seed" my.toml seed -- 11 12
refused "'seed=11' is no key" my.toml seed=11 seed=12

# A copy has windrow.sbatch beside its original; what no original has is told.
mkdir -p "$scratch/spool" "$scratch/a folder"
cp "$script" "$scratch/spool/slurm_script"
cp "$script" "$repository/slurm/windrow.sbatch" "$scratch/a folder/"
script=$scratch/spool/slurm_script
echo "echo '   Command=$scratch/a folder/array.sbatch input/x.toml seed 1'" | stand_in scontrol
SLURM_ARRAY_TASK_ID=0 call bash "$script" my.toml seed 11
expect_call "$run my.toml seed=11 --output my-0.h5"
rm "$scratch/a folder/windrow.sbatch"
SLURM_ARRAY_TASK_ID=0 refused "there is no windrow.sbatch beside this script, in $scratch/a folder" my.toml seed 11
rm "$bin/scontrol"

# scaling.sbatch: told what is wrong before anything runs.
ln -s /usr/bin/python3 "$bin/python3"
script=$repository/slurm/scaling.sbatch
stand_in windrow <<'LINES'
[[ $2 == bad.toml ]] && echo "bad.toml:1:1: unknown key" >&2 && exit 2
printf '[arrays.u]\nrows = 60  # rows\n\n[arrays.w]\nrows = 1  # rows\n\n[arrays.v]\nrows = 70\n'
LINES
call python3 -B "$script"
expect_status 2
expect_output "usage: sbatch -N NODES slurm/scaling.sbatch"
call python3 -B "$script" bad.toml
expect_status 2
expect_output "bad.toml:1:1: unknown key"
SLURM_JOB_ID='' call python3 -B "$script" my.toml
expect_status 2
expect_output "this is no job of Slurm"
call python3 -B "$script" --grow arrays.x.rows my.toml
expect_status 2
expect_output "--grow arrays.x.rows is none of arrays.u.rows, arrays.v.rows"
expect_no_call mpirun

finish
