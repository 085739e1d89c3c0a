/* SPDX-License-Identifier: MIT */
#include "kernel/debian_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/text.h"

#define IMAGE_PREFIX "linux-image-"

static const char *const flavours[] = { "cloud", "rt" };

/* Cuts "-SUFFIX" off; false where S does not end so. */
static bool cut_suffix(char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	if (n <= m + 1 || s[n - m - 1] != '-' || !str_ends(s, suffix))
		return false;
	s[n - m - 1] = '\0';
	return true;
}

static const char *cut_flavour(char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(flavours); i++)
		if (cut_suffix(s, flavours[i]))
			return flavours[i];
	return "";
}

/* "6.1.0-50", "6.12.9+bpo": digits first, and after every '-', so that no flavour is taken for it. */
static bool is_series(const char *s)
{
	if (!isdigit((unsigned char)s[0]))
		return false;
	for (; *s; s++)
		if (*s == '-' ? !isdigit((unsigned char)s[1])
			      : !isalnum((unsigned char)*s) && !strchr(".+~", *s))
			return false;
	return true;
}

int debian_spec_parse(const char *spec, struct debian_spec *ret, struct err *e)
{
	_cleanup_free_ char *series = NULL;
	const char *flavour, *arch = arch_host();
	char *colon;

	if (!str_starts(spec, DEBIAN_PREFIX)) {
		err_set(e, -EINVAL, "%s does not begin with " DEBIAN_PREFIX, spec);
		return err_hint(e,
			"It is written as in debian:6.1 or debian:6.1-cloud; 'vmrig kernel build' makes others.");
	}
	series = xstrdup(spec + strlen(DEBIAN_PREFIX));
	colon = strchr(series, ':');
	if (colon) {
		*colon = '\0';
		arch = arch_parse(colon + 1);
	}
	if (!arch)
		return err_set(
			e, -EINVAL, "%s names no machine that is known behind its colon", spec);
	arch = arch_dpkg(arch);
	cut_suffix(series, arch);
	flavour = cut_flavour(series);
	if (!is_series(series)) {
		err_set(e, -EINVAL, "%s names no Debian kernel", spec);
		return err_hint(e,
			"Write debian:SERIES or debian:SERIES-FLAVOUR, as in debian:6.1 or "
			"debian:6.1-cloud; flavours are cloud and rt. Behind it may stand a machine: "
			"debian:6.1:arm64.");
	}
	*ret = (struct debian_spec){ TAKE_PTR(series), xstrdup(flavour), arch };
	return 0;
}

bool debian_spec_is_foreign(const struct debian_spec *s)
{
	return !streq(s->arch, arch_dpkg(arch_host()));
}

void debian_spec_release(struct debian_spec *s)
{
	free(s->series);
	free(s->flavour);
	*s = (struct debian_spec){ 0 };
}

/* "6.1.0-50" of "linux-image-6.1.0-50-cloud-amd64", and the flavour; NULL for another package. */
static char *package_abi(const struct debian_spec *s, const char *package, const char **ret_flavour)
{
	_cleanup_free_ char *abi = NULL;

	if (!str_starts(package, IMAGE_PREFIX))
		return NULL;
	abi = xstrdup(package + strlen(IMAGE_PREFIX));
	if (!cut_suffix(abi, s->arch))
		return NULL;
	*ret_flavour = cut_flavour(abi);
	return is_series(abi) ? TAKE_PTR(abi) : NULL;
}

bool debian_spec_matches(const struct debian_spec *s, const char *package)
{
	const char *flavour;
	_cleanup_free_ char *abi = package_abi(s, package, &flavour);

	if (!abi || !streq(flavour, s->flavour) || !str_starts(abi, s->series))
		return false;
	/* 6.1 is not the beginning of 6.12, nor 6.1.0-5 of 6.1.0-50. */
	return !isalnum((unsigned char)abi[strlen(s->series)]);
}

char *debian_label(const struct debian_spec *s, const char *package)
{
	const char *flavour;
	_cleanup_free_ char *abi = package_abi(s, package, &flavour);

	if (!abi)
		return xasprintf(DEBIAN_PREFIX "%s", package);
	return xasprintf(DEBIAN_PREFIX "%s%s%s%s%s", abi, *flavour ? "-" : "", flavour,
		debian_spec_is_foreign(s) ? ":" : "", debian_spec_is_foreign(s) ? s->arch : "");
}

static bool is_wanted(const void *arg, const char *package)
{
	return debian_spec_matches(arg, package);
}

int debian_spec_find(
	const struct debian_spec *s, bool own_state, struct debian_package *ret, struct err *e)
{
	_cleanup_free_ char *prefix = xasprintf(IMAGE_PREFIX "%s", s->series);
	_cleanup_free_ char *what = xasprintf(
		IMAGE_PREFIX "%s*-%s%s%s", s->series, s->flavour, *s->flavour ? "-" : "", s->arch);
	const struct debian_query q = { prefix, is_wanted, s, s->arch, what };

	return debian_find(&q, own_state, ret, e);
}

/* Where it goes in the folder, as other distributions lay it; NULL: it is no part of a kernel. */
const char *part_of_kernel(void *arg, const char *path)
{
	if (str_starts(path, "usr/lib/modules/"))
		path += strlen("usr/");
	return str_starts(path, "boot/") || str_starts(path, "lib/modules/") ? path : NULL;
}

int debian_unpack_kernel(const char *deb, const char *dir, struct err *e)
{
	const struct unpack_spec spec = { .dir = dir, .place = part_of_kernel };

	return deb_unpack(deb, &spec, e);
}
