#include <stdio.h>
#include "scene.h"

static void hello(void)
{
    struct scene s;
    struct bytes e = {0}, r = {0};
    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[1], 2, SPAN_STR("bonjour"), &e));
    CHECK_OK(member_put(s.m[0], bytes_span(&e), &r));
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, 5000));
    CHECK_OK(member_await(s.m[2], DELIVER_ENVELOPE, 1, 5000));
    CHECK_OK(member_ack_all(s.m[1]));
    CHECK_OK(member_await(s.m[0], DELIVER_RECEIPT, 1, 5000));
    CHECK(member_receipt_of(s.m[0], AUDIT_DELIVERED, 0));
    CHECK(hubproc_status(s.hub, "accepted") == 1);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    scene_close(&s);
}
int main(int argc, char **argv)
{
    static const struct scene_test t[] = {{"hello", hello}};
    return scene_main(argc, argv, t, 1);
}
