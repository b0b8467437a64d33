/* SPDX-License-Identifier: BSD-3-Clause */
/* A network without a tap (--net user): its parts, and passt, which is started for it. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "devices/virtio/net.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/net_option.h"
#include "vmm/service_private.h"

enum { NETWORK_PORT_MAX = 65535, NETWORK_ADDRESS_MAX = INET6_ADDRSTRLEN };

static const char network_takes[] =
	"it takes forward=tcp|udp:[ADDRESS/]PORT:PORT, host=ADDRESS, mac=ADDRESS and mtu=BYTES";

static const uint8_t network_of_ipv4[12] = {[10] = 0xff, [11] = 0xff};

static bool network_read_address(const char *text, uint8_t bytes[16])
{
	memcpy(bytes, network_of_ipv4, sizeof(network_of_ipv4));
	return inet_pton(AF_INET, text, bytes + sizeof(network_of_ipv4)) == 1 ||
	       inet_pton(AF_INET6, text, bytes) == 1;
}

/* @length bytes at @text, which are no string, into @piece of @size bytes. */
static bool network_cut(const char *text, size_t length, char *piece, size_t size)
{
	if (length >= size)
		return false;
	memcpy(piece, text, length);
	piece[length] = '\0';
	return true;
}

/* [ADDRESS/]PORT:PORT; without an address that of the host's loopback. */
static bool network_read_ports(const char *text, struct service_forward *forward)
{
	const char *slash = strrchr(text, '/'), *port = slash ? slash + 1 : text;
	const char *colon = strchr(port, ':');
	char address[NETWORK_ADDRESS_MAX] = "127.0.0.1", number[8];
	unsigned int guest;

	if (!colon || !network_cut(port, (size_t)(colon - port), number, sizeof(number)))
		return false;
	if (slash && !network_cut(text, (size_t)(slash - text), address, sizeof(address)))
		return false;
	if (!network_read_address(address, forward->address) ||
	    suboptions_parse_number(number, 1, NETWORK_PORT_MAX, &forward->port) ||
	    suboptions_parse_number(colon + 1, 1, NETWORK_PORT_MAX, &guest))
		return false;
	snprintf(forward->spec, sizeof(forward->spec), "%s/%u:%u", address, forward->port, guest);
	return true;
}

static bool network_is_ipv4(const uint8_t address[16])
{
	return memcmp(address, network_of_ipv4, sizeof(network_of_ipv4)) == 0;
}

/* All of the host's addresses of its family. */
static bool network_is_any(const uint8_t address[16])
{
	static const uint8_t any[16];
	size_t from = network_is_ipv4(address) ? sizeof(network_of_ipv4) : 0;

	return memcmp(address + from, any, sizeof(any) - from) == 0;
}

/* Whether who listens at one keeps others from the other. */
static bool network_meet(const struct service_forward *one, const struct service_forward *other)
{
	const uint8_t *first = one->address, *second = other->address;

	if (one->udp != other->udp || one->port != other->port)
		return false;
	if (memcmp(first, second, sizeof(one->address)) == 0)
		return true;
	return network_is_ipv4(first) == network_is_ipv4(second) &&
	       (network_is_any(first) || network_is_any(second));
}

int service_check_forward(const struct service *service, unsigned int index,
			  const struct service *other, struct err *err)
{
	const struct service_forward *forward = &service->forwards[index];
	unsigned int count = other == service ? index : other->forward_count;

	for (unsigned int i = 0; i < count; i++)
		if (network_meet(forward, &other->forwards[i]))
			return err_set(err, -EINVAL,
				       "forward=%s:%s: forward=%s:%s has that port of the host's "
				       "already: give another",
				       forward->udp ? "udp" : "tcp", forward->spec,
				       forward->udp ? "udp" : "tcp", other->forwards[i].spec);
	return 0;
}

static int network_take_forward(struct service *service, const char *value, struct err *err)
{
	struct service_forward *forward = &service->forwards[service->forward_count];
	const char *colon = strchr(value, ':');

	if (service->forward_count == SERVICE_FORWARDS_MAX)
		return err_set(err, -EINVAL, "forward=%s: %d of them are the most", value,
			       SERVICE_FORWARDS_MAX);
	forward->udp = strncmp(value, "udp:", 4) == 0;
	if ((!forward->udp && strncmp(value, "tcp:", 4) != 0) ||
	    !network_read_ports(colon + 1, forward))
		return err_set(err, -EINVAL,
			       "forward=%s: it takes tcp or udp, a port of the host's and one of "
			       "the guest's, such as tcp:8080:80 or tcp:192.0.2.1/8080:80",
			       value);
	return service_check_forward(service, service->forward_count++, service, err);
}

static int network_take_host(struct service *service, const char *value, struct err *err)
{
	uint8_t address[16];

	service->host = value;
	return network_read_address(value, address)
		       ? 0
		       : err_set(err, -EINVAL,
				 "host=%s: no address: it takes one at which the guest finds what "
				 "the host has at 127.0.0.1, such as 192.0.2.2",
				 value);
}

/* A part alone, which is none, or of which more is wanted. */
static int network_refuse_name(const char *name, struct err *err)
{
	static const char *const parts[][2] = {
		{"forward", "tcp:8080:80"},
		{"mac", "52:54:00:12:34:56"},
		{"mtu", "1400"},
		{"host", "192.0.2.2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcmp(name, parts[i][0]) == 0)
			return err_set(err, -EINVAL, "'%s': it needs a value, such as %s=%s", name,
				       name, parts[i][1]);
	return err_set(err, -EINVAL, "'%s': unknown part: %s", name, network_takes);
}

static int network_take(struct service *service, struct vhost_user_choice *choice, const char *name,
			const char *value, struct err *err)
{
	if (strcmp(name, "queues") == 0)
		return err_set(err, -EINVAL,
			       "queues%s%s: such a card has one pair: leave it out, or take a tap",
			       value ? "=" : "", value ? value : "");
	if (!value)
		return network_refuse_name(name, err);
	if (strcmp(name, "forward") == 0)
		return network_take_forward(service, value, err);
	if (strcmp(name, "mac") == 0) {
		choice->has_mac = true;
		return net_option_take_mac(choice->mac, value, err);
	}
	if (strcmp(name, "mtu") == 0)
		return net_option_take_mtu(&choice->mtu, value, err);
	if (strcmp(name, "host") == 0)
		return network_take_host(service, value, err);
	return err_set(err, -EINVAL, "'%s=%s': unknown part: %s", name, value, network_takes);
}

int service_parse_network(struct service *service, struct vhost_user_config *device,
			  const struct suboptions *options, struct err *err)
{
	int rc = 0;

	*device = (struct vhost_user_config){.fd = -1};
	device->kind = vhost_user_find_kind("net", &device->numbered);
	*service = (struct service){.kind = SERVICE_NETWORK};
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = network_take(service, &device->choice, options->item[i].name,
				  options->item[i].value, err);
	return rc;
}

static const struct program_config network_program = {
	.name = "passt",
	.package = "passt",
	.loses = "the guest's network is gone",
	.stranger = "unrecognized option '--vhost-user'",
	.unfit =
		"it is too old: passt has vhost-user since 2024_11_27: Debian's package passt from "
		"13 on is new enough",
};

int service_find_network(char path[], struct err *err)
{
	return program_find(&network_program, path, err);
}

static void network_say_forwards(const struct service *service, struct service_words *words,
				 bool udp)
{
	const char *option = udp ? "--udp-ports" : "--tcp-ports";
	bool some = false;

	for (unsigned int i = 0; i < service->forward_count; i++) {
		if (service->forwards[i].udp != udp)
			continue;
		service_say(words, "%s=%s", option, service->forwards[i].spec);
		some = true;
	}
	if (!some)
		service_say(words, "%s=none", option);
}

/* Its end of a connection, and this one, which nobody else can have made. */
static int network_connect(int *served, int *connected, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_set(err, -errno, "a socket: %s", err_text(errno));
	*served = ends[0];
	*connected = ends[1];
	return 0;
}

/* What is on the host's loopback is nobody's from outside, and so not the guest's unless asked. */
struct program *service_start_network(const struct service *service,
				      struct vhost_user_config *device, struct loop *loop,
				      struct err *err)
{
	struct vhost_user_choice *choice = &device->choice;
	struct service_words words = {.used = 0};
	struct program *program;
	int served;

	if (!choice->has_mac && net_make_address(choice->mac, err))
		return NULL;
	choice->has_mac = true;
	if (network_connect(&served, &device->fd, err))
		return NULL;
	service_say(&words, "--foreground");
	service_say(&words, "--vhost-user");
	service_say(&words, "--fd=%d", PROGRAM_SOCKET);
	service_say(&words, "--map-host-loopback=%s", service->host ? service->host : "none");
	if (choice->mtu)
		service_say(&words, "--mtu=%u", choice->mtu);
	network_say_forwards(service, &words, false);
	network_say_forwards(service, &words, true);
	program = service_begin(&network_program, &words, served, loop, err);
	fd_close(&served);
	if (!program)
		fd_close(&device->fd);
	return program;
}
