#!/usr/bin/env bash
# Installs what is missing for: build, demo, test, bench or prove. Does nothing, and asks for
# no root, when nothing is missing.
set -euo pipefail
build="clang gcc libc6-dev pkg-config libgl-dev libx11-dev libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev libxxf86vm-dev libvpx-dev ca-certificates"
demo="xvfb xauth openbox xterm xfonts-base fonts-dejavu-core libgl1-mesa-dri"
test="dbus dbus-daemon gnome-keyring xclip x11-xkb-utils libx11-data postgresql weston xwayland"
prove="xfwm4 mutter python3 python3-gi gir1.2-gtk-3.0 python3-pyqt5 chromium twm i3-wm nedit"
bench="x11vnc tigervnc-viewer xpra python3-gi-cairo python3-pil python3-lz4 aom-tools" # what "make bench" measures beside ours
case "${1:-build}" in
build) want="$build" ;;
demo) want="$demo" ;;
test) want="$build $demo $test" ;;
prove) want="$build $demo $test $prove" ;;
bench) want="$build $demo $test $bench" ;;
*) echo "usage: deps.sh build|demo|test|bench|prove" >&2; exit 2 ;;
esac

if ! command -v go >/dev/null; then
	echo "Go is missing: install Go 1.21 or newer (https://go.dev/dl), put it on PATH and run this again; it fetches the version that go.mod asks for by itself." >&2
	exit 1
fi
if ! command -v apt-get >/dev/null; then
	[ "$(uname -s)" = Linux ] || exit 0
	echo "This is not Debian or Ubuntu. If the build fails, install what these Debian packages contain: $want" >&2
	exit 0
fi
missing=()
for p in $want; do
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "Installing: ${missing[*]}" >&2
sudo=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "Ask an administrator to run: apt-get install ${missing[*]}" >&2; exit 1; }
	sudo=(sudo)
fi
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
