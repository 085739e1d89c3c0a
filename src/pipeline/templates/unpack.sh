%if kernel
mkdir -p "$VMRIG_CACHE_DIR"
tar --zstd --skip-old-files -xf "$PREPARED" -C "$VMRIG_CACHE_DIR"
%else
tar --zstd -xf "$PREPARED" -C @{suite}
%end
