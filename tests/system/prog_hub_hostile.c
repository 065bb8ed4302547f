/* What an enrolled member can do to the others by acts that are each allowed. */
#include <stdlib.h>
#include <string.h>

#include "hub_checks.h"

#define WAITING "waiting_max = 1000\n"
#define PAIRS 1100

static enum err sealed_for(struct scene *s, size_t from, size_t to, struct bytes *whole)
{
    return member_letter(s->m[from], s->circle->handle, &s->m[to], 1, SPAN_STR("un mot"), whole);
}

/* Sent and taken back: of each, the absent recipient is left a receipt that nobody ever fetches. */
static void who_takes_back_what_he_sends_to_one_absent_uses_up_his_own_quota_alone(void)
{
    enum err last = ERR_OK;
    struct bytes whole = {0};
    struct scene s;
    size_t n;

    CHECK_OK(scene_open(
        &(struct scene_options){.conf = WAITING "quota_messages = 200\nquota_bytes = 1g\n"}, &s));
    member_disconnect(s.m[2]);
    for (n = 0; n < PAIRS && last == ERR_OK; n++) {
        CHECK_OK(sealed_for(&s, 0, 2, &whole));
        if ((last = member_put(s.m[0], bytes_span(&whole), NULL)))
            break;
        CHECK_OK(member_recall(s.m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
        if (n % 50 == 49)
            CHECK_OK(member_ack_all(s.m[0]));
    }
    CHECK_OK(sealed_for(&s, 1, 0, &whole));
    last = member_put(s.m[1], bytes_span(&whole), NULL);
    CHECK_OK(last);
    bytes_free(&whole);
    scene_close(&s);
}

int main(int argc, char **argv)
{
    static const struct scene_test tests[] = {
        {"who_takes_back", who_takes_back_what_he_sends_to_one_absent_uses_up_his_own_quota_alone},
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
