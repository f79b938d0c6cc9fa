/* What the environment says of how programs are to be run, and what a driver is told by it. */

#ifndef DISPATCH_ENVIRONMENT_H
#define DISPATCH_ENVIRONMENT_H

/* Whether every program is to be the chroot's own: because somebody says so, or preloads what the host's programs can't load. */
int is_off(void);

/* Whether the linker is to look for libraries where only one of the same architecture would. */
int leads_linker(void);

/* Whether perl is told to look for modules in other places, or to do something first. */
int leads_perl(void);

/* Whether a driver is to look for its parts elsewhere than it would by itself. */
int leads_driver(void);

/* Has the host's driver look for all of its parts where the chroot's own would. */
void prepare_driver(void);

/* Takes back what only the host's driver is to see. */
void restore_driver(void);

#endif
