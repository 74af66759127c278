# SPDX-License-Identifier: Apache-2.0
# Completion of sevencast(1) for bash. Names of variants and boards are asked from the daemon, briefly.

_sevencast_names() {
    sevencast "$1" --timeout 300 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_sevencast() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' i
    local commands='status variants boards describe statistics infer swap unload ping watch routes ab power help'
    local options='--endpoint --timeout --json --help --version'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case " $commands " in *" ${COMP_WORDS[i]} "*) command=${COMP_WORDS[i]}; break ;; esac
    done
    case $previous in
    --data | -d | --html | --out | -o) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --model | -m) mapfile -t COMPREPLY < <(compgen -W "$(_sevencast_names variants)" -- "$word"); return ;;
    --board | -b) mapfile -t COMPREPLY < <(compgen -W "$(_sevencast_names boards)" -- "$word"); return ;;
    --endpoint | -e | --timeout | -t | --column | -c | --time | --start | -s | --count | -n | --stride | \
        --in-flight | -f | --repeat | -r | --burst | --interval | -i | --margin | --error-margin | --confidence | --budget | --block | --warmup | \
        --windows | --seed | --label | --key | --seconds | --target-ci | --max-windows | --idle | --perturbation) return ;;
    --metric) mapfile -t COMPREPLY < <(compgen -W 'error cycles latency energy energy_above_idle' -- "$word"); return ;;
    --design) mapfile -t COMPREPLY < <(compgen -W 'abba random-pairs' -- "$word"); return ;;
    --watch | --result | --cancel)
        mapfile -t COMPREPLY < <(compgen -W "$(sevencast ab --list --timeout 300 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$word")
        return ;;
    esac
    case $command in
    infer) options+=' --data --model --column --time --start --count --stride --in-flight --follow-swap --key --repeat --burst' ;;
    swap | unload) options+=' --board' ;;
    ab) options+=' --data --column --time --board --interval --burst --metric --margin --error-margin --confidence --budget --design' \
        options+=' --block --warmup --windows --seed --label --detach --html --list --watch --result --cancel' ;;
    power) options+=' --data --column --board --confidence --warmup --windows --seed --seconds --target-ci --max-windows' \
        options+=' --idle --perturbation --out' ;;
    ping | watch) options+=' --count --interval' ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    case $command in
    '' | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
    swap | unload | describe | statistics | ab | power)
        mapfile -t COMPREPLY < <(compgen -W "$(_sevencast_names variants)" -- "$word") ;;
    esac
}

complete -F _sevencast sevencast
