if [ ! -e /dev/kvm ]; then mknod -m 0666 /dev/kvm c 10 232; fi
