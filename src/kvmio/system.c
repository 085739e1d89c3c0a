/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <unistd.h>

#include "kvmio/private.h"

int kvmio_system_open(struct kvmio_system *sys, const char *path, int flags)
{
	int fd;

	if (flags & ~KVMIO_NO_CLOEXEC)
		return -EINVAL;
	fd = open(path ? path : "/dev/kvm", O_RDWR | (flags & KVMIO_NO_CLOEXEC ? 0 : O_CLOEXEC));
	if (fd < 0)
		return -errno;
	kvmio_system_from_fd(sys, fd);
	return 0;
}

void kvmio_system_from_fd(struct kvmio_system *sys, int fd)
{
	*sys = (struct kvmio_system){ .fd = fd };
}

void kvmio_system_release(struct kvmio_system *sys)
{
	if (sys->fd >= 0)
		close(sys->fd);
	kvmio_system_from_fd(sys, -1);
}

int kvmio_system_api_version(const struct kvmio_system *sys)
{
	return kvm_ioctl_value(sys->fd, KVM_GET_API_VERSION, 0);
}

int kvmio_system_check_extension(const struct kvmio_system *sys, long cap)
{
	return kvm_ioctl_value(sys->fd, KVM_CHECK_EXTENSION, (unsigned long)cap);
}

int kvmio_system_vcpu_mmap_size(const struct kvmio_system *sys)
{
	return kvm_ioctl_value(sys->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
}

int kvmio_system_nr_vcpus(const struct kvmio_system *sys)
{
	int n = kvmio_system_check_extension(sys, KVMIO_CAP_NR_VCPUS);

	return n ? n : 4;
}

int kvmio_system_max_vcpus(const struct kvmio_system *sys)
{
	int n = kvmio_system_check_extension(sys, KVMIO_CAP_MAX_VCPUS);

	return n ? n : kvmio_system_nr_vcpus(sys);
}

int kvmio_system_max_vcpu_id(const struct kvmio_system *sys)
{
	int n = kvmio_system_check_extension(sys, KVMIO_CAP_MAX_VCPU_ID);

	return n ? n : kvmio_system_max_vcpus(sys);
}

int kvmio_system_nr_memslots(const struct kvmio_system *sys)
{
	int n = kvmio_system_check_extension(sys, KVMIO_CAP_NR_MEMSLOTS);

	return n ? n : 32;
}
