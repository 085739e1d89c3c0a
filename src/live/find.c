/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "live/private.h"

#define UNIX_SOCKETS "/proc/net/unix"
#define TABLE_MAX    (64 * 1024 * 1024)
#define HELLO_MAX    (64 * 1024)
#define PATIENCE_S   2 /* of a client, with a vmrig that does not answer */
#define LISTENS      0x10000 /* __SO_ACCEPTCON in the table's flags */

/* ---- one guest ---- */

static int connect_to(const char *id)
{
	_cleanup_free_ char *prefix = live_prefix(), *name = xasprintf("%s%s", prefix, id);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un a;
	socklen_t len;

	live_address(name, &a, &len);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		connect(fd, (struct sockaddr *)&a, len) < 0)
		return -errno;
	return live_is_ours(fd) ? TAKE_FD(fd) : -EACCES;
}

/* Byte by byte: what follows the line is not ours to read. */
static int read_line(int fd, struct buf *ret)
{
	while (ret->len < HELLO_MAX) {
		ssize_t n = buf_read(ret, fd, 1);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		if (ret->data[ret->len - 1] == '\n')
			return 0;
	}
	return -EMSGSIZE;
}

static void guest_release(struct live_guest *g)
{
	free(g->id);
	free(g->name);
	free(g->since);
	json_decref(g->info);
}

static int greet(int fd, const char *id, struct live_guest *ret)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	_cleanup_json_ json_t *j = NULL;
	const char *name, *since;
	int64_t pid = 0;
	json_t *info;
	int r = read_line(fd, &line);

	if (r < 0)
		return r;
	if (json_parse(line.data, line.len, id, &j, NULL) < 0)
		return -EPROTO;
	name = json_string_value(json_object_get(j, "name"));
	since = json_string_value(json_object_get(j, "since"));
	info = json_object_get(j, "info");
	if (!name || !since || !json_is_object(info) || json_field_i64(j, "pid", 0, &pid, NULL) < 0)
		return -EPROTO;
	*ret = (struct live_guest){ xstrdup(id), xstrdup(name), (pid_t)pid, xstrdup(since),
		json_incref(info) };
	return 0;
}

/* ---- all of them ---- */

/* "PID.N" of a line of the table, where it is one of ours that listens. Cuts the line. */
static const char *id_of(char *line, const char *prefix)
{
	char *at = strstr(line, " @" LIVE_PREFIX), *save, *word;
	unsigned long flags = 0;

	if (!at || !str_starts(at + 2, prefix))
		return NULL;
	*at = '\0';
	word = strtok_r(line, " ", &save);
	for (int i = 0; word && i < 3; i++) {
		if ((word = strtok_r(NULL, " ", &save)) && i == 2)
			flags = strtoul(word, NULL, 16);
	}
	return flags & LISTENS ? at + 2 + strlen(prefix) : NULL;
}

static void add_guest(struct live_list *l, const char *id)
{
	_cleanup_close_ int fd = connect_to(id);
	struct live_guest g;
	int r = fd < 0 ? fd : greet(fd, id, &g);

	if (r == -EAGAIN || r == -EINPROGRESS)
		l->silent++;
	if (r < 0)
		return; /* it has ended since */
	VEC_GROW(l->v, l->n, l->cap);
	l->v[l->n++] = g;
}

static int by_id(const void *a, const void *b)
{
	const struct live_guest *x = a, *y = b;

	return x->pid != y->pid ? (x->pid < y->pid ? -1 : 1) : strverscmp(x->id, y->id);
}

int live_find(struct live_list *ret, struct err *e)
{
	_cleanup_free_ char *prefix = live_prefix();
	_cleanup_buf_ struct buf table = BUF_INIT;
	char *line, *save;
	int r = file_read(UNIX_SOCKETS, TABLE_MAX, &table, e);

	if (r < 0)
		return err_hint(e, "The guests that run are found there.");
	*ret = (struct live_list){ 0 };
	for (line = table.len ? strtok_r(table.data, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		const char *id = id_of(line, prefix);

		if (id)
			add_guest(ret, id);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_id);
	return 0;
}

void live_list_release(struct live_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		guest_release(&l->v[i]);
	free(l->v);
	*l = (struct live_list){ 0 };
}

/* ---- the one meant ---- */

enum match { MATCH_EXACT, MATCH_PID, MATCH_GLOB, MATCH_KINDS };

static bool matches(const struct live_guest *g, const char *which, enum match how)
{
	char pid[16];

	switch (how) {
	case MATCH_EXACT:
		return !which || streq(g->id, which) || streq(g->name, which);
	case MATCH_PID:
		snprintf(pid, sizeof(pid), "%d", (int)g->pid);
		return streq(pid, which);
	case MATCH_GLOB:
		return fnmatch(which, g->name, 0) == 0;
	case MATCH_KINDS:
		break;
	}
	return false;
}

static void add_names(struct buf *b, const struct live_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_addf(b, "%s%s (", i ? ", " : "", l->v[i].id);
		text_clean(b, l->v[i].name, strlen(l->v[i].name));
		buf_addc(b, ')');
	}
}

static int choose(const struct live_list *l, const char *which, size_t *ret, struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	size_t n = 0;

	for (enum match how = MATCH_EXACT; !n && how < (which ? MATCH_KINDS : MATCH_PID); how++)
		for (size_t i = 0; i < l->n; i++)
			if (matches(&l->v[i], which, how)) {
				n++;
				*ret = i;
			}
	if (n == 1)
		return 0;
	add_names(&names, l);
	if (n > 1)
		err_set(e, -EEXIST, "%zu guests %s%s: %s", n, which ? "are called " : "run",
			which ? which : "", buf_str(&names));
	else if (l->n)
		err_set(e, -ENOENT, "no guest is called %s; there are %s", which, buf_str(&names));
	else if (l->silent)
		err_set(e, -ENOENT, "no guest answers, though there are %zu", l->silent);
	else
		return err_set(e, -ENOENT, "no guest of this user runs%s%s",
			which ? ", so none is called " : "", which ? which : "");
	return n   ? err_hint(e, "An id, the first word of each, names exactly one.")
	       : e ? e->code
		   : -ENOENT;
}

static int ask(int fd, json_t *what)
{
	const struct timeval for_ever = { 0 };
	_cleanup_buf_ struct buf line = BUF_INIT;

	json_line(&line, what);
	if (line.data[line.len - 1] != '\n')
		buf_addc(&line, '\n');
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &for_ever, sizeof(for_ever)) < 0)
		return -errno;
	return send(fd, line.data, line.len, MSG_NOSIGNAL) == (ssize_t)line.len ? 0 : -EPIPE;
}

int live_open(const char *which, json_t *what, char **ret_name, struct err *e)
{
	__attribute__((cleanup(live_list_release))) struct live_list l = { 0 };
	_cleanup_json_ json_t *question = what;
	_cleanup_close_ int fd = -1;
	struct live_guest g = { 0 };
	size_t i = 0;
	int r = live_find(&l, e);

	if (r == 0)
		r = choose(&l, which, &i, e);
	if (r < 0)
		return r;
	fd = connect_to(l.v[i].id);
	r = fd < 0 ? fd : greet(fd, l.v[i].id, &g);
	guest_release(&g);
	if (r == 0)
		r = ask(fd, question);
	if (r < 0)
		return err_sys(e, -r, "cannot reach guest %s", l.v[i].id);
	if (ret_name)
		*ret_name = xstrdup(l.v[i].name);
	return TAKE_FD(fd);
}
