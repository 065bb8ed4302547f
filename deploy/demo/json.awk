# Flattens one JSON value: a line "path<TAB>text" for every leaf, arrays counted from 0. Line ends,
# tabs and backslashes inside a text become \n, \t and \\. Anything that is not JSON: exit status 1.
function fail(why) {
    print "json: " why " at character " at > "/dev/stderr"
    failed = 1
    exit 1
}
function peek() {
    while (substr(all, at, 1) ~ /[ \t\r\n]/ && at <= size)
        at++
    return substr(all, at, 1)
}
function take(c) {
    if (peek() != c)
        fail("expected " c)
    at++
}
function unicode(    code, k, d) {
    code = 0
    for (k = 1; k <= 4; k++) {
        d = index("0123456789abcdef", tolower(substr(all, at + k, 1))) - 1
        if (d < 0)
            fail("bad escape")
        code = code * 16 + d
    }
    at += 4
    return code
}
function utf8(c) {
    if (c < 128)
        return sprintf("%c", c)
    if (c < 2048)
        return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
    if (c < 65536)
        return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
    return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64,
                   128 + int(c / 64) % 64, 128 + c % 64)
}
function text(    out, c, n, code) {
    take("\"")
    out = ""
    while (1) {
        n = match(substr(all, at), /["\\]/)
        if (n == 0)
            fail("text without end")
        out = out substr(all, at, n - 1)
        at += n - 1
        c = substr(all, at, 1)
        if (c == "\"")
            break
        at++
        c = substr(all, at, 1)
        if (c == "n" || c == "t" || c == "\\")
            out = out "\\" c
        else if (c == "\"" || c == "/")
            out = out c
        else if (c == "r" || c == "b" || c == "f")
            out = out "\\" c
        else if (c == "u") {
            code = unicode()
            if (code >= 55296 && code < 56320 && substr(all, at + 1, 2) == "\\u") {
                at += 2
                code = 65536 + (code - 55296) * 1024 + unicode() - 56320
            }
            out = out (code < 32 ? sprintf("\\u%04x", code) : utf8(code))
        } else
            fail("bad escape")
        at++
    }
    at++
    return out
}
function value(path,    c, n, name, first) {
    c = peek()
    if (c == "{") {
        take("{")
        for (first = 1; peek() != "}"; first = 0) {
            if (!first)
                take(",")
            peek()
            name = text()
            take(":")
            value(path == "" ? name : path "." name)
        }
        take("}")
    } else if (c == "[") {
        take("[")
        for (n = 0; peek() != "]"; n++) {
            if (n > 0)
                take(",")
            value(path == "" ? n "" : path "." n)
        }
        take("]")
    } else if (c == "\"") {
        print path "\t" text()
    } else {
        n = match(substr(all, at), /^(true|false|null|-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)/)
        if (n == 0)
            fail("not a value")
        print path "\t" substr(all, at, RLENGTH)
        at += RLENGTH
    }
}
{ all = all $0 "\n" }
END {
    if (failed)
        exit 1
    size = length(all)
    at = 1
    value("")
    peek()
    if (at <= size)
        fail("something follows")
}
