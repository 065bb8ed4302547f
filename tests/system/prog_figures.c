/* prog_figures PORT NEEDLE...: reads /health and /metrics of a daemon on this machine. Prints the
 * first; exit status 0 if the second is well formed and no needle is in either, in any form. */
#include <stdio.h>
#include <stdlib.h>

#include "exposition.h"
#include "httpget.h"
#include "search.h"

int main(int argc, char **argv)
{
    struct exposition_facts facts = {0};
    struct bytes health = {0}, figures = {0};
    struct search *s = NULL;
    const char *why;
    int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    int status = http_ask(port, "GET", "/health", NULL, &health);

    if (http_ask(port, "GET", "/metrics", NULL, &figures) != 200 || search_new(&s))
        return 2;
    printf("%d %.*s", status, (int)health.len, (const char *)health.ptr);
    if ((why = exposition_check(bytes_span(&figures), &facts))) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    for (int i = 2; i < argc; i++)
        if (search_add(s, span_text(argv[i])))
            return 2;
    if (search_run(s, bytes_span(&figures)) || search_run(s, bytes_span(&health)))
        return 2;
    printf("families %zu, samples %zu, needles %zu, found %llu\n", facts.families, facts.samples,
           search_needles(s), (unsigned long long)search_total(s));
    status = facts.samples > 0 && search_needles(s) > 0 && search_total(s) == 0 ? 0 : 1;
    search_free(s);
    bytes_free(&health);
    bytes_free(&figures);
    return status;
}
