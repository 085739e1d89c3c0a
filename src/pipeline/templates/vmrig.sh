%if installed
vmrig --version
%if packages
# What the tests need; vmrig ci runner --package installs it.
dpkg -s @{packages} >/dev/null
%end
%else
%if vmrig_url
git clone --no-checkout @{vmrig_url} "@{temp}/vmrig"
git -C "@{temp}/vmrig" checkout --detach @{vmrig_ref}
%end
@{vmrig_source}/tools/deps --build
meson setup "@{temp}/vmrig-build" @{vmrig_source} --prefix=/usr/local -Dtests=disabled -Dwerror=false
ninja -C "@{temp}/vmrig-build"
@{sudo}meson install --no-rebuild -C "@{temp}/vmrig-build"
%if packages
@{sudo}apt-get install -y --no-install-recommends @{packages}
%end
%end
