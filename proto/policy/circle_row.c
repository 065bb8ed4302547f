#include "circle_row.h"

enum {
    R_ORG = 1,
    R_TEAM,
    R_CATEGORY,
    R_CLASS,
    R_RIGHTS,
    R_PAIRS = R_RIGHTS
};
#define R_ALL (((RD_KEY(R_RIGHTS) << 1) - 1) & ~UINT64_C(1))
#define CATEGORY_ALL (CATEGORY_HEALTH | CATEGORY_SOCIAL)

void circle_row_write(struct writer *w, const struct circle_row *row)
{
    wr_map(w, R_PAIRS);
    wr_key_bin(w, R_ORG, SPAN_OF(row->org));
    wr_key_uint(w, R_TEAM, row->team);
    wr_key_uint(w, R_CATEGORY, row->category);
    wr_key_uint(w, R_CLASS, row->class_mask);
    wr_key_uint(w, R_RIGHTS, row->rights);
}

void circle_row_read(struct reader *r, struct circle_row *row)
{
    struct rd_map m = rd_map(r, MP_KEY_MAX);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case R_ORG:
            rd_fixed(r, row->org, sizeof row->org);
            break;
        case R_TEAM:
            row->team = rd_u32(r, CIRCLE_TEAM_MAX);
            break;
        case R_CATEGORY:
            row->category = (uint8_t)rd_uint_between(r, 1, CATEGORY_ALL);
            break;
        case R_CLASS:
            row->class_mask = rd_u8(r, CLASS_ALL);
            break;
        case R_RIGHTS:
            row->rights = rd_u8(r, CIRCLE_RIGHT_ALL);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m, R_ALL);
}
