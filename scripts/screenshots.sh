#!/usr/bin/env bash
# Takes the pictures of the README from the real program, on two virtual
# displays: docs/*.png. Needs, beside what the tests need: geany xdotool xclip
# imagemagick x11-xserver-utils.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-docs}
home=$(mktemp -d)
pids=()
cleanup() { for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$home"; }
trap cleanup EXIT
export HOME=$home LIBGL_ALWAYS_SOFTWARE=1 NO_AT_BRIDGE=1 VIEWFLIP_KEYCHAIN=memory
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
# One cookie for both displays: it goes by every address (ffff) and number.
export XAUTHORITY=$home/authority
install -m 600 /dev/null "$XAUTHORITY"
xauth -q nmerge - <<<"ffff 0000  0000  0012 4d49542d4d414749432d434f4f4b49452d31 0010 $(mcookie)"

display() { # prints the name of a new display
	local f=$home/display.$1
	Xvfb -displayfd 3 -screen 0 1440x900x24 +extension GLX +extension Composite -auth "$XAUTHORITY" -nolisten tcp 3>"$f" >/dev/null 2>&1 &
	pids+=($!)
	for _ in $(seq 100); do [ -s "$f" ] && break; sleep 0.1; done
	eval "$1=:$(cat "$f")"
}
on() { local d=$1; shift; DISPLAY=$d "$@"; }
run() { local d=$1; shift; DISPLAY=$d "$@" >/dev/null 2>&1 & pids+=($!); }
win() { # DISPLAY TITLE: the newest window of that title, once it is there
	local id
	for _ in $(seq 150); do
		id=$(on "$1" xdotool search --onlyvisible --name "$2" 2>/dev/null | tail -1)
		[ -n "$id" ] && { echo "$id"; return; }
		sleep 0.2
	done
	echo "no window $2" >&2
	exit 1
}
click() { on "$1" xdotool mousemove --window "$2" "$3" "$4" sleep 0.2 click 1 sleep 0.3; }
shot() { on "$1" import -window root "$out/$2.png"; }
# framed takes a window with its frame.
framed() { on "$1" import -frame -window "$2" "$out/$3.png"; }

mkdir -p "$out"
display A
display B
for d in "$A" "$B"; do run "$d" openbox; done
sleep 1
for d in "$A" "$B"; do on "$d" xsetroot -solid '#39465a'; done
cat >"$home/notes.txt" <<'TXT'
Subject: Offer, confidential

Dear all,
please keep this between us until Monday.
TXT
mkdir -p "$home/src"
cp session/flow.go "$home/src/flow.go"
run "$A" geany -i -s -t -m -p "$home/src/flow.go"
run "$A" xterm -T "Mail" -fa "DejaVu Sans Mono" -fs 11 -geometry 62x16 -bg '#fbf3e6' -fg '#40342a' -e "cat $home/notes.txt; sleep 1000"
editor=$(win "$A" flow.go)
mail=$(win "$A" '^Mail$')
on "$A" xdotool set_window --name "flow.go - Geany" "$editor" windowsize "$editor" 800 560 windowmove "$editor" 24 40
on "$A" xdotool windowmove "$mail" 420 560
on "$A" xdotool windowactivate "$mail"
run "$A" bin/viewflip --name Ada
ada=$(win "$A" '^viewflip$')
sleep 5
on "$A" xdotool windowmove "$ada" 440 150
sleep 1
click "$A" "$ada" 330 200 # the editor is the second tile
framed "$A" "$ada" picker
click "$A" "$ada" 920 653
sleep 2
click "$A" "$ada" 800 250
link=$(on "$A" xclip -o -selection clipboard)
run "$B" bin/viewflip join "$link" --name Ben
view=$(win "$B" 'Ada$')
sleep 3
on "$B" xdotool windowmove "$view" 320 130
sleep 1
W=$(on "$B" xdotool getwindowgeometry --shell "$view" | sed -n 's/^WIDTH=//p')
click "$B" "$view" $((W - 70)) 18 # ask for control
sleep 2
framed "$A" "$ada" request
click "$A" "$ada" 575 125 # allow
sleep 1
framed "$A" "$ada" sharing
on "$A" xdotool windowmove "$ada" 560 430
on "$A" xdotool windowactivate "$mail"
sleep 1
click "$B" "$view" 330 240
on "$B" xdotool key End key Return sleep 0.3 type --delay 40 '// typed by'
sleep 6 # the chip asks every five seconds
on "$B" xdotool type --delay 120 ' Ben'
sleep 1
framed "$B" "$view" viewer
on "$A" xdotool windowmove "$mail" 560 300 windowactivate "$mail" set_window --name "flow.go - Geany" "$editor"
sleep 1
shot "$A" sharer
shot "$B" viewer-desktop
convert "$out/sharer.png" -bordercolor '#1b212b' -border 12 "$home/a.png"
convert "$out/viewer-desktop.png" -bordercolor '#1b212b' -border 12 "$home/b.png"
convert "$home/a.png" "$home/b.png" +append -resize 1600x "$out/call.png"
rm "$out/sharer.png" "$out/viewer-desktop.png"
