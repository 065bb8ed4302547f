#!/bin/sh
# A man page with the commands that the program itself lists: @COMMANDES@ in PAGE becomes them.
#   deploy/man.sh PAGE PROGRAM
set -eu
help=$("$2" --help 2>/dev/null || true)
while IFS= read -r line; do
    if [ "$line" != '@COMMANDES@' ]; then
        printf '%s\n' "$line"
        continue
    fi
    printf '%s\n' "$help" | awk '
        function plain(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); gsub(/"/, "\"\"", text); return text }
        /^Options : / { exit }
        /^Commandes/ { on = 1; next }
        /^relais-hub / { on = 1 }
        /^[A-Z]/ { on = 0 }
        on && /^  [a-z]/ {
            at = match(substr($0, 3), /   */)
            name = at && at < 14 ? substr($0, 3, at - 1) : substr($0, 3)
            printf ".TP\n.B \"%s\"\n", plain(name)
            if (length(name) < length($0) - 2) { sub(/^  [a-z-]+ +/, ""); print plain($0) }
            next
        }
        on && /^      / { sub(/^ +/, ""); print "\\&" plain($0) }'
done <"$1"
