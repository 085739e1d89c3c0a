/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/proc.h"

static struct proc server;
static int talk;
static long port;

static int start(const char *dir)
{
	_cleanup_free_ char *www = path_join(dir, "www"), *log = path_join(dir, "requests");
	const char *argv[] = { "python3", HTTPD, www, log, NULL };
	struct proc_fd fds[2];
	struct proc_spec spec = { .argv = argv, .fds = fds, .n_fds = 2 };
	_cleanup_buf_ struct buf line = BUF_INIT;
	int pair[2];

	if (dir_make(www, 0755, NULL) < 0 || fd_socketpair(pair) < 0)
		return -1;
	fds[0] = (struct proc_fd){ pair[1], 0 };
	fds[1] = (struct proc_fd){ pair[1], 1 };
	server = (struct proc)PROC_INIT;
	if (proc_spawn(&spec, &server, NULL) < 0)
		return -1;
	fd_close(pair[1]);
	talk = pair[0];
	while (!strchr(buf_str(&line), '\n') && buf_read(&line, talk, 64) > 0) {
	}
	port = strtol(buf_str(&line), NULL, 10);
	return port > 0 ? 0 : -1;
}

int server_start(void **state)
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "all_proxy",
		"HTTPS_PROXY", "ALL_PROXY" };
	_cleanup_free_ char *cache = NULL;

	if (folder_make(state) < 0)
		return -1;
	cache = path_join(*state, "cache");
	setenv("VMRIG_CACHE_DIR", cache, 1);
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
		unsetenv(proxies[i]);
	return start(*state);
}

int server_stop(void **state)
{
	talk = fd_close(talk);
	proc_kill(&server);
	unsetenv("VMRIG_CACHE_DIR");
	return folder_remove(state);
}

char *server_url(const char *path)
{
	return xasprintf("http://127.0.0.1:%ld/%s", port, path);
}

size_t server_asked(const char *dir, const char *word)
{
	_cleanup_free_ char *path = path_join(dir, "requests");
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t n = 0;

	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	for (const char *p = buf_str(&text); (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

bool nothing_named(const char *dir, const char *suffix)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	bool none = true;

	while (d && none && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name);

		if (streq(f->d_name, ".") || streq(f->d_name, ".."))
			continue;
		none = !str_ends(f->d_name, suffix) &&
		       (f->d_type != DT_DIR || nothing_named(path, suffix));
	}
	if (d)
		closedir(d);
	return none;
}
