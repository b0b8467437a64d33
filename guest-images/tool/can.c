/* SPDX-License-Identifier: BSD-3-Clause */
/* A frame on a CAN bus, sent until its controller's interrupt says that it went out. */

#include <err.h>
#include <linux/can.h>
#include <linux/can/netlink.h>
#include <linux/can/raw.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { CAN_BITRATE = 500000, CAN_PATIENCE_S = 10 };

struct can_request {
	struct nlmsghdr header;
	struct ifinfomsg interface;
	char attributes[256];
};

static struct rtattr *can_put(struct can_request *request, unsigned short type, const void *data,
			      size_t size)
{
	struct rtattr *attribute =
		(void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	*attribute = (struct rtattr){.rta_type = type, .rta_len = RTA_LENGTH(size)};
	if (size)
		memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(RTA_LENGTH(size));
	return attribute;
}

static void can_end(const struct can_request *request, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((const char *)request + request->header.nlmsg_len -
					 (const char *)nest);
}

/* Has the interface @index a bit rate, and turns it on. */
static void can_up(unsigned int index)
{
	const struct can_bittiming timing = {.bitrate = CAN_BITRATE};
	struct can_request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(request.interface)),
			   .nlmsg_type = RTM_NEWLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.interface = {.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct rtattr *info = can_put(&request, IFLA_LINKINFO, NULL, 0), *data;

	can_put(&request, IFLA_INFO_KIND, "can", 3);
	data = can_put(&request, IFLA_INFO_DATA, NULL, 0);
	can_put(&request, IFLA_CAN_BITTIMING, &timing, sizeof(timing));
	can_end(&request, data);
	can_end(&request, info);
	if (fd < 0 || send(fd, &request, request.header.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		err(1, "netlink");
	if (answer.error.error)
		errx(1, "its bit rate: %s", strerror(-answer.error.error));
	close(fd);
}

/*
 * The driver gives a frame back to its own sender when the controller has interrupted for having
 * sent it.
 */
int can_main(int argc, char **argv)
{
	const struct can_frame frame = {.can_id = 0x123, .can_dlc = 5, .data = "every"};
	const struct timeval patience = {.tv_sec = CAN_PATIENCE_S};
	const int on = 1;
	struct sockaddr_can address = {.can_family = AF_CAN};
	struct can_frame back = {0};
	int fd;

	if (argc != 2)
		errx(2, "can: INTERFACE");
	address.can_ifindex = (int)if_nametoindex(argv[1]);
	if (!address.can_ifindex)
		err(1, "%s", argv[1]);
	can_up((unsigned int)address.can_ifindex);
	fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC, CAN_RAW);
	if (fd < 0 || setsockopt(fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		err(1, "%s: its socket", argv[1]);
	if (write(fd, &frame, sizeof(frame)) != sizeof(frame))
		err(1, "%s: sending", argv[1]);
	if (read(fd, &back, sizeof(back)) != sizeof(back))
		err(1, "%s: nothing was sent", argv[1]);
	printf("sent %.*s\n", back.can_dlc, (const char *)back.data);
	return 0;
}
