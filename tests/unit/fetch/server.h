/* SPDX-License-Identifier: MIT */
/* The lying server of tests/lib/httpd.py, for as long as a test lasts. */
#ifndef TEST_FETCH_SERVER_H
#define TEST_FETCH_SERVER_H

#include "fixture.h"

/* A setup and a teardown: *STATE is a new folder; DIR/www is served, DIR/cache is the cache, and no proxy is set. */
int server_start(void **state);
int server_stop(void **state);
#define served(f) cmocka_unit_test_setup_teardown(f, server_start, server_stop)

/* The URL of PATH ("html/x.tar"); the caller owns the string. */
char *server_url(const char *path);

/* How many requests the log holds whose line holds WORD ("GET /x"). */
size_t server_asked(const char *dir, const char *word);

/* Whether no file of DIR is called so, folders below included. */
bool nothing_named(const char *dir, const char *suffix);

#endif
