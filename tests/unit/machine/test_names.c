/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void every_name_reads_back(void **state)
{
	static const enum machine_engine engines[] = { ENGINE_AUTO, ENGINE_QEMU };
	static const enum machine_accel accels[] = { ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG };
	static const enum machine_type types[] = { MACHINE_AUTO, MACHINE_MICROVM, MACHINE_Q35,
		MACHINE_VIRT, MACHINE_PC };
	static const enum machine_bus buses[] = { BUS_VIRTIO, BUS_IDE, BUS_SATA, BUS_NVME,
		BUS_SCSI };
	static const enum machine_firmware firmwares[] = { FIRMWARE_BIOS, FIRMWARE_UEFI };

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		enum machine_engine v = ENGINE_AUTO;

		assert_int_equal(
			machine_engine_parse(machine_engine_name(engines[i]), &v, NULL), 0);
		assert_int_equal(v, engines[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(accels); i++) {
		enum machine_accel v = ACCEL_AUTO;

		assert_int_equal(machine_accel_parse(machine_accel_name(accels[i]), &v, NULL), 0);
		assert_int_equal(v, accels[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		enum machine_type v = MACHINE_AUTO;

		assert_int_equal(machine_type_parse(machine_type_name(types[i]), &v, NULL), 0);
		assert_int_equal(v, types[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(buses); i++) {
		enum machine_bus v = BUS_VIRTIO;

		assert_int_equal(machine_bus_parse(machine_bus_name(buses[i]), &v, NULL), 0);
		assert_int_equal(v, buses[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(firmwares); i++) {
		enum machine_firmware v = FIRMWARE_BIOS;

		assert_int_equal(
			machine_firmware_parse(machine_firmware_name(firmwares[i]), &v, NULL), 0);
		assert_int_equal(v, firmwares[i]);
	}
}

static void an_unknown_name_is_refused_with_those_there_are(void **state)
{
	enum machine_type type = MACHINE_Q35;
	enum machine_accel accel = ACCEL_KVM;
	struct err e = ERR_INIT;

	assert_int_equal(machine_type_parse("microvn", &type, &e), -EINVAL);
	assert_string_equal(
		err_text(&e), "machine \"microvn\" is not one of auto, microvm, q35, virt, pc");
	assert_string_equal(e.hint, "Did you mean \"microvm\"?");
	assert_int_equal(type, MACHINE_Q35);
	assert_int_equal(machine_accel_parse("", &accel, &e), -EINVAL);
	assert_int_equal(machine_accel_parse("KVM", &accel, &e), -EINVAL);
	assert_int_equal(accel, ACCEL_KVM);
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_reads_back),
		cmocka_unit_test(an_unknown_name_is_refused_with_those_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
