/* Compilers' drivers, the parts of compilers that drivers start, and binutils: when the host's would not do the same. */

#ifndef DISPATCH_COMPILER_H
#define DISPATCH_COMPILER_H

/* Each of these becomes the program of this path and name if it is of its kind, and comes back otherwise. */
void driver(const char *path, const char *name, int argc, char **argv);
void part_of_compiler(const char *path, const char *name, int argc, char **argv);
void binutil(const char *path, const char *name, int argc, char **argv);

#endif
