/* SPDX-License-Identifier: MIT */
/*
 * Loaded into QEMU (LD_PRELOAD): makes copies of the whole process by fork(2), threads included, so that a guest
 * which is stopped goes on many times, each time with all the code that TCG has translated so far.
 *
 * fork(2) copies the memory of a process but only one of its threads. The others are made anew: each is sent a
 * signal, whose handler notes where the thread's stack is and waits. In the copy a new thread with the old one's TLS
 * (pthread_self() and all that belongs to it is memory, and so is there) jumps into that handler and returns from
 * it, to where the signal hit. Since all threads stand still meanwhile, no lock changes hands and none is lost.
 *
 * What a copy must not share with its siblings: the channels, which the request replaces; eventfds, which are made
 * anew; io_uring's queues, of which QEMU gets none.
 *
 * Between park() and the resumption nothing may be called that takes a lock of the C library: a thread that is parked
 * may hold it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qemu/forkserver.h"

/* Not blocked in QEMU's threads (util/qemu-thread-posix.c), and never sent by anybody else. */
#define PARK_SIGNAL SIGILL

#define THREADS_MAX 64
#define STACK_SIZE  16384 /* for the few calls until a thread is on its own again */
#define RSEQ_SIZE   32 /* of the first version, the one that the C library registers */

enum state { RUNNING, ASKED, PARKED };

struct thread {
	pid_t tid; /* 0: a free place */
	uint32_t state; /* a futex */
	void *where[5]; /* of __builtin_setjmp() */
	pthread_t self; /* which is the TLS that clone(2) wants */
	void *robust_list;
	size_t robust_len;
	int *tid_address; /* cleared by the kernel at the thread's end, for pthread_join() */
	_Alignas(16) char stack[STACK_SIZE];
};

static struct thread threads[THREADS_MAX];
static uint32_t round_number; /* a futex: parked threads wait for the next */
static int server_fd = -1;

/* ---- small helpers that take no lock ---- */

static long futex(uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

struct entry { /* linux_dirent64 */
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* Calls FN for every number that is a name in the folder DIR of /proc. */
static int each_number(const char *dir, void (*fn)(void *arg, int number), void *arg)
{
	_Alignas(struct entry) char data[4096];
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (fd < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, fd, data, sizeof(data))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(data + at);
			int number = atoi(e->name);

			if (e->name[0] >= '0' && e->name[0] <= '9' && number != fd)
				fn(arg, number);
			at += e->reclen;
		}
	}
	close(fd);
	return n < 0 ? -errno : 0;
}

/* ---- threads stand still ---- */

static struct thread *thread_of(pid_t tid)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (threads[i].tid == tid)
			return &threads[i];
	return NULL;
}

static void note_kernel_state(struct thread *t)
{
	t->self = pthread_self();
	if (syscall(SYS_get_robust_list, 0, &t->robust_list, &t->robust_len) < 0)
		t->robust_list = NULL;
	if (prctl(PR_GET_TID_ADDRESS, &t->tid_address) < 0)
		t->tid_address = NULL;
}

static void restore_kernel_state(const struct thread *t)
{
	if (t->robust_list)
		syscall(SYS_set_robust_list, t->robust_list, t->robust_len);
	if (t->tid_address)
		syscall(SYS_set_tid_address, t->tid_address);
	if (__rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, RSEQ_SIZE, 0,
			RSEQ_SIG);
}

/* In each thread. It comes back twice: in the original when the round is over, and in the copy. */
static void on_park(int signo, siginfo_t *info, void *context)
{
	struct thread *t = info->si_code == SI_TKILL ? thread_of(gettid()) : NULL;
	int keep_errno = errno;
	uint32_t round;

	if (!t || t->state != ASKED) { /* a fault of QEMU's own: it comes again, and kills */
		signal(PARK_SIGNAL, SIG_DFL);
		return;
	}
	round = __atomic_load_n(&round_number, __ATOMIC_SEQ_CST);
	note_kernel_state(t);
	if (__builtin_setjmp(t->where) == 0) {
		__atomic_store_n(&t->state, PARKED, __ATOMIC_SEQ_CST);
		futex(&t->state, FUTEX_WAKE, 1);
		while (__atomic_load_n(&round_number, __ATOMIC_SEQ_CST) == round)
			futex(&round_number, FUTEX_WAIT, round);
	} else {
		restore_kernel_state(thread_of(t->tid));
	}
	errno = keep_errno;
}

struct parking {
	int new; /* threads that were not parked yet */
	int error;
};

static void park_one(void *arg, int tid)
{
	struct parking *p = arg;
	struct thread *t;

	if (tid == gettid() || thread_of(tid))
		return;
	t = thread_of(0);
	if (!t) {
		p->error = -EMFILE;
		return;
	}
	t->tid = tid;
	t->state = ASKED;
	if (syscall(SYS_tgkill, getpid(), tid, PARK_SIGNAL) < 0) { /* it has ended */
		t->tid = 0;
		return;
	}
	p->new ++;
	while (__atomic_load_n(&t->state, __ATOMIC_SEQ_CST) == ASKED)
		futex(&t->state, FUTEX_WAIT, ASKED);
}

/* Until a look at all of them finds none that runs, and so none that could start another. */
static int park(void)
{
	struct parking p;
	int r;

	do {
		p = (struct parking){ 0 };
		r = each_number("/proc/self/task", park_one, &p);
	} while (r == 0 && p.error == 0 && p.new > 0);
	return r ? r : p.error;
}

static void unpark(void)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		threads[i].tid = 0;
	__atomic_add_fetch(&round_number, 1, __ATOMIC_SEQ_CST);
	futex(&round_number, FUTEX_WAKE, INT32_MAX);
}

/* ---- the copy ---- */

static int revive(void *arg)
{
	struct thread *t = arg;

	__builtin_longjmp(t->where, 1);
}

static void revive_all(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_SETTLS;

	for (size_t i = 0; i < THREADS_MAX; i++) {
		struct thread *t = &threads[i];

		if (t->tid && clone(revive, t->stack + STACK_SIZE, flags, t, NULL, t->self) < 0)
			_exit(127);
	}
}

struct replacement {
	const struct stat *old;
	int fd;
};

static void replace_one(void *arg, int fd)
{
	const struct replacement *r = arg;
	struct stat st;

	if (fd != r->fd && fstat(fd, &st) == 0 && st.st_dev == r->old->st_dev &&
		st.st_ino == r->old->st_ino && dup3(r->fd, fd, fd > 2 ? O_CLOEXEC : 0) < 0)
		_exit(127);
}

/* All duplicates of a channel are told by its inode. Their identities are read first: descriptors get mixed. */
static void replace_channels(const struct forkserver_request *q, const int *fds)
{
	struct stat old[FORKSERVER_FDS_MAX];

	for (uint32_t i = 0; i < q->n; i++)
		if (fstat(q->replaces[i], &old[i]) < 0)
			_exit(127);
	for (uint32_t i = 0; i < q->n; i++) {
		const struct replacement r = { &old[i], fds[i] };

		if (each_number("/proc/self/fd", replace_one, (void *)(uintptr_t)&r) < 0)
			_exit(127);
		close(fds[i]);
	}
}

static unsigned long eventfd_count(int fd)
{
	static const char name[] = "eventfd-count:";
	char path[48], text[512], *at;
	int info;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	close(info);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, name);
	return at ? strtoul(at + sizeof(name) - 1, NULL, 16) : 0;
}

static void renew_eventfd(void *arg, int fd)
{
	static const char kind[] = "anon_inode:[eventfd]";
	char path[48], target[sizeof(kind)];
	int fresh;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target)) != sizeof(kind) - 1 ||
		memcmp(target, kind, sizeof(kind) - 1) != 0)
		return;
	fresh = eventfd((unsigned)eventfd_count(fd), EFD_NONBLOCK | EFD_CLOEXEC);
	if (fresh < 0 || dup3(fresh, fd, O_CLOEXEC) < 0)
		_exit(127);
	close(fresh);
}

/* As QEMU's -sandbox spawn=deny, which a process that forks itself could not have from the start. */
static void deny_processes(void)
{
#define ARG0 ((unsigned)offsetof(struct seccomp_data, args[0]))
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_fork
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fork, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_vfork, 6, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 4, 0),
		/* Its flags are in memory, which a filter cannot read: the C library tries clone(2) then. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(127);
}

__attribute__((noreturn)) static void be_copy(const struct forkserver_request *q, const int *fds)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != q->parent)
		_exit(127);
	close(server_fd);
	replace_channels(q, fds);
	if (each_number("/proc/self/fd", renew_eventfd, NULL) < 0)
		_exit(127);
	deny_processes();
	revive_all();
	for (;;) /* the leader of the threads, which has to be there while they are */
		pause();
}

/* ---- the server ---- */

static int take_request(struct forkserver_request *q, int *fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FORKSERVER_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { q, sizeof(*q) };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(server_fd, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n == sizeof(*q) ? CMSG_FIRSTHDR(&m) : NULL;

	if (!c || q->n > FORKSERVER_FDS_MAX || c->cmsg_len != CMSG_LEN(q->n * sizeof(int)))
		return -EPIPE;
	memcpy(fds, CMSG_DATA(c), q->n * sizeof(int));
	return 0;
}

static pid_t copy(const struct forkserver_request *q, const int *fds)
{
	long pid = park();

	if (pid == 0) {
		/* By the system call: libc's fork() takes locks that a parked thread may hold. */
		pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
		if (pid == 0)
			be_copy(q, fds);
		pid = pid < 0 ? -errno : pid;
	}
	unpark();
	return (pid_t)pid;
}

static void *serve(void *arg)
{
	struct forkserver_request q;
	int fds[FORKSERVER_FDS_MAX];

	while (take_request(&q, fds) == 0) {
		struct forkserver_answer a = { copy(&q, fds) };

		for (uint32_t i = 0; i < q.n; i++)
			close(fds[i]);
		if (send(server_fd, &a, sizeof(a), MSG_NOSIGNAL) < 0)
			break;
	}
	close(server_fd);
	return NULL;
}

/* Its queues would be shared by all copies; without them QEMU polls. */
static void deny_io_uring(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* QEMU keeps the guest's memory from its children, which here are the point. */
__attribute__((visibility("default"))) int madvise(void *start, size_t length, int advice)
{
	if (advice == MADV_DONTFORK)
		return 0;
	return (int)syscall(SYS_madvise, start, length, advice);
}

__attribute__((constructor)) static void begin(void)
{
	const struct sigaction sa = { .sa_sigaction = on_park,
		.sa_flags = SA_SIGINFO | SA_RESTART };
	const char *number = getenv(FORKSERVER_ENV);
	sigset_t all, before;
	pthread_t thread;

	if (!number)
		return;
	server_fd = atoi(number);
	fcntl(server_fd, F_SETFD, FD_CLOEXEC);
	deny_io_uring();
	sigaction(PARK_SIGNAL, &sa, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		close(server_fd); /* who asks sees the end */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
