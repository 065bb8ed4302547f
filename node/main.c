/* relais-node: one program, client and daemon. Everything it can do is a row of cli_rows.c. */
#include "cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
