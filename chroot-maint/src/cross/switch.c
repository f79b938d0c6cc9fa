/* Puts the host's builds of programs into their places in a foreign chroot, and gives the chroot its own back.
 *
 *   switch            bring every group into the state that the installed packages ask for; dpkg calls this after each run
 *   switch off | on   give the chroot all of its own programs back until `on' is said
 *   switch status     a line for each group, and change nothing
 *
 * A group is in where all of its programs are there and none of their packages is of another upstream version than the
 * host's, and nobody else has diverted one of them; else it is out, as a whole, and so it is if one of them can't be put in. Its own
 * programs keep a name with SUFFIX, of which dpkg knows by a diversion: an upgrade then unpacks to that name, and `dpkg --verify'
 * looks there. In the place of a program is the dispatcher with a trailer, which tells it what it stands for wherever it is copied or
 * linked to; no symbolic link, for whoever asks where a program really is gets its usual path. In the place of a script is the same
 * script but for its interpreter. Both have the date of the chroot's own: by that, caches tell one compiler from another.
 * What is to be done shows in the files themselves, so a call that was killed is made good by the next one.
 *
 * Compiled statically, with PRIVATE and SUFFIX set as for the dispatcher. What there is it reads in PRIVATE/switch.list, and in
 * PRIVATE/refused, lines of fields between tabs:
 *   arch ARCHITECTURE
 *   group NAME                                                      what follows belongs to it
 *   file PATH[|PATH] PACKAGE[|PACKAGE] DONOR VERSION needed|optional  a program, its package here, and the host's
 *   refuse REASON                                                   out, whatever the versions
 *   scripts PACKAGE VERSION                                         its files are scripts; whose their interpreter is, and the host's
 *   library NAME PACKAGE VERSION                                    the host's build of what builds preload
 * For tests: --root DIR is where / is; --installed FILE is read instead of dpkg's own file. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, FIELDS = 8 };

/* How far the host's build of a program is the chroot's own, from least to most. */
enum likeness { REFUSED, CLOSE, EXACT };

struct package {
	const char *name;
	const char *version; /* NULL if it is not installed */
	struct package *next;
};

struct file {
	char *paths[FIELDS];
	struct package *packages[FIELDS];
	const char *donor, *version;
	int is_needed;
	struct file *next;
};

/* What dpkg has been told: the files that packages have at one name are to be at another. */
struct diversion {
	const char *from, *to;
	const char *by; /* a package; of the administrator, and of this program, a colon */
	struct diversion *next;
};

/* At the end of what stands in the place of a program; the dispatcher knows the same layout. */
struct trailer {
	char mark[16];
	char path[352];
	char versions[144]; /* the host's and the chroot's own, so that the programs of two versions are not the same file */
};

/* What a file is to be. Its bytes hold until the next one is made: dpkg waits for this, and there are hundreds of files. */
struct contents {
	const char *bytes;
	size_t size;
	mode_t mode;
	struct timespec times[2];
};

struct library {
	const char *name, *version;
	struct package *package;
	struct library *next;
};

struct group {
	const char *name, *refusal;
	struct package *interpreter; /* NULL if it has programs */
	const char *interpreter_version;
	struct file *files, **last;
	struct group *next;
};

/* What is to become of a group. */
struct verdict {
	int is_in;
	enum likeness likeness;
	char reason[PATH_SIZE];
};

static const char trailer_mark[] = "chroot-maint for";

static const char *root = "";
static const char *arch = "";
static struct package *packages;
static struct group *groups;
static struct library *libraries;
static struct diversion *diversions;
static int failures;

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "chroot-maint: can't %s %s: %s\n", what, path, strerror(errno));
	failures++;
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);
	if (!memory) {
		fputs("chroot-maint: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

static char *join(const char *one, const char *two, const char *three)
{
	size_t size = strlen(one) + strlen(two) + strlen(three) + 1;
	char *whole = allocate(size);
	snprintf(whole, size, "%s%s%s", one, two, three);
	return whole;
}

/* A whole file, with a zero at its end that its size does not count; NULL if it can't be read. */
static char *read_bytes(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat found;
	char *text;
	if (!file)
		return NULL;
	if (fstat(fileno(file), &found) != 0) {
		fclose(file);
		return NULL;
	}
	text = allocate((size_t)found.st_size + 1);
	*size = fread(text, 1, (size_t)found.st_size, file);
	text[*size] = 0;
	fclose(file);
	return text;
}

static char *read_file(const char *path)
{
	size_t size;
	return read_bytes(path, &size);
}

/* Splits a text in place; gives how many parts there are, of which `most' are kept. */
static int split(char *text, char separator, char *parts[], int most)
{
	int count = 0;
	while (text) {
		char *end = strchr(text, separator);
		if (end)
			*end = 0;
		if (count < most)
			parts[count++] = text;
		text = end ? end + 1 : NULL;
	}
	return count;
}

static struct package *package_called(const char *name)
{
	struct package *one;
	for (one = packages; one; one = one->next)
		if (strcmp(one->name, name) == 0)
			return one;
	one = allocate(sizeof *one);
	one->name = name;
	one->next = packages;
	packages = one;
	return one;
}

static void add_file(struct group *group, char *fields[])
{
	struct file *file = allocate(sizeof *file);
	char *names[FIELDS];
	int i, all = split(fields[2], '|', names, FIELDS - 1);
	for (i = 0; i < all; i++)
		file->packages[i] = package_called(names[i]);
	split(fields[1], '|', file->paths, FIELDS - 1);
	file->donor = fields[3];
	file->version = fields[4];
	file->is_needed = strcmp(fields[5], "needed") == 0;
	*group->last = file;
	group->last = &file->next;
}

static void add_library(char *fields[])
{
	struct library *library = allocate(sizeof *library);
	library->name = fields[1];
	library->package = package_called(fields[2]);
	library->version = fields[3];
	library->next = libraries;
	libraries = library;
}

/* The group of this name, which is a new one at the end unless there is one. */
static struct group *group_called(const char *name)
{
	struct group **last = &groups;
	while (*last && strcmp((*last)->name, name) != 0)
		last = &(*last)->next;
	if (!*last) {
		*last = allocate(sizeof **last);
		(*last)->name = name;
		(*last)->last = &(*last)->files;
	}
	return *last;
}

static void read_list(char *text)
{
	char *line;
	struct group *group = NULL;
	for (line = text; line && *line;) {
		char *fields[FIELDS], *end = strchr(line, '\n');
		int count;
		if (end)
			*end = 0;
		count = split(line, '\t', fields, FIELDS);
		line = end ? end + 1 : NULL;
		if (strcmp(fields[0], "arch") == 0 && count == 2) {
			arch = fields[1];
		} else if (strcmp(fields[0], "group") == 0 && count == 2) {
			group = group_called(fields[1]);
		} else if (group && strcmp(fields[0], "refuse") == 0 && count == 2) {
			group->refusal = fields[1];
		} else if (group && strcmp(fields[0], "scripts") == 0 && count == 3) {
			group->interpreter = package_called(fields[1]);
			group->interpreter_version = fields[2];
		} else if (group && strcmp(fields[0], "file") == 0 && count == 6) {
			add_file(group, fields);
		} else if (strcmp(fields[0], "library") == 0 && count == 4) {
			add_library(fields);
		}
	}
}

/* The list that the tools come with, and what was found out about them in this chroot. */
static int read_lists(void)
{
	const char *path = join(root, PRIVATE, "/switch.list");
	char *list = read_file(path), *refused = read_file(join(root, PRIVATE, "/refused"));
	if (!list) {
		fail("read", path);
		return 0;
	}
	read_list(list);
	if (refused)
		read_list(refused);
	return 1;
}

static int is_there(const char *status)
{
	static const char *const absent[] = { "not-installed", "config-files", "half-installed", 0 };
	const char *state = strrchr(status, ' ');
	int i;
	for (i = 0; state && absent[i]; i++)
		if (strcmp(state + 1, absent[i]) == 0)
			return 0;
	return state != NULL;
}

/* What of a line comes after the name of a field. */
static char *value(char *line, const char *name)
{
	size_t length = strlen(name);
	return strncmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0 ? line + length + 2 : NULL;
}

static int read_installed(const char *path)
{
	char *text = read_file(path), *line;
	const char *name = NULL, *version = NULL, *its_arch = "", *status = "";
	if (!text) {
		fail("read", path);
		return 0;
	}
	for (line = text; line;) {
		char *end = strchr(line, '\n'), *found;
		if (end)
			*end = 0;
		if (*line == 0 || !end) {
			int is_ours = strcmp(its_arch, arch) == 0 || strcmp(its_arch, "all") == 0;
			if (name && version && is_ours && is_there(status)) {
				struct package *one;
				for (one = packages; one; one = one->next)
					if (strcmp(one->name, name) == 0)
						one->version = version;
			}
			name = version = NULL;
			its_arch = status = "";
		} else if ((found = value(line, "Package"))) {
			name = found;
		} else if ((found = value(line, "Version"))) {
			version = found;
		} else if ((found = value(line, "Architecture"))) {
			its_arch = found;
		} else if ((found = value(line, "Status"))) {
			status = found;
		}
		line = end ? end + 1 : NULL;
	}
	return 1;
}

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

static enum likeness likeness_of(const char *one, const char *two)
{
	char upstreams[2][PATH_SIZE], revisions[2][PATH_SIZE];
	take_apart(one, upstreams[0], revisions[0]);
	take_apart(two, upstreams[1], revisions[1]);
	if (strcmp(upstreams[0], upstreams[1]) != 0)
		return REFUSED;
	return strcmp(revisions[0], revisions[1]) == 0 ? EXACT : CLOSE;
}

static int exists(const char *path)
{
	struct stat found;
	return lstat(path, &found) == 0;
}

static int is_file(const char *path)
{
	struct stat found;
	return lstat(path, &found) == 0 && S_ISREG(found.st_mode);
}

/* The place of a path for this process. */
static char *here(const char *path) { return join(root, path, ""); }

static char *aside(const char *path) { return join(root, path, SUFFIX); }

/* Three lines for each diversion. Read anew whenever dpkg-divert has written some of them. */
static void read_diversions(void)
{
	char *text = read_file(join(root, "/var/lib/dpkg/diversions", ""));
	diversions = NULL;
	while (text && *text) {
		struct diversion *one = allocate(sizeof *one);
		const char **const fields[] = { &one->from, &one->to, &one->by };
		int i;
		for (i = 0; i < 3 && text && *text; i++) {
			char *end = strchr(text, '\n');
			*fields[i] = text;
			if (end)
				*end = 0;
			text = end ? end + 1 : NULL;
		}
		if (i < 3)
			break;
		one->next = diversions;
		diversions = one;
	}
}

/* Whether a diversion is one that this program makes. */
static int is_by_switch(const struct diversion *one)
{
	size_t length = strlen(one->from);
	return strcmp(one->by, ":") == 0 && strncmp(one->to, one->from, length) == 0 && strcmp(one->to + length, SUFFIX) == 0;
}

/* Whether dpkg has been told that the chroot's own program has its other name. */
static int is_diverted(const char *path)
{
	const struct diversion *one;
	for (one = diversions; one; one = one->next)
		if (is_by_switch(one) && strcmp(one->from, path) == 0)
			return 1;
	return 0;
}

/* Somebody else's diversion of this name, or to it; NULL if there is none. dpkg allows of one only. */
static const struct diversion *other_diversion(const char *name)
{
	const struct diversion *one;
	for (one = diversions; one; one = one->next)
		if (!is_by_switch(one) && (strcmp(one->from, name) == 0 || strcmp(one->to, name) == 0))
			return one;
	return NULL;
}

static const struct diversion *obstacle(const char *path)
{
	const struct diversion *one = other_diversion(path);
	return one ? one : other_diversion(join(path, SUFFIX, ""));
}

/* The name that a program has in this chroot, of those that it may have. */
static const char *path_of(const struct file *file)
{
	int i;
	for (i = 0; file->paths[i]; i++)
		if (exists(aside(file->paths[i])) || exists(here(file->paths[i])))
			return file->paths[i];
	return file->paths[0];
}

static const struct package *package_of(const struct file *file)
{
	int i;
	for (i = 0; file->packages[i]; i++)
		if (file->packages[i]->version)
			return file->packages[i];
	return file->packages[0];
}

/* What follows the interpreter in a script for it; NULL in any other file. */
static const char *after_interpreter(const char *text, const char *interpreter)
{
	if (!text || strncmp(text, "#!", 2) != 0)
		return NULL;
	text += 2 + strspn(text + 2, " \t");
	if (strncmp(text, interpreter, strlen(interpreter)) != 0)
		return NULL;
	text += strlen(interpreter);
	return strchr(" \t\n", *text) ? text : NULL;
}

static int is_script(const char *path)
{
	char *text = read_file(path);
	int is = after_interpreter(text, "/usr/bin/perl") != NULL;
	free(text);
	return is;
}

/* Whether the chroot has a program of its own, or a script that can be run in another way. */
static int is_present(const struct group *group, const struct file *file)
{
	const char *path = path_of(file), *own = is_diverted(path) ? aside(path) : here(path);
	if (!package_of(file)->version || !is_file(own))
		return 0;
	/* Not diverted, and yet not its own: left by a call that was killed. */
	return !group->interpreter || is_script(own) || (is_file(aside(path)) && is_script(aside(path)));
}

static void say(struct verdict *verdict, const char *format, ...)
{
	va_list words;
	va_start(words, format);
	vsnprintf(verdict->reason, sizeof verdict->reason, format, words);
	va_end(words);
}

/* Takes a package into account, of which the host's has this name and this version. */
static void compare(struct verdict *verdict, const char *donor, const char *version, const struct package *package)
{
	enum likeness likeness = package->version ? likeness_of(version, package->version) : REFUSED;
	if (likeness >= verdict->likeness)
		return;
	verdict->likeness = likeness;
	if (package->version)
		say(verdict, "%s: %s is %s, but %s is %s", likeness == REFUSED ? "refused" : "close", donor, version,
		    package->name, package->version);
	else
		say(verdict, "absent: %s is not installed", package->name);
}

static struct verdict judge(const struct group *group, int is_off)
{
	struct verdict verdict = { !is_off, EXACT, "" };
	const struct diversion *other;
	const struct file *file;
	int present = 0;
	if (group->interpreter)
		compare(&verdict, group->interpreter->name, group->interpreter_version, group->interpreter);
	for (file = group->files; file; file = file->next) {
		const struct package *package = package_of(file);
		if (package->version && (other = obstacle(path_of(file)))) {
			const char *by = strcmp(other->by, ":") == 0 ? "the administrator" : other->by;
			verdict.is_in = 0;
			verdict.likeness = REFUSED;
			if (strcmp(other->from, path_of(file)) == 0)
				say(&verdict, "refused: %s is diverted by %s", other->from, by);
			else
				say(&verdict, "refused: %s is diverted to %s by %s", other->from, other->to, by);
			return verdict;
		}
		if (!is_present(group, file)) {
			if (!file->is_needed)
				continue;
			verdict.is_in = 0;
			verdict.likeness = REFUSED;
			say(&verdict, package->version ? "absent: there is no %s" : "absent: %s is not installed",
			    package->version ? path_of(file) : package->name);
			return verdict;
		}
		present++;
		compare(&verdict, file->donor, file->version, package);
	}
	if (!present) {
		verdict.likeness = REFUSED;
		say(&verdict, "absent: none of its programs is installed");
	} else if (group->refusal) {
		verdict.likeness = REFUSED;
		say(&verdict, "refused: %s", group->refusal);
	}
	if (verdict.likeness == REFUSED)
		verdict.is_in = 0;
	else if (is_off)
		say(&verdict, "off");
	else if (verdict.likeness == EXACT)
		say(&verdict, "exact");
	return verdict;
}

/* dpkg-divert of the host's architecture, which is the same as the chroot's own: it only writes down what it is told. */
static int divert(const char *what, const char *path)
{
	char *program = join(root, PRIVATE, "/bin/dpkg-divert"), *admin = join(root, "/var/lib/dpkg", "");
	char *to = join(path, SUFFIX, "");
	int status = -1;
	pid_t child = fork();
	if (child == 0) {
		execl(program, "dpkg-divert", "--admindir", admin, "--quiet", "--local", "--no-rename", "--divert", to, what,
		      path, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "chroot-maint: dpkg-divert %s %s failed\n", what, path);
		failures++;
		return 0;
	}
	return 1;
}

/* The dispatcher with a trailer. */
static int make_program(const struct file *file, const char *path, struct contents *made)
{
	static char *bytes;
	static size_t size;
	static mode_t mode;
	struct trailer trailer = { "", "", "" };
	const char *own = package_of(file)->version;
	int length;
	if (!bytes) {
		const char *from = join(root, PRIVATE, "/dispatch");
		struct stat found;
		char *dispatcher = stat(from, &found) == 0 ? read_bytes(from, &size) : NULL;
		if (!dispatcher)
			return 0;
		mode = found.st_mode & 07777;
		bytes = allocate(size + sizeof trailer);
		memcpy(bytes, dispatcher, size);
		free(dispatcher);
	}
	memcpy(trailer.mark, trailer_mark, sizeof trailer.mark);
	length = snprintf(trailer.versions, sizeof trailer.versions, "%s %s", file->version, own ? own : "");
	if (strlen(path) >= sizeof trailer.path || (size_t)length >= sizeof trailer.versions) {
		errno = ENAMETOOLONG;
		return 0;
	}
	strcpy(trailer.path, path);
	memcpy(bytes + size, &trailer, sizeof trailer);
	made->bytes = bytes;
	made->size = size + sizeof trailer;
	made->mode = mode;
	return 1;
}

/* The same script but for its interpreter. */
static int make_script(const char *own, struct contents *made)
{
	static const char first[] = "#!" PRIVATE "/perl";
	static char *bytes;
	size_t size, head = sizeof first - 1;
	char *text = read_bytes(own, &size);
	const char *rest = after_interpreter(text, "/usr/bin/perl");
	if (!rest) {
		free(text);
		errno = ENOEXEC;
		return 0;
	}
	size -= (size_t)(rest - text);
	made->size = head + size;
	free(bytes);
	made->bytes = bytes = allocate(made->size);
	memcpy(bytes, first, head);
	memcpy(bytes + head, rest, size);
	free(text);
	return 1;
}

/* What is to stand in the place of a program or script whose other name is there already. */
static int make(const struct group *group, const struct file *file, const char *path, struct contents *made)
{
	const char *own = aside(path);
	struct stat found;
	if (stat(own, &found) != 0)
		return 0;
	made->mode = found.st_mode & 07777;
	made->times[0] = found.st_atim;
	made->times[1] = found.st_mtim;
	return group->interpreter ? make_script(own, made) : make_program(file, path, made);
}

/* What is being written, until it is renamed. */
static char *unfinished(const char *path) { return join(root, path, ".chroot-maint-new"); }

/* Puts what is to stand there into the place of a program, in one step. */
static int put(const struct group *group, const struct file *file, const char *path)
{
	const char *new = unfinished(path);
	struct contents made;
	FILE *out;
	int is_written;
	unlink(new);
	if (!make(group, file, path, &made)) {
		fail("make what stands for", path);
		return 0;
	}
	out = fopen(new, "w");
	is_written = out && fwrite(made.bytes, 1, made.size, out) == made.size && fflush(out) == 0 &&
		     fchmod(fileno(out), made.mode) == 0 && futimens(fileno(out), made.times) == 0;
	if (out)
		is_written &= fclose(out) == 0;
	if (!is_written || rename(new, here(path)) != 0) {
		fail("put the host's program in the place of", path);
		unlink(new);
		return 0;
	}
	return 1;
}

static int holds(const char *path, const struct contents *wanted)
{
	char part[16384];
	size_t done = 0;
	ssize_t got;
	int file = open(path, O_RDONLY);
	while (file >= 0 && done < wanted->size && (got = read(file, part, sizeof part)) > 0) {
		if ((size_t)got > wanted->size - done || memcmp(part, wanted->bytes + done, (size_t)got) != 0)
			break;
		done += (size_t)got;
	}
	if (file >= 0)
		close(file);
	return file >= 0 && done == wanted->size;
}

/* Whether what stands there is what is to, made of what the chroot's own and the dispatcher are now. */
static int is_put(const struct group *group, const struct file *file, const char *path)
{
	struct contents made;
	struct stat found;
	return make(group, file, path, &made) && lstat(here(path), &found) == 0 && S_ISREG(found.st_mode) &&
	       (size_t)found.st_size == made.size && (found.st_mode & 07777) == made.mode &&
	       found.st_mtim.tv_sec == made.times[1].tv_sec && holds(here(path), &made);
}

static int is_our_script(const char *path)
{
	char *text = read_file(here(path));
	int is = after_interpreter(text, PRIVATE "/perl") != NULL;
	free(text);
	return is;
}

static int is_our_program(const char *path)
{
	struct trailer trailer;
	FILE *file = is_file(here(path)) ? fopen(here(path), "r") : NULL;
	int is = file && fseek(file, -(long)sizeof trailer, SEEK_END) == 0 && fread(&trailer, sizeof trailer, 1, file) == 1 &&
		 memcmp(trailer.mark, trailer_mark, sizeof trailer.mark) == 0 &&
		 strncmp(trailer.path, path, sizeof trailer.path) == 0;
	if (file)
		fclose(file);
	return is;
}

/* As is_put, also where what it was made of has changed since. */
static int is_ours(const struct group *group, const char *path)
{
	return group->interpreter ? is_our_script(path) : is_our_program(path);
}

static int put_in(const struct group *group, const struct file *file, const char *path)
{
	if (link(here(path), aside(path)) != 0) {
		fail("keep", path);
		return 0;
	}
	if (!divert("--add", path)) {
		unlink(aside(path));
		return 0;
	}
	return put(group, file, path);
}

static int take_out(const struct group *group, const char *path)
{
	if (!divert("--remove", path))
		return 0;
	/* Without it, its package was removed meanwhile. */
	if (exists(aside(path)) ? rename(aside(path), here(path)) : is_ours(group, path) && unlink(here(path))) {
		fail("give back", path);
		return 0;
	}
	/* Where both were one file, because nothing had been put there yet, there was nothing to rename. */
	unlink(aside(path));
	return 1;
}

/* Clears up what a call has left that was killed when dpkg did not know of the other name yet, or no longer. */
static void make_good(const struct group *group, const char *path)
{
	unlink(unfinished(path));
	if (is_diverted(path) || !exists(aside(path)) || other_diversion(join(path, SUFFIX, "")))
		return;
	if (is_ours(group, path) ? rename(aside(path), here(path)) : exists(here(path)) && unlink(aside(path)))
		fail("give back", path);
}

/* Puts every program of a group in that is there, until one can't be, or takes all of them out. Gives whether that was done. */
static int bring_all(const struct group *group, int is_in, int *changes)
{
	const struct file *file;
	int is_done = 1;
	for (file = group->files; file && (is_done || !is_in); file = file->next) {
		const char *path = path_of(file);
		int was_in = is_diverted(path), is_wanted;
		make_good(group, path);
		is_wanted = is_in && is_present(group, file);
		if (was_in && !is_wanted)
			is_done &= take_out(group, path);
		else if (is_wanted && !was_in)
			is_done &= put_in(group, file, path);
		else if (is_wanted && !is_put(group, file, path))
			is_done &= put(group, file, path);
		*changes += was_in != is_wanted;
	}
	return is_done;
}

static void say_failed(struct verdict *verdict)
{
	verdict->likeness = REFUSED;
	say(verdict, "failed: not all of it could be put in");
}

/* Gives whether anything was changed. */
static int bring(const struct group *group, struct verdict *verdict)
{
	int changes = 0;
	if (!bring_all(group, verdict->is_in, &changes) && verdict->is_in) {
		say_failed(verdict);
		read_diversions();
		bring_all(group, 0, &changes);
	}
	return changes;
}

/* Has a verdict say how it is rather than how it is to be. A group is in if all of its programs are. */
static void observe(const struct group *group, struct verdict *verdict)
{
	const struct file *file;
	const char *wanted = strcpy(allocate(sizeof verdict->reason), verdict->reason);
	int present = 0, in = 0, all_in = 1, all_current = 1, is_wanted = verdict->is_in;
	for (file = group->files; file; file = file->next) {
		const char *path = path_of(file);
		int is_in = is_diverted(path) && is_ours(group, path);
		in += is_in;
		if (!is_present(group, file))
			continue;
		present++;
		all_in &= is_in;
		all_current &= is_put(group, file, path);
	}
	verdict->is_in = present && all_in;
	if (is_wanted && !verdict->is_in)
		say_failed(verdict);
	else if (is_wanted && !all_current)
		say(verdict, "failed: not all of it could be renewed");
	else if (!is_wanted && in)
		say(verdict, "failed: not all of it could be taken out (%.*s)", PATH_SIZE - 64, wanted);
}

/* The dispatcher uses a library where it finds it, and leaves programs that preload any other one to the emulator. */
static void bring_library(const struct library *library)
{
	const char *version = library->package->version;
	char *in = join(root, PRIVATE "/lib/", library->name), *out = join(in, ".unlike", "");
	int is_wanted = !version || likeness_of(library->version, version) != REFUSED;
	if (is_wanted != exists(in) && rename(is_wanted ? out : in, is_wanted ? in : out) != 0)
		fail("rename", in);
}

int main(int argc, char **argv)
{
	const char *what = "sync", *installed = NULL, *mark;
	struct group *group;
	struct library *library;
	int i, is_off;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--root") == 0 && i + 1 < argc)
			root = argv[++i];
		else if (strcmp(argv[i], "--installed") == 0 && i + 1 < argc)
			installed = argv[++i];
		else
			what = argv[i];
	}
	if (strcmp(what, "sync") && strcmp(what, "off") && strcmp(what, "on") && strcmp(what, "status")) {
		fprintf(stderr, "chroot-maint: unknown word `%s'; say %s/switch off, on or status\n", what, PRIVATE);
		return 64;
	}
	/* What this starts is to see the host's libraries alone. */
	unsetenv("LD_PRELOAD");
	mark = join(root, PRIVATE, "/off");
	if (strcmp(what, "off") == 0) {
		FILE *file = fopen(mark, "w");
		if (!file || fclose(file) != 0) {
			fail("write", mark);
			return 1;
		}
	} else if (strcmp(what, "on") == 0 && unlink(mark) != 0 && errno != ENOENT) {
		fail("delete", mark);
		return 1;
	}
	is_off = exists(mark);
	if (!read_lists() || !read_installed(installed ? installed : join(root, "/var/lib/dpkg/status", "")))
		return 1;
	read_diversions();
	for (group = groups; group; group = group->next) {
		struct verdict verdict = judge(group, is_off);
		if (strcmp(what, "status") == 0) {
			observe(group, &verdict);
			printf("%s\t%s\t%s\n", group->name, verdict.is_in ? "in" : "out", verdict.reason);
			continue;
		}
		/* All is well with what is exact, and who says `off' knows what comes of it. */
		if (bring(group, &verdict) && !is_off && verdict.likeness != EXACT)
			printf("chroot-maint: %s, %s\n", group->name, verdict.reason);
	}
	for (library = libraries; library && strcmp(what, "status") != 0; library = library->next)
		bring_library(library);
	return failures ? 1 : 0;
}
