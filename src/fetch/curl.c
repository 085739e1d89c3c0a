/* SPDX-License-Identifier: MIT */
#include "fetch/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

/* Debian's two builds of one interface; that with GnuTLS shares nettle with us. */
static const char *const libraries[] = { "libcurl-gnutls.so.4", "libcurl.so.4" };

#define MEMBER(name)                                           \
	{                                                      \
		"curl_" #name, offsetof(struct curl_api, name) \
	}
static const struct {
	const char *symbol;
	size_t at;
} members[] = {
	MEMBER(easy_init),
	MEMBER(easy_cleanup),
	MEMBER(easy_setopt),
	MEMBER(easy_getinfo),
	MEMBER(easy_strerror),
	MEMBER(multi_init),
	MEMBER(multi_cleanup),
	MEMBER(multi_add_handle),
	MEMBER(multi_remove_handle),
	MEMBER(multi_perform),
	MEMBER(multi_poll),
	MEMBER(multi_info_read),
	MEMBER(multi_strerror),
	MEMBER(slist_append),
	MEMBER(slist_free_all),
};

static int load(struct curl_api *api, struct err *e)
{
	__typeof__(&curl_global_init) global_init;
	void *lib = NULL, *symbol;

	for (size_t i = 0; !lib && i < ARRAY_SIZE(libraries); i++)
		lib = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		err_set(e, -ENOENT, "cannot download: libcurl cannot be loaded: %s", dlerror());
		return err_hint(e, "Debian's package is libcurl3-gnutls or libcurl4.");
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		symbol = dlsym(lib, members[i].symbol);
		if (!symbol)
			return err_set(
				e, -ENOENT, "libcurl is too old: it has no %s", members[i].symbol);
		memcpy((char *)api + members[i].at, &symbol, sizeof(symbol));
	}
	symbol = dlsym(lib, "curl_global_init");
	memcpy(&global_init, &symbol, sizeof(symbol));
	if (!symbol || global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, -EIO, "libcurl cannot be initialised");
	return 0;
}

int curl_api(const struct curl_api **ret, struct err *e)
{
	static struct curl_api api;
	static bool loaded;
	int r = loaded ? 0 : load(&api, e);

	if (r < 0)
		return r;
	loaded = true;
	*ret = &api;
	return 0;
}
