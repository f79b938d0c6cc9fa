/* The words of a call: what they begin and end with, and what is in the response files among them. */

#ifndef DISPATCH_WORDS_H
#define DISPATCH_WORDS_H

/* What stands between the words of a response file, as for isspace. */
#define BLANKS " \t\n\v\f\r"

int starts(const char *text, const char *with);
int ends(const char *text, const char *with);

/* What a path ends in. */
const char *base(const char *path);

/* Whether a text is one of these, of which NULL is the end. */
int is_one_of(const char *text, const char *const all[]);

/* Whether it holds for one of these words, or of those in the response files that they name. */
int any(char **words, int (*asks)(const char *));

/* Puts the words of response files of which one is `wanted' into the place of these. */
void spread(int *argc, char ***argv, int (*wanted)(const char *));

/* Writes the words of a call but for the first into a response file that has no name; gives the word that stands for it, or NULL. */
char *as_response(char **argv);

#endif
