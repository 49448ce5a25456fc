# shellcheck shell=bash
# What the other tools share: where things are kept that are made once, and how long each part of a run takes.

# Keeps what is slow to make and never changes: one folder for all checkouts of a machine, which CI may keep. Nothing in
# it is needed: it is created again when it is missing.
cache_folder() {
    echo "${CM_CACHE:-${XDG_CACHE_HOME:-${HOME:-$PWD/target}/.cache}/cluster-manager}"
}

# The first words of a checksum over some files, and over what else the result depends on.
key_of() {
    local words=$1
    shift
    { uname -m && echo "$words" && cat "$@"; } | sha256sum | cut -c 1-16
}

# Removes what no checkout has used for a month: `forget_old FOLDER NAME CURRENT` keeps CURRENT and removes other `NAME-*`.
forget_old() {
    find "$1" -mindepth 1 -maxdepth 1 -name "$2-*" ! -name "$3*" -mtime +30 -exec rm -rf {} +
}

# The parts of this run: seconds, whether it passed, name. What calls another tool collects that one's parts too.
is_outermost=${CM_PARTS:+no}
if [[ -z $is_outermost ]]; then
    is_outermost=yes
    CM_PARTS=$(mktemp)
    export CM_PARTS
fi

record_part() {
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$CM_PARTS"
}

# Runs a command as a part of this run: `part NAME COMMAND...`.
part() {
    local name=$1 began=$SECONDS status=0
    shift
    "$@" || status=$?
    record_part $((SECONDS - began)) "$status" "$name"
    return "$status"
}

declare -A job_names=() job_begins=()

# Starts a command beside what else runs: `job NAME COMMAND...`. What it prints is kept until it ends.
job() {
    local name=$1
    shift
    mkdir -p target/jobs
    "$@" >"target/jobs/${name// /-}.log" 2>&1 </dev/null &
    job_names[$!]=$name
    job_begins[$!]=$SECONDS
}

# Waits for all jobs and prints what each of them printed. Fails if one of them failed.
finish_jobs() {
    local ended status name outcome=0
    while ((${#job_names[@]} > 0)); do
        status=0
        wait -n -p ended "${!job_names[@]}" || status=$?
        name=${job_names[$ended]}
        record_part $((SECONDS - job_begins[$ended])) "$status" "$name"
        unset "job_names[$ended]"
        echo
        echo "=== $name"
        cat "target/jobs/${name// /-}.log"
        [[ $status -eq 0 ]] || outcome=1
    done
    return "$outcome"
}

# Prints how long each part took. A tool that was called by another leaves that to it.
print_parts() {
    local seconds status name
    [[ $is_outermost == yes ]] || return 0
    echo
    printf '%8s  %s\n' "min:s" "part"
    while IFS=$'\t' read -r seconds status name; do
        [[ $status -eq 0 ]] || name+=" FAILED"
        printf '%5d:%02d  %s\n' $((seconds / 60)) $((seconds % 60)) "$name"
    done <"$CM_PARTS"
    printf '%5d:%02d  %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "all together"
    rm -f "$CM_PARTS"
}
