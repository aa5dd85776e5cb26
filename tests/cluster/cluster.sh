# shellcheck shell=bash
# What up, down and on have in common: the folder of a cluster, and how a command gets onto one of its hosts.
#
# A host is a process that is the first of network, mount, process, IPC and UTS namespaces of its own; `login` is the one
# that holds the switch, the controller and its users. When that process ends, all of a host ends, and nothing is left.
#
#   FOLDER/hosts/NAME.pid   the first process of a host, by its number outside
#   FOLDER/slurm.conf, ssh/config, *.log
#
# Addresses are of a range that is reserved for documentation (RFC 5737): no namespace leads out of it.
network=198.51.100

die() {
  echo "cluster: $*" >&2
  exit 1
}

# use_folder FOLDER: its full path in `folder`.
use_folder() {
  [[ -d ${1:-} ]] || die "there is no folder '${1:-}'; start with tests/cluster/up FOLDER"
  folder=$(cd "$1" && pwd -P)
}

# pid_of HOST
pid_of() {
  cat "$folder/hosts/$1.pid" 2>/dev/null || die "$folder has no host $1"
}

# on HOST COMMAND...: runs it there, in the folder that it was called from, with the cluster's Slurm, ssh and network.
on() {
  local pid
  pid=$(pid_of "$1") || exit 1
  shift
  # The hosts share their processors: all would bind their ranks to the same ones, and some kernels (Linux 6.18) let the
  # ranks of one host wait for minutes there while one of another looks for a message all the time.
  OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none} \
    SLURM_CONF=$folder/slurm.conf OMPI_MCA_plm_rsh_args="-F $folder/ssh/config" \
    OMPI_MCA_btl_tcp_if_include=$network.0/24 OMPI_MCA_oob_tcp_if_include=$network.0/24 \
    nsenter --target "$pid" --net --uts --mount --ipc --pid --wd="$PWD" -- "$@"
}
