/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/gpg.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "disk/sums.h"

#define TEXT_MAX (16u << 20)

/* A fingerprint or its last 16 digits or more, blanks and "0x" before it aside. */
static bool is_key(const char *wanted, const char *fingerprint)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	wanted += strncasecmp(wanted, "0x", 2) == 0 ? 2 : 0;
	for (; *wanted; wanted++)
		if (*wanted != ' ')
			buf_addc(&b, (char)toupper((unsigned char)*wanted));
	return b.len >= 16 && str_ends(fingerprint, buf_str(&b));
}

static int judge(const struct buf *status, const char *key, char **ret_who, struct err *e)
{
	static const struct {
		const char *keyword, *says;
	} bad[] = { { "BADSIG", "the signature is wrong" },
		{ "REVKEYSIG", "it is signed by a revoked key" },
		{ "EXPSIG", "the signature has expired" },
		{ "NO_PUBKEY", "the key that signed it is not in the keyring" },
		{ "ERRSIG", "the signature cannot be checked" } };
	_cleanup_free_ char *signer = gpg_valid(status);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *line = gpg_status(status, bad[i].keyword);

		/* Of several signatures a good one is enough, unless another is plainly wrong. */
		if (line && (!signer || i < 2))
			return err_set(e, -EBADMSG, "%s (%s)", bad[i].says, line);
	}
	if (!signer)
		return err_set(e, -EBADMSG, "it holds no signature that gpg can read");
	if (key && !is_key(key, signer))
		return err_set(
			e, -EBADMSG, "it is signed by the key %s, and not by %s", signer, key);
	*ret_who = xstrdup(signer);
	return 0;
}

/* Keys of a file stand in a home of their own, so nobody else's count. */
static int import(const char *gpg, const char *home, const char *keyring, struct err *e)
{
	const char *argv[] = { gpg, "--batch", "--no-tty", "--homedir", home, "--no-autostart",
		"--import", keyring, NULL };
	_cleanup_buf_ struct buf said = BUF_INIT;
	int status, r;

	if (!file_exists(keyring))
		return err_set(e, -ENOENT, "%s: there is no such keyring", keyring);
	r = dir_make(home, 0700, e);
	if (r == 0)
		r = proc_capture(argv, NULL, NULL, &said, GPG_MS, &status, e);
	return r < 0         ? r
	       : status != 0 ? err_set(e, -EINVAL, "%s: gpg finds no keys in it", keyring)
			     : 0;
}

static int run(struct strv *argv, const char *home, const char *text, const char *sign,
	const char *out, struct buf *ret_status, struct err *e)
{
	if (home) {
		strv_add(argv, "--homedir");
		strv_add(argv, home);
	}
	if (sign) {
		strv_add(argv, "--verify");
		strv_add(argv, sign);
	} else {
		/* What stands around the signed text does not come out. */
		strv_add(argv, "--output");
		strv_add(argv, out);
		strv_add(argv, "--decrypt");
	}
	strv_add(argv, text);
	return proc_capture((const char *const *)argv->v, NULL, ret_status, NULL, GPG_MS, NULL, e);
}

int sums_signed(const struct buf *text, const struct buf *sign, const char *key,
	const char *keyring, const char *work, struct buf *ret_signed, char **ret_who,
	struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *home = path_join(work, "gpg"), *text_path = path_join(work, "sums"),
			    *sign_path = path_join(work, "sums.sign"),
			    *out = path_join(work, "sums.signed");
	_cleanup_buf_ struct buf status = BUF_INIT;
	int r;

	if (gpg_argv(&argv) < 0) {
		err_set(e, -ENOENT, "the signature cannot be checked: gpg is not here");
		return err_hint(e, "Debian has it in the package gpg.");
	}
	r = keyring ? import(argv.v[0], home, keyring, e) : 0;
	if (r == 0)
		r = file_write_atomic(text_path, buf_str(text), text->len, 0600, e);
	if (r == 0 && sign)
		r = file_write_atomic(sign_path, buf_str(sign), sign->len, 0600, e);
	if (r == 0)
		r = run(&argv, keyring ? home : NULL, text_path, sign ? sign_path : NULL, out,
			&status, e);
	if (r == 0)
		r = judge(&status, key, ret_who, e);
	if (r < 0)
		return r;
	if (!sign)
		return file_read(out, TEXT_MAX, ret_signed, e);
	buf_add(ret_signed, buf_str(text), text->len);
	return 0;
}
