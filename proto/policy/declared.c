#include "declared.h"

#include <string.h>

void disclosure_of_header(const struct env_header *h, struct disclosure *out)
{
    *out = (struct disclosure){.type = h->type,
                               .recipients = h->to_count,
                               .class_mask = h->class_mask,
                               .basis = h->basis,
                               .purpose = h->purpose,
                               .scat = h->scat,
                               .has_consent = h->has_consent,
                               .consent = h->consent,
                               .has_notice = h->has_notice,
                               .notice = h->notice};
    memcpy(out->from, h->from, sizeof out->from);
}
