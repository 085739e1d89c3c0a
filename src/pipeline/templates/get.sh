%if kernel
(
  cd @{suite}
  vmrig kernel @{how} --arch @{arch} @{spec_word}
  key=$(vmrig kernel resolve --arch @{arch} @{spec_word} | cut -d ' ' -f 1)
  tar --zstd -cf "$PREPARED" -C "$VMRIG_CACHE_DIR" "kernels/$key"
)
%else
(
  cd @{suite}
  @{prepare_command}
  tar --zstd -cf "$PREPARED" @{files}
)
%end
