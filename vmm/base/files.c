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

#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
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

/* How many threads wait for somebody, whom nobody else waits for. */
static atomic_uint waiting;

bool files_have_room(void)
{
	return atomic_load(&waiting) < FILES_WAITING_MAX;
}

static bool files_may_wait(void)
{
	if (atomic_fetch_add(&waiting, 1) < FILES_WAITING_MAX)
		return true;
	atomic_fetch_sub(&waiting, 1);
	return false;
}

/* A look that may be left to itself; `lock` is held to see what the two do. */
struct files_wait {
	struct files_job job;
	void (*end)(void *owner);
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done, left;
};

static struct files_wait *files_wait_create(void)
{
	struct files_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	pthread_mutex_init(&wait->lock, NULL);
	clock_cond_init(&wait->changed);
	return wait;
}

static void files_wait_free(struct files_wait *wait)
{
	pthread_cond_destroy(&wait->changed);
	pthread_mutex_destroy(&wait->lock);
	free(wait);
	atomic_fetch_sub(&waiting, 1);
}

static void *files_wait_thread(void *argument)
{
	struct files_wait *wait = argument;
	bool left;

	wait->job.look(wait->job.owner);
	pthread_mutex_lock(&wait->lock);
	wait->done = true;
	left = wait->left;
	pthread_cond_signal(&wait->changed);
	pthread_mutex_unlock(&wait->lock);
	if (left) {
		wait->end(wait->job.owner);
		files_wait_free(wait);
	}
	return NULL;
}

/* Whether it was done in time; if not, it is the thread's from now on. */
static bool files_await(struct files_wait *wait, unsigned int ms)
{
	const struct timespec until = clock_timespec(clock_now_ms() + ms);
	bool done;
	int rc = 0;

	pthread_mutex_lock(&wait->lock);
	while (!wait->done && !rc)
		rc = pthread_cond_timedwait(&wait->changed, &wait->lock, &until);
	done = wait->done;
	wait->left = !done;
	pthread_mutex_unlock(&wait->lock);
	return done;
}

static int files_look_patiently(struct files_wait *wait, unsigned int ms)
{
	pthread_t thread;
	int rc = thread_create(&thread, THREAD_FILES, files_wait_thread, wait);

	if (!rc && !files_await(wait, ms)) {
		pthread_detach(thread);
		return -ETIMEDOUT;
	}
	if (!rc)
		pthread_join(thread, NULL);
	files_wait_free(wait);
	return rc;
}

int files_look_within(void (*look)(void *owner), void (*end)(void *owner), void *owner,
		      unsigned int ms)
{
	struct files_wait *wait;

	if (thread_is_called(THREAD_FILES)) {
		look(owner);
		return 0;
	}
	if (!files_may_wait())
		return -EBUSY;
	wait = files_wait_create();
	if (!wait) {
		atomic_fetch_sub(&waiting, 1);
		return -ENOMEM;
	}
	wait->job = (struct files_job){look, owner};
	wait->end = end;
	return files_look_patiently(wait, ms);
}

static void *files_close_thread(void *argument)
{
	close((int)(intptr_t)argument);
	atomic_fetch_sub(&waiting, 1);
	return NULL;
}

void files_close(int *fd)
{
	pthread_t thread;
	int closed = *fd, rc = -EBUSY;

	if (closed < 0 || thread_is_called(THREAD_FILES)) {
		fd_close(fd);
		return;
	}
	*fd = -1;
	if (files_may_wait()) {
		rc = thread_create(&thread, THREAD_FILES, files_close_thread,
				   (void *)(intptr_t)closed);
		if (!rc)
			pthread_detach(thread);
		else
			atomic_fetch_sub(&waiting, 1);
	}
	if (rc)
		log_warn("a descriptor that was passed stays open, as its close may wait: %s",
			 err_text(rc));
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
