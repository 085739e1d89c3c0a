/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "ssh/private.h"

/* Under this name the guest's key is looked up, whatever its port is this time. */
#define ALIAS "guest"

static int find_program(const char *name, char **ret, struct err *e)
{
	if (path_program(name, ret) == 0)
		return 0;
	err_set(e, -ENOENT, "%s is not here", name);
	return err_hint(e, "Debian has it in the package openssh-client.");
}

static int make_known(struct ssh *s, const char *host_key, struct err *e)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	for (const char *key = host_key; key && *key;) {
		int len = (int)strcspn(key, "\n");

		buf_addf(&line, ALIAS " %.*s\n", len, key);
		key += len + (key[len] == '\n');
	}
	s->host_known = host_key;
	s->known_fd = fd_memfd("known_hosts", buf_str(&line), line.len);
	if (s->known_fd < 0 || fchmod(s->known_fd, 0600) < 0)
		return err_sys(e, s->known_fd < 0 ? -s->known_fd : errno,
			"cannot hold the guest's key in memory");
	s->known = xasprintf("/proc/%d/fd/%d", (int)getpid(), s->known_fd);
	return 0;
}

int ssh_new(struct loop *loop, const struct ssh_spec *spec, struct ssh **ret, struct err *e)
{
	struct ssh *s;
	int r;

	if (!*spec->user || *spec->user == '-' || strpbrk(spec->user, "@:/\\ \t\n\"'"))
		return err_set(e, -EINVAL, "'%s' is no name of a user", spec->user);
	s = xcalloc(1, sizeof(*s));
	*s = (struct ssh){
		.loop = loop,
		.user = xstrdup(spec->user),
		.key = xstrdup(spec->key),
		.host = xasprintf("%s@127.0.0.1", spec->user),
		.port = spec->port,
		.known_fd = -1,
	};
	r = find_program("ssh", &s->ssh, e);
	if (r == 0)
		r = find_program("scp", &s->scp, e);
	if (r == 0)
		r = make_known(s, spec->host_key, e);
	if (r < 0) {
		ssh_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void ssh_free(struct ssh *s)
{
	if (!s)
		return;
	fd_close(s->known_fd);
	free(s->known);
	free(s->user);
	free(s->key);
	free(s->host);
	free(s->ssh);
	free(s->scp);
	free(s);
}

static void add_option(struct strv *v, const char *name, const char *value)
{
	strv_add(v, "-o");
	strv_addf(v, "%s=%s", name, value);
}

/* scp starts ssh with the same options. */
void ssh_argv(const struct ssh *s, const char *program, const char *log, struct strv *ret)
{
	static const struct {
		const char *name, *value;
	} options[] = {
		{ "BatchMode", "yes" },
		{ "IdentitiesOnly", "yes" },
		{ "IdentityAgent", "none" },
		{ "PreferredAuthentications", "publickey" },
		{ "HostKeyAlias", ALIAS },
		{ "GlobalKnownHostsFile", "/dev/null" },
		{ "CheckHostIP", "no" },
		{ "UpdateHostKeys", "no" },
		{ "ClearAllForwardings", "yes" },
		{ "ControlPath", "none" },
		{ "ConnectTimeout", "60" },
		/* A guest that died in the midst of it is known after two minutes. */
		{ "ServerAliveInterval", "20" },
		{ "ServerAliveCountMax", "6" },
	};

	strv_add(ret, program);
	strv_add(ret, "-F");
	strv_add(ret, "none");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		add_option(ret, options[i].name, options[i].value);
	add_option(ret, "IdentityFile", s->key);
	add_option(ret, "UserKnownHostsFile", s->known);
	add_option(ret, "StrictHostKeyChecking", s->host_known ? "yes" : "accept-new");
	strv_addf(ret, "-oPort=%u", s->port);
	if (log) {
		strv_add(ret, "-v");
		strv_add(ret, "-E");
		strv_add(ret, log);
	}
}
