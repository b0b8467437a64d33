/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at the host's files, by whoever may. */

#include "vmm/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/thread.h"

enum { FILES_PART = 4096 };

struct files_job {
	void (*look)(void *owner);
	void *owner;
};

static void *files_thread(void *argument)
{
	const struct files_job *job = argument;

	job->look(job->owner);
	return NULL;
}

int files_look(void (*look)(void *owner), void *owner)
{
	struct files_job job = {look, owner};

	return thread_call(THREAD_FILES, files_thread, &job);
}

/* A look that may be left to itself; whoever is last to be done with it frees it. */
struct files_wait {
	struct files_job job;
	void (*end)(void *owner);
	atomic_bool over; /* one of the two is done with it */
};

static void *files_wait_thread(void *argument)
{
	struct files_wait *wait = argument;

	wait->job.look(wait->job.owner);
	if (atomic_exchange(&wait->over, true)) {
		wait->end(wait->job.owner);
		free(wait);
	}
	return NULL;
}

static int files_join_within(pthread_t thread, struct files_wait *wait, unsigned int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (pthread_timedjoin_np(thread, NULL, &until) == 0) {
		free(wait);
		return 0;
	}
	if (!atomic_exchange(&wait->over, true)) {
		pthread_detach(thread);
		return -ETIMEDOUT;
	}
	pthread_join(thread, NULL);
	free(wait);
	return 0;
}

int files_look_within(void (*look)(void *owner), void (*end)(void *owner), void *owner,
		      unsigned int ms)
{
	struct files_wait *wait;
	pthread_t thread;
	int rc;

	if (thread_is_called(THREAD_FILES)) {
		look(owner);
		return 0;
	}
	wait = calloc(1, sizeof(*wait));
	if (!wait)
		return -ENOMEM;
	wait->job = (struct files_job){look, owner};
	wait->end = end;
	rc = thread_create(&thread, THREAD_FILES, files_wait_thread, wait);
	if (rc) {
		free(wait);
		return rc;
	}
	return files_join_within(thread, wait, ms);
}

/* How many closes are under way. */
static atomic_uint closing;

static void *files_close_thread(void *argument)
{
	close((int)(intptr_t)argument);
	atomic_fetch_sub(&closing, 1);
	return NULL;
}

void files_close(int *fd)
{
	int closed = *fd;

	*fd = -1;
	if (closed < 0)
		return;
	if (atomic_fetch_add(&closing, 1) >= FILES_CLOSING_MAX ||
	    thread_leave(THREAD_FILES, files_close_thread, (void *)(intptr_t)closed))
		atomic_fetch_sub(&closing, 1);
}

/* What is asked, and the answer. */
struct files_question {
	const char *path;
	int fd;
	char *text;
	size_t size; /* of the text, or the room for it */
	struct stat *status;
	int rc;
};

static int files_ask(void (*look)(void *question), struct files_question *question)
{
	int rc = files_look(look, question);

	return rc ? rc : question->rc;
}

/* All of it from its beginning, to memory that grows; 0 or a negative errno. */
static int files_read_all(int fd, char **text, size_t *size)
{
	size_t room = 0;

	for (;;) {
		char *grown = *size + FILES_PART > room ? realloc(*text, room += FILES_PART + *size)
							: *text;
		ssize_t n;

		if (!grown)
			return -ENOMEM;
		*text = grown;
		n = pread(fd, grown + *size, FILES_PART, (off_t)*size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*size += (size_t)n;
	}
}

/* A stream that owns what it reads; NULL: errno is set. */
static FILE *files_stream_of(struct files_question *question, int rc)
{
	FILE *file = rc ? NULL : fmemopen(NULL, question->size + 1, "w+");

	if (file && fwrite(question->text, 1, question->size, file) == question->size)
		rewind(file);
	free(question->text);
	if (rc)
		errno = -rc;
	return file;
}

FILE *files_stream(int fd)
{
	struct files_question question = {.fd = fd};

	return files_stream_of(&question, files_read_all(fd, &question.text, &question.size));
}

static void files_read(void *owner)
{
	struct files_question *question = owner;
	int fd = open(question->path, O_RDONLY | O_CLOEXEC);

	question->rc = fd < 0 ? -errno : files_read_all(fd, &question->text, &question->size);
	fd_close(&fd);
}

FILE *files_open(const char *path)
{
	struct files_question question = {.path = path};
	int rc = files_ask(files_read, &question);

	return files_stream_of(&question, rc);
}

static void files_read_link(void *owner)
{
	struct files_question *question = owner;
	ssize_t length = readlink(question->path, question->text, question->size - 1);

	question->rc = length < 0 ? -errno : 0;
	question->text[length < 0 ? 0 : length] = '\0';
}

int files_link(const char *path, char *text, size_t size)
{
	struct files_question question = {.path = path, .text = text, .size = size};

	return files_ask(files_read_link, &question);
}

static void files_find_real(void *owner)
{
	struct files_question *question = owner;

	question->rc = realpath(question->path, question->text) ? 0 : -errno;
}

int files_real(const char *path, char real[PATH_MAX])
{
	struct files_question question = {.path = path, .text = real};

	return files_ask(files_find_real, &question);
}

static void files_find(void *owner)
{
	struct files_question *question = owner;

	question->rc = access(question->path, F_OK) ? -errno : 0;
}

int files_check(const char *path)
{
	struct files_question question = {.path = path};

	return files_ask(files_find, &question);
}

static int files_add_name(struct files_question *question, const char *name)
{
	size_t length = strlen(name) + 1;
	char *grown = realloc(question->text, question->size + length + 1);

	if (!grown)
		return -ENOMEM;
	question->text = grown;
	memcpy(grown + question->size, name, length);
	question->size += length;
	grown[question->size] = '\0';
	return 0;
}

static void files_read_names(void *owner)
{
	struct files_question *question = owner;
	const struct dirent *entry;
	DIR *list = opendir(question->path);

	question->rc = list ? 0 : -errno;
	question->text = list ? calloc(1, 1) : NULL;
	if (list && !question->text)
		question->rc = -ENOMEM;
	while (!question->rc && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			question->rc = files_add_name(question, entry->d_name);
	if (list)
		closedir(list);
}

int files_list(const char *path, char **names)
{
	struct files_question question = {.path = path};
	int rc = files_ask(files_read_names, &question);

	if (rc)
		free(question.text);
	*names = rc ? NULL : question.text;
	return rc;
}

const char *files_next(const char *names, const char *name)
{
	const char *next = name ? name + strlen(name) + 1 : names;

	return next && *next ? next : NULL;
}

static void files_read_status(void *owner)
{
	struct files_question *question = owner;

	question->rc = fstat(question->fd, question->status) ? -errno : 0;
}

int files_stat(int fd, struct stat *status)
{
	struct files_question question = {.fd = fd, .status = status};

	return files_ask(files_read_status, &question);
}

static void files_read_status_at(void *owner)
{
	struct files_question *question = owner;

	question->rc = fstatat(question->fd, question->path, question->status, AT_SYMLINK_NOFOLLOW)
			       ? -errno
			       : 0;
}

int files_stat_at(int folder, const char *name, struct stat *status)
{
	struct files_question question = {.fd = folder, .path = name, .status = status};

	return files_ask(files_read_status_at, &question);
}

static void files_unlink(void *owner)
{
	struct files_question *question = owner;

	question->rc = unlinkat(question->fd, question->path, 0) ? -errno : 0;
}

int files_remove(int folder, const char *name)
{
	struct files_question question = {.fd = folder, .path = name};

	return files_ask(files_unlink, &question);
}
