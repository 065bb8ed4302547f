/*
 * scene - a hub process and enrolled members in one circle: where most system tests begin.
 * Thread rule: one thread.
 */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "hubproc.h"
#include "member.h"

#define SCENE_MEMBERS_MAX 2048

struct scene_options {
    size_t members;     /* 0: three. The first is founder */
    const char *conf;   /* of the hub */
    const char *where;  /* its directory; NULL: a fresh one */
    const char *seed;   /* NULL: "scene" */
    const char *listen; /* as of hubproc_options */
    const struct hubproc_start *start;
    uint64_t emergency_delay_s;
    bool no_circle;  /* members only */
    bool no_session; /* not connected (then no circle either) */
};

struct scene {
    struct hubproc *hub;
    struct crew *crew;
    size_t n;
    struct member_node **m; /* all of kind hospital, essms, dac, ... in turn, open sessions */
    struct member_circle *circle;
};

enum err scene_open(const struct scene_options *o, struct scene *out);
void scene_close(struct scene *s);
/* One more, enrolled; kind as in ids.h, not ORG_EMERGENCY. Not connected. */
enum err scene_enrol(struct scene *s, const char *name, enum org_kind kind,
                     struct member_node **out);
/* The steps of it, for tests of enrolment. */
enum err scene_invite(struct scene *s, const char *name, enum org_kind kind, bool founder,
                      const uint8_t *org, struct member_node **out);
enum err scene_approve(struct scene *s, struct member_node *m, struct bytes *request);
enum err scene_sign(struct scene *s, struct span request, bool *complete); /* registrar, import */
enum err scene_import(struct scene *s, struct span signature, bool *complete);
/* All connect again, after the hub was started again: honest HELLOs. */
enum err scene_reopen(struct scene *s);
const char *scene_invite_id(const struct member_node *m, char out[33]); /* of its invitation, hex */

/* Test programs: a list of named tests, each in its own scene unless it shares one. */
struct scene_test {
    const char *name;
    void (*run)(void);
};
/* Runs them, or those whose names contain one of argv, without those that contain what follows a
 * minus in argv; one line each. The exit status of the program. */
int scene_main(int argc, char **argv, const struct scene_test *tests, size_t n);
/* Ends the present test as failed, with file and line. */
_Noreturn void scene_fail(const char *file, int line, const char *what, const char *detail);
#define CHECK(condition) ((condition) ? (void)0 : scene_fail(__FILE__, __LINE__, #condition, ""))
#define CHECK_ERR(call, wanted) scene_expect(__FILE__, __LINE__, #call, (call), (wanted))
#define CHECK_OK(call) CHECK_ERR(call, ERR_OK)
void scene_expect(const char *file, int line, const char *what, enum err got, enum err wanted);

#endif
