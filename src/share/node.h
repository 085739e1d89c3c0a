/* SPDX-License-Identifier: MIT */
/*
 * Private to src/share: the files that the guest knows.
 *
 * A node is a file of the host by its identity (device, inode), so hard links are one node; a folder
 * is told by its place as well. It holds no descriptor. Where it lies is kept as (parent node, name), the place where it was last looked
 * up, and every call reaches it from an open folder by that one name, without following symbolic
 * links; what is found there must still be the same file, else the answer is -ESTALE. Descriptors
 * (O_PATH for folders, O_RDONLY for files and listings) are a cache with a bound, whatever the
 * guest has open: the one unused for longest is closed, and opened again when it is asked for.
 *
 * Reaching files by name rather than by name_to_handle_at(2) needs no privilege; holding an O_PATH
 * descriptor for each would need as many as the guest's cache has inodes, where 1024 is a common limit.
 */
#ifndef SHARE_NODE_H
#define SHARE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define SHARE_NODES_MAX   (1024 * 1024)
#define SHARE_FOLDERS_MAX 4096 /* open listings */

/* A descriptor that may be closed behind its owner's back. */
struct slot {
	int fd; /* owned; -1: closed */
	struct slot *prev, *next; /* borrowed; while open: neighbours by time of use */
};

struct slots {
	struct slot used; /* ring: next is the one used last, prev the one unused for longest */
	size_t n, max;
};

#define SLOT_INIT              \
	{                      \
		-1, NULL, NULL \
	}

/* The bound is an eighth of the soft RLIMIT_NOFILE (the rig runs many guests in one process), between
 * 8 and 512. */
void slots_init(struct slots *c);
int slots_use(struct slots *c, struct slot *slot); /* its descriptor, or -1 when closed */
void slots_put(struct slots *c, struct slot *slot, int fd); /* owns FD; may close others */
void slots_close(struct slots *c, struct slot *slot); /* a closed one is fine */
/* openat(2), O_CLOEXEC added; when descriptors run out, closes unused ones and tries again. */
int slots_openat(struct slots *c, int dirfd, const char *name, int flags);

struct node {
	uint64_t id; /* never used again for another file */
	dev_t dev;
	ino_t ino;
	mode_t type; /* S_IFMT bits */
	uint64_t lookups; /* that the guest has not forgotten */
	uint64_t opens; /* of a regular file */
	size_t refs; /* nodes below it */
	struct node *parent; /* counted in its refs; NULL: the root */
	char *name; /* owned; "" for the root */
	struct slot slot; /* folder: O_PATH; regular file: O_RDONLY */
	struct node *next_id, *next_key; /* borrowed: chains of the two tables */
};

struct nodes {
	struct slots slots;
	struct node *root; /* owned */
	int root_fd; /* owned, O_PATH */
	struct node **by_id, **by_key; /* owned; N_BUCKETS each */
	size_t n, n_buckets;
	uint64_t next_id;
	dev_t *devs; /* owned: devices seen, the root's first */
	size_t n_devs, cap_devs;
	struct node **walk; /* owned: scratch of nodes_folder_fd() */
	size_t cap_walk;
};

/* Owns ROOT_FD (O_PATH, a folder), also when it fails. 0 or -errno. */
int nodes_init(struct nodes *t, int root_fd);
void nodes_release(struct nodes *t);

/* The node that the guest calls ID, or NULL when it was never told of it or has forgotten it. */
struct node *nodes_find(struct nodes *t, uint64_t id);

/* As nodes_find(), also of one that the guest has forgotten. */
struct node *nodes_by_id(const struct nodes *t, uint64_t id);
/* A node as it was saved, without parent; the root is the one that is there. NULL: there is one of this id. */
struct node *nodes_restore(
	struct nodes *t, uint64_t id, dev_t dev, ino_t ino, mode_t type, const char *name);

/* The node of the file ST found as NAME in the folder PARENT, with one more lookup. NULL: the table
 * is full. */
struct node *nodes_lookup(
	struct nodes *t, struct node *parent, const char *name, const struct stat *st);
void nodes_forget(struct nodes *t, struct node *n, uint64_t lookups);

/* Where N is: a folder's descriptor (borrowed, until the next call here) and a name in it, "" for the
 * root itself (AT_EMPTY_PATH). 0 or -errno. */
int nodes_place(struct nodes *t, struct node *n, int *ret_dirfd, const char **ret_name);
/* An O_PATH descriptor of the folder N, borrowed as above; or -errno. */
int nodes_folder_fd(struct nodes *t, struct node *n);
/* An O_RDONLY descriptor of the regular file N, borrowed as above; or -errno. */
int nodes_file_fd(struct nodes *t, struct node *n);
int nodes_stat(struct nodes *t, struct node *n, struct stat *ret);

/*
 * The inode number that the guest sees, one for each (device, inode): the guest has one filesystem
 * where the host may have many. The root's device keeps its numbers; others carry the device's
 * index in the upper 16 bits; what fits in neither scheme is hashed to the upper half.
 */
uint64_t nodes_inode(struct nodes *t, dev_t dev, ino_t ino);

#endif
