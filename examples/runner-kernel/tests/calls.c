/* SPDX-License-Identifier: MIT */
/*
 * Features that are system calls: calls bpf|io_uring|seccomp|vsock. Exits 0 when the feature works, 1 with
 * what failed when it does not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <linux/vm_sockets.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int failed_as(const char *what)
{
	fprintf(stderr, "%s\n", what);
	return 1;
}

/* ---- bpf: a map keeps a value; a program that the verifier accepts filters a socket ---- */

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int test_map(void)
{
	uint32_t key = 1;
	uint64_t in = 0x1122334455667788, out = 0;
	union bpf_attr make = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2
	};
	int map = bpf(BPF_MAP_CREATE, &make);
	union bpf_attr elem = {
		.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)&in
	};

	if (map < 0)
		return failed("BPF_MAP_CREATE");
	if (bpf(BPF_MAP_UPDATE_ELEM, &elem) < 0)
		return failed("BPF_MAP_UPDATE_ELEM");
	elem.value = (uintptr_t)&out;
	if (bpf(BPF_MAP_LOOKUP_ELEM, &elem) < 0)
		return failed("BPF_MAP_LOOKUP_ELEM");
	return in == out ? 0 : failed_as("the map gave another value back");
}

/* r0 = 0; exit: a socket filter that lets no byte through. */
static int test_program(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const struct bpf_insn endless[] = {
		{ .code = BPF_JMP | BPF_JA, .off = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)nothing,
		.insn_cnt = 2,
		.license = (uintptr_t) "MIT" };
	int prog = bpf(BPF_PROG_LOAD, &load), pair[2];
	char byte;

	if (prog < 0)
		return failed("BPF_PROG_LOAD");
	load.insns = (uintptr_t)endless;
	if (bpf(BPF_PROG_LOAD, &load) >= 0)
		return failed_as("the verifier let an endless loop pass");
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return failed("socketpair");
	if (setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)) < 0)
		return failed("SO_ATTACH_BPF");
	if (send(pair[0], "x", 1, MSG_DONTWAIT) >= 0 && recv(pair[1], &byte, 1, MSG_DONTWAIT) >= 0)
		return failed_as("the filter let a datagram through");
	return 0;
}

static int test_bpf(void)
{
	int r = test_map();

	return r ? r : test_program();
}

/* ---- io_uring: a read goes through the rings, without a library ---- */

static void *map_ring(int fd, size_t len, off_t what)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
}

static int test_io_uring(void)
{
	struct io_uring_params p = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p), file = open("/proc/self/comm", O_RDONLY);
	char text[16] = "", *sq, *cq;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;

	if (fd < 0)
		return failed("io_uring_setup");
	sq = map_ring(fd, p.sq_off.array + p.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	cq = map_ring(fd, p.cq_off.cqes + p.cq_entries * sizeof(*cqe), IORING_OFF_CQ_RING);
	sqe = map_ring(fd, p.sq_entries * sizeof(*sqe), IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		return failed("mmap of the rings");
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_READ,
		.fd = file,
		.addr = (uintptr_t)text,
		.len = sizeof(text) - 1,
		.user_data = 42 };
	*(uint32_t *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return failed("io_uring_enter");
	cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	if (cqe->user_data != 42 || cqe->res != 6 || strcmp(text, "calls\n") != 0)
		return failed_as("the read did not come back");
	return 0;
}

/* ---- seccomp: a filter refuses one system call and lets the others be ---- */

static int test_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	struct utsname u;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed("PR_SET_NO_NEW_PRIVS");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return failed("SECCOMP_SET_MODE_FILTER");
	if (uname(&u) == 0 || errno != EXDEV)
		return failed_as("the filter did not refuse the call");
	return getppid() > 0 ? 0 : failed_as("the filter refused another call");
}

/* ---- vsock: a stream to oneself, as a guest's agent has one to its host ---- */

static int test_vsock(void)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = 7000
	};
	int server = socket(AF_VSOCK, SOCK_STREAM, 0), client = socket(AF_VSOCK, SOCK_STREAM, 0),
	    peer;
	char text[6] = "";

	if (server < 0 || client < 0)
		return failed("socket(AF_VSOCK)");
	if (bind(server, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(server, 1) < 0)
		return failed("bind");
	if (connect(client, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return failed("connect to VMADDR_CID_LOCAL");
	peer = accept(server, NULL, NULL);
	if (peer < 0 || write(peer, "vsock", 5) != 5 || read(client, text, 5) != 5)
		return failed("accept, write, read");
	return strcmp(text, "vsock") == 0 ? 0 : failed_as("other bytes came");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*test)(void);
	} tests[] = { { "bpf", test_bpf }, { "io_uring", test_io_uring },
		{ "seccomp", test_seccomp }, { "vsock", test_vsock } };

	for (size_t i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (strcmp(argv[1], tests[i].name) == 0)
			return tests[i].test();
	fprintf(stderr, "usage: calls bpf|io_uring|seccomp|vsock\n");
	return 2;
}
