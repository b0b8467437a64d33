/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio devices whose server the monitor starts itself: which program, and what it is told. */

#include "vmm/service.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/service_private.h"
#include "vmm/vhost_user_option.h"

static const char *const service_format_names[] = {"qcow2", "qcow", "qed", "vdi",
						   "vhdx",  "vmdk", "vpc", "parallels"};

const char *service_formats(void)
{
	return "qcow2, qcow, qed, vdi, vhdx, vmdk, vpc or parallels";
}

static bool service_knows_format(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(service_format_names); i++)
		if (strcmp(service_format_names[i], format) == 0)
			return true;
	return false;
}

int service_parse_share(struct service *service, struct vhost_user_config *device,
			const struct suboptions *options, struct err *err)
{
	int rc = 0;

	*device = (struct vhost_user_config){
		.fd = -1,
		.choice.tag = "share",
	};
	device->kind = vhost_user_find_kind("fs", &device->numbered);
	*service = (struct service){.kind = SERVICE_FOLDER, .path = options->first};
	if (*options->first == '\0')
		return err_set(err, -EINVAL, "empty: it takes a folder");
	for (size_t i = 0; i < options->count && !rc; i++) {
		const char *name = options->item[i].name, *value = options->item[i].value;

		if (value && strcmp(name, "tag") == 0)
			rc = vhost_user_option_take_tag(device, value, err);
		else if (!value && strcmp(name, "readonly") == 0)
			service->readonly = true;
		else
			rc = err_set(err, -EINVAL,
				     "'%s%s': unknown part: it takes tag=TEXT and readonly", name,
				     value ? "=" : "");
	}
	return rc;
}

static int service_take_image_part(struct service *service, struct vhost_user_config *device,
				   const char *name, const char *value, struct err *err)
{
	if (!value && strcmp(name, "readonly") == 0) {
		service->readonly = true;
		return 0;
	}
	if (value && strcmp(name, "queues") == 0 &&
	    suboptions_parse_number(value, 1, device->kind->most, &device->choice.queues) == 0)
		return 0;
	if (value && strcmp(name, "block-size") == 0 &&
	    suboptions_parse_number(value, 512, 4096, &service->block_size) == 0 &&
	    (service->block_size == 512 || service->block_size == 4096))
		return 0;
	if (value && strcmp(name, "format") == 0) {
		service->format = value;
		return service_knows_format(value)
			       ? 0
			       : err_set(err, -EINVAL, "format=%s: it takes %s, or none for raw",
					 value, service_formats());
	}
	return err_set(err, -EINVAL,
		       "'%s%s%s': with format= it takes readonly, queues=N from 1 to %u and "
		       "block-size=512|4096",
		       name, value ? "=" : "", value ? value : "", device->kind->most);
}

int service_parse_image(struct service *service, struct vhost_user_config *device,
			const struct suboptions *options, struct err *err)
{
	int rc = 0;

	*device = (struct vhost_user_config){.fd = -1};
	device->kind = vhost_user_find_kind("blk", &device->numbered);
	*service = (struct service){.kind = SERVICE_IMAGE, .path = options->first};
	if (*options->first == '\0')
		return err_set(err, -EINVAL, "empty: it takes a file or block device");
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = service_take_image_part(service, device, options->item[i].name,
					     options->item[i].value, err);
	return rc;
}

void service_say(struct service_words *words, const char *format, ...)
{
	char *text = words->texts + words->used;
	va_list list;

	assert(words->count < SERVICE_ARGUMENTS_MAX);
	va_start(list, format);
	vsnprintf(text, sizeof(words->texts) - words->used, format, list);
	va_end(list);
	words->used += strlen(text) + 1;
	words->list[words->count++] = text;
	words->list[words->count] = NULL;
}

/* The whole path, as the program may have another folder to begin with; its commas doubled. */
static int service_write_path(const char *path, char text[SERVICE_TEXT_MAX], struct err *err)
{
	char whole[PATH_MAX];
	size_t used = 0;

	if (!realpath(path, whole))
		return err_set(err, -errno, "%s: %s", path, err_text(errno));
	for (const char *at = whole; *at; at++) {
		text[used++] = *at;
		if (*at == ',')
			text[used++] = *at;
	}
	text[used] = '\0';
	return 0;
}

static int service_check_folder(const char *path, struct err *err)
{
	struct stat status;

	if (stat(path, &status))
		return err_set(err, -errno, "%s: %s", path, err_text(errno));
	if (!S_ISDIR(status.st_mode))
		return err_set(err, -ENOTDIR, "%s: it is no folder: give the one that it lies in",
			       path);
	return 0;
}

/* In Rust, by its own makers. */
static const char *const service_folder_places[] = {"/usr/libexec/virtiofsd", NULL};
static const struct program_config service_folder = {
	.name = "virtiofsd",
	.places = service_folder_places,
	.package = "virtiofsd",
	.gains_rights = true, /* newuidmap, of a user's own namespace */
	.loses = "the guest's folder is gone",
};

/* QEMU's own, up to 7.2, which Debian 12 has. */
static const char *const service_old_folder_places[] = {"/usr/lib/qemu/virtiofsd", NULL};
static const struct program_config service_old_folder = {
	.name = "virtiofsd",
	.places = service_old_folder_places,
	.only_places = true,
	.package = "qemu-system-common (12) or virtiofsd (13 and later)",
	.loses = "the guest's folder is gone",
};

static const struct program_config service_image = {
	.name = "qemu-storage-daemon",
	.package = "qemu-utils",
	.loses = "the guest's disk is gone",
};

const char *service_option(enum service_kind kind)
{
	static const char *const options[] = {
		[SERVICE_NONE] = "--vhost-user",
		[SERVICE_FOLDER] = "--share",
		[SERVICE_IMAGE] = "--disk",
		[SERVICE_NETWORK] = "--net",
	};

	return options[kind];
}

int service_find(enum service_kind kind, char path[], struct err *err)
{
	if (kind == SERVICE_NETWORK)
		return service_find_network(path, err);
	if (kind == SERVICE_IMAGE)
		return program_find(&service_image, path, err);
	return program_find(&service_folder, path, err)
		       ? program_find(&service_old_folder, path, err)
		       : 0;
}

struct program *service_begin(const struct program_config *program, struct service_words *words,
			      int socket, struct loop *loop, struct err *err)
{
	struct program_config config = *program;

	config.arguments = words->list;
	config.socket = socket;
	return program_start(&config, loop, err);
}

/* Commas are between its options, and behind a backslash its own. */
static void service_escape(const char *path, char text[SERVICE_TEXT_MAX])
{
	size_t used = 0;

	for (; *path; path++) {
		if (*path == ',' || *path == '\\')
			text[used++] = '\\';
		text[used++] = *path;
	}
	text[used] = '\0';
}

static struct program *service_start_old_folder(const struct service *service, int listening,
						const char *path, struct loop *loop,
						struct err *err)
{
	struct service_words words = {.used = 0};
	char escaped[SERVICE_TEXT_MAX];

	if (service->readonly && access(service_old_folder_places[0], X_OK) == 0) {
		err_set(err, -ENOTSUP,
			"readonly: %s cannot keep a guest from writing: Debian's package virtiofsd "
			"(from Debian 13 on) has one that does",
			service_old_folder_places[0]);
		return NULL;
	}
	service_escape(path, escaped);
	service_say(&words, "--fd=%d", PROGRAM_SOCKET);
	service_say(&words, "-o");
	service_say(&words, "source=%s", escaped);
	return service_begin(&service_old_folder, &words, listening, loop, err);
}

/* The one in Rust if it is there. */
static struct program *service_start_folder(const struct service *service, int listening,
					    struct loop *loop, struct err *err)
{
	struct service_words words = {.used = 0};
	char path[PATH_MAX], found[PATH_MAX];

	if (service_check_folder(service->path, err))
		return NULL;
	if (!realpath(service->path, path)) {
		err_set(err, -errno, "%s: %s", service->path, err_text(errno));
		return NULL;
	}
	if (program_find(&service_folder, found, err))
		return service_start_old_folder(service, listening, path, loop, err);
	service_say(&words, "--fd=%d", PROGRAM_SOCKET);
	service_say(&words, "--shared-dir=%s", path);
	if (service->readonly)
		service_say(&words, "--readonly");
	return service_begin(&service_folder, &words, listening, loop, err);
}

static bool service_is_device(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISBLK(status.st_mode);
}

static struct program *service_start_image(const struct service *service,
					   const struct vhost_user_config *device, int listening,
					   struct loop *loop, struct err *err)
{
	struct service_words words = {.used = 0};
	const char *readonly = service->readonly ? "on" : "off";
	char path[SERVICE_TEXT_MAX];

	if (service_write_path(service->path, path, err))
		return NULL;
	service_say(&words, "--blockdev");
	service_say(&words, "driver=%s,node-name=file,read-only=%s,filename=%s",
		    service_is_device(service->path) ? "host_device" : "file", readonly, path);
	service_say(&words, "--blockdev");
	service_say(&words, "driver=%s,node-name=disk,read-only=%s,file=file", service->format,
		    readonly);
	service_say(&words, "--export");
	service_say(&words,
		    "type=vhost-user-blk,id=disk,node-name=disk,writable=%s,num-queues=%u,"
		    "logical-block-size=%u,addr.type=fd,addr.str=%d",
		    service->readonly ? "off" : "on",
		    device->choice.queues ? device->choice.queues : 1,
		    service->block_size ? service->block_size : 512, PROGRAM_SOCKET);
	return service_begin(&service_image, &words, listening, loop, err);
}

struct program *service_start(const struct service *service, struct vhost_user_config *device,
			      struct loop *loop, struct err *err)
{
	struct program *program;
	int listening;

	if (service->kind == SERVICE_NETWORK)
		return service_start_network(service, device, loop, err);
	if (program_connect(&listening, &device->fd, err))
		return NULL;
	if (service->kind == SERVICE_FOLDER)
		program = service_start_folder(service, listening, loop, err);
	else
		program = service_start_image(service, device, listening, loop, err);
	fd_close(&listening);
	if (!program)
		fd_close(&device->fd);
	return program;
}
