/* SPDX-License-Identifier: MIT */
#include "export/layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/outfile.h"
#include "base/path.h"
#include "base/text.h"

#define LAYOUT         "{\"imageLayoutVersion\":\"1.0.0\"}"
#define BLOBS          "blobs/sha256"
#define GZIP_LEVEL     6
#define GZIP_LEVEL_MAX 9

void layout_close(struct layout *l)
{
	free(l->dir);
	fd_close(l->lock);
	*l = (struct layout)LAYOUT_INIT;
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	bool empty = d;

	while (d && empty && (f = readdir(d)))
		empty = streq(f->d_name, ".") || streq(f->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

static int check_version(const char *path, struct err *e)
{
	_cleanup_free_ char *version = NULL;
	_cleanup_json_ json_t *j = NULL;
	int r = json_read_file(path, &j, e);

	if (r == 0)
		r = json_field_str(j, "imageLayoutVersion", &version, e);
	if (r < 0)
		return r;
	if (!version || !str_starts(version, "1."))
		return err_set(e, -ENOTSUP, "%s: an image layout of version %s, not 1.x", path,
			version ? version : "unknown");
	return 0;
}

int layout_open(const char *dir, struct layout *ret, struct err *e)
{
	_cleanup_free_ char *mark = path_join(dir, "oci-layout"), *blobs = path_join(dir, BLOBS);
	_cleanup_layout_ struct layout l = { xstrdup(dir), -1 };
	int r = dir_make(dir, 0755, e);

	if (r < 0)
		return r;
	l.lock = file_open(dir, O_RDONLY | O_DIRECTORY, e);
	if (l.lock < 0)
		return l.lock;
	while (flock(l.lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "cannot lock %s", dir);
	if (file_exists(mark)) {
		r = check_version(mark, e);
	} else if (is_empty(dir)) {
		r = file_write_atomic(mark, LAYOUT, strlen(LAYOUT), 0644, e);
	} else {
		err_set(e, -ENOTEMPTY, "the folder %s is neither empty nor an OCI image layout",
			dir);
		return err_hint(e, "Name a folder that does not exist yet.");
	}
	if (r == 0)
		r = dir_make(blobs, 0755, e);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct layout)LAYOUT_INIT;
	return 0;
}

static json_t *descriptor(const char *media_type, const char *sha256, uint64_t size)
{
	return json_pack("{s:s, s:o, s:I}", "mediaType", media_type, "digest",
		json_sprintf("sha256:%s", sha256), "size", (json_int_t)size);
}

static char *blob_path(const struct layout *l, const char *sha256)
{
	return xasprintf("%s/" BLOBS "/%s", l->dir, sha256);
}

int layout_add_json(
	const struct layout *l, const char *media_type, json_t *value, json_t **ret, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	char sha256[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();
	int r;

	json_line(&text, value);
	hash_add(h, text.data, text.len);
	hash_final(h, sha256);
	path = blob_path(l, sha256);
	r = file_write_atomic(path, text.data, text.len, 0644, e);
	if (r == 0)
		*ret = descriptor(media_type, sha256, text.len);
	return r;
}

int layout_add_layer(const struct layout *l, const struct pack *p, int level, json_t **ret,
	char ret_diff_id[static HASH_HEX_LEN + 1], struct err *e)
{
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *path = blob_path(l, "layer");
	struct pack_result packed;
	int r = outfile_open(path, &o, e);

	if (r == 0)
		r = pack_write(p, PACKED_GZIP,
			level == 0               ? GZIP_LEVEL
			: level > GZIP_LEVEL_MAX ? GZIP_LEVEL_MAX
						 : level,
			o.fd, &packed, e);
	if (r < 0)
		return r;
	free(o.path);
	o.path = blob_path(l, packed.sha256);
	r = outfile_commit(&o, true, e);
	if (r < 0)
		return r;
	memcpy(ret_diff_id, packed.content_sha256, sizeof(packed.content_sha256));
	*ret = descriptor(OCI_LAYER, packed.sha256, packed.size);
	return 0;
}

/* The digits of its digest, borrowed; NULL where it is no SHA-256. */
static const char *digest(const json_t *descriptor)
{
	const char *s = json_string_value(json_object_get(descriptor, "digest"));

	if (!s || !str_starts(s, "sha256:") || strlen(s) != 7 + HASH_HEX_LEN ||
		strspn(s + 7, "0123456789abcdef") != HASH_HEX_LEN)
		return NULL;
	return s + 7;
}

int layout_read(const struct layout *l, const json_t *descriptor, json_t **ret, struct err *e)
{
	const char *sha256 = digest(descriptor);
	_cleanup_free_ char *path = NULL;

	if (!sha256)
		return err_set(e, -EBADMSG, "%s: its index holds no SHA-256 digest", l->dir);
	path = blob_path(l, sha256);
	return json_read_file(path, ret, e);
}

int layout_index(const struct layout *l, json_t **ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(l->dir, "index.json");
	int r = 0;

	if (!file_exists(path)) {
		*ret = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", OCI_INDEX,
			"manifests");
		return 0;
	}
	r = json_read_file(path, ret, e);
	if (r == 0 && !json_is_array(json_object_get(*ret, "manifests"))) {
		json_decref(*ret);
		*ret = NULL;
		r = err_set(e, -EBADMSG, "%s has no list of manifests", path);
	}
	return r;
}

int layout_set_index(const struct layout *l, const json_t *index, struct err *e)
{
	_cleanup_free_ char *path = path_join(l->dir, "index.json");
	_cleanup_buf_ struct buf text = BUF_INIT;

	json_line(&text, index);
	return file_write_atomic(path, text.data, text.len, 0644, e);
}

void layout_forget(const struct layout *l, const json_t *descriptor, const json_t *index)
{
	const char *sha256 = digest(descriptor);
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	json_line(&text, index);
	if (!sha256 || strstr(buf_str(&text), sha256))
		return;
	path = blob_path(l, sha256);
	unlink(path);
}
