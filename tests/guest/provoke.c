/* SPDX-License-Identifier: MIT */
/*
 * Runs in a guest, as root, and breaks it: `provoke FAULT`.
 *
 * The faults of the kernel need no compiler and no kernel that was built for them: a module that the
 * distribution ships is given another init function, byte by byte, and loaded. What depends on the old
 * code's places (relocations, patch sites) is put out of the loader's sight, the signature is cut off,
 * and everything that must fit the kernel (symbol versions, the layout of struct module) is the module's
 * own.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/wire.h"

#define FTRACE_CALL 5 /* bytes at the begin of each function, which the kernel turns into a nop */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "provoke: %s: %s\n", what, strerror(errno));
	exit(100);
}

/* ---- code that the kernel runs: position-independent, touches no register that a caller keeps ---- */

#define CODE(name, text)                                                   \
	__asm__(".pushsection .rodata\n" #name "_begin:\n" text "\n" #name \
		"_end:\n.popsection\n");                                   \
	extern const char name##_begin[], name##_end[]

CODE(null_pointer, "xor %eax, %eax; mov (%rax), %rax; xor %eax, %eax; ret");
CODE(invalid_opcode, "ud2; xor %eax, %eax; ret");
CODE(stack_overflow, "1: push %rax; jmp 1b");
CODE(triple_fault, "push $0; push $0; lidt (%rsp); ud2");
CODE(spin, "1: pause; jmp 1b");
CODE(spin_without_interrupts, "cli; 1: jmp 1b");
CODE(sleep_without_interrupts, "cli; 1: hlt; jmp 1b");
/* Some seconds, at whatever speed of the time stamp counter: 2^34 ticks. */
CODE(stall,
	"rdtsc; shl $32, %rdx; or %rdx, %rax; mov %rax, %rcx; mov $1, %r8d; shl $34, %r8; add %r8, %rcx;"
	"1: pause; rdtsc; shl $32, %rdx; or %rdx, %rax; cmp %rcx, %rax; jb 1b; xor %eax, %eax; ret");

static const struct kernel_fault {
	const char *name, *begin, *end;
} kernel_faults[] = {
	{ "null-pointer", null_pointer_begin, null_pointer_end },
	{ "invalid-opcode", invalid_opcode_begin, invalid_opcode_end },
	{ "stack-overflow", stack_overflow_begin, stack_overflow_end },
	{ "triple-fault", triple_fault_begin, triple_fault_end },
	{ "spin", spin_begin, spin_end },
	{ "spin-without-interrupts", spin_without_interrupts_begin, spin_without_interrupts_end },
	{ "sleep-without-interrupts", sleep_without_interrupts_begin,
		sleep_without_interrupts_end },
	{ "stall", stall_begin, stall_end },
};

static char *read_module(size_t *ret_len)
{
	char path[512];
	struct utsname u;
	struct stat st;
	char *data;
	int fd;

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/kernel/drivers/net/dummy.ko", u.release);
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	data = malloc((size_t)st.st_size);
	if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
		die(path);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return data;
}

static bool is_patch_site(const char *name)
{
	static const char *const sites[] = { ".return_sites", ".static_call_sites",
		".retpoline_sites", ".call_sites", ".altinstructions", "__jump_table",
		".ibt_endbr_seal" };

	for (size_t i = 0; i < sizeof(sites) / sizeof(*sites); i++)
		if (strcmp(name, sites[i]) == 0)
			return true;
	return false;
}

static void replace_init(char *module, const struct kernel_fault *f)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)(void *)module;
	Elf64_Shdr *sh = (Elf64_Shdr *)(void *)(module + eh->e_shoff);
	const char *names = module + sh[eh->e_shstrndx].sh_offset;
	size_t len = (size_t)(f->end - f->begin);

	for (unsigned i = 0; i < eh->e_shnum; i++) {
		const char *name = names + sh[i].sh_name;
		Elf64_Rela *r = (Elf64_Rela *)(void *)(module + sh[i].sh_offset);

		if (is_patch_site(name)) {
			sh[i].sh_name++; /* a name that the loader does not know, and unique */
		} else if (strcmp(name, ".init.text") == 0) {
			if (sh[i].sh_size < FTRACE_CALL + len)
				die("the module's init function is too short");
			memcpy(module + sh[i].sh_offset + FTRACE_CALL, f->begin, len);
		} else if (strcmp(name, ".rela.init.text") == 0) {
			for (size_t k = 0; k < sh[i].sh_size / sizeof(*r); k++)
				if (r[k].r_offset >= FTRACE_CALL)
					r[k].r_info = ELF64_R_INFO(0, R_X86_64_NONE);
		}
	}
}

static int provoke_kernel(const struct kernel_fault *f)
{
	static const char marker[] = "~Module signature appended~\n";
	size_t len;
	char *module = read_module(&len);

	if (len > sizeof(marker) &&
		memcmp(module + len - sizeof(marker) + 1, marker, sizeof(marker) - 1) == 0)
		len -= sizeof(marker) - 1;
	replace_init(module, f);
	if (syscall(SYS_init_module, module, len, "") < 0)
		die("init_module");
	return 0;
}

/* ---- the agent, which is process 1 ---- */

/* Zeroes are no instructions to go on with. */
static int break_agent(void)
{
	FILE *maps = fopen("/proc/1/maps", "r");
	int mem = open("/proc/1/mem", O_RDWR);
	static const char zeroes[65536];
	unsigned long from, to;
	char line[512], perm[8];

	if (!maps || mem < 0)
		die("/proc/1");
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perm) != 3 || perm[2] != 'x' ||
			strstr(line, "[v"))
			continue;
		while (from < to) {
			size_t n = to - from < sizeof(zeroes) ? to - from : sizeof(zeroes);

			if (pwrite(mem, zeroes, n, (off_t)from) <= 0)
				die("/proc/1/mem");
			from += n;
		}
	}
	pause();
	return 0;
}

static int stop_agent(void)
{
	if (ptrace(PTRACE_ATTACH, 1, NULL, NULL) < 0)
		die("ptrace");
	for (;;)
		pause();
}

/* The agent's end of the channel: the descriptor is stolen, since the device opens only once. */
static int steal_channel(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
	char path[64], target[256];

	for (int i = 0; i < 64; i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/1/fd/%d", i);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strstr(target, "vport") || strstr(target, "ttyS1"))
			return (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);
	}
	errno = ENOENT;
	return -1;
}

/* What the agent says when a command has passed, for every sequence number that may be its turn: but the
 * session's key is not known. */
static int forge(int fd)
{
	uint8_t payload[64], frame[WIRE_HEADER_SIZE + sizeof(payload)];

	if (fd < 0)
		die("the agent's channel");
	for (uint32_t seq = 0; seq < 200; seq++) {
		struct wire_enc e = { .data = payload, .cap = sizeof(payload) };
		struct wire_writer w = { .key = 0, .seq = seq };

		enc_u32(&e, 1); /* id */
		enc_u8(&e, 0); /* signalled */
		enc_u32(&e, 0); /* code */
		for (int i = 0; i < 4; i++)
			enc_u64(&e, 1000);
		enc_u32(&e, 0); /* leftover */
		wire_frame_header(&w, frame, WIRE_EXITED, payload, e.len);
		memcpy(frame + WIRE_HEADER_SIZE, payload, e.len);
		if (write(fd, frame, WIRE_HEADER_SIZE + e.len) < 0)
			die("write");
		wire_frame_header(&w, frame, WIRE_BYE, payload, 0);
		if (write(fd, frame, WIRE_HEADER_SIZE) < 0)
			die("write");
	}
	return 0;
}

static int forge_on_channel(void)
{
	forge(steal_channel());
	pause();
	return 0;
}

static int forge_on_stdout(void)
{
	return forge(STDOUT_FILENO);
}

/* Whether every port of the host's is taken: opening one again must fail. */
static int open_ports(void)
{
	DIR *dev = opendir("/dev");
	struct dirent *d;
	int n = 0;

	while (dev && (d = readdir(dev))) {
		int fd;

		if (strncmp(d->d_name, "vport", 5) != 0)
			continue;
		n++;
		fd = openat(dirfd(dev), d->d_name, O_RDWR | O_NONBLOCK);
		if (fd >= 0 || errno != EBUSY) {
			printf("%s: %s\n", d->d_name, fd >= 0 ? "opened" : strerror(errno));
			return 1;
		}
	}
	printf("%d ports, all busy\n", n);
	return n ? 0 : 1;
}

/* ---- resources ---- */

static int eat_memory(void)
{
	size_t step = 1 << 20;

	for (;;) {
		char *p = mmap(
			NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (size_t i = 0; i < step; i += 4096)
			p[i] = 1;
	}
}

/* The highest priority, and nothing that takes any time away from it: on the only CPU nobody else runs. */
static void rule(void)
{
	struct sched_param p = { .sched_priority = 99 };
	FILE *f = fopen("/proc/sys/kernel/sched_rt_runtime_us", "w");

	if (!f || fprintf(f, "-1") < 0 || fclose(f) < 0)
		die("sched_rt_runtime_us");
	/* musl's own refuses: a process is not a thread */
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p) < 0)
		die("sched_setscheduler");
}

static int take_the_cpu(void)
{
	rule();
	while (true)
		;
	return 0;
}

/* More than the kernel's log holds. */
static int flood(void)
{
	static char record[900];
	int fd = open("/dev/kmsg", O_WRONLY);

	memset(record, 'x', sizeof(record));
	for (int i = 0; i < 400; i++)
		if (write(fd, record, sizeof(record)) < 0)
			die("/dev/kmsg");
	close(fd);
	return 0;
}

/* An oops that the log loses before anybody else runs. */
static int oops_in_flood(void)
{
	FILE *f = fopen("/proc/sys/kernel/printk_devkmsg", "w");
	pid_t pid;

	if (!f || fprintf(f, "on\n") < 0 || fclose(f) < 0)
		die("printk_devkmsg");
	if (syscall(SYS_syslog, 8, NULL, 1) < 0) /* dmesg -n 1 */
		die("syslog");
	rule();
	flood();
	pid = fork();
	if (pid == 0)
		_exit(provoke_kernel(&kernel_faults[0]));
	waitpid(pid, NULL, 0);
	return flood();
}

static const struct {
	const char *name;
	int (*run)(void);
} others[] = {
	{ "break-agent", break_agent },
	{ "stop-agent", stop_agent },
	{ "forge-on-channel", forge_on_channel },
	{ "forge-on-stdout", forge_on_stdout },
	{ "open-ports", open_ports },
	{ "oops-in-flood", oops_in_flood },
	{ "eat-memory", eat_memory },
	{ "take-the-cpu", take_the_cpu },
};

static bool in_guest(void)
{
	const char *mark = getenv("VMRIG");
	struct utsname u;

	return mark && strcmp(mark, "1") == 0 && uname(&u) == 0 && strcmp(u.nodename, "vmrig") == 0;
}

int main(int argc, char **argv)
{
	const char *name = argc == 2 ? argv[1] : "";

	if (!in_guest()) {
		fprintf(stderr, "provoke: breaks the machine: it runs in a guest alone\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(kernel_faults) / sizeof(*kernel_faults); i++)
		if (strcmp(name, kernel_faults[i].name) == 0)
			return provoke_kernel(&kernel_faults[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(name, others[i].name) == 0)
			return others[i].run();
	fprintf(stderr, "provoke: no such fault: %s\n", name);
	return 2;
}
