/* Becomes another program: the host's build of one, or the chroot's own. Nothing of this comes back but where it says so. */

#ifndef DISPATCH_START_H
#define DISPATCH_START_H

/* Says what can't be run and why, and ends. */
void fail(const char *what) __attribute__((noreturn));

/* The chroot's own program of this path, under emulation. */
void emulated(const char *path, char **argv) __attribute__((noreturn));

/* Whose the words are that a program is to get: the caller's, or with those from response files among them. These can be too many for
 * the kernel, and then the program, which has to know such files, gets them in one again. */
enum words { CALLED, SPREAD };

/* The host's build of this name. Comes back if the tree has none that finds its loader by itself. */
void direct(const char *name, char **argv, enum words words);

/* The host's build of this name, whatever it is; the words are those after the first. */
void native(const char *name, const char *argv0, char **words, int count, enum words origin) __attribute__((noreturn));

#endif
