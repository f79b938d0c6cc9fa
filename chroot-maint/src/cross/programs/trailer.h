/* What the switch writes at the end of the copy of the dispatcher that stands in the place of another program, and the dispatcher
 * reads there: what that copy stands for. Besides this, both know the tree's directory,
 * what the chroot's own programs are called, and the names of some of the tree's files. */

#ifndef TRAILER_H
#define TRAILER_H

/* As long as `mark', without its zero. */
#define TRAILER_MARK "chroot-maint for"

struct trailer {
	char mark[16];
	char path[352];
	char versions[144]; /* the host's and the chroot's own, so that the programs of two versions are not the same file */
};

#endif
