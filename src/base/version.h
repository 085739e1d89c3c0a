/* SPDX-License-Identifier: MIT */
/* Versions of packages and kernels, compared by their numbers. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* Compares as Debian Policy 5.6.12 has it, for any text that looks like a version: numbers by value,
 * '~' before everything, letters before other characters. Negative, 0 or positive. */
int version_compare(const char *a, const char *b);

/* Compares the numbers that a release begins with ("6.1.0-50" of "6.1.0-50-cloud-amd64"). */
int release_compare(const char *a, const char *b);

#endif
