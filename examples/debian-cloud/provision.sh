#!/bin/sh
# What a job would set up before its tests: here an account, and a file that the tests look for.
set -eu
useradd -m builder
echo "provisioned on $(uname -r)" >/home/builder/report
