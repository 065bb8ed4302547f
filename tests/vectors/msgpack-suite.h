/*
 * msgpack-suite - the values of kawanet/msgpack-test-suite, one row each: the one encoding that
 * profile MP1 admits, and the suite's other encodings of the same value, all refused. Hex. The
 * value is decimal for numbers, hex of the content for text and bin.
 * Origin: https://github.com/kawanet/msgpack-test-suite
 *
 * The MIT License (MIT)
 *
 * Copyright (c) 2017 Yusuke Kawasaki
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
 * associated documentation files (the "Software"), to deal in the Software without restriction,
 * including without limitation the rights to use, copy, modify, merge, publish, distribute,
 * sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in all copies or
 * substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
 * NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
 * NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
 * DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 * OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 */
#ifndef TESTS_VECTORS_MSGPACK_SUITE_H
#define TESTS_VECTORS_MSGPACK_SUITE_H

#include <stddef.h>

#include "reader.h"

/* clang-format off */
static const struct suite_row {
    int group;          /* of the suite's own files: "20.number-positive.yaml" is 20 */
    enum mp_type type;  /* MP_NONE: float, ext, timestamp */
    const char *value;
    const char *canonical; /* NULL: MP1 has no such value (type, or text as a map key) */
    const char *refused[11];
} suite_rows[] = {
    {10, MP_NIL, "", "c0", {NULL}},
    {11, MP_BOOL, "0", "c2", {NULL}},
    {11, MP_BOOL, "1", "c3", {NULL}},
    {12, MP_BIN, "", "c400", {"c50000", "c600000000"}},
    {12, MP_BIN, "01", "c40101", {"c5000101", "c60000000101"}},
    {12, MP_BIN, "00ff", "c40200ff", {"c5000200ff", "c60000000200ff"}},
    {20, MP_UINT, "0", "00", {"cc00", "cd0000", "ce00000000", "cf0000000000000000", "d000",
        "d10000", "d200000000", "d30000000000000000", "ca00000000", "cb0000000000000000"}},
    {20, MP_UINT, "1", "01", {"cc01", "cd0001", "ce00000001", "cf0000000000000001", "d001",
        "d10001", "d200000001", "d30000000000000001", "ca3f800000", "cb3ff0000000000000"}},
    {20, MP_UINT, "127", "7f", {"cc7f", "cd007f", "ce0000007f", "cf000000000000007f", "d07f",
        "d1007f", "d20000007f", "d3000000000000007f"}},
    {20, MP_UINT, "128", "cc80", {"cd0080", "ce00000080", "cf0000000000000080", "d10080",
        "d200000080", "d30000000000000080"}},
    {20, MP_UINT, "255", "ccff", {"cd00ff", "ce000000ff", "cf00000000000000ff", "d100ff",
        "d2000000ff", "d300000000000000ff"}},
    {20, MP_UINT, "256", "cd0100", {"ce00000100", "cf0000000000000100", "d10100", "d200000100",
        "d30000000000000100"}},
    {20, MP_UINT, "65535", "cdffff", {"ce0000ffff", "cf000000000000ffff", "d20000ffff",
        "d3000000000000ffff"}},
    {20, MP_UINT, "65536", "ce00010000", {"cf0000000000010000", "d200010000", "d30000000000010000"}},
    {20, MP_UINT, "2147483647", "ce7fffffff", {"cf000000007fffffff", "d27fffffff",
        "d3000000007fffffff"}},
    {20, MP_UINT, "2147483648", "ce80000000", {"cf0000000080000000", "d30000000080000000",
        "ca4f000000", "cb41e0000000000000"}},
    {20, MP_UINT, "4294967295", "ceffffffff", {"cf00000000ffffffff", "d300000000ffffffff",
        "cb41efffffffe00000"}},
    {21, MP_INT, "-1", "ff", {"d0ff", "d1ffff", "d2ffffffff", "d3ffffffffffffffff", "cabf800000",
        "cbbff0000000000000"}},
    {21, MP_INT, "-32", "e0", {"d0e0", "d1ffe0", "d2ffffffe0", "d3ffffffffffffffe0",
        "cac2000000", "cbc040000000000000"}},
    {21, MP_INT, "-33", "d0df", {"d1ffdf", "d2ffffffdf", "d3ffffffffffffffdf"}},
    {21, MP_INT, "-128", "d080", {"d1ff80", "d2ffffff80", "d3ffffffffffffff80"}},
    {21, MP_INT, "-256", "d1ff00", {"d2ffffff00", "d3ffffffffffffff00"}},
    {21, MP_INT, "-32768", "d18000", {"d2ffff8000", "d3ffffffffffff8000"}},
    {21, MP_INT, "-65536", "d2ffff0000", {"d3ffffffffffff0000"}},
    {21, MP_INT, "-2147483648", "d280000000", {"d3ffffffff80000000", "cbc1e0000000000000"}},
    {22, MP_NONE, "", NULL, {"ca3f000000", "cb3fe0000000000000"}},
    {22, MP_NONE, "", NULL, {"cabf000000", "cbbfe0000000000000"}},
    {23, MP_UINT, "4294967296", "cf0000000100000000", {"d30000000100000000", "ca4f800000",
        "cb41f0000000000000"}},
    {23, MP_INT, "-4294967296", "d3ffffffff00000000", {"cbc1f0000000000000"}},
    {23, MP_UINT, "281474976710656", "cf0001000000000000", {"d30001000000000000", "ca57800000",
        "cb42f0000000000000"}},
    {23, MP_INT, "-281474976710656", "d3ffff000000000000", {"cad7800000", "cbc2f0000000000000"}},
    {23, MP_UINT, "9223372036854775807", "cf7fffffffffffffff", {"d37fffffffffffffff"}},
    {23, MP_INT, "-9223372036854775807", "d38000000000000001", {NULL}},
    {23, MP_UINT, "9223372036854775808", "cf8000000000000000", {NULL}},
    {23, MP_INT, "-9223372036854775808", "d38000000000000000", {NULL}},
    {23, MP_UINT, "18446744073709551615", "cfffffffffffffffff", {NULL}},
    {30, MP_TEXT, "", "a0", {"d900", "da0000", "db00000000"}},
    {30, MP_TEXT, "61", "a161", {"d90161", "da000161", "db0000000161"}},
    {30, MP_TEXT, "31323334353637383930313233343536373839303132333435363738393031", "bf31323334353637383930313233343536373839303132333435363738393031", {
        "d91f31323334353637383930313233343536373839303132333435363738393031",
        "da001f31323334353637383930313233343536373839303132333435363738393031"}},
    {30, MP_TEXT, "3132333435363738393031323334353637383930313233343536373839303132", "d9203132333435363738393031323334353637383930313233343536373839303132", {
        "da00203132333435363738393031323334353637383930313233343536373839303132"}},
    {31, MP_TEXT, "d09ad0b8d180d0b8d0bbd0bbd0b8d186d0b0", "b2d09ad0b8d180d0b8d0bbd0bbd0b8d186d0b0", {
        "d912d09ad0b8d180d0b8d0bbd0bbd0b8d186d0b0"}},
    {31, MP_TEXT, "e381b2e38289e3818ce381aa", "ace381b2e38289e3818ce381aa", {
        "d90ce381b2e38289e3818ce381aa"}},
    {31, MP_TEXT, "ed959ceab880", "a6ed959ceab880", {"d906ed959ceab880"}},
    {31, MP_TEXT, "e6b189e5ad97", "a6e6b189e5ad97", {"d906e6b189e5ad97"}},
    {31, MP_TEXT, "e6bca2e5ad97", "a6e6bca2e5ad97", {"d906e6bca2e5ad97"}},
    {32, MP_TEXT, "e29da4", "a3e29da4", {"d903e29da4"}},
    {32, MP_TEXT, "f09f8dba", "a4f09f8dba", {"d904f09f8dba"}},
    {40, MP_ARRAY, "", "90", {"dc0000", "dd00000000"}},
    {40, MP_ARRAY, "", "9101", {"dc000101", "dd0000000101"}},
    {40, MP_ARRAY, "", "9f0102030405060708090a0b0c0d0e0f", {
        "dc000f0102030405060708090a0b0c0d0e0f", "dd0000000f0102030405060708090a0b0c0d0e0f"}},
    {40, MP_ARRAY, "", "dc00100102030405060708090a0b0c0d0e0f10", {
        "dd000000100102030405060708090a0b0c0d0e0f10"}},
    {40, MP_ARRAY, "", "91a161", {"dc0001a161", "dd00000001a161"}},
    {41, MP_MAP, "", "80", {"de0000", "df00000000"}},
    {41, MP_MAP, "", NULL, {"81a16101", "de0001a16101", "df00000001a16101"}},
    {41, MP_MAP, "", NULL, {"81a161a141", "de0001a161a141", "df00000001a161a141"}},
    {42, MP_ARRAY, "", "9190", {"dc0001dc0000", "dd00000001dd00000000"}},
    {42, MP_ARRAY, "", "9180", {"dc000180", "dd0000000180"}},
    {42, MP_MAP, "", NULL, {"81a16180", "de0001a161de0000", "df00000001a161df00000000"}},
    {42, MP_MAP, "", NULL, {"81a16190", "de0001a16190", "df00000001a16190"}},
    {50, MP_NONE, "", NULL, {"d6ff5a4af6a5"}},
    {50, MP_NONE, "", NULL, {"d7ffa1dcd7c85a4af6a5"}},
    {50, MP_NONE, "", NULL, {"d7ffee6b27fc7fffffff"}},
    {50, MP_NONE, "", NULL, {"d6ff80000000"}},
    {50, MP_NONE, "", NULL, {"d7ff0000000480000000"}},
    {50, MP_NONE, "", NULL, {"d6ffffffffff"}},
    {50, MP_NONE, "", NULL, {"d7ffee6b27fcffffffff"}},
    {50, MP_NONE, "", NULL, {"d7ff0000000100000000"}},
    {50, MP_NONE, "", NULL, {"d7ffee6b27ffffffffff"}},
    {50, MP_NONE, "", NULL, {"c70cff000000000000000400000000"}},
    {50, MP_NONE, "", NULL, {"c70cff00000000ffffffffffffffff"}},
    {50, MP_NONE, "", NULL, {"c70cff3b9ac9ffffffffffffffffff"}},
    {50, MP_NONE, "", NULL, {"d6ff00000000"}},
    {50, MP_NONE, "", NULL, {"d7ff0000000400000000"}},
    {50, MP_NONE, "", NULL, {"d6ff00000001"}},
    {50, MP_NONE, "", NULL, {"c70cff3b9ac9ffffffffff7c55817f"}},
    {50, MP_NONE, "", NULL, {"c70cff00000000ffffffff7c558180"}},
    {50, MP_NONE, "", NULL, {"c70cff00000000fffffff1868b8400"}},
    {50, MP_NONE, "", NULL, {"c70cff3b9ac9ff0000003afff4417f"}},
    {60, MP_NONE, "", NULL, {"d40110"}},
    {60, MP_NONE, "", NULL, {"d5022021"}},
    {60, MP_NONE, "", NULL, {"d60330313233"}},
    {60, MP_NONE, "", NULL, {"d7044041424344454647"}},
    {60, MP_NONE, "", NULL, {"d805505152535455565758595a5b5c5d5e5f"}},
    {60, MP_NONE, "", NULL, {"c70006", "c8000006", "c90000000006"}},
    {60, MP_NONE, "", NULL, {"c70307707172", "c8000307707172", "c90000000307707172"}},
};
/* clang-format on */

#endif
