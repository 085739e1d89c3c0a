/* SPDX-License-Identifier: MIT */
#include "fetch/fetch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "fetch/transfer.h"

#define SIZE_MAX_FILE (16ll << 30)
#define SIZE_MAX_TEXT (64ll << 20)
#define STALL_MS      30000
#define TRIES         20 /* of a transfer that breaks off, each further than the one before */
#define BLOCK         (256 * 1024)

/* A file in the making. */
struct part {
	const struct fetch_spec *spec; /* borrowed */
	char *path, *from_path; /* owned: DST.part, DST.part.from */
	char *validator; /* owned: what the bytes are of; NULL: they cannot be gone on with */
	int fd; /* owned */
	struct hash *hash; /* owned: of all bytes so far */
	int64_t len;
};

static void part_release(struct part *p)
{
	char hex[HASH_HEX_LEN + 1];

	if (p->hash)
		hash_final(p->hash, hex);
	fd_close(p->fd);
	free(p->path);
	free(p->from_path);
	free(p->validator);
}

static void part_remove(const struct part *p)
{
	unlink(p->path);
	unlink(p->from_path);
}

static int part_empty(struct part *p, struct err *e)
{
	char hex[HASH_HEX_LEN + 1];

	hash_final(p->hash, hex);
	p->hash = hash_new();
	p->len = 0;
	str_replace(&p->validator, NULL);
	unlink(p->from_path);
	if (ftruncate(p->fd, 0) < 0 || lseek(p->fd, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "cannot empty %s", p->path);
	return 0;
}

/* DST.part.from: the URL, a newline, the validator. NULL: of another URL, or unknown. */
static char *read_validator(const struct part *p)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n = strlen(p->spec->url);

	if (file_read(p->from_path, 1 << 16, &b, NULL) < 0)
		return NULL;
	if (b.len <= n + 1 || memcmp(b.data, p->spec->url, n) != 0 || b.data[n] != '\n' ||
		strchr(b.data + n + 1, '\n'))
		return NULL;
	return xstrdup(b.data + n + 1);
}

/* Weak ETags and dates do not promise equal bytes; a date is at least what If-Range allows. */
static void note_validator(struct part *p, const struct transfer *t)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *v = t->etag && t->etag[0] == '"' ? t->etag : t->modified;

	if (!v && t->from)
		return; /* what went on from there was of the same */
	if (!str_starts(p->spec->url, "http"))
		v = NULL;
	str_replace(&p->validator, v);
	if (!v)
		return;
	buf_addf(&b, "%s\n%s", p->spec->url, v);
	if (file_write_atomic(p->from_path, b.data, b.len, 0644, NULL) < 0)
		str_replace(&p->validator, NULL);
}

static int read_again(struct part *p, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	ssize_t n;

	while ((n = buf_read(&b, p->fd, BLOCK)) > 0) {
		hash_add(p->hash, b.data, b.len);
		p->len += n;
		buf_clear(&b);
	}
	return n < 0 ? err_sys(e, (int)-n, "cannot read %s", p->path) : 0;
}

static int part_open(struct part *p, const char *dst, struct err *e)
{
	p->path = xasprintf("%s.part", dst);
	p->from_path = xasprintf("%s.part.from", dst);
	p->hash = hash_new();
	p->fd = file_open(p->path, O_RDWR | O_CREAT | O_NOCTTY | O_NOFOLLOW, e);
	if (p->fd < 0)
		return p->fd;
	p->validator = read_validator(p);
	return p->validator ? read_again(p, e) : part_empty(p, e);
}

static int take(void *arg, const void *data, size_t len, bool restarted, struct err *e)
{
	struct part *p = arg;
	int r = restarted ? part_empty(p, e) : 0;

	if (r < 0)
		return r;
	r = fd_write_all(p->fd, data, len);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", p->path);
	hash_add(p->hash, data, len);
	p->len += (int64_t)len;
	return 0;
}

static void on_progress(void *arg, int64_t done, int64_t total)
{
	const struct part *p = arg;

	if (p->spec->progress)
		p->spec->progress(p->spec->arg, done, total);
}

/* What is no duration, or none at all, is as if it were not set. */
static int64_t default_stall(void)
{
	const char *env = getenv("VMRIG_FETCH_STALL");
	int64_t ms = 0;

	return env && duration_parse(env, &ms, NULL) == 0 && ms > 0 ? ms : STALL_MS;
}

static void fill(struct transfer *t, const struct fetch_spec *s, int64_t size_max)
{
	t->url = s->url;
	t->page = s->page;
	t->https_only = !s->sha256;
	t->size_max = s->size_max ? s->size_max : size_max;
	t->stall_ms = s->stall_ms ? s->stall_ms : default_stall();
}

/* Whether what is there is worth keeping: the network failed, not the content or the disk. */
static bool may_go_on(int code, const struct transfer *t)
{
	return t->broke_off || code == -ETIMEDOUT || code == -EHOSTUNREACH ||
	       (code == -EIO && !t->no_continuation);
}

static int one_try(struct part *p, struct transfer *t, struct err *e)
{
	int r;

	*t = (struct transfer){ .take = take, .progress = on_progress, .arg = p };
	fill(t, p->spec, SIZE_MAX_FILE);
	t->from = p->validator ? p->len : 0;
	t->validator = p->validator;
	r = transfer_run(t, e);
	if (r < 0 && t->got)
		note_validator(p, t);
	return r;
}

static int download(struct part *p, struct err *e)
{
	struct transfer t;
	bool afresh = false;
	int r;

	for (int tries = 1;; tries++) {
		struct err why = ERR_INIT;
		bool again;

		if (!p->validator && p->len) {
			r = part_empty(p, e);
			if (r < 0)
				return r;
		}
		r = one_try(p, &t, &why);
		again = r < 0 && tries < TRIES && t.broke_off && t.got && p->validator;
		/* What was there is no beginning of what the server has now. */
		if (r < 0 && !again && !afresh && t.no_continuation) {
			afresh = again = true;
			str_replace(&p->validator, NULL);
		}
		if (r < 0 && !again && !(may_go_on(r, &t) && p->validator))
			part_remove(p);
		transfer_release(&t);
		if (!again)
			return r < 0 ? err_move(e, &why) : 0;
		err_release(&why);
	}
}

static int check_sum(struct part *p, char sum[static HASH_HEX_LEN + 1], struct err *e)
{
	const char *want = p->spec->sha256;
	_cleanup_free_ char *shown = url_shown(p->spec->url);

	hash_final(p->hash, sum);
	p->hash = NULL;
	if (!want || strcasecmp(want, sum) == 0)
		return 0;
	part_remove(p);
	return err_set(e, -EBADMSG, "%s: its SHA-256 is %s, and %s is demanded", shown, sum, want);
}

static int appear(struct part *p, const char *dst, struct err *e)
{
	if (fsync(p->fd) < 0 || rename(p->path, dst) < 0)
		return err_sys(e, errno, "cannot write %s", dst);
	unlink(p->from_path);
	return 0;
}

static bool is_sum(const char *s)
{
	return strlen(s) == HASH_HEX_LEN && strspn(s, "0123456789abcdefABCDEF") == HASH_HEX_LEN;
}

int fetch_file(const struct fetch_spec *spec, const char *dst,
	char ret_sha256[static HASH_HEX_LEN + 1], struct err *e)
{
	__attribute__((cleanup(part_release))) struct part p = { .spec = spec, .fd = -1 };
	char sum[HASH_HEX_LEN + 1];
	int r;

	if (spec->sha256 && !is_sum(spec->sha256))
		return err_set(e, -EINVAL, "'%s' is no SHA-256: that has %d hexadecimal digits",
			spec->sha256, HASH_HEX_LEN);
	r = part_open(&p, dst, e);
	if (r == 0)
		r = download(&p, e);
	if (r == 0)
		r = check_sum(&p, sum, e);
	if (r == 0)
		r = appear(&p, dst, e);
	if (r == 0)
		memcpy(ret_sha256, sum, sizeof(sum));
	return r;
}

static int take_text(void *arg, const void *data, size_t len, bool restarted, struct err *e)
{
	buf_add(arg, data, len);
	return 0;
}

static int check_text(const struct fetch_spec *spec, const struct buf *b, struct err *e)
{
	_cleanup_free_ char *shown = url_shown(spec->url);
	char sum[HASH_HEX_LEN + 1];
	struct hash *h;

	if (!spec->sha256)
		return 0;
	h = hash_new();
	hash_add(h, buf_str(b), b->len);
	hash_final(h, sum);
	if (strcasecmp(spec->sha256, sum) == 0)
		return 0;
	return err_set(
		e, -EBADMSG, "%s: its SHA-256 is %s, and %s is demanded", shown, sum, spec->sha256);
}

int fetch_text(const struct fetch_spec *spec, struct buf *ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct transfer t = { .take = take_text, .arg = &b };
	int r;

	fill(&t, spec, SIZE_MAX_TEXT);
	r = transfer_run(&t, e);
	transfer_release(&t);
	if (r == 0)
		r = check_text(spec, &b, e);
	if (r == 0)
		buf_add(ret, buf_str(&b), b.len);
	return r;
}

int fetch_probe(const char *url, struct err *e)
{
	struct transfer t = { .verb = TRANSFER_HEAD };
	int r;

	fill(&t, &(struct fetch_spec){ .url = url, .page = true }, SIZE_MAX_FILE);
	r = transfer_run(&t, e);
	transfer_release(&t);
	return r;
}

int fetch_put(const char *url, const char *src, struct err *e)
{
	struct transfer t = { .verb = TRANSFER_PUT };
	struct stat st;
	int r;

	fill(&t, &(struct fetch_spec){ .url = url, .page = true }, SIZE_MAX_FILE);
	t.upload = fopen(src, "re");
	if (!t.upload || fstat(fileno(t.upload), &st) < 0) {
		r = err_sys(e, errno, "cannot open %s", src);
	} else {
		t.upload_size = st.st_size;
		r = transfer_run(&t, e);
	}
	if (t.upload)
		fclose(t.upload);
	transfer_release(&t);
	return r;
}
