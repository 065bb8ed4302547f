/*
 * policy - the trust anchors this node has pinned, as a policy file for relais-verify (trust.h):
 * both logs of the federation, every organisation and signing key of the keys log.
 */
#ifndef NODE_POLICY_H
#define NODE_POLICY_H

#include "node.h"

enum err policy_write(const struct node *n, struct bytes *text); /* ERR_NOT_JOINED */

#endif
