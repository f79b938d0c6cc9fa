/* Whether a group is to be in, and why. Does not know how that is done. */

#ifndef SWITCH_JUDGE_H
#define SWITCH_JUDGE_H

#include "list.h"
#include "text.h"
#include "versions.h"

/* What is to become of a group. */
struct verdict {
	int is_in;
	enum likeness likeness;
	char reason[PATH_SIZE];
};

void say(struct verdict *verdict, const char *format, ...);
struct verdict judge(const struct group *group, int is_off);

#endif
