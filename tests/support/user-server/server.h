/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small server of vfio-user for tests and for whoever writes a model of a device: one connection,
 * one thread. A model fills in a struct user_model and calls user_server_run().
 */

#ifndef FERRY_TESTS_SUPPORT_USER_SERVER_SERVER_H
#define FERRY_TESTS_SUPPORT_USER_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/user-server/protocol.h"

/* BARs 0 to 5, the ROM, config space and VGA, as VFIO numbers them; INTx, MSI, MSI-X and so on. */
enum { USER_BARS = 6, USER_CONFIG = 7, USER_REGIONS = 9, USER_IRQS = 5, USER_VECTORS = 64 };
enum { USER_INTX, USER_MSI, USER_MSIX };
enum { USER_AREAS = 4, USER_BELLS = 8, USER_CONFIG_SIZE = 4096 };

struct user_server;

/* One region. @size 0: the device has it not. */
struct user_region {
	uint64_t size;
	/* One access of @size bytes that lies in the region; 0 or a negative errno. */
	int (*read)(void *owner, uint64_t offset, void *data, uint32_t size);
	int (*write)(void *owner, uint64_t offset, const void *data, uint32_t size);
	/* A file of memory (memfd) that clients may map, from @fd_offset on; 0: none. */
	int fd;
	uint64_t fd_offset;
	/* The parts of it that they may; none: all of it. */
	unsigned int area_count;
	struct {
		uint64_t offset, size;
	} areas[USER_AREAS];
	/* Writes that clients may have signal an eventfd, which does not block; then poll(). */
	unsigned int bell_count;
	struct user_bell {
		int event;
		struct server_io_fd to; /* @fd is the bell's number here */
	} bells[USER_BELLS];
};

/* What a device is. */
struct user_model {
	struct user_region regions[USER_REGIONS]; /* that of config space is the library's */
	uint32_t irqs[USER_IRQS];                 /* how many there are of each kind */
	uint8_t config[USER_CONFIG_SIZE];         /* as at power-on */
	uint8_t writable[USER_CONFIG_SIZE];       /* the bits of it that are written */
	void (*reset)(void *owner);               /* back to power-on; may be NULL */
	/*
	 * Called every @poll_us (0: never) while a client is there, for memory that it writes to by
	 * itself, and when it has rung a bell.
	 */
	void (*poll)(void *owner);
	unsigned int poll_us;
	void *owner;
};

/* How a server may misbehave, at one kind of message, once or always. */
enum user_fault {
	USER_FAULT_NONE,
	USER_FAULT_LATE,       /* does not answer */
	USER_FAULT_SHORT,      /* ends the connection in the middle of the answer */
	USER_FAULT_DIES,       /* ends it in the place of an answer */
	USER_FAULT_ID,         /* answers another message */
	USER_FAULT_COMMAND,    /* answers as if another thing had been asked */
	USER_FAULT_SMALL,      /* answers a byte less */
	USER_FAULT_LARGE,      /* answers a byte more */
	USER_FAULT_HUGE,       /* tells of four GiB to come */
	USER_FAULT_TINY,       /* tells of less than a header */
	USER_FAULT_TWICE,      /* answers twice */
	USER_FAULT_FDS,        /* sends three descriptors with the answer */
	USER_FAULT_FD,         /* sends one that was not asked for */
	USER_FAULT_ERROR,      /* refuses */
	USER_FAULT_ERROR_DATA, /* refuses, with all that the answer would have had */
	USER_FAULT_ANSWERS,    /* answers what wants no answer */
	USER_FAULT_PLACE,      /* answers for another region, or interrupt, or address */
	USER_FAULT_COUNT,      /* answers for a byte less */
	USER_FAULT_BEYOND,     /* tells of more than its files have */
	USER_FAULT_NO_FD,      /* keeps the descriptor that belongs to the answer */
	USER_FAULT_DEVICE,     /* sends a descriptor of no memory with a region that is mapped */
	USER_FAULT_UNASKED,    /* sends a request of no kind that there is before the answer */
	USER_FAULT_MANY,       /* tells of more than there is room for in the answer */
	USER_FAULT_TALKS,      /* sends such requests without end */
	USER_FAULT_MAJOR,      /* speaks another version */
	USER_FAULT_NONSENSE,   /* capabilities that are no JSON */
	USER_FAULTS,
};

/* That with the name, "late" and so on; USER_FAULTS: there is none. */
enum user_fault user_fault_find(const char *name);

/* Guest memory that the client told of. */
struct user_window {
	uint64_t address, size;
	uint8_t *host; /* NULL: it is reached by messages */
	uint32_t flags;
};

enum { USER_WINDOWS = 64 };

struct user_server {
	const struct user_model *model;
	/* Set before it runs. */
	uint32_t regions;      /* that it tells of; 0: USER_REGIONS */
	unsigned int max_fds;  /* that it takes with a message; 0: SERVER_FDS */
	uint32_t max_transfer; /* bytes of data that it takes; 0: SERVER_DATA */
	bool no_fds;           /* it takes none with a message */
	uint64_t pages;        /* bit n: it maps those of 2^n bytes; 0: it does not say */
	bool not_pci;          /* it says that the device is none of PCI's */
	bool no_reset;         /* or has none */
	bool twin;             /* a second socket for what it asks */
	bool never_maps;       /* guest memory, which it reaches by messages alone */
	int surplus;           /* bytes of what it writes by them that do not count; or lack */
	enum user_fault fault; /* at messages of this kind: */
	enum server_command at;
	unsigned int skip;    /* but not at the first so many of them */
	unsigned int slow_ms; /* before each answer */
	/* What follows is the server's. */
	uint8_t config[USER_CONFIG_SIZE];
	int socket, ask; /* its ends; `ask` may be the same */
	uint16_t last;
	struct user_queued *first, **end;  /* messages that came while an answer was waited for */
	int irqs[USER_IRQS][USER_VECTORS]; /* eventfds, -1: none */
	int unmask;                        /* eventfd: the client unmasks INTx by it, -1: none */
	bool masked;                       /* INTx, as long as it was told and not unmasked */
	struct user_window windows[USER_WINDOWS];
	atomic_uint window_count;
	atomic_uint heard[COMMANDS]; /* messages of each kind */
	atomic_uint largest;         /* most data of one read or write */
	atomic_uint written; /* bytes of the last answer to a DMA_WRITE, without its header */
};

/* Zeroed before. */
void user_server_init(struct user_server *server, const struct user_model *model);

/* Serves a client at @fd, which it closes, until that ends, or stops making sense. */
void user_server_run(struct user_server *server, int fd);

/* Listens at @path and serves one client after another; returns a negative errno alone. */
int user_server_listen(struct user_server *server, const char *path);

/* dma.c. Guest memory: copied, by messages where it is not mapped. 0 or a negative errno. */
int user_server_read(struct user_server *server, uint64_t address, void *data, size_t size);
int user_server_write(struct user_server *server, uint64_t address, const void *data, size_t size);

/* Tells the guest of interrupt @vector of a kind; INTx is masked by it until it is unmasked. */
void user_server_interrupt(struct user_server *server, unsigned int kind, unsigned int vector);

/*
 * pci.c. A model's config space: what every function has; a capability of at most 64 bytes, three
 * of which there can be, and the result is the offset; MSI-X with @vectors, their table and pending
 * bits in @bar at these offsets.
 */
void user_model_identify(struct user_model *model, uint16_t vendor, uint16_t device,
			 uint32_t class_revision);
unsigned int user_model_add_capability(struct user_model *model, uint8_t id);
void user_model_add_msix(struct user_model *model, unsigned int vectors, unsigned int bar,
			 uint32_t table, uint32_t pending);
/* A memory BAR of 32 bits, or of 64, of a power of two of bytes; or ports. */
enum user_bar { USER_BAR_32, USER_BAR_64, USER_BAR_IO };
void user_model_add_bar(struct user_model *model, unsigned int bar, enum user_bar kind,
			const struct user_region *region);
/* Express, with a function level reset. */
void user_model_add_express(struct user_model *model);

#endif
