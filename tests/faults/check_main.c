/* faults_check HISTORY: what the checker finds in it, and the counts. Exit 0: nothing. */
#include <stdlib.h>

#include "checker.h"

int main(int argc, char **argv)
{
    struct verdict_counts v = {0};
    enum err e;

    if (argc != 2) {
        fprintf(stderr, "faults_check HISTORY\n");
        return 2;
    }
    if ((e = checker_file(argv[1], stdout, &v))) {
        fprintf(stderr, "%s: %s\n", argv[1], err_name(e));
        return 2;
    }
    for (size_t i = 0; i < v.faults; i++)
        printf("%6zu  %s\n", v.fault[i].n, v.fault[i].kind);
    printf("rounds %zu, accepted %zu, lost %zu, doubled %zu, disordered %zu, unexplained %zu\n",
           v.rounds, v.accepted, v.lost, v.doubled, v.disordered, v.unexplained);
    return v.lost + v.doubled + v.disordered + v.unexplained ? EXIT_FAILURE : EXIT_SUCCESS;
}
