/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/proc.h"
#include "base/text.h"
#include "export/private.h"

#define GPG_MS 300000 /* somebody may be asked for a passphrase */

/* Its last lines, as one. */
static void add_said(struct buf *b, const struct buf *said)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	size_t len;
	const char *tail = text_last_lines(buf_str(said), said->len, 4, &len);

	while (len && tail[len - 1] == '\n')
		len--;
	text_clean(&clean, tail, len);
	for (size_t i = 0; i < clean.len; i++)
		if (clean.data[i] == '\n')
			buf_adds(b, "; ");
		else
			buf_addc(b, clean.data[i]);
}

int export_sign(const char *key, const struct buf *text, struct buf *ret, struct err *e)
{
	const char *const argv[] = { "gpg", "--batch", "--no-tty", "--armor", "--local-user", key,
		"--detach-sign", "--output", "-", NULL };
	_cleanup_buf_ struct buf out = BUF_INIT, said = BUF_INIT, why = BUF_INIT;
	int status = 0;
	int r = proc_capture(argv, text, &out, &said, GPG_MS, &status, e);

	if (r == -ENOENT) {
		err_wrap(e, "cannot sign");
		return err_hint(e, "Install gnupg (Debian: apt install gnupg).");
	}
	if (r < 0)
		return err_wrap(e, "cannot sign with the key %s", key);
	if (status == 0 && str_starts(buf_str(&out), "-----BEGIN PGP SIGNATURE-----")) {
		buf_add(ret, out.data, out.len);
		return 0;
	}
	add_said(&why, &said);
	if (why.len == 0)
		proc_describe_status(&why, status);
	err_set(e, -EKEYREJECTED, "cannot sign with the key %s: %s", key, buf_str(&why));
	return err_hint(e, "gpg --list-secret-keys shows those that there are.");
}
