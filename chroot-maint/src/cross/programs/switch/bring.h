/* Brings groups and libraries into the state that they are to have, or says in which they are. Knows no words of a call. */

#ifndef SWITCH_BRING_H
#define SWITCH_BRING_H

#include "judge.h"
#include "list.h"

int bring(const struct group *group, struct verdict *verdict);
void observe(const struct group *group, struct verdict *verdict);
void bring_library(const struct library *library);

#endif
