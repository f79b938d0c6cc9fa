/* How alike two versions of Debian packages are. Knows only their texts. */

#ifndef SWITCH_VERSIONS_H
#define SWITCH_VERSIONS_H

/* How far the host's build of a program is the chroot's own, from least to most. */
enum likeness { REFUSED, CLOSE, EXACT };

enum likeness likeness_of(const char *one, const char *two);

#endif
