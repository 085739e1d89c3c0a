/* SPDX-License-Identifier: MIT */
#include "source/signature.h"

#include <archive.h>
#include <archive_entry.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/gpg.h"
#include "base/proc.h"
#include "base/strv.h"
#include "base/text.h"

#define STATUS_MAX (1 << 20)

/* As https://www.kernel.org/category/signatures.html has them. */
static const struct {
	const char *fingerprint, *who;
} keys[] = {
	{ "ABAF11C65A2970B130ABE3C479BE3E4300411886", "Linus Torvalds" },
	{ "647F28654894E3BD457199BE38DBBDC86092693E", "Greg Kroah-Hartman" },
	{ "E27E5D8A3403A2EF66873BBCDEA66FF797772CDC", "Sasha Levin" },
	{ "AC2B29BD34A6AFDDB3F68F35E7BFC8EC95861109", "Ben Hutchings" },
	{ "B8868C80BA62A1FFFAF5FDA9632D3A06589DA6B1", "kernel.org's checksum signer" },
};

/* The owner's name; NULL: not one of those. */
static const char *owner(const char *fingerprint)
{
	const char *named = getenv("VMRIG_KERNEL_KEYS");

	if (named && *named)
		return strlen(fingerprint) >= 40 && strcasestr(named, fingerprint)
			       ? "a key of $VMRIG_KERNEL_KEYS"
			       : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(keys[i].fingerprint, fingerprint))
			return keys[i].who;
	return NULL;
}

static int judge(const struct buf *status, char **ret_who, struct err *e)
{
	_cleanup_free_ char *signer = gpg_valid(status);
	_cleanup_free_ char *bad = gpg_status(status, "BADSIG");
	_cleanup_free_ char *revoked = gpg_status(status, "REVKEYSIG");
	_cleanup_free_ char *missing = gpg_status(status, "NO_PUBKEY");

	if (bad)
		return err_set(e, -EBADMSG, "its signature is wrong (key %s)", bad);
	if (revoked)
		return err_set(e, -EBADMSG, "its signature is of a revoked key (%s)", revoked);
	if (signer && owner(signer)) {
		*ret_who = xasprintf("%s (%s)", owner(signer), signer);
		return 1;
	}
	if (signer) {
		err_set(e, -EBADMSG, "it is signed by the key %s, which is none of the kernel's",
			signer);
		return err_hint(e, "A mirror that signs with keys of its own has them named by "
				   "VMRIG_KERNEL_KEYS, by their fingerprints.");
	}
	*ret_who = missing ? xasprintf("the key %s is not in the keyring", missing)
			   : xstrdup("it holds no signature that gpg can read");
	return 0;
}

/* False, with the reason: gpg is not here. */
static bool verify_argv(struct strv *argv, char **ret_why)
{
	if (gpg_argv(argv) < 0) {
		*ret_why = xstrdup("gpg is not here");
		return false;
	}
	strv_add(argv, "--verify");
	return true;
}

int signature_of_text(const struct buf *text, char **ret_who, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_buf_ struct buf status = BUF_INIT;
	int r;

	if (!verify_argv(&argv, ret_who))
		return 0;
	strv_add(&argv, "-");
	r = proc_capture((const char *const *)argv.v, text, &status, NULL, GPG_MS, NULL, e);
	return r < 0 ? err_wrap(e, "gpg") : judge(&status, ret_who, e);
}

/* ---- a tarball, which is signed as it is unpacked ---- */

/* Sends the unpacked TARBALL down FD; gpg's end before that is no error here. */
static int send_unpacked(const char *tarball, int fd, struct err *e)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	const void *data;
	size_t len;
	la_int64_t offset;
	int ar, r = 0;

	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	ar = archive_read_open_filename(a, tarball, 1 << 18);
	if (ar == ARCHIVE_OK)
		ar = archive_read_next_header(a, &entry);
	while (r == 0 && ar == ARCHIVE_OK &&
		(ar = archive_read_data_block(a, &data, &len, &offset)) == ARCHIVE_OK) {
		for (const char *p = data; r == 0 && len;) {
			ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

			if (n < 0 && errno != EINTR)
				r = -errno;
			if (n > 0) {
				p += n;
				len -= (size_t)n;
			}
		}
	}
	if (r == 0 && ar != ARCHIVE_EOF)
		r = err_set(e, -EBADMSG, "%s is damaged: %s", tarball, archive_error_string(a));
	else
		r = 0;
	archive_read_free(a);
	return r;
}

static int wait_end(struct proc *p, struct err *e)
{
	struct pollfd wait = { .fd = p->pidfd, .events = POLLIN };
	int status;

	if (poll(&wait, 1, GPG_MS) <= 0) {
		proc_kill(p);
		return err_set(e, -ETIMEDOUT, "gpg does not end");
	}
	return proc_reap(p, &status);
}

static int verify_stream(
	const struct strv *argv, const char *tarball, struct buf *ret_status, struct err *e)
{
	_cleanup_close_ int status = fd_memfd("gpg-status", "", 0), ours = -1;
	struct proc p = PROC_INIT;
	int pair[2], r;

	if (status < 0 || fd_socketpair(pair) < 0)
		return err_sys(e, errno, "cannot run gpg");
	ours = pair[0];
	r = proc_spawn(&(struct proc_spec){ .argv = (const char *const *)argv->v,
			       .fds = (struct proc_fd[]){ { pair[1], 0 }, { status, 1 } },
			       .n_fds = 2 },
		&p, e);
	fd_close(pair[1]);
	if (r < 0)
		return r;
	r = send_unpacked(tarball, ours, e);
	ours = fd_close(ours);
	if (r < 0)
		proc_kill(&p);
	else
		r = wait_end(&p, e);
	if (r < 0)
		return r;
	if (lseek(status, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "cannot read what gpg says");
	r = buf_read_all(ret_status, status, STATUS_MAX);
	return r < 0 ? err_sys(e, -r, "cannot read what gpg says") : 0;
}

int signature_of_tarball(const char *tarball, const char *sign, char **ret_who, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_buf_ struct buf first = BUF_INIT, status = BUF_INIT, empty = BUF_INIT;
	_cleanup_free_ char *missing = NULL;
	int r;

	if (!verify_argv(&argv, ret_who))
		return 0;
	strv_add(&argv, sign);
	strv_add(&argv, "-");
	/* Over nothing first: a gigabyte is unpacked only where the key is there. */
	r = proc_capture((const char *const *)argv.v, &empty, &first, NULL, GPG_MS, NULL, e);
	if (r < 0)
		return err_wrap(e, "gpg");
	missing = gpg_status(&first, "BADSIG");
	if (!missing)
		return judge(&first, ret_who, e);
	r = verify_stream(&argv, tarball, &status, e);
	return r < 0 ? r : judge(&status, ret_who, e);
}
