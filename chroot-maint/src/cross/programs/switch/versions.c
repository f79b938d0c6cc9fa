/* Compares Debian versions, of which the host's and the chroot's own may be two builds of one source. Knows no packages; does not
 * ask which version is the later one. */

#include "versions.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* Takes a mark with a number off the end: `+b3', `cross1'. */
static void strip(char *text, const char *mark)
{
	size_t length = strlen(text), digits = length, size = strlen(mark);
	while (digits > 0 && text[digits - 1] >= '0' && text[digits - 1] <= '9')
		digits--;
	if (digits < length && digits >= size && strncmp(text + digits - size, mark, size) == 0)
		text[digits - size] = 0;
}

/* [EPOCH:]UPSTREAM and REVISION. What says that it was built again, or as a cross compiler, is left out; what a stable
 * update adds (+deb12u1) belongs to the source. */
static void take_apart(const char *version, char upstream[PATH_SIZE], char revision[PATH_SIZE])
{
	char *hyphen;
	snprintf(upstream, PATH_SIZE, "%s%s", strchr(version, ':') ? "" : "0:", version);
	strip(upstream, "+b");
	hyphen = strrchr(upstream, '-');
	snprintf(revision, PATH_SIZE, "%s", hyphen ? hyphen + 1 : "0");
	if (hyphen)
		*hyphen = 0;
	strip(revision, "cross");
}

enum likeness likeness_of(const char *one, const char *two)
{
	char upstreams[2][PATH_SIZE], revisions[2][PATH_SIZE];
	take_apart(one, upstreams[0], revisions[0]);
	take_apart(two, upstreams[1], revisions[1]);
	if (strcmp(upstreams[0], upstreams[1]) != 0)
		return REFUSED;
	return strcmp(revisions[0], revisions[1]) == 0 ? EXACT : CLOSE;
}
