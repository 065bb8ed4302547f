#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "ids.h"

#define MS_PER_S 1000
#define MINUTE_S 60
#define HOUR_S 3600

/* " (UTC+5:30)": an abbreviation would mean two zones. */
static void zone_said(long east_s, char out[16])
{
    long hours = labs(east_s) / HOUR_S;
    long minutes = labs(east_s) % HOUR_S / MINUTE_S;

    if (east_s == 0)
        snprintf(out, 16, "UTC");
    else if (minutes == 0)
        snprintf(out, 16, "UTC%c%ld", east_s < 0 ? '-' : '+', hours % 100);
    else
        snprintf(out, 16, "UTC%c%ld:%02ld", east_s < 0 ? '-' : '+', hours % 100, minutes);
}

enum err when_said(uint64_t unix_ms, char out[WHEN_BYTES])
{
    char utc[TIME_TEXT_BYTES];
    char zone[16];
    struct tm tm;
    time_t s = (time_t)(unix_ms / MS_PER_S);
    enum err e = time_text(unix_ms, utc); /* its range */

    if (e)
        return e;
    if (!localtime_r(&s, &tm))
        return ERR_RANGE;
    zone_said(tm.tm_gmtoff, zone);
    snprintf(out, WHEN_BYTES, "%02d/%02d/%04d à %02d:%02d (%s)", tm.tm_mday, tm.tm_mon + 1,
             tm.tm_year + 1900, tm.tm_hour, tm.tm_min, zone);
    return ERR_OK;
}

const char *org_kind_said(uint64_t kind)
{
    static const char *const words[] = {
        [ORG_DAC] = "DAC",          [ORG_ESSMS] = "ESSMS",
        [ORG_HOSPITAL] = "hôpital", [ORG_EMERGENCY] = "service d'urgence",
        [ORG_MDPH] = "MDPH",        [ORG_LIBERAL] = "libéral",
        [ORG_OTHER] = "autre",
    };

    return kind < sizeof words / sizeof words[0] && words[kind] ? words[kind] : "type inconnu";
}
