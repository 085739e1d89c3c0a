/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU's TCG that writes down the address of each block of code when it is translated, 8 bytes each, to the
 * file of its argument "out=FILE". bench/translated loads it.
 *
 * The declarations are those of QEMU's qemu-plugin.h (interface version 1), which distributions do not package.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info_t;

void qemu_plugin_register_vcpu_tb_trans_cb(
	qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv);

int qemu_plugin_version = 1;

static FILE *out;

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);

	(void)id;
	fwrite(&address, sizeof(address), 1, out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0)
		return -1;
	out = fopen(argv[0] + 4, "we");
	if (!out)
		return -1;
	setvbuf(out, NULL, _IONBF, 0); /* QEMU is killed in the end */
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
	return 0;
}
