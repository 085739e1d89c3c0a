%if kernel
(
  cd @{suite}
  vmrig kernel @{how} --arch @{arch} @{spec_word}
  key=$(vmrig kernel resolve --arch @{arch} @{spec_word} | cut -d ' ' -f 1)
  # With the lists that say which releases 6.12 or "stable" are.
  mkdir -p "$VMRIG_CACHE_DIR/sources/lists"
  tar --zstd -cf "$PREPARED" -C "$VMRIG_CACHE_DIR" "kernels/$key" sources/lists
)
%else
(
  cd @{suite}
  @{prepare_command}
  tar --zstd -cf "$PREPARED" @{files}
)
%end
