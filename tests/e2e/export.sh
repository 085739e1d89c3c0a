#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig kernel export`: what is taken away boots elsewhere, has one checksum, and is what others' tools read. And the
# way back: `vmrig kernel fetch URL`.
. "$(dirname "$0")/lib.sh"

kernel=debian:6.1-cloud
unset VMRIG_KERNEL

# The release of the kernel, as the cache knows it.
release() {
	"$VMRIG" kernel list | awk -v a="${1:-x86_64}" '$3 == a && /cloud/ { print $2; exit }'
}

make_key() {
	export GNUPGHOME=$PWD/gpg
	mkdir -m 700 gpg
	gpg --batch --quiet --passphrase '' --quick-generate-key 'Tester <tester@example.org>' ed25519 sign never 2>gpg.log ||
		fail "no key: $(cat gpg.log)"
}

end_key() {
	gpgconf --kill all
}

test_an_unpacked_archive_is_a_kernel_that_boots_with_its_modules() {
	local r
	r=$(release)
	vmrig kernel export $kernel --tar k.tar.zst
	code_is 0
	has out "k.tar.zst: Linux $r for x86_64"
	has out "sha256 $(sha256sum <k.tar.zst | cut -d' ' -f1)"
	sha256sum --quiet -c k.tar.zst.sha256
	vmrig kernel export --level 1 $kernel --tar soon.tar.zst
	code_is 0
	[ "$(stat -c %s soon.tar.zst)" -gt "$(stat -c %s k.tar.zst)" ]
	rm soon.tar.zst
	mkdir k
	tar -xf k.tar.zst -C k
	(cd k && sha256sum --quiet -c SHA256SUMS)
	same "$(find k -type f | wc -l)" "$(($(wc -l <k/SHA256SUMS) + 1))"
	same "$(find k ! -perm -0444 | wc -l)" 0
	[ -f "k/boot/config-$r" ] && [ -f "k/boot/vmlinux-$r" ] && [ -f "k/lib/modules/$r/modules.dep" ]
	vmrig run --kernel k -- sh -c 'uname -r; cat /proc/modules | grep -c virtio'
	code_is 0
	same "$(head -n 1 out)" "$r"
}

test_what_a_kernel_lacks_is_told_and_stands_in_the_manifest() {
	vmrig kernel export --level 1 $kernel --tar k.tar.zst
	code_is 0
	has err "not exported: symbols:"
	has err "not exported: System.map:"
	tar -xOf k.tar.zst manifest.json >m
	has m '"missing"'
	has m '"System.map": "the kernel has none that holds symbols"'
	has m '"symbols": false'
	has m "\"release\": \"$(release)\""
	has m '"package": "linux-image-'
	has m '"compiler": "gcc'
	hasnt m "$VMRIG_CACHE_DIR"
}

test_the_single_file_boots_and_its_checksum_holds() {
	vmrig kernel export --level 1 $kernel --bin vmlinux.bin.zst
	code_is 0
	sha256sum --quiet -c vmlinux.bin.zst.sha256
	zstd -q -d vmlinux.bin.zst -o vmlinux.bin
	same "$(head -c 4 vmlinux.bin | tail -c 3)" ELF
	# Without modules it has no virtio: an initramfs and a UART must do.
	vmrig run --kernel ./vmlinux.bin --root none -- busybox uname -r
	code_is 0
	same "$(cat out)" "$(release)"
}

test_two_exports_have_the_same_bytes() {
	vmrig kernel export --level 1 $kernel --tar 1.tar.zst
	vmrig kernel export --level 1 "$("$VMRIG" kernel list --json | grep -o 'kernels/[0-9a-f]*/boot/vmlinuz-[^"]*cloud-amd64' | head -n 1 | cut -d/ -f2)" --tar 2.tar.zst
	code_is 0
	cmp 1.tar.zst 2.tar.zst
	vmrig kernel export --level 1 $kernel --oci 1 --tag t
	vmrig kernel export --level 1 $kernel --oci 2 --tag t
	code_is 0
	diff -r 1 2
}

test_skopeo_reads_the_layout_and_its_layer_holds_the_kernel() {
	local r layer
	r=$(release)
	vmrig kernel export --level 1 $kernel --oci k --tag 6.1
	code_is 0
	skopeo inspect oci:k:6.1 >inspected
	has inspected '"Architecture": "amd64"'
	has inspected "Linux $r"
	skopeo --insecure-policy copy -q oci:k:6.1 dir:copied
	layer=$(sed -n 's/.*"sha256:\([0-9a-f]*\)".*/\1/p' inspected | tail -n 1)
	cmp "copied/$layer" "k/blobs/sha256/$layer"
	skopeo inspect --config oci:k:6.1 >config
	has config "sha256:$(zcat "copied/$layer" | sha256sum | cut -d' ' -f1)"
	mkdir root
	tar -xzf "copied/$layer" -C root
	(cd root && sha256sum --quiet -c SHA256SUMS)
	vmrig run --kernel root -- uname -r
	code_is 0
	same "$(cat out)" "$r"
}

test_kernels_of_two_architectures_stand_under_one_tag() {
	vmrig kernel export --level 1 $kernel --oci k --tag 6.1
	code_is 0
	vmrig kernel export --level 1 debian:6.1 --arch aarch64 --oci k --tag 6.1
	code_is 0
	skopeo --override-arch amd64 inspect oci:k:6.1 >1
	skopeo --override-arch arm64 inspect oci:k:6.1 >2
	has 1 "amd64"
	has 2 '"Architecture": "arm64"'
	same "$(skopeo inspect --raw oci:k:6.1 | grep -o '"architecture"' | wc -l)" 2
	# In the other order it is the same.
	vmrig kernel export --level 1 debian:6.1 --arch aarch64 --oci l --tag 6.1
	vmrig kernel export --level 1 $kernel --oci l --tag 6.1
	diff -r k l
	# The same again changes nothing.
	vmrig kernel export --level 1 $kernel --oci l --tag 6.1
	code_is 0
	diff -r k l
}

test_nothing_is_replaced_unless_it_is_asked_for() {
	echo old >k.tar.zst
	vmrig kernel export --level 1 $kernel --tar k.tar.zst
	code_is 125
	has err "k.tar.zst is there already"
	has err "--force"
	same "$(cat k.tar.zst)" old
	echo old >b.sha256
	vmrig kernel export --level 1 $kernel --bin b
	code_is 125
	[ ! -e b ]
	vmrig kernel export --level 1 $kernel --tar k.tar.zst --force
	code_is 0
	sha256sum --quiet -c k.tar.zst.sha256
	mkdir full
	echo mine >full/file
	vmrig kernel export --level 1 $kernel --oci full
	code_is 125
	has err "neither empty nor an OCI image layout"
	same "$(ls full)" file
	vmrig kernel export --level 1 $kernel --oci k
	vmrig kernel export --level 1 debian:6.1 --oci k
	code_is 125
	has err "another kernel for amd64 called latest"
	vmrig kernel export --level 1 debian:6.1 --oci k --force
	code_is 0
	skopeo inspect oci:k:latest >inspected
	hasnt inspected cloud
	same "$(ls -A | grep -c '^\.' || true)" 0
}

test_a_signature_is_gpgs_and_holds() {
	make_key
	vmrig kernel export --level 1 $kernel --tar k.tar.zst --sign tester@example.org
	code_is 0
	gpg --batch --verify k.tar.zst.sha256.asc k.tar.zst.sha256 2>said || fail "$(cat said)"
	mkdir k
	tar -xf k.tar.zst -C k
	gpg --batch --verify k/SHA256SUMS.asc k/SHA256SUMS 2>said || fail "$(cat said)"
	(cd k && sha256sum --quiet -c SHA256SUMS)
	vmrig kernel export --level 1 $kernel --bin k.bin.zst --sign tester@example.org
	gpg --batch --verify k.bin.zst.sha256.asc k.bin.zst.sha256 2>said || fail "$(cat said)"
	vmrig kernel export --level 1 $kernel --tar other.tar.zst --sign nobody@example.org
	end_key
	code_is 125
	has err "nobody@example.org"
	has err "No secret key"
	same "$(ls -A | grep other || true)" ""
}

test_a_full_disk_and_a_missing_folder_leave_nothing() {
	vmrig kernel export --level 1 $kernel --tar no/such/k.tar.zst
	code_is 125
	has err "no/such"
	code=0
	(ulimit -f 4096; exec "$VMRIG" kernel export --level 1 $kernel --tar k.tar.zst) >out 2>err || code=$?
	[ "$code" != 0 ] || fail "a file beyond the limit"
	[ ! -e k.tar.zst ] && [ ! -e k.tar.zst.sha256 ]
}

test_wrong_usage_is_told() {
	vmrig kernel export $kernel
	code_is 2
	has err "--tar, --bin and --oci"
	vmrig kernel export --tar x
	code_is 2
	vmrig kernel export $kernel --tar x --oci y
	code_is 2
	vmrig kernel export $kernel --tar x --tag y
	code_is 2
	vmrig kernel export $kernel --oci x --tag a/b
	code_is 125
	has err "'a/b' is no tag"
	[ ! -e x ]
	vmrig kernel export no-such-kernel --tar x
	code_is 125
	has err "no-such-kernel"
}

# ---- the way back ----

fetch() {
	VMRIG_CACHE_DIR=$PWD/cache vmrig kernel fetch "$@"
}

test_what_was_exported_is_fetched_checked_and_boots() {
	local r sum
	r=$(release)
	vmrig kernel export --level 1 $kernel --tar k.tar.zst
	code_is 0
	sum=$(cut -d' ' -f1 k.tar.zst.sha256)
	fetch "file://$PWD/k.tar.zst" --sha256 "$sum"
	code_is 0
	has out "prebuilt:k: $r for x86_64"
	VMRIG_CACHE_DIR=$PWD/cache vmrig run --kernel prebuilt:k -- uname -r
	code_is 0
	same "$(cat out)" "$r"
	# Now the checksum alone tells what it is.
	rm k.tar.zst
	fetch "file://$PWD/k.tar.zst" --sha256 "$sum" --name mine
	code_is 0
	VMRIG_CACHE_DIR=$PWD/cache vmrig run --kernel prebuilt:mine -- true
	code_is 0
}

test_an_image_a_single_file_and_a_package_are_fetched() {
	local r image
	r=$(release)
	image=$(echo "$VMRIG_CACHE_DIR"/kernels/*/boot/vmlinuz-"$r")
	fetch "file://$image" --sha256 "$(sha256sum <"$image" | cut -d' ' -f1)" --name image
	code_is 0
	has out "prebuilt:image: $r"
	vmrig kernel export --level 1 $kernel --bin vmlinux.bin.zst
	fetch "file://$PWD/vmlinux.bin.zst" --unchecked
	code_is 0
	has out "prebuilt:vmlinux: $r"
	has err "unchecked: its SHA-256 is $(cut -d' ' -f1 vmlinux.bin.zst.sha256)"
	VMRIG_CACHE_DIR=$PWD/cache vmrig kernel list
	has out prebuilt:image
	has out prebuilt:vmlinux
}

test_a_download_without_checksum_or_with_another_is_refused() {
	echo hello >file
	fetch "file://$PWD/file"
	code_is 125
	has err "without a checksum"
	has err "--unchecked"
	fetch "file://$PWD/file" --sha256 "$(echo other | sha256sum | cut -d' ' -f1)"
	code_is 125
	fetch "file://$PWD/file" --sha256 abc
	code_is 125
	has err "64 hex digits"
	fetch "file://$PWD/file" --unchecked
	code_is 125
	has err "neither a kernel image"
	tar -cf other.tar file
	fetch "file://$PWD/other.tar" --unchecked
	code_is 125
	fetch "file://$PWD/file" --unchecked --name a/b
	code_is 125
	fetch "file://$PWD/none" --unchecked
	code_is 125
	fetch debian:6.1 --unchecked
	code_is 2
	same "$(find cache -name '*.tmp' -o -name manifest.json | wc -l)" 0
	vmrig run --kernel prebuilt:none -- true
	code_is 125
	has err "vmrig kernel fetch"
}

run_tests "$@"
