/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <unistd.h>

#include "harness.h"

#define BAD_FD (-2)

static void the_device_opens_by_default_and_by_path(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;

	assert_int_equal(kvmio_system_open(&sys, "/dev/kvm", 0), 0);
	assert_int_equal(kvmio_system_api_version(&sys), kvmio_system_api_version(&rig->sys));
	kvmio_system_release(&sys);
	assert_int_equal(sys.fd, -1);
}

static void a_failed_open_leaves_the_struct_alone(void **state)
{
	struct kvmio_system sys = { .fd = -77 };

	assert_int_equal(kvmio_system_open(&sys, "/no/such/kvm", 0), -ENOENT);
	assert_int_equal(kvmio_system_open(&sys, NULL, 1 << 20), -EINVAL);
	assert_int_equal(sys.fd, -77);
}

static void descriptors_close_on_exec_unless_asked_otherwise(void **state)
{
	static const char *const paths[] = { NULL, "/dev/kvm" };
	struct rig *rig = rig_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct kvmio_system sys;

		assert_int_equal(kvmio_system_open(&sys, paths[i], 0), 0);
		assert_true(fcntl(sys.fd, F_GETFD) & FD_CLOEXEC);
		kvmio_system_release(&sys);
		assert_int_equal(kvmio_system_open(&sys, paths[i], KVMIO_NO_CLOEXEC), 0);
		assert_false(fcntl(sys.fd, F_GETFD) & FD_CLOEXEC);
		kvmio_system_release(&sys);
	}
	rig_vm(rig);
	assert_true(fcntl(rig->vm.fd, F_GETFD) & FD_CLOEXEC);
	rig_vcpu(rig);
	assert_true(fcntl(rig->vcpu.fd, F_GETFD) & FD_CLOEXEC);
}

static void the_api_is_version_12(void **state)
{
	struct rig *rig = rig_of(state);

	assert_int_equal(kvmio_system_api_version(&rig->sys), KVM_API_VERSION);
}

static void an_unknown_capability_is_absent(void **state)
{
	struct rig *rig = rig_of(state);

	assert_int_equal(kvmio_system_check_extension(&rig->sys, 696969), 0);
	assert_true(kvmio_system_check_extension(&rig->sys, KVMIO_CAP_USER_MEMORY) > 0);
	rig_vm(rig);
	assert_int_equal(kvmio_vm_check_extension(&rig->vm, 696969), 0);
	assert_true(kvmio_vm_check_extension(&rig->vm, KVMIO_CAP_USER_MEMORY) > 0);
}

static void limits_are_in_order(void **state)
{
	struct rig *rig = rig_of(state);
	int size = kvmio_system_vcpu_mmap_size(&rig->sys);

	assert_true(size >= (int)sizeof(struct kvm_run));
	assert_int_equal(size % sysconf(_SC_PAGESIZE), 0);
	assert_true(kvmio_system_nr_vcpus(&rig->sys) >= 1);
	assert_true(kvmio_system_max_vcpus(&rig->sys) >= kvmio_system_nr_vcpus(&rig->sys));
	assert_true(kvmio_system_max_vcpu_id(&rig->sys) >= kvmio_system_max_vcpus(&rig->sys));
	assert_true(kvmio_system_nr_memslots(&rig->sys) >= 32);
}

static void a_vm_knows_the_size_of_its_vcpus_mappings(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	assert_int_equal(rig->vm.run_size, kvmio_system_vcpu_mmap_size(&rig->sys));
}

static void a_vm_is_made_of_a_type(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_vm none = { .fd = -77 };

	assert_int_equal(kvmio_vm_create_with_type(&rig->vm, &rig->sys, 0), 0);
	assert_int_equal(kvmio_vm_create_with_type(&none, &rig->sys, 0x7fffff00), -EINVAL);
	assert_int_equal(none.fd, -77);
}

static void a_vm_is_adopted_from_its_descriptor(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_vm vm;
	struct kvmio_vcpu vcpu = KVMIO_VCPU_INIT;

	rig_vm(rig);
	kvmio_vm_from_fd(&vm, dup(rig->vm.fd), rig->vm.run_size);
	assert_int_equal(kvmio_vcpu_create(&vcpu, &vm, 0), 0);
	kvmio_vcpu_release(&vcpu);
	/* A size that cannot be: refused, and the vCPU's descriptor is not leaked. */
	vm.run_size = 1;
	assert_int_equal(kvmio_vcpu_create(&vcpu, &vm, 1), -EINVAL);
	assert_int_equal(vcpu.fd, -1);
	kvmio_vm_release(&vm);
}

static void a_wrong_descriptor_is_an_error_of_the_kernels(void **state)
{
	struct kvmio_system sys = { .fd = BAD_FD };
	struct kvmio_vm vm = { .fd = -77 };

	assert_int_equal(kvmio_system_api_version(&sys), -EBADF);
	assert_int_equal(kvmio_system_check_extension(&sys, KVMIO_CAP_IRQCHIP), -EBADF);
	assert_int_equal(kvmio_system_vcpu_mmap_size(&sys), -EBADF);
	assert_int_equal(kvmio_system_nr_vcpus(&sys), -EBADF);
	assert_int_equal(kvmio_system_max_vcpus(&sys), -EBADF);
	assert_int_equal(kvmio_system_max_vcpu_id(&sys), -EBADF);
	assert_int_equal(kvmio_system_nr_memslots(&sys), -EBADF);
	assert_int_equal(kvmio_vm_create(&vm, &sys), -EBADF);
	assert_int_equal(kvmio_vm_create_with_type(&vm, &sys, 0), -EBADF);
	assert_int_equal(vm.fd, -77);
}

static void a_descriptor_of_something_else_is_no_kvm(void **state)
{
	struct kvmio_system sys;

	assert_int_equal(kvmio_system_open(&sys, "/dev/null", 0), 0);
	assert_int_equal(kvmio_system_api_version(&sys), -ENOTTY);
	kvmio_system_release(&sys);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(the_device_opens_by_default_and_by_path),
		with_rig(a_failed_open_leaves_the_struct_alone),
		with_rig(descriptors_close_on_exec_unless_asked_otherwise),
		with_rig(the_api_is_version_12),
		with_rig(an_unknown_capability_is_absent),
		with_rig(limits_are_in_order),
		with_rig(a_vm_knows_the_size_of_its_vcpus_mappings),
		with_rig(a_vm_is_made_of_a_type),
		with_rig(a_vm_is_adopted_from_its_descriptor),
		with_rig(a_wrong_descriptor_is_an_error_of_the_kernels),
		with_rig(a_descriptor_of_something_else_is_no_kvm),
	};

	return cmocka_run_group_tests_name("kvmio/system", tests, NULL, NULL);
}
