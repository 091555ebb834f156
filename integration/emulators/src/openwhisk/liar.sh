#!/bin/sh
# An ActionLoop child that keeps the contract, or breaks it in the way that LIE names.
case $LIE in
    no-word) ;;
    bad-word) echo '{"ok":false}' >&3 ;;
    gone) exit 1 ;;
    *) echo '{"ok":true}' >&3 ;;
esac
while read -r line; do
    case $LIE in
        twice) echo '{}' >&3; echo '{}' >&3 ;;
        text) echo '"text"' >&3 ;;
        blank) echo >&3 ;;
        dies) exit 3 ;;
        *) echo "{\"got\":$line}" >&3 ;;
    esac
done
