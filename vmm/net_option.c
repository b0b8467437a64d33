/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --net. */

#include "vmm/net_option.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char net_takes[] = "it takes mac=ADDRESS, queues=N and mtu=BYTES";

/* What the kernel takes for an interface's name, and no pattern that it would fill in. */
static bool net_is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > NET_NAME_MAX || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (const char *at = name; *at; at++)
		if (!isgraph((unsigned char)*at) || strchr("/:%", *at))
			return false;
	return true;
}

static int net_parse_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Six bytes, as in 52:54:00:12:34:56. */
static bool net_parse_mac(const char *text, uint8_t mac[6])
{
	if (strlen(text) != 17)
		return false;
	for (unsigned int i = 0; i < 6; i++) {
		int high = net_parse_digit(text[3 * i]), low = net_parse_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int net_option_take_mac(uint8_t mac[6], const char *value, struct err *err)
{
	static const uint8_t none[6];

	if (!net_parse_mac(value, mac))
		return err_set(err, -EINVAL,
			       "mac=%s: not an address of six bytes such as 52:54:00:12:34:56",
			       value);
	if (mac[0] & 1 || memcmp(mac, none, sizeof(none)) == 0)
		return err_set(err, -EINVAL,
			       "mac=%s: it is no address of one card: its first byte must be even, "
			       "and not all be 0",
			       value);
	return 0;
}

int net_option_take_mtu(unsigned int *mtu, const char *value, struct err *err)
{
	return suboptions_parse_number(value, NET_MTU_MIN, NET_MTU_MAX, mtu)
		       ? err_set(err, -EINVAL, "mtu=%s: it takes a number from %d to %d", value,
				 NET_MTU_MIN, NET_MTU_MAX)
		       : 0;
}

static int net_take_value(struct net_config *net, const char *name, const char *value,
			  struct err *err)
{
	if (strcmp(name, "mac") == 0) {
		net->has_mac = true;
		return net_option_take_mac(net->mac, value, err);
	}
	if (strcmp(name, "queues") == 0)
		return suboptions_parse_number(value, 1, NET_PAIRS_MAX, &net->pairs)
			       ? err_set(err, -EINVAL, "queues=%s: it takes a number from 1 to %d",
					 value, NET_PAIRS_MAX)
			       : 0;
	if (strcmp(name, "mtu") == 0)
		return net_option_take_mtu(&net->mtu, value, err);
	return err_set(err, -EINVAL, "'%s=%s': unknown part: %s", name, value, net_takes);
}

static int net_parse_first(struct net_config *net, const char *first, struct err *err)
{
	if (strncmp(first, "fd=", 3) == 0) {
		net->pairs = 1;
		for (const char *at = first; (at = strchr(at, ':')); at++)
			net->pairs++;
		return net->pairs > NET_PAIRS_MAX
			       ? err_set(err, -EINVAL, "%s: %d descriptors are the most", first,
					 NET_PAIRS_MAX)
			       : 0;
	}
	if (strncmp(first, "tap=", 4) != 0)
		return err_set(err, -EINVAL, "'%s': it takes tap=NAME, fd=N or user", first);
	net->tap = first + 4;
	if (!net_is_name(net->tap))
		return err_set(err, -EINVAL,
			       "tap=%s: no interface's name: it takes 1 to %d characters without "
			       "spaces, slashes, colons or percent signs",
			       net->tap, NET_NAME_MAX);
	return 0;
}

int net_option_parse(struct net_config *net, const struct suboptions *options, struct err *err)
{
	unsigned int given;
	int rc;

	*net = (struct net_config){.pairs = 1};
	rc = net_parse_first(net, options->first, err);
	given = net->pairs;
	for (size_t i = 0; i < options->count && !rc; i++) {
		const char *name = options->item[i].name, *value = options->item[i].value;

		rc = value ? net_take_value(net, name, value, err)
			   : err_set(err, -EINVAL, "'%s': unknown part: %s", name, net_takes);
	}
	if (!rc && !net->tap && net->pairs != given)
		rc = err_set(err, -EINVAL, "queues=%u: %u descriptors are given: give one for each",
			     net->pairs, given);
	return rc;
}
