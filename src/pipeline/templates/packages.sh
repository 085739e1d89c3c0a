@{sudo}apt-get -o Acquire::Retries=3 update
@{sudo}apt-get install -y --no-install-recommends ca-certificates git zstd
