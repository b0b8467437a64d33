/* SPDX-License-Identifier: BSD-3-Clause */
/* What the table of options and the words that name them have between them. */

#ifndef FERRY_VMM_CONFIG_PRIVATE_H
#define FERRY_VMM_CONFIG_PRIVATE_H

#include <getopt.h>

#include "vmm/config.h"

/* Takes no part in a config; the values of the others in the table are above it. */
enum { CONFIG_OPTION_HELP = 256 };

/* The options of `ferry run`, the last one without a name. */
const struct option *config_options(void);

/* What a run is without any option. */
void config_begin(struct config *config);

/*
 * Takes the option whose value in the table is @id, with its @value as the table says. -EINVAL with
 * @err, which does not name it. @value stays in use as long as @config.
 */
int config_take(struct config *config, int id, const char *value, struct err *err) FERRY_MUST_CHECK;

/* The parts of @value, owned by @config from then on; NULL with @err. */
const struct suboptions *config_split(struct config *config, const char *value, struct err *err);

/* config_vfio_user.c: a device that is a program, likewise. */
/* Once all is taken: whether what is to come back can be reached by then. */
int config_check_reconnect(const struct config *config, struct err *err) FERRY_MUST_CHECK;
int config_take_vfio_user(struct config *config, const char *value,
			  struct err *err) FERRY_MUST_CHECK;

/* config_virtio.c: those of virtio devices, likewise. */
int config_take_disk(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;
int config_take_net(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;
int config_take_vsock(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;
int config_take_vhost_user(struct config *config, const char *value,
			   struct err *err) FERRY_MUST_CHECK;
int config_take_share(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;
int config_take_rng(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;

/* Whether @value is "fd=", and so of a descriptor that somebody else has opened. */
bool config_is_descriptor(const char *value);

/*
 * Takes "fd=N" or "fd=NAME", open for reading and writing and named by no other option. -EINVAL
 * with @err saying what is wrong with it; the same of those below, each for one kind.
 */
int config_take_descriptor(struct config *config, const char *value, int *fd,
			   struct err *err) FERRY_MUST_CHECK;
/* Likewise into *@fd, which is still 0 unless the option came before: then @what says why not. */
int config_take_single(struct config *config, const char *value, int *fd, const char *what,
		       struct err *err) FERRY_MUST_CHECK;
int config_take_group(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;
int config_take_memory_descriptor(struct config *config, const char *value,
				  struct err *err) FERRY_MUST_CHECK;
/* An image that is open already; a path is none. */
int config_take_image_descriptor(struct config *config, const char *value,
				 struct image_config *image, struct err *err) FERRY_MUST_CHECK;
/* The taps of "fd=N" or "fd=N:N...", one for each of @net's pairs; of another value none. */
int config_take_net_descriptors(struct config *config, const char *value, struct net_config *net,
				struct err *err) FERRY_MUST_CHECK;
/* @value may be a file's name as well: then *@fd is 0. "/dev/fd/3" is no file's but "fd=3". */
int config_take_boot_file(struct config *config, const char *value, int *fd,
			  struct err *err) FERRY_MUST_CHECK;
int config_take_serial_descriptor(struct config *config, const char *value,
				  struct err *err) FERRY_MUST_CHECK;

/* A stream socket that is connected. */
int config_take_connection(struct config *config, const char *value, int *fd,
			   struct err *err) FERRY_MUST_CHECK;

/* Closes *@fd, of a value that a later one replaces, unless it is none of those. */
void config_close_descriptor(struct config *config, int *fd);

/* The files of @device's options that are descriptors; likewise. */
int config_take_device_files(struct config *config, struct vfio_device_config *device,
			     struct err *err) FERRY_MUST_CHECK;

/* Where a debugger or clients connect: an address, or a socket that listens already. */
int config_take_gdb(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;
int config_take_control(struct config *config, const char *value, struct err *err) FERRY_MUST_CHECK;

/*
 * No file that is written is named by another option, and no socket's path twice. When all options
 * and the kernel are taken.
 */
int config_check_files(const struct config *config, struct err *err) FERRY_MUST_CHECK;

/*
 * One guest has its devices by one way: with --iommufd, --vfio-group or --vfio-container it is that
 * for all. To be called when all options are taken.
 */
int config_spread_way(struct config *config, struct err *err) FERRY_MUST_CHECK;

#endif
