/* Makes what is to stand in the place of a program or script, puts it there, and knows it again. Knows nothing of diversions and
 * verdicts, and versions only as texts; whether it is to stand there, others decide. */

#include "contents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../trailer.h"
#include "own.h"
#include "place.h"
#include "script.h"
#include "text.h"

/* What a file is to be. Its bytes hold until the next one is made: dpkg waits for this, and there are hundreds of files. */
struct contents {
	const char *bytes;
	size_t size;
	mode_t mode;
	struct timespec times[2];
};

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
	memcpy(trailer.mark, TRAILER_MARK, sizeof trailer.mark);
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

/* Puts what is to stand there into the place of a program, in one step. */
int put(const struct group *group, const struct file *file, const char *path)
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
int is_put(const struct group *group, const struct file *file, const char *path)
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
		 memcmp(trailer.mark, TRAILER_MARK, sizeof trailer.mark) == 0 &&
		 strncmp(trailer.path, path, sizeof trailer.path) == 0;
	if (file)
		fclose(file);
	return is;
}

/* As is_put, also where what it was made of has changed since. */
int is_ours(const struct group *group, const char *path)
{
	return group->interpreter ? is_our_script(path) : is_our_program(path);
}
