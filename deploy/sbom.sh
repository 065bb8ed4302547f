#!/bin/sh
# What the three programs are made of, as CycloneDX 1.5 JSON on standard output: every library they
# load with its Debian package and version, and the packages of the second implementation that
# checks the vectors (scope "excluded": never shipped).
#   deploy/sbom.sh BUILD_TREE VERSION
set -eu
build=$1 version=$2
here=$(cd "$(dirname "$0")/.." && pwd)
command -v dpkg-query >/dev/null 2>&1 || { echo 'sbom: no dpkg here' >&2; exit 1; }

# quotes, backslashes and control characters do not survive into JSON
plain() { LC_ALL=C tr -d '\000-\037"\\'; }

packages() { # package names of every library loaded, and of what is compiled in from headers
    for program in relais-hub relais-node relais-verify; do
        ldd "$build/$program" | sed -n 's/^.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'
    done | sort -u | while read -r path; do
        found=$(dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "$(readlink -f "$path")" 2>/dev/null ||
            dpkg-query -S "/usr$(readlink -f "$path")" 2>/dev/null || dpkg-query -S "${path#/usr}" 2>/dev/null || true)
        [ -n "$found" ] || { echo "sbom: no package owns $path" >&2; exit 1; }
        echo "${found%%:*}"
    done | sort -u
    printf '%s\n' uthash-dev libmsgpack-dev # compiled in from their headers
}

licence_of() { # the licence of all files, as the package says
    sed -n '/^Files: *\*/,/^$/s/^License: *//p' "/usr/share/doc/$1/copyright" 2>/dev/null | head -n 1 | plain
}

component() { # TYPE NAME VERSION PURL SCOPE LICENCE
    [ -z "$first" ] && printf ',\n'
    first=''
    printf '    {"type": "%s", "bom-ref": "%s", "name": "%s", "version": "%s", "purl": "%s", "scope": "%s"' \
        "$1" "$4" "$2" "$3" "$4" "$5"
    [ -z "$6" ] || printf ', "licenses": [{"license": {"name": "%s"}}]' "$6"
    printf '}'
}

list=$(packages)
first=yes
printf '{\n  "bomFormat": "CycloneDX",\n  "specVersion": "1.5",\n  "version": 1,\n'
printf '  "metadata": {"component": {"type": "application", "bom-ref": "relais", "name": "relais", "version": "%s", "licenses": [{"license": {"id": "EUPL-1.2"}}]}},\n' "$version"
printf '  "components": [\n'
for package in $list; do
    at=$(dpkg-query -W -f='${Version}' "$package" | plain)
    arch=$(dpkg-query -W -f='${Architecture}' "$package" | plain)
    component library "$package" "$at" "pkg:deb/debian/$package@$at?arch=$arch" required "$(licence_of "$package")"
done
lock=$here/tests/vectors-js/package-lock.json
if [ -f "$lock" ]; then
    npm=$(awk -F'"' '/^    "node_modules\// { name = $2; sub(/^node_modules\//, "", name) }
        name != "" && /^      "version":/ { print name, $4; name = "" }' "$lock")
    while read -r name at; do
        [ -n "$name" ] || continue
        component library "$name" "$at" "pkg:npm/$(printf '%s' "$name" | sed 's/^@/%40/')@$at" excluded ''
    done <<LIST
$npm
LIST
fi
printf '\n  ]\n}\n'
