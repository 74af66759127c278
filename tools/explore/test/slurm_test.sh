#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The jobs of an exploration through Slurm's own daemons: munged, slurmctld and slurmd on this machine, run by the
# present user from a folder of their own, with a key and ports of their own; all of them end with the test.
set -u
PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd sbatch sinfo squeue scancel; do
    command -v $program >/dev/null || { echo "SKIPPED: no $program (Debian: slurm-wlm, munge)"; exit 77; }
done
explore=$SEVENCAST_BUILD/bin/sevencast-explore
dir=$(mktemp -d)
chmod 711 "$dir" # munged wants its socket within everybody's reach; the key is not
pids=()

# Daemons first by their ids, then what they may have left: steps carry the configuration's path in their environment.
finish()
{
    [ ${#pids[@]} -eq 3 ] && timeout 10 scancel --quiet --user "$(id -un)" 2>/dev/null
    for ((i = 0; i < 50 && ${#pids[@]} == 3; i++)); do
        [ -z "$(timeout 5 squeue --noheader 2>/dev/null)" ] && break
        (exec sleep 0.1)
    done
    [ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null
    for ((i = 0; i < 50; i++)); do
        [ ${#pids[@]} -gt 0 ] && kill -0 "${pids[@]}" 2>/dev/null || break
        (exec sleep 0.1)
    done
    [ ${#pids[@]} -gt 0 ] && kill -9 "${pids[@]}" 2>/dev/null
    for process in /proc/[0-9]*; do
        grep -qsa '^slurmstepd' "$process/cmdline" && grep -qsaF "SLURM_CONF=$dir/" "$process/environ" &&
            kill -9 "${process#/proc/}"
    done
    wait
    rm -rf "$dir"
}
trap finish EXIT
# shellcheck source=tools/explore/test/toy.sh
. "$SEVENCAST_SOURCE/tools/explore/test/toy.sh"

free_port()
{
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo $port
}

# until SECONDS COMMAND...: again and again until it succeeds.
until_ok()
{
    local end=$((SECONDS + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        (exec sleep 0.2)
    done
}

host=$(hostname -s) user=$(id -un) port=$(free_port $((20000 + $$ % 20000)))
mkdir "$dir/state" "$dir/spool" "$dir/cgroup"
(umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
cat >"$dir/slurm.conf" <<END
ClusterName=sevencast
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldPort=$port
SlurmdPort=$(free_port $((port + 1)))
MailProg=/bin/true
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=10 State=UP
END
# The machine's control groups are left alone.
printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=%s\nCgroupAutomount=no\n' "$dir/cgroup" >"$dir/cgroup.conf"
export SLURM_CONF=$dir/slurm.conf

munged --foreground --socket="$dir/munge.socket" --key-file="$dir/munge.key" --pid-file="$dir/munge.pid" \
    --log-file="$dir/munge.log" --seed-file="$dir/munge.seed" >"$dir/munged.out" 2>&1 &
pids+=($!)
until_ok 20 test -S "$dir/munge.socket" || { fail "munged: $(cat "$dir/munged.out")"; exit 1; }
slurmctld -D -c -f "$SLURM_CONF" >"$dir/slurmctld.out" 2>&1 &
pids+=($!)
slurmd -D -f "$SLURM_CONF" >"$dir/slurmd.out" 2>&1 &
pids+=($!)
node_idle() { timeout 5 sinfo --noheader --format=%T | grep -qx idle; }
until_ok 40 node_idle || { fail "no node: $(tail -n 20 "$dir"/slurm*.out)"; exit 1; }

# shellcheck disable=SC2086 # $toy is a list of words
{
    "$explore" $toy --epochs 3 --out "$dir/local.json" >"$dir/log" 2>&1 || fail "local: $(cat "$dir/log")"
    "$explore" $toy --epochs 3 --jobs-out "$dir/jobs" >"$dir/log" 2>&1 || fail "jobs: $(cat "$dir/log")"
}
export SEVENCAST_EXPLORE=$explore
cd "$dir/jobs" || exit 1
# Part of the array, then all of it while that may still run: some jobs are met twice.
timeout 20 sbatch --array=0-5 array.sh || fail "the first array"
timeout 90 sbatch --wait array.sh || fail "the array: $(cat results/*.log; tail -n 20 "$dir"/slurm*.out)"
timeout 20 sbatch --version
"$explore" --merge "$dir/jobs" --out "$dir/merged.json" >"$dir/log" 2>&1 || fail "merge: $(cat "$dir/log")"
head -1 "$dir/log"
cmp "$dir/local.json" "$dir/merged.json" || fail "what Slurm ran is not what the local run gave"
exit $failed
