/* What the environment says of how programs are to be run, and what a driver is told by it. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

/* Whether every program is to be the chroot's own: because somebody says so, or preloads what the host's programs can't load. */
int is_off(void);

/* Whether the linker is to look for libraries where only one of the same architecture would. */
int leads_linker(void);

/* Whether perl is told to look for modules in other places, or to do something first. */
int leads_perl(void);

/* Has the host's driver look for all of its parts where the chroot's own would. */
void lead_driver(void);

/* Whether the environment has a driver look for its parts elsewhere than it would by itself. */
int driver_is_led(void);

/* Takes back what only the host's driver is to see. */
void unlead_driver(void);

#endif
