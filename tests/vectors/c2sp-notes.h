/*
 * C2SP signed notes that others made.
 * GOLANG_*: a checkpoint of the Go checksum database, the one that the examples of
 * c2sp.org/tlog-checkpoint are drawn from, and the database's public key (sum.golang.org).
 * VKEYS: golang.org/x/mod/sumdb/note, and transparency-dev/formats note_cosigv1_test.go.
 * OTHER_*: the note of a key with seed {number, 5e, ed, 0...}, key 1 the log, key 2 the witness,
 * signed by OpenSSL through Node.js, with root = SHA-256("a root").
 */
#ifndef TESTS_VECTORS_C2SP_NOTES_H
#define TESTS_VECTORS_C2SP_NOTES_H

#define DASH "\xe2\x80\x94 "

#define GOLANG_VKEY "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
#define GOLANG_NOTE                                                                                \
    "go.sum database tree\n"                                                                       \
    "20852163\n"                                                                                   \
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"                                               \
    "\n" DASH "sum.golang.org "                                                                    \
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8"  \
    "=\n"

#define SIGNED_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define COSIGNED_VKEY "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"

#define OTHER_LOG_VKEY "demo/audit/2026+66895803+Aa3CO1xzrCWrwVI/5IE3/f8PTPlLVlo48SKh8BPvAFHR"
#define OTHER_WITNESS_VKEY                                                                         \
    "witness.example/w1+12d16d9e+BNl6j/4127MZty4FHQxVuHp0Xg+h9ALOX29PT8Pg82fF"
#define OTHER_TIME_S 1790000000
#define OTHER_BODY "demo/audit/2026\n12345\nULMS9cvHFnWfViDXOnzBFBVwc0n0Gwzgt897eAfsMdo=\n"
#define OTHER_LOG_LINE                                                                             \
    DASH "demo/audit/2026 "                                                                        \
         "ZolYA8IfRf0f2tKGLqGJwWiEv1RmlIiSAQZtRHLzgLXJNoOKEJXMdBuXqDhes1KACwFei4rKg5kwUI13I15cTB/" \
         "uUQ8=\n"
#define OTHER_WITNESS_LINE                                                                         \
    DASH "witness.example/w1 "                                                                     \
         "EtFtngAAAABqsTuAJnPfoTyBAfFa02TNXBjoCUa4ezvT9MGjwzHPAQa6G52PvhThIjYP6cOnwp12arF6m/"      \
         "IfxvHXP4yuLUxORosCCw==\n"

#endif
