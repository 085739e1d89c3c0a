#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig image`: what others' tools sign, pack and read, and what a guest's kernel sees of a seed.
. "$(dirname "$0")/lib.sh"

empty_cache() {
	export VMRIG_CACHE_DIR=$PWD/cache
}

make_image() {
	seq 100000 >disk.img
	truncate -s 4M disk.img
}

make_key() {
	mkdir -p -m 700 "$1"
	gpg --homedir "$1" --batch --quiet --passphrase '' --quick-generate-key "$1 <$1@example.org>" ed25519 sign never 2>gpg.log ||
		fail "no key: $(cat gpg.log)"
	gpg --homedir "$1" --armor --export >"$1.asc"
	gpg --homedir "$1" --with-colons --list-keys | awk -F: '/^fpr/ { print $10; exit }' >"$1.fpr"
}

sign() {
	local home=$1
	shift
	gpg --homedir "$home" --batch --quiet --yes --armor "$@"
}

end_keys() {
	for k in "$@"; do gpgconf --homedir "$k" --kill all; done
}

url() {
	echo "file://$PWD/$1"
}

test_signed_checksums_count_by_the_key_that_signed_them() {
	empty_cache
	make_image
	make_key alice
	make_key mallory
	sha512sum disk.img >SHA512SUMS
	sign alice --output SHA512SUMS.sign --detach-sign SHA512SUMS
	vmrig image fetch "$(url disk.img)" --sums "$(url SHA512SUMS)" --keyring alice.asc
	code_is 0
	has err "signed by $(cat alice.fpr)"
	cmp "$(cat out)" disk.img
	vmrig image fetch "$(url disk.img)" --sums SHA512SUMS --keyring alice.asc --gpg-key "$(cat alice.fpr)"
	code_is 0
	hasnt err downloading
	vmrig image fetch "$(url disk.img)" --sums SHA512SUMS --keyring mallory.asc
	code_is 125
	has err "not in the keyring"
	cat mallory.asc >>alice.asc
	sign mallory --output SHA512SUMS.sign --detach-sign SHA512SUMS
	vmrig image fetch "$(url disk.img)" --sums SHA512SUMS --keyring alice.asc --gpg-key "$(cat alice.fpr)"
	code_is 125
	has err "and not by $(cat alice.fpr)"
	sha512sum alice.asc | sed 's/alice.asc/disk.img/' >>SHA512SUMS
	vmrig image fetch "$(url disk.img)" --sums SHA512SUMS --keyring mallory.asc
	code_is 125
	has err "signature is wrong"
	rm SHA512SUMS.sign
	vmrig image fetch "$(url disk.img)" --sums SHA512SUMS --keyring mallory.asc
	code_is 125
	has err "no signature"
	end_keys alice mallory
}

test_what_stands_around_a_clear_signed_list_does_not_count() {
	empty_cache
	make_image
	make_key alice
	sha256sum disk.img >CHECKSUM.plain
	sign alice --output CHECKSUM --clear-sign CHECKSUM.plain
	vmrig image fetch "$(url disk.img)" --sums CHECKSUM --keyring alice.asc
	code_is 0
	vmrig image remove disk
	code_is 0
	sed -i 's/^-----BEGIN PGP SIGNED/x\n&/' CHECKSUM
	sha256sum alice.asc | sed 's/alice.asc/disk.img/' >>CHECKSUM
	vmrig image fetch "$(url disk.img)" --sums CHECKSUM --keyring alice.asc
	[ "$code" = 125 ] || cmp "$(cat out)" disk.img
	end_keys alice
}

test_an_image_in_a_tar_archive_is_found() {
	empty_cache
	make_image
	echo read me >README
	tar -cJf hurd.tar.xz README disk.img
	vmrig image fetch "$(url hurd.tar.xz)" --unchecked
	code_is 0
	cmp "$(cat out)" disk.img
	cp disk.img two.img
	tar -cJf two.tar.xz disk.img two.img
	vmrig image fetch "$(url two.tar.xz)" --unchecked
	code_is 125
	has err "more than one image"
	tar -cJf none.tar.xz README
	vmrig image fetch "$(url none.tar.xz)" --unchecked
	code_is 125
	has err "holds no image"
}

test_an_image_of_another_checksum_is_refused_and_nothing_is_kept() {
	local sum
	empty_cache
	make_image
	sum=$(sha256sum <disk.img | cut -d' ' -f1)
	vmrig image fetch "$(url disk.img)" --sha256 "${sum/[0-9]/f}" --name mine
	code_is 125
	has err "its SHA-256 is $sum, and"
	same "$(find cache -type f ! -name '*.lock' | wc -l)" 0
	printf 'machines: [{ name: pc, image: mine }]\ntests: [{ name: t, steps: [{ send: x }] }]\n' >vmrig.yaml
	vmrig test --output r
	code_is 125
	has err "INFRA"
	has err "no such image in the cache"
}

test_images_are_listed_looked_at_verified_and_removed() {
	empty_cache
	make_image
	vmrig image fetch "$(url disk.img)" --unchecked --format qcow2 --name mine
	code_is 0
	vmrig image list --json
	code_is 0
	python3 -c 'import json; i, = json.load(open("out")); assert i["names"] == ["mine"] and i["format"] == "qcow2", i'
	vmrig image info --json mine
	python3 -c 'import json; i = json.load(open("out")); assert i["virtual_size"] == 4 << 20, i'
	vmrig image verify mine
	code_is 0
	f=$(find cache -name disk.qcow2)
	chmod u+w "$f"
	printf x | dd of="$f" bs=1 seek=200000 conv=notrunc status=none
	vmrig image verify mine
	code_is 125
	has err "another content"
	vmrig image list
	has out "damaged"
	vmrig image fetch "$(url disk.img)" --sha256 "$(sha256sum <disk.img | cut -d' ' -f1)" --format qcow2 --name mine
	code_is 0
	has err "fetching it again"
	vmrig image verify mine
	code_is 0
	vmrig image remove mine
	code_is 0
	vmrig image info mine
	code_is 125
	same "$(find cache/images -name '*.tmp*' -o -name manifest.json | wc -l)" 0
}

none_of_qemu_img() {
	! marked "$VMRIG_E2E_MARK" | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep -q qemu-img
}

test_sigkill_in_the_midst_leaves_no_half_entry() {
	empty_cache
	make_image
	xz -k disk.img
	for t in 0.002 0.01 0.02 0.03 0.05 0.08; do
		timeout -s KILL "$t" "$VMRIG" image fetch "$(url disk.img.xz)" --unchecked --force --format qcow2 >/dev/null 2>&1 || true
		vmrig image list
		code_is 0
		hasnt out damaged
		eventually none_of_qemu_img
	done
	vmrig image fetch "$(url disk.img.xz)" --unchecked --format qcow2
	code_is 0
	vmrig image verify disk
	code_is 0
	same "$(find cache/images -name '*.tmp*' | wc -l)" 0
}

test_a_guest_reads_the_seed_of_either_format() {
	printf '#cloud-config\nhostname: @HOST@\n' >user
	printf 'version: 2\nethernets: {}\n' >net
	for format in iso vfat; do
		vmrig image seed -o $format.seed --format $format --user-data user --network-config net --var HOST=box --new-key key-$format
		code_is 0
		same "$(blkid -p -s LABEL -o value $format.seed | tr A-Z a-z)" cidata
		vmrig run -- sh -c "modprobe -a loop isofs vfat nls_ascii nls_cp437; mkdir -p /run/m
			mount -o ro \$(losetup -f --show -r $PWD/$format.seed) /run/m && cd /run/m && ls && cat user-data meta-data"
		code_is 0
		same "$(head -n 3 out | tr '\n' ' ')" "meta-data network-config user-data "
		has out "hostname: box"
		has out "$(cat key-$format/id_ed25519.pub)"
	done
	fsck.vfat -n vfat.seed
	ssh-keygen -y -f key-iso/id_ed25519 >pub
	has key-iso/id_ed25519.pub "$(cut -d' ' -f2 pub)"
}

test_a_seed_with_a_mistake_is_refused_with_its_place() {
	printf '#cloud-config\nusers: [\n' >user
	vmrig image seed -o seed.iso --user-data user --new-key key
	code_is 2
	has err "user:"
	[ ! -e seed.iso ] && [ ! -e key/id_ed25519 ]
	printf '#cloud-config\n' >user
	vmrig image seed -o seed.iso --user-data user
	code_is 0
	vmrig image seed -o seed.iso --user-data user
	code_is 125
	vmrig image seed -o seed.iso --user-data user --force
	code_is 0
	vmrig image seed --user-data user
	code_is 2
}

run_tests "$@"
