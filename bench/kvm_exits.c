/* SPDX-License-Identifier: MIT */
/*
 * What kvmio_vcpu_run costs beside a bare ioctl(KVM_RUN): exits a second of a guest that does nothing but
 * `out`, one vCPU, the two loops in turn; the ratio is made pair by pair. Usage: kvm_exits [ROUNDS [EXITS]]
 */
#include <errno.h>
#include <kvmio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

enum { BASE = 0x1000, SIZE = 0x1000, ROUNDS_MAX = 10000 };

static const unsigned char code[] = { 0xe6, 0x10, 0xeb, 0xfc }; /* next: out %al, $0x10; jmp next */

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "kvm_exits: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* Both loops do what a monitor must: read the reason, the port and the byte. */
static unsigned raw_loop(struct kvmio_vcpu *vcpu, long exits)
{
	struct kvm_run *run = vcpu->run;
	unsigned sum = 0;

	while (exits--) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0 || run->exit_reason != KVM_EXIT_IO)
			must(-EIO, "raw loop");
		sum += run->io.port + *((unsigned char *)run + run->io.data_offset);
	}
	return sum;
}

static unsigned kvmio_loop(struct kvmio_vcpu *vcpu, long exits)
{
	struct kvmio_exit e;
	unsigned sum = 0;

	while (exits--) {
		if (kvmio_vcpu_run(vcpu, &e) < 0 || e.type != KVMIO_EXIT_IO_OUT)
			must(-EIO, "kvmio loop");
		sum += e.io.port + *e.io.data;
	}
	return sum;
}

/* Exits a second: of wall time, and of the thread's own time, which a busy host disturbs less. */
struct rate {
	double wall, cpu;
};

static struct rate measure(
	unsigned (*loop)(struct kvmio_vcpu *, long), struct kvmio_vcpu *vcpu, long exits)
{
	double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);

	loop(vcpu, exits);
	return (struct rate){
		.wall = (double)exits / (now(CLOCK_MONOTONIC) - wall),
		.cpu = (double)exits / (now(CLOCK_THREAD_CPUTIME_ID) - cpu),
	};
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void line(const char *name, double *v, int n, const char *format)
{
	qsort(v, (size_t)n, sizeof(*v), ascending);
	printf("%-24s median ", name);
	printf(format, v[n / 2]);
	printf("   quartiles ");
	printf(format, v[n / 4]);
	printf(" .. ");
	printf(format, v[n * 3 / 4]);
	printf("   range ");
	printf(format, v[0]);
	printf(" .. ");
	printf(format, v[n - 1]);
	printf("\n");
}

static void prepare(struct kvmio_system *sys, struct kvmio_vm *vm, struct kvmio_vcpu *vcpu)
{
	struct kvm_userspace_memory_region region = { 0, 0, BASE, SIZE, 0 };
	struct kvm_regs regs = { .rip = BASE, .rflags = 2 };
	struct kvm_sregs sregs;
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(memory == MAP_FAILED ? -ENOMEM : 0, "memory");
	memcpy(memory, code, sizeof(code));
	region.userspace_addr = (uintptr_t)memory;
	must(kvmio_system_open(sys, NULL, 0), "/dev/kvm");
	must(kvmio_vm_create(vm, sys), "KVM_CREATE_VM");
	must(kvmio_vm_set_memory(vm, &region), "KVM_SET_USER_MEMORY_REGION");
	must(kvmio_vcpu_create(vcpu, vm, 0), "KVM_CREATE_VCPU");
	must(kvmio_vcpu_get_sregs(vcpu, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	must(kvmio_vcpu_set_sregs(vcpu, &sregs), "KVM_SET_SREGS");
	must(kvmio_vcpu_set_regs(vcpu, &regs), "KVM_SET_REGS");
}

int main(int argc, char **argv)
{
	static double raw[ROUNDS_MAX], ours[ROUNDS_MAX], wall[ROUNDS_MAX], cpu[ROUNDS_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : 1000;
	long exits = argc > 2 ? atol(argv[2]) : 500;
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;
	struct kvmio_vm vm = KVMIO_VM_INIT;
	struct kvmio_vcpu vcpu = KVMIO_VCPU_INIT;

	if (rounds < 1 || rounds > ROUNDS_MAX || exits < 1) {
		fprintf(stderr, "usage: kvm_exits [ROUNDS (1 to %d) [EXITS]]\n", ROUNDS_MAX);
		return 2;
	}
	prepare(&sys, &vm, &vcpu);
	raw_loop(&vcpu, exits);
	kvmio_loop(&vcpu, exits);
	for (int i = 0; i < rounds; i++) {
		struct rate a, b = { 0 };

		/* Whoever is second may find the CPU in another state: take turns. */
		if (i % 2)
			b = measure(kvmio_loop, &vcpu, exits);
		a = measure(raw_loop, &vcpu, exits);
		if (i % 2 == 0)
			b = measure(kvmio_loop, &vcpu, exits);
		raw[i] = a.wall;
		ours[i] = b.wall;
		wall[i] = b.wall / a.wall;
		cpu[i] = b.cpu / a.cpu;
	}
	printf("%d rounds of %ld exits\n", rounds, exits);
	line("ioctl, exits/s", raw, rounds, "%.0f");
	line("kvmio, exits/s", ours, rounds, "%.0f");
	line("kvmio / ioctl, wall", wall, rounds, "%.4f");
	line("kvmio / ioctl, CPU time", cpu, rounds, "%.4f");
	kvmio_vcpu_release(&vcpu);
	kvmio_vm_release(&vm);
	kvmio_system_release(&sys);
	return 0;
}
