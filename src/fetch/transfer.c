/* SPDX-License-Identifier: MIT */
#include "fetch/transfer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "fetch/curl.h"

#define SNIFF     64 /* bytes that tell HTML */
#define POLL_MS   100
#define REDIRECTS 10l

struct run {
	struct transfer *t; /* borrowed */
	const struct curl_api *c; /* static */
	CURL *easy; /* owned */
	CURLM *multi; /* owned */
	struct curl_slist *headers; /* owned */
	char *shown; /* owned */
	struct err *e; /* borrowed: what our own callbacks found wrong */
	int failed; /* their code */
	char curl_says[CURL_ERROR_SIZE];
	char type[64]; /* Content-Type */
	int64_t range_from; /* of Content-Range; -1: none */
	int64_t heard_ms; /* when the last byte came or went */
	struct buf head; /* the body's first bytes, until they are judged */
	bool judged, restarted;
};

void transfer_release(struct transfer *t)
{
	free(t->etag);
	free(t->modified);
	t->etag = t->modified = NULL;
}

char *url_shown(const char *url)
{
	const char *host = strstr(url, "://"), *at, *colon;
	size_t n;

	if (!host)
		return xstrdup(url);
	host += 3;
	n = strcspn(host, "/?#");
	at = memrchr(host, '@', n);
	colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
	if (!colon)
		return xstrdup(url);
	return xasprintf("%.*s:***%s", (int)(colon - url), url, at);
}

/* ---- what comes ---- */

static void new_answer(struct run *r)
{
	transfer_release(r->t);
	r->type[0] = '\0';
	r->range_from = -1;
	r->t->total = 0;
}

/* "NAME: value": the value without blanks around it; NULL: another header. The caller owns the string. */
static char *header_value(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	for (line += n + 1, len -= n + 1; len && isspace((unsigned char)*line); len--)
		line++;
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	return xstrndup(line, len);
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct run *r = arg;
	_cleanup_free_ char *type = NULL, *range = NULL, *etag = NULL, *modified = NULL;
	long long from, total = 0;

	r->heard_ms = clock_ms();
	if (len > 5 && memcmp(line, "HTTP/", 5) == 0)
		new_answer(r);
	type = header_value(line, len, "Content-Type");
	range = header_value(line, len, "Content-Range");
	etag = header_value(line, len, "ETag");
	modified = header_value(line, len, "Last-Modified");
	if (type)
		snprintf(r->type, sizeof(r->type), "%s", type);
	if (range && sscanf(range, "bytes %lld-%*d/%lld", &from, &total) >= 1) {
		r->range_from = from;
		r->t->total = total;
	}
	if (etag)
		str_replace(&r->t->etag, etag);
	if (modified)
		str_replace(&r->t->modified, modified);
	return len;
}

static bool looks_like_html(const struct run *r)
{
	static const char *const starts[] = { "<!doctype html", "<html", "<head", "<body" };
	const char *p = buf_str(&r->head);

	while (isspace((unsigned char)*p) || strncmp(p, "\xef\xbb\xbf", 3) == 0)
		p += isspace((unsigned char)*p) ? 1 : 3;
	if (strncasecmp(r->type, "text/html", 9) == 0 && *p == '<')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (strncasecmp(p, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static int too_large(struct run *r)
{
	return err_set(r->e, -EFBIG, "%s is larger than the %lld bytes that are allowed", r->shown,
		(long long)r->t->size_max);
}

/* Once, before anything is handed on: is this what was asked for? */
static int judge(struct run *r)
{
	struct transfer *t = r->t;
	curl_off_t length = -1;
	long status = 0;

	r->c->easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	r->c->easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	r->judged = true;
	if (!t->page && looks_like_html(r)) {
		err_set(r->e, -EBADMSG, "%s: a page of HTML came instead of the file", r->shown);
		return err_hint(r->e,
			"A proxy or a login page may stand in the way; open the URL in a "
			"browser to see what it says.");
	}
	t->no_continuation = t->from && status == 206 && r->range_from != t->from;
	if (t->no_continuation)
		return err_set(r->e, -EIO,
			"%s: the server sent the bytes from %lld instead of those from %lld",
			r->shown, (long long)r->range_from, (long long)t->from);
	r->restarted = t->from && status == 200;
	if (r->restarted)
		t->from = 0;
	if (length > 0 && t->total == 0)
		t->total = t->from + length;
	return t->total > t->size_max ? too_large(r) : 0;
}

static int hand_on(struct run *r, const void *data, size_t len)
{
	int code = r->t->take(r->t->arg, data, len, r->restarted, r->e);

	r->restarted = false;
	return code;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct run *r = arg;
	struct transfer *t = r->t;
	long status = 0;

	r->heard_ms = clock_ms();
	r->c->easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300 || !t->take)
		return len; /* words about an error, or a redirect's page */
	t->got += (int64_t)len;
	if (t->from + t->got > t->size_max)
		r->failed = too_large(r);
	if (r->failed == 0 && !r->judged) {
		buf_add(&r->head, data, len);
		if (r->head.len < SNIFF)
			return len;
		r->failed = judge(r);
		if (r->failed == 0)
			r->failed = hand_on(r, r->head.data, r->head.len);
	} else if (r->failed == 0) {
		r->failed = hand_on(r, data, len);
	}
	if (r->failed == 0 && t->progress)
		t->progress(t->arg, t->from + t->got, t->total);
	return r->failed < 0 ? CURL_WRITEFUNC_ERROR : len;
}

/* A body shorter than what is sniffed. */
static int last_bytes(struct run *r)
{
	struct transfer *t = r->t;
	int code = 0;

	if (!t->take || t->status >= 300 || r->judged)
		return 0;
	code = judge(r);
	return code < 0 ? code : hand_on(r, buf_str(&r->head), r->head.len);
}

static size_t on_upload(char *data, size_t one, size_t len, void *arg)
{
	struct run *r = arg;

	r->heard_ms = clock_ms();
	return fread(data, 1, one * len, r->t->upload);
}

/* ---- how it ended ---- */

static int of_status(struct run *r)
{
	long s = r->t->status;
	const char *url = r->shown;

	if (s == 404 || s == 410)
		return err_set(r->e, -ENOENT, "%s: the server has no such file (HTTP %ld)", url, s);
	if (s == 401 || s == 403 || s == 407)
		return err_set(r->e, -EACCES, "%s: the server refuses it (HTTP %ld)", url, s);
	r->t->no_continuation = s == 416;
	if (s == 416)
		return err_set(r->e, -EIO,
			"%s: the server has fewer bytes than came before (HTTP 416)", url);
	if (s >= 500 || s == 429) {
		err_set(r->e, -EIO, "%s: the server answered HTTP %ld", url, s);
		return err_hint(r->e, "That is the server's own trouble; try again later.");
	}
	return err_set(r->e, -EIO, "%s: the server answered HTTP %ld", url, s);
}

static int broke_off(struct run *r)
{
	struct transfer *t = r->t;

	t->broke_off = true;
	if (t->total)
		return err_set(r->e, -EBADMSG, "%s: it ended after %lld of %lld bytes", r->shown,
			(long long)(t->from + t->got), (long long)t->total);
	return err_set(r->e, -EBADMSG, "%s: it was cut off after %lld bytes", r->shown,
		(long long)(t->from + t->got));
}

static int of_curl(struct run *r, CURLcode code)
{
	const char *says = *r->curl_says ? r->curl_says : r->c->easy_strerror(code);

	switch (code) {
	case CURLE_PARTIAL_FILE:
		return broke_off(r);
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2_STREAM:
		return r->t->got
			       ? broke_off(r)
			       : err_set(r->e, -EIO, "%s: the server hung up: %s", r->shown, says);
	case CURLE_GOT_NOTHING:
		return err_set(r->e, -EIO, "%s: the server hung up without an answer", r->shown);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		err_set(r->e, -EHOSTUNREACH, "%s: %s", r->shown, says);
		return err_hint(r->e,
			"Is there a network here? Proxies are named by http_proxy, https_proxy "
			"and no_proxy.");
	case CURLE_FILE_COULDNT_READ_FILE:
		return err_set(r->e, -ENOENT, "%s: there is no such file", r->shown);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(r->e, -EINVAL, "%s cannot be fetched: %s", r->shown, says);
	case CURLE_TOO_MANY_REDIRECTS:
		return err_set(r->e, -EIO, "%s: more than %ld redirects", r->shown, REDIRECTS);
	case CURLE_PEER_FAILED_VERIFICATION:
		err_set(r->e, -EIO, "%s: the server's certificate is not trusted: %s", r->shown,
			says);
		return err_hint(r->e,
			"Debian's package ca-certificates holds what is trusted; a proxy of "
			"your own may need its certificate there.");
	default:
		return err_set(r->e, -EIO, "%s: %s", r->shown, says);
	}
}

static int ended(struct run *r, CURLcode code)
{
	r->c->easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->t->status);
	if (r->failed < 0)
		return r->failed;
	if (code == CURLE_OK && r->t->status >= 300)
		return of_status(r);
	return code == CURLE_OK ? last_bytes(r) : of_curl(r, code);
}

/* ---- the request ---- */

#define SET(option, value) r->c->easy_setopt(r->easy, option, value)

static void add_header(struct run *r, const char *name, const char *value)
{
	_cleanup_free_ char *line = xasprintf("%s: %s", name, value);

	r->headers = r->c->slist_append(r->headers, line);
}

static void set_verb(struct run *r)
{
	struct transfer *t = r->t;

	if (t->verb == TRANSFER_HEAD)
		SET(CURLOPT_NOBODY, 1l);
	if (t->verb == TRANSFER_PUT) {
		SET(CURLOPT_UPLOAD, 1l);
		SET(CURLOPT_READFUNCTION, on_upload);
		SET(CURLOPT_READDATA, r);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->upload_size);
		add_header(r, "Expect", ""); /* no pause for a 100 that many servers never send */
	}
	if (t->from) {
		_cleanup_free_ char *range = xasprintf("%lld-", (long long)t->from);

		SET(CURLOPT_RANGE, range);
		add_header(r, "If-Range", t->validator);
	}
}

static void set_all(struct run *r)
{
	struct transfer *t = r->t;
	bool https = strncasecmp(t->url, "https:", 6) == 0;

	SET(CURLOPT_URL, t->url);
	SET(CURLOPT_NOSIGNAL, 1l);
	SET(CURLOPT_ERRORBUFFER, r->curl_says);
	SET(CURLOPT_USERAGENT, "vmrig");
	SET(CURLOPT_PROTOCOLS_STR, t->verb == TRANSFER_PUT ? "http,https" : "http,https,file");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, https && t->https_only ? "https" : "http,https");
	SET(CURLOPT_FOLLOWLOCATION, t->verb == TRANSFER_PUT ? 0l : 1l);
	SET(CURLOPT_MAXREDIRS, REDIRECTS);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, r);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, r);
	set_verb(r);
	if (r->headers)
		SET(CURLOPT_HTTPHEADER, r->headers);
}

static int stalled(struct run *r)
{
	_cleanup_buf_ struct buf time = BUF_INIT;

	duration_format(&time, r->t->stall_ms);
	return err_set(r->e, -ETIMEDOUT, "%s: nothing came for %s, after %lld bytes", r->shown,
		buf_str(&time), (long long)(r->t->from + r->t->got));
}

static int drive(struct run *r)
{
	int running = 1, left;
	CURLMcode m = CURLM_OK;
	CURLMsg *message;

	r->heard_ms = clock_ms();
	while (running && m == CURLM_OK) {
		m = r->c->multi_perform(r->multi, &running);
		if (m != CURLM_OK || !running)
			break;
		if (clock_ms() - r->heard_ms >= r->t->stall_ms)
			return stalled(r);
		m = r->c->multi_poll(r->multi, NULL, 0, POLL_MS, NULL);
	}
	if (m != CURLM_OK)
		return err_set(r->e, -EIO, "%s: %s", r->shown, r->c->multi_strerror(m));
	message = r->c->multi_info_read(r->multi, &left);
	return message ? ended(r, message->data.result)
		       : err_set(r->e, -EIO, "%s: libcurl tells no result", r->shown);
}

int transfer_run(struct transfer *t, struct err *e)
{
	struct err own = ERR_INIT;
	struct run r = { .t = t, .e = &own, .range_from = -1 };
	int code = curl_api(&r.c, e);

	if (code < 0)
		return code;
	t->got = t->total = 0;
	t->broke_off = t->no_continuation = false;
	r.shown = url_shown(t->url);
	r.easy = r.c->easy_init();
	r.multi = r.c->multi_init();
	BUG_ON(!r.easy || !r.multi);
	set_all(&r);
	r.c->multi_add_handle(r.multi, r.easy);
	code = drive(&r);
	r.c->multi_remove_handle(r.multi, r.easy);
	r.c->easy_cleanup(r.easy);
	r.c->multi_cleanup(r.multi);
	r.c->slist_free_all(r.headers);
	buf_release(&r.head);
	free(r.shown);
	if (code < 0)
		err_move(e, &own);
	err_release(&own);
	return code;
}
