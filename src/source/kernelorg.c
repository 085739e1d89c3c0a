/* SPDX-License-Identifier: MIT */
#include "source/kernelorg.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "fetch/fetch.h"
#include "source/signature.h"
#include "source/store.h"
#include "source/tarball.h"

#define SIGN_MAX (1 << 20)

/* By what a tarball is believed. */
struct trust {
	char sha256[HASH_HEX_LEN + 1]; /* "": there is none */
	char *by; /* owned: in words */
};

/* The sum that the folder publishes, and who signed the list of them. */
static int published_sum(
	const struct release *r, const struct source_options *o, struct trust *t, struct err *e)
{
	__attribute__((cleanup(release_sums_release))) struct release_sums sums = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_free_ char *version = release_file_text(r), *note = NULL, *who = NULL;
	const struct release_sum *sum;
	int code = kernelorg_sums(o, r, true, &sums, &text, &note, e);

	if (code < 0)
		return code;
	if (note)
		source_say(o, "%s", note);
	sum = release_sums_find(&sums, r);
	if (!sum)
		return err_set(e, -ENOENT, "the published checksums have no linux-%s", version);
	code = signature_of_text(&text, &who, e);
	if (code < 0)
		return err_wrap(e, "the published checksums of linux-%s", version);
	memcpy(t->sha256, sum->sha256, sizeof(t->sha256));
	t->by = xasprintf(code ? "SHA-256, published in a list signed by %s"
			       : "SHA-256, published in a list whose signature was not checked: %s",
		who);
	return 0;
}

/* Snapshots of -rc releases have no checksums; at kernel.org itself its certificate must do. */
static int find_trust(
	const struct release *r, const struct source_options *o, struct trust *t, struct err *e)
{
	const char *mirror = getenv("VMRIG_KERNEL_MIRROR");
	struct err why = ERR_INIT;
	int code;

	if (r->rc && (!mirror || !*mirror)) {
		t->by = xstrdup(
			"the certificate of git.kernel.org alone: it publishes no checksums of -rc");
		return 0;
	}
	code = published_sum(r, o, t, &why);
	if (code < 0 && o->unchecked && code != -EBADMSG) {
		t->by = xasprintf("nothing: %s", err_text(&why));
		code = 0;
	}
	if (code < 0)
		err_move(e, &why);
	err_release(&why);
	return code;
}

/* The developers' own signature, which counts where gpg has the key. */
static int check_signature(const struct release *r, const char *url, const char *tarball,
	const struct source_options *o, struct trust *t, struct err *e)
{
	_cleanup_free_ char *sign = xasprintf("%s.sign", tarball), *who = NULL;
	_cleanup_free_ char *sign_url = xasprintf("%.*s.sign", (int)(strlen(url) - 3), url);
	const struct fetch_spec spec = { .url = sign_url, .size_max = SIGN_MAX };
	char sum[HASH_HEX_LEN + 1];
	int code;

	if (r->rc || fetch_file(&spec, sign, sum, NULL) < 0)
		return 0;
	code = signature_of_tarball(tarball, sign, &who, e);
	unlink(sign);
	if (code > 0) {
		free(t->by);
		t->by = xasprintf("the signature of %s", who);
	}
	return code < 0 ? err_wrap(e, "%s", url) : 0;
}

/* A release that is not there: what is, in its series? */
static int not_there(const struct release *r, const struct source_options *o, struct err *e)
{
	__attribute__((cleanup(release_sums_release))) struct release_sums sums = { 0 };
	struct source_options quiet = { .offline = true };
	const struct release *best = NULL;
	_cleanup_free_ char *text = NULL;

	if (r->rc || kernelorg_sums(&quiet, r, false, &sums, NULL, NULL, NULL) < 0)
		return e ? e->code : -ENOENT;
	for (size_t i = 0; i < sums.n; i++)
		if (release_same_series(&sums.v[i].release, r))
			best = &sums.v[i].release;
	if (!best)
		return err_hint(
			e, "There is no release %d.%d yet, or no more.", r->major, r->minor);
	text = release_text(best);
	return err_hint(e, "The newest of that series is %s.", text);
}

static int download(const struct release *r, const char *dst, const struct source_options *o,
	struct trust *t, struct err *e)
{
	_cleanup_free_ char *url = kernelorg_url(r);
	char sum[HASH_HEX_LEN + 1];
	int code = find_trust(r, o, t, e);

	if (code == 0)
		code = tarball_download(url, *t->sha256 ? t->sha256 : NULL, dst, sum, o, e);
	if (code == -ENOENT)
		return not_there(r, o, e);
	if (code == 0)
		code = check_signature(r, url, dst, o, t, e);
	if (code < 0)
		return code;
	memcpy(t->sha256, sum, sizeof(sum));
	return 0;
}

static int get_locked(const struct release *r, const char *name, const struct source_options *o,
	struct source *ret, struct err *e)
{
	_cleanup_free_ char *label = release_text(r), *dst = NULL, *url = kernelorg_url(r);
	char identity[HASH_HEX_LEN + 1];
	struct trust t = { 0 };
	int code;

	/* Another process may have got it while we waited. */
	if (store_name_get(name, identity) == 0 && store_load(identity, o->verify, ret, NULL) == 0)
		return 0;
	if (o->offline) {
		err_set(e, -ENETDOWN, "it is not in the cache, and may not be downloaded: offline");
		return err_hint(e, "docs/kernels.md, section Offline, says how to bring it there.");
	}
	code = store_place(url, &dst, e);
	if (code == 0)
		code = download(r, dst, o, &t, e);
	if (code == 0) {
		source_say(o, "linux-%s is checked by %s", label, t.by);
		code = tarball_get(dst, t.sha256, label, t.by, o, ret, e);
		unlink(dst); /* also a damaged one, which must not be taken again */
	}
	if (code == 0)
		code = store_name_set(name, ret->identity, e);
	free(t.by);
	return code;
}

int kernelorg_get(
	const struct release *r, const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_free_ char *label = release_text(r), *name = xasprintf("release %s", label);
	_cleanup_close_ int lock = -1;
	char identity[HASH_HEX_LEN + 1];
	int code;

	if (store_name_get(name, identity) == 0 &&
		store_load(identity, o->verify, ret, NULL) == 0) {
		str_replace(&ret->label, label);
		return 0;
	}
	lock = store_name_lock(name, e);
	code = lock < 0 ? lock : get_locked(r, name, o, ret, e);
	if (code == 0)
		str_replace(&ret->label, label);
	return code < 0 ? err_wrap(e, "kernel %s", label) : 0;
}
