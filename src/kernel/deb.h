/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DEB_H
#define KERNEL_DEB_H

#include "base/err.h"

/*
 * Unpacks what a kernel is (boot/, lib/modules/, usr/lib/modules/) from the Debian package DEB into the
 * folder DIR, without dpkg and without its scripts. A path that leads outside is an error
 * (-EBADMSG), as is a damaged or truncated package; symbolic links are left out.
 */
int deb_unpack(const char *deb, const char *dir, struct err *e);

#endif
