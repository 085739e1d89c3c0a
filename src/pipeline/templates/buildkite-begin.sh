set -eu
export VMRIG_CACHE_DIR="$HOME/.cache/vmrig" PREPARED="$PWD/.vmrig/@{id}.tar.zst"
mkdir -p "$VMRIG_CACHE_DIR" .vmrig
%if !installed
%include packages.sh
rm -rf "@{temp}/vmrig" "@{temp}/vmrig-build"
%end
%include vmrig.sh
