
# For `cargo faas …`: the words behind `faas` are completed as those of cargo-faas.
function __cargo_faas_of_cargo
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    complete -C (string join ' ' -- cargo-faas (string escape -- $before[3..]) "$current")
end
complete -c cargo -n '__fish_seen_subcommand_from faas' -f -a '(__cargo_faas_of_cargo)'
