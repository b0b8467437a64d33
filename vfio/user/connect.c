/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection to a server of vfio-user that listens at a path. */

#include "vfio/user/connect.h"

#include <errno.h>
#include <sys/socket.h>

#include "vmm/base/local.h"

static int connect_fail(const char *path, int rc, struct err *err)
{
	if (rc == -ECONNREFUSED && local_is_other(path))
		return err_set(err, -ENOTSOCK,
			       "%s: it is no socket: give the path that its server listens at",
			       path);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return err_set(err, rc, "%s: %s: no server listens there: start it first", path,
			       err_text(rc));
	/* Those that it has not taken yet are as many as it lets wait. */
	if (rc == -EAGAIN)
		return err_set(
			err, rc,
			"%s: its server takes no connection: it has another client, or hangs",
			path);
	return err_set(err, rc, "%s: %s", path, err_text(rc));
}

int vfio_user_connect(const char *path, struct err *err)
{
	struct sockaddr_un address;
	int rc = local_address(path, &address, err);

	if (rc)
		return err_prefix(err, "%s", path);
	rc = local_connect(&address, SOCK_NONBLOCK);
	return rc < 0 ? connect_fail(path, rc, err) : rc;
}
