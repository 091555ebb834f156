
# For `cargo faas …`: the words behind `faas` are completed as those of cargo-faas, and all others as before.
_cargo_faas_of_cargo() {
    local at=1
    [[ "${COMP_WORDS[1]}" == +* ]] && at=2
    if [[ "$COMP_CWORD" -gt "$at" && "${COMP_WORDS[at]}" == faas ]]; then
        local words=(cargo-faas "${COMP_WORDS[@]:at+1}")
        local COMP_WORDS=("${words[@]}") COMP_CWORD=$((COMP_CWORD - at))
        _cargo_faas cargo-faas "$2" "$3"
        return
    fi
    [[ -n "$_cargo_faas_other" ]] || _cargo_faas_find_other
    [[ -n "$_cargo_faas_other" ]] && "$_cargo_faas_other" "$@"
}

# Notes the function that completes cargo, and takes its place.
_cargo_faas_take_cargo() {
    if [[ "$(complete -p cargo 2>/dev/null)" =~ -F\ ([^\ ]+) && "${BASH_REMATCH[1]}" != _cargo_faas_of_cargo ]]; then
        _cargo_faas_other="${BASH_REMATCH[1]}"
    fi
    complete -F _cargo_faas_of_cargo -o bashdefault -o default cargo
}

# Loads what completes cargo where that was to be loaded with its first use, else what the toolchain brings.
_cargo_faas_find_other() {
    local loader
    complete -r cargo
    for loader in _comp_load __load_completion _completion_loader; do
        declare -F "$loader" >/dev/null && { "$loader" cargo; break; }
    done
    complete -p cargo >/dev/null 2>&1 || source "$(rustc --print sysroot 2>/dev/null)/etc/bash_completion.d/cargo" 2>/dev/null
    _cargo_faas_take_cargo
    # Nothing completes cargo here.
    [[ -n "$_cargo_faas_other" ]] || _cargo_faas_other=:
}

_cargo_faas_take_cargo
