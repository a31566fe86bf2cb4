#!/usr/bin/env bash
# Disables the rules of the gate one at a time, in a copy of the tree, and sees
# whether a test fails. Arguments: a part of the name of a file or rule (all), or
# --lines, which tests nothing and only sees whether each rule still has its line.
#
# Left out is what cannot be seen from outside, because something else says no
# as well:
#  - bounds behind wire.Pixel, which never leaves the picture, and a window of no
#    size, which has no bounds;
#  - that Close lets go: the desk does so when it closes;
#  - the hit test when an Action moves the pointer: the gate has just asked it
#    for the same point, in the same section;
#  - that the focus arrived where it was set (claim): elsewhere it is in a window
#    of ours, which keeps what it gets to itself;
#  - a focus that is nowhere or on the root (inside): neither has a parent that
#    would lead to the window;
#  - that the key that goes down is the one that was asked about (strikeKey): the
#    gate asks about every one;
#  - that a forbidden key is not chosen for a character (usable): it would be
#    refused when it is pressed;
#  - that a menu is on the screen (popups): the hit test finds no other;
#  - that the core maps forbid a key (do, usable): where there is XKB, the levels
#    of its maps say the same, and this server has it.
# The rules for what a crash leaves behind are those of the guardian, which
# cmd/viewflip tests.
set -euo pipefail
want=${1:-} lines=
if [ "$want" = --lines ]; then want='' lines=yes; fi
root=$(git rev-parse --show-toplevel)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$root"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy" 2>/dev/null || true
cd "$copy"
killed=0 survived=0 broken=0

# try runs some tests; 0 if one fails, whose name it prints. -trimpath lets all
# copies of the tree share what was built.
try() {
	local out=$copy/out
	if go test -vet=off -trimpath -count=1 -failfast -tags x11 -timeout 10m "$@" >"$out" 2>&1; then
		return 1
	fi
	if grep -q 'build failed\|setup failed' "$out"; then
		echo "does not compile"
	elif grep -qE '^ *--- FAIL' "$out"; then
		grep -E '^ *--- FAIL' "$out" | tail -n 1 | sed -E 's/^ *--- FAIL: ([^ ]*).*/\1/'
	elif grep -q 'test timed out' "$out"; then
		echo "does not end"
	else
		grep -oE -m 1 'panic: .*' "$out" || echo "it fails"
	fi
}

# tests prints the first test that fails, nothing if none does. Policy needs no
# display; what the X server answers is tried on one, by the tests first that
# are about it.
tests() {
	case "$1" in
	input/xtest/* | platform/*) { [ -n "$2" ] && try -run "$2" ./input/xtest; } || try ./input/xtest || true ;;
	*) try ./input || true ;;
	esac
}

# rule FILE SED WHAT [TESTS] tries one.
rule() {
	local file=$1 expr=$2 what=$3 by
	[[ "$file $what" == *"$want"* ]] || return 0
	cp "$file" "$copy/saved"
	sed -i -E "$expr" "$file"
	if cmp -s "$file" "$copy/saved"; then
		by="NO SUCH LINE" broken=$((broken + 1))
	elif [ -n "$lines" ]; then
		cp "$copy/saved" "$file"
		return 0
	else
		by=$(tests "$file" "${4:-}")
		case "$by" in
		"") by="SURVIVED" survived=$((survived + 1)) ;;
		"does not compile" | "does not end" | "it fails") by=${by^^} broken=$((broken + 1)) ;;
		*) killed=$((killed + 1)) ;;
		esac
	fi
	cp "$copy/saved" "$file"
	printf '%-30s %-62s %s\n' "$file" "$what" "$by"
}

# What fails without any change finds no rule.
if [ -z "$want$lines" ] && by=$(try ./input ./input/xtest); then
	echo "without any change: $by" >&2
	exit 1
fi

f=input/gate.go
rule $f '0,/g\.closed \|\| g\.desk == nil/s//g.desk == nil/' 'a closed gate refuses'
rule $f '0,/g\.closed \|\| g\.desk == nil/s//g.closed/' 'a gate without a window refuses'
rule $f '/^func \(g \*Gate\) do\(/,/^}/s/return refuse\(wire\.Failed\)/return Verdict{}/' 'what is no event'
rule $f 's/rights&wire\.RightControl == 0 \{/false {/' 'only with the right'
rule $f 's/if len\(g\.ledger\.items\) > 0 \{ .*the right went.*/if false {/' 'the right went: let go'
rule $f 's/!g\.limit\.AllowN\(now, 1\)/false \&\& now.IsZero()/' 'rate'
rule $f 's/!g\.desk\.Visible\(\)/false/' 'visible, before anything is asked'
rule $f 's/again := ev\.Kind == wire\.Press .*/again := false/' 'no second press'
rule $f 's/!ev\.Button\.Valid\(\)/false/' 'known buttons'
rule $f 's/if ev\.Kind == wire\.Press && len\(g\.ledger\.items\) >= maxHeld/if false/' 'not too much held: buttons'
rule $f '/^func \(g \*Gate\) point/,/^}/s/case s\.HostActive:/case false:/' 'the hand of the host, pointer'
rule $f '/^func \(g \*Gate\) point/,/^}/s/case s\.Asked:/case false:/' 'asked of the window manager, pointer'
rule $f '/^func \(g \*Gate\) reachable/,/^}/s/case s\.Asked:/case false:/' 'asked of the window manager, keys'
rule $f 's/if t\.State\(\)\.Asked \{.*/if false {/' 'asked of the window manager, told at a release'
rule $f '0,/case !s\.Visible:/s//case false:/' 'visible, pointer'
rule $f '0,/case s\.Locked:/s//case false:/' 'locked, pointer'
rule $f '0,/case s\.Busy:/s//case false:/' 'foreign grab, pointer'
rule $f 's/case g\.size != s\.Size:.*/case false:/' 'a size that nobody announced'
rule $f 's/g\.layout, g\.size = l, l\.Main\.Size\(\)/g.layout = l/' 'a new generation has a new size'
rule $f 's/v = t\.At\(p\) .*/_ = t.At(p)/' 'the point is the window'"'"'s own'
rule $f 's/case ev\.Kind != wire\.Move && s\.HostMods != 0:/case false:/' 'modifiers of the host, pointer'
rule $f 's/case ev\.Kind != wire\.Move && \(g\.ledger\.mods.*/case false:/' 'no click with Alt or Super'
rule $f 's/\(g\.ledger\.mods\(\)\|s\.Mods\)&clickMods/s.Mods\&clickMods/' 'no click with our own Alt'
rule $f 's/\(g\.ledger\.mods\(\)\|s\.Mods\)&clickMods/g.ledger.mods()\&clickMods/' 'no click with an Alt of the layout'
rule $f 's/return min\(max\(v, -maxWheel\), maxWheel\)/return v/;s/(func clamp.*)\{ return .*/\1{ return v }/' 'so far the wheel turns at once'
rule $f 's/g\.ledger\.point = p$/_ = p/' 'the last allowed point'
rule $f 's/!ev\.Key\.Valid\(\)/false/' 'known keys'
rule $f 's/again < 0 && len\(g\.ledger\.items\) >= maxHeld/false/' 'not too much held: keys'
rule $f '/^func \(g \*Gate\) reachable/,/^}/s/case !s\.Visible:/case false:/' 'visible, keys'
rule $f '/^func \(g \*Gate\) reachable/,/^}/s/case s\.Locked:/case false:/' 'locked, keys'
rule $f '/^func \(g \*Gate\) reachable/,/^}/s/case s\.HostActive:/case false:/' 'the hand of the host, keys'
rule $f '/^func \(g \*Gate\) reachable/,/^}/s/case s\.Busy:/case false:/' 'another guest at the keyboard'
rule $f 's/case !s\.Focused && held:/case false:/' 'a held key without focus is let go'
rule $f 's/case !s\.Focused:/case false:/' 'keys go to the window'
rule $f 's/case g\.ledger\.deny\(ev\.Key, s\.Mods\):/case false:/' 'the deny list'
rule $f 's/case s\.HostMods != 0: .*/case false:/' 'modifiers of the host, keys'
rule $f 's/case ev\.Kind == wire\.Text && s\.Mods&chordMods != 0:/case false:/' 'no text with Ctrl'
rule $f 's/case g\.ledger\.deny\(st\.Key, s\.Mods\):/case false:/' 'the deny list, for what is really pressed'
rule $f 's/case s\.Covered:/case false:/' 'covered, keys'
rule $f 's/case ev\.Kind != wire\.Move && s\.Masked:/case false:/' 'a masked dialog, pointer'
rule $f 's/case s\.Masked:/case false:/' 'a masked dialog, keys'
rule $f 's/case t\.Owned\(st\):/case false:/' 'shortcuts of others'
rule $f 's/case again < 0 && ev\.Repeat && .*/case false:/' 'a repeat of what is not held says what it types'
rule $f 's/if !ev\.Repeat \|\| !g\.ledger\.repeats\(again\)/if !g.ledger.repeats(again)/' 'a second press of a key is no press'
rule $f 's/if !ev\.Repeat \|\| !g\.ledger\.repeats\(again\)/if !ev.Repeat/' 'what may repeat'
rule $f 's/^\t\t\tg\.hold\(held\{button.*/\t\t\t_ = now/' 'what is held is known, buttons'
rule $f 's/^\t\t\tg\.hold\(h\)$/\t\t\t_ = h/' 'what is held is known, keys'
rule $f 's/return verdictOf\(err\) \/\/ still in the ledger.*/_ = err/' 'what stayed down is still known'
rule $f 's/if ev\.Kind != wire\.Release \{/if false {/' 'a key that goes up moves nothing'
rule $f '/^func \(g \*Gate\) yield/,/^}/s/if len\(g\.ledger\.items\) > 0 && inj\.ReleaseAll\(\) == nil/if false/' 'who makes way lets go'
rule $f 's/case inj\.ReleaseAll\(\) == nil:/case false:/' 'a press that failed is let go'
rule $f 's/case h != held\{\}:/case false:/' 'what cannot be let go is kept in mind'
rule $f 's/^\tif i < 0 \{/\tif i = max(i, 0); len(g.ledger.items) == 0 {/' 'only what is held is let go'
rule $f 's/if err != nil && len\(batch\) > 1 \{.*/if false {/' 'let go, wherever the pointer is'
rule $f 's/if !s\.Visible \|\| s\.Busy \|\| s\.Locked \{/if false {/' 'no drop on a desktop that is locked'
rule $f 's/v\.OK\(\) && t\.At\(p\)\.OK\(\) \{/v.OK() {/' 'no drop on somebody else'
rule $f 's/return p, t\.At\(p\)\.OK\(\)/return p, true/' 'no drop where it is covered by now'
rule $f 's/if ev, ok := g\.current\(ev\); ok \{/if true {/' 'no drop by an old picture'
rule $f '/^func \(g \*Gate\) point/,/^}/s/Held: g\.ledger\.dragging\(\)/Held: true/' 'whose grab, pointer: of others'
rule $f '/^func \(g \*Gate\) point/,/^}/s/, Held: g\.ledger\.dragging\(\)//' 'whose grab, pointer: our own'
rule $f '/^func \(g \*Gate\) press/,/^}/s/Held: g\.ledger\.dragging\(\)/Held: true/' 'whose grab, keys: of others'
rule $f '/^func \(g \*Gate\) press/,/^}/s/, Held: g\.ledger\.dragging\(\)//' 'whose grab, keys: our own'
rule $f 's/aim := Aim\{Held: true, Layout/aim := Aim{Layout/' 'whose grab, the end of a drag'
rule $f '/^func \(g \*Gate\) strokeOf/,/^}/s/case !v\.OK\(\):/case false:/' 'a stroke that was refused'
rule $f 's/case v\.Reason == wire\.RateLimited:/case false:/' 'a stroke that is not possible yet'
rule $f 's/^\t\tg\.past = nil$/\t\t_ = g/' 'a menu after a tooltip is a change'

f=input/past.go
rule $f 's/if i < 0 \{/if i = max(i, 0); len(g.past) == 0 {/;s/^\t\treturn ev, false$/\t\treturn ev, true/' 'generation'
rule $f 's/if ev\.Surface != 0 \{/if false {/' 'surface'
rule $f 's/l\.Gen != o\.Gen\+1/l.Gen <= o.Gen/' 'no picture is left out'
rule $f 's/return tips \&\& slices/_ = tips; return slices/' 'what changed is known'
rule $f 's/(return tips) \&\& slices.*/_, _ = slices.Equal[[]Surface], b; \1/' 'only tooltips changed'
rule $f 's/if saw != is \|\| then.* \|\| !q/_, _ = a, b; if saw != is || !q/' 'a tooltip is still where it was seen'
rule $f 's/if saw != is \|\| /_ = is; if /' 'no tooltip came or went at the point'
rule $f 's/s\.Kind != platform\.SurfaceTooltip/s.Kind == platform.SurfaceTooltip \&\& false/' 'menus and dialogs are a change'
rule $f 's/ \|\| !q\.In\(image\.Rectangle\{Max: now\.Size\}\)//' 'a point that the picture no longer has'
rule $f 's/maxPast = 4/maxPast = 400/' 'how long ago'

f=input/run.go
rule $f 's/return g\.Release\(\)$/return nil/' 'the end of Run lets go'
rule $f 's/if wait, ok := g\.expire\(time\.Now\(\)\); ok \{/if wait, ok := time.Duration(0), false; ok {/' 'the watchdog'
rule $f 's/s\.Visible && !s\.HostActive && !s/!s.HostActive \&\& !s/' 'hidden: let go'
rule $f 's/s\.Visible && !s\.HostActive && !s/s.Visible \&\& !s/' 'the host acts: let go'
rule $f 's/!s\.HostActive && !s\.Masked/!s.HostActive/' 'a masked dialog: let go'
rule $f 's/\(s\.Focused \|\| !g\.ledger\.typing\(\)\)/true/' 'the focus left: let go of keys'
rule $f 's/\(s\.Focused \|\| !g\.ledger\.typing\(\)\)/s.Focused/' 'a drag needs no focus'
rule $f 's/return retry, true/return 0, false/' 'what could not be let go is tried again'
rule $f 's/case <-g\.wake:/case <-chan struct{}(nil):/' 'the watchdog hears of what goes down'
rule $f 's/^\t\t\tg\.recheck\(\)$/\t\t\t_ = g/' 'a change is looked at'
rule $f 's/\.seen = time\.Time\{\}/.seen = g.ledger.items[i].seen/' 'what stayed down when it was hidden is let go soon'
rule $f 's/, Surface: \^wire\.SurfaceID\(0\)//' 'the watchdog aims at nothing, in any generation'

f=input/ledger.go
rule $f 's/keyTimeout = 1500 \* time\.Millisecond/keyTimeout = time.Hour/' 'how long a key is held'
rule $f 's/buttonTimeout = 10 \* time\.Second/buttonTimeout = time.Hour/' 'how long a button is held'
rule $f 's/^\t\tif l\.items\[i\]\.button != 0 \{/\t\tif false {/' 'a drag that goes on'
rule $f 's/h\.as != 0 && !h\.as\.Modifier\(\)/!h.as.Modifier()/' 'what was tapped is not repeated by a refresh'
rule $f 's/h\.as != 0 && !h\.as\.Modifier\(\)/h.as != 0/' 'no modifier repeats'
rule $f 's/return types\(l\.items\[i\]\) && !slices.*/_ = slices.Contains[[]int]; return types(l.items[i])/' 'only the last key repeats'
rule $f 's/keyDenied\(h\.as, mods\) \{/false {/' 'chords in any order'
rule $f 's/mods := l\.mods\(\) \| modOf\(k\) \| other/mods := l.mods() | other/' 'the key itself is a modifier'
rule $f 's/mods := l\.mods\(\) \| modOf\(k\) \| other/mods := modOf(k) | other/' 'modifiers that are held'
rule $f 's/mods := l\.mods\(\) \| modOf\(k\) \| other/mods := l.mods() | modOf(k); _ = other/' 'modifiers of others'

f=input/deny.go
while IFS=: read -r line text; do
	rule $f "${line}d" "$(sed -E 's/.*"(.*)".*/\1/' <<<"$text" | cut -c1-60)"
done < <(grep -nE '^	\{0x' $f | grep -v 'panic key') # another row has that chord too
rule $f 's/clickMods = wire\.ModAlt \| wire\.ModSuper/clickMods = wire.ModSuper/' 'Alt moves windows'
rule $f 's/clickMods = wire\.ModAlt \| wire\.ModSuper/clickMods = wire.ModAlt/' 'Super moves windows'
for k in 4 5 6 7; do # the right ones, and the left ones by what they are
	rule $f "s/^\tcase 0xe$((k - 4)), 0xe$k:/\tcase 0xe$((k - 4)):/" "a modifier on the right, 0xe$k"
	rule $f "s/^\tcase 0xe$((k - 4)), 0xe$k:/\tcase 0xe$k:/" "a modifier on the left, 0xe$((k - 4))"
done

f=input/xtest/section_linux.go
rule $f 's/if !d\.nograb \{/if false {/' 'the server is grabbed' 'TestRace/atomic'
rule $f 's/err != nil \|\| r\.Child != chain\[i\]/err != nil/' 'the hit test' 'TestConformance/second/covered'
rule $f 's/case s\.spot\.known && !s\.spot\.root\.In\(s\.screen\):/case false:/' 'points off the screen' 'TestConformance/second/off the screen'
rule $f 's/\|\| s\.host\.kbdGrabbed && s\.state\.Covered/|| false/' 'the locker of the host' 'TestConformance/second/menu and locker'
rule $f 's/\|\| s\.host\.kbdGrabbed && s\.state\.Covered/|| s.host.kbdGrabbed/' 'a menu of the host is no locker' "TestConformance/second/the host's grab"
rule $f 's/if aim\.Keys && h\.typist != nil && h\.typist != d \|\|/if/' 'one guest at the keyboard' 'TestConformance/second/two gates'
rule $f 's/s\.state\.Focused && s\.ownMenu\(\)/s.state.Focused/' 'only menus of its own' 'TestConformance/second/two gates'
rule $f 's/s\.state\.Focused && s\.ownMenu\(\)/false/' 'menus of its own' 'TestConformance/shared/own menu'
rule $f 's/theirs \| latched \| maskMods\(s\.host\.mods\)/theirs | latched/' 'modifiers on the keyboard of the host' 'TestConformance/second/two hands'
rule $f 's/theirs \| latched \| maskMods\(s\.host\.mods\)/maskMods(s.host.mods)/' 'modifiers of others on ours' 'TestConformance/second/two gates'
rule $f 's/s\.layout, s\.state\.Masked = aim\.Layout, d\.masked\(\)/s.layout = aim.Layout/' 'a masked dialog, asked in the section' 'TestConformance/second/masked dialog'
rule $f 's/s\.state\.Focused = d\.inside\(s\.focus\)/s.state.Focused = true/' 'the focus, asked in the section' 'TestConformance/shared/focus elsewhere'
rule $f 's/if !over && !at\.In\(s\.content\) \{/if false {/' 'nothing beside the window' 'TestConformance/second/surfaces'
rule $f 's/case !s\.spot\.known \|\| !s\.spot\.owned:/case false:/' 'what covers the window' 'TestConformance/second/covered'
rule $f 's/!h\.second \|\| !aim\.Claim \|\| /!h.second || /' 'only a press claims the keyboard' 'TestNoRepeatElsewhere/second'
rule $f '/if !h\.second \|\| !aim\.Claim/s/ \|\| s\.state\.Locked//' 'locked: no claim' 'TestConformance/second/keyboard of the refused'
rule $f '/if !h\.second \|\| !aim\.Claim/s/ \|\| aim\.Keys && s\.state\.Covered//' 'covered: no claim' 'TestConformance/second/keyboard of the refused'
rule $f '/if !h\.second \|\| !aim\.Claim/s/ \|\| s\.state\.HostActive//' 'the hand of the host: no claim' 'TestConformance/second/keyboard of the refused'
rule $f 's/return !m\.Masked$/_ = m; return true/' 'a masked dialog hears no release' 'TestConformance/shared/masked key up'

f=input/xtest/questions_linux.go
rule $f 's/(s\.state\.Visible = attributes\.MapState) == xproto\.MapStateViewable/\1 < 255/' 'visible, asked in the section' 'TestFrameIsHidden'
rule $f '/q\.pointerGrab\.Reply/s/err != nil \|\| grabbed\(r\.Status\)/err != nil \&\& r != nil/' 'foreign grabs of the pointer' 'TestConformance/second/two gates'
rule $f '/q\.keyboardGrab\.Reply/s/err != nil \|\| grabbed\(r\.Status\)/err != nil \&\& r != nil/' 'foreign grabs of the keyboard' 'TestConformance/shared/foreign grab'
rule $f 's/^\t\ts\.controls \|= on$/\t\t_ = on/' 'controls, asked in the section' 'TestMouseKeys'

f=input/xtest/waiting_linux.go
rule $f 's/s\.waiting = p\.Buttons != 0/s.waiting = false/' 'a press behind a release that waits' 'TestConformance/second/a press that would'
rule $f 's/!aim\.Claim \|\| h\.xi == nil/!aim.Claim || !h.second/' 'a press behind a release that waits, one pair' 'TestConformance/shared/own menu that'
rule $f 's/p\.Buttons \&\^= 1 << k\.code/_ = k/' 'a second button of the guest' 'TestConformance/second/two buttons'
rule $f 's/case s\.d\.hands\.second:/case true:/' 'a second button of the guest, numbered anew' 'TestConformance/shared/two buttons'

f=input/xtest/menu_linux.go
rule $f 's/if err == nil \&\& r\.Child == w \{/if err == nil \&\& r != nil {/' 'a locker over the menu' 'TestConformance/shared/grab beside'
rule $f '/^func \(d \*Desk\) popups/,/^}/s/if d\.sameBase\(w\) \{/if true {/' 'menus of others' 'TestConformance/shared/(own menu|grab beside)'
rule $f 's/ \&\& a\.Class == xproto\.WindowClassInputOutput//' 'a menu can be seen' 'TestConformance/shared/unseen menu'
rule $f 's/case d\.hands\.host\.last > c\.last, /case /' 'a grab after the host acted' 'TestConformance/shared/grab beside'
rule $f 's/(case d\.hands\.host\.last > c\.last), slices\.ContainsFunc\(s\.tops, foreign\):/\1 \&\& foreign != nil:/' 'a grab of a new program' 'TestConformance/shared/grab beside'
rule $f 's/d\.calm\.at = time\.Now\(\)/_ = time.Now/' 'a menu that opens while a button is held' 'TestConformance/shared/own menu, slowly'
rule $f 's/case s\.state\.HostActive \&\& .*/case false:/' 'a grab soon after the host did something' 'TestConformance/shared/grab beside'
rule $f 's/if before\(w\) \|\| /if false || /' 'a popup that was there before the grab' 'TestConformance/shared/grab beside'
rule $f 's/ \|\| !s\.d\.hands\.second \&\& s\.d\.hint\(w\)//' 'a tooltip is no menu' 'TestConformance/shared/grab beside'
rule $f 's/d\.calm\.grabbed\.Sub\(d\.calm\.at\) > sameTime/d.calm.grabbed.Sub(d.calm.at) < 0/' 'a grab that came while nobody looked' 'TestConformance/shared/grab beside'
rule $f 's/if s, ok := t\.\(\*section\); ok/if s, ok := t.(*section); false \&\& ok/' 'a menu that opens late' 'TestConformance/shared/own menu'
rule $f 's/if !c\.menu \&\& time\.Since\(c\.grabbed\) > moment \{.*/if false {/' 'a grab that was there before the popup' 'TestConformance/shared/grab beside'

f=input/xtest/inject_linux.go
rule $f 's/case k\.button \&\& !aimed:/case false:/' 'a button goes up in the window or nowhere' 'TestConformance/(second|shared)/let go without'
rule $f 's/if int\(p\.RootX\) != s\.spot\.root\.X .*/if p == nil {/' 'the pointer arrived' 'TestPointerGoesAstray'
rule $f 's/code == 0 \|\| s\.d\.layout\.Load\(\)\.banned.*\{/code == 0 {/;s/if s\.forbidden\(st/if false \&\& s.forbidden(st/' 'keys by meaning' 'TestKeysByMeaning'
rule $f 's/if s\.past == 0 \{/if true {/' 'keys go past grabs on the window' 'TestConformance/second/grab on the window'
rule $f 's/^\t\td\.hands\.typist = d$/\t\td.hands.typist = nil/' 'who types' 'TestConformance/second/two gates'
rule $f 's/if !d\.nostrike \{/if false {/' 'presses go past the window manager' 'TestRace/not held back'
rule $f 's/^\t\td\.hands\.autoRepeat\(k\.code, false\)$/\t\t_ = d/' 'the server repeats no key that a guest holds' 'TestNoRepeatElsewhere/shared'
rule $f 's/case !k\.button && !keys:/case false:/' 'a key goes up in the window or nowhere' 'TestNoRepeatElsewhere'
rule $f 's/^\t\td\.down = append\(d\.down, k\).*/\t\t_ = i/' 'what is down is known' 'TestConformance/second/release'
rule $f 's/^\td\.hands\.acted\(\)$/\t_ = d/' 'releases of ours are not the host'"'"'s' 'TestConformance/shared/hand'
rule $f 's/if h\.layout\.bits\[code\] != 0 \|\| .*/if h == nil {/' 'locks do not repeat' 'TestConformance/(second|shared)/repeat of a lock'

rule $f 's/ \|\| s\.forbidden\(code\) \{/ {/' 'keys by every level of the map' 'TestMouseKeys'
rule $f 's/if s\.forbidden\(st\.Code\) \{/if false {/' 'keys by every level of the map, tapped' 'TestSlowKeys'

f=input/xtest/keyrules_linux.go
rule $f 's/(case controls\&later != 0), match.*:/\1:/' 'levels that act on the machine' 'TestKeyRules'
rule $f 's/case controls\&later != 0, match/case match/' 'controls by which keys act later' 'TestKeyRulesOfControls'
rule $f 's/case controls\&xinput\.MouseKeys != 0 .*/case false:/' 'mouse keys' 'TestMouseKeys'
rule $f 's/return match\(r\.stays\[code\], down\) \|\| /return /' 'locks, one pair' 'TestConformance/shared/locks'
rule $f 's/ \|\| controls\&sticky != 0 .*//' 'modifiers that stick, one pair' 'TestKeyRulesOfControls'
rule $f 's/if k\.Behavior == lockDown .*/if lockDown == radioGroup {/' 'keys that stay down' 'TestKeyRulesOfControls'
rule $f 's/symBanned\(o\.Sym\) \|\| !harmless\(o\.Action\.Kind\)/false/' 'keys that are other keys' 'TestKeyRulesOfControls'
rule $f 's/^\tcase symBanned\(l\.Sym\):/\tcase false:/' 'keysyms on every level' 'TestKeyRules'
rule $f 's/^\tcase !harmless\(l\.Action\.Kind\):/\tcase false:/' 'actions on every level' 'TestKeyRules'
rule $f 's/if !k\.button \&\& k\.code != code \&\& r\.forbids/if false \&\& r.forbids/' 'a held key with a new modifier, by the map' 'TestThirdLevel'
rule $f 's/^\t\tbits \|= r\.holds\[code\]$/\t\t_ = r/' 'AltGr is a modifier' 'TestThirdLevel'

f=input/xtest/stroke_linux.go
rule $f 's/return errors\.Join\(err, mapKey\(h\.act, code, sym\)\)/_ = errors.Join; return err/' 'borrowed keys on both keyboards' 'TestBorrowedKeyIsToldOf'

f=input/xtest/focus_linux.go
rule $f '/^func \(s \*section\) claim/,/^}/s/^\th\.xi\.SetFocus\(h\.kbd, d\.target\(\)\)/\t_ = d/' 'our keyboard has the focus first' 'TestConformance/second/two hands'
rule $f 's/^\t\txproto\.SetInputFocus\(h\.act, was\.RevertTo, was\.Focus, .*/\t\t_ = was/' 'the host has his focus back' "TestConformance/second/the host's focus"
rule $f 's/^\td\.hands\.xi\.SetClientPointer\(d\.win, d\.hands\.ptr\).*/\t_ = d/' 'the client means our pair' 'TestConformance/second/own requests'
rule $f 's/\|\| time\.Since\(d\.acted\) > askTime$/|| true/' 'the focus guard' 'TestConformance/second/stolen focus'
rule $f 's/case s\.host\.over \|\|/case/' 'he went there himself' 'TestConformance/second/stolen focus'
rule $f 's/if perr == nil && kerr == nil && !p && !k \{/_, _ = p, k; if perr == nil \&\& kerr == nil {/' 'a menu of the guest is open' 'TestConformance/second/own requests'
rule $f '/^func \(s \*section\) claim/,/^}/s/if h\.typist != nil && h\.typist != d \{/if false {/' 'a claim takes no keyboard from a guest who types' 'TestConformance/second/keyboard of another guest'
rule $f 's/case !d\.sameClient\(s\.host\.focus\):/case false:/' 'his focus went to another client' 'TestConformance/second/his own focus'
rule $f 's/ \|\| maskMods\(s\.host\.mods\) != 0 / /' 'his focus went by his shortcut' 'TestConformance/second/his own focus'
rule $f 's/return h\.idle == nil \|\| s\.host\.ptrIdle\+tick >= since/return true/' 'his focus went after we only moved' 'TestConformance/second/his own focus'
rule $f 's/ \|\| d\.fresh\(s\.host\.focus\)\)/)/' 'a dialog that comes late' "TestConformance/second/the_host's_focus,_later"
rule $f 's/min\(s\.host\.ptrIdle, s\.host\.kbdIdle\)\+tick >= since/false/' 'an old window, late' "TestConformance/second/the_host's_focus,_later"
rule $f 's/min\(s\.host\.ptrIdle, s\.host\.kbdIdle\)\+tick >= since/true/' 'where the host went themselves' "TestConformance/second/the_host's_focus,_later"
rule $f 's/^\t\td\.watchHost\(at\)/\t\t_ = at/' 'where the host is now' "TestConformance/second/the_host's_focus,_later"
rule $f 's/if d\.between\(s\.host\.focus\) \{/if false {/' 'a focus on its way' 'TestFocusOnItsWay'

rule input/xtest/section_linux.go 's/s\.whither = s\.guardFocus\(\)/_ = s.whither/' 'a focus that was taken between two acts' 'TestFocusTakenBetweenActs'
rule input/xtest/section_linux.go 's/case s\.whither == focusOnItsWay:/case false:/' 'a focus on its way between two acts' 'TestFocusTakenBetweenActs'
rule input/xtest/inject_linux.go 's/case s\.d\.warded:/case false:/' 'a grab of the host'"'"'s that came between two acts' 'TestKeyboardTakenBetweenActs'

f=input/xtest/host_linux.go
rule $f 's/return h\.host\.last > 0 && .*/_ = now; return false/' 'the hand of the host, one pair' 'TestConformance/shared/hand'
rule $f 's/if last\.ptr > h\.host\.ours\.ptr\+tick \{/if last.ptr > 0 {/' 'our own motion is not his' 'TestConformance/shared/hand'
rule $f 's/return h\.over && .* \|\| s\.d/return s.d/' 'his pointer in the same window' 'TestConformance/second/same window'
rule $f 's/ \|\| s\.d\.hostInside\(h\.focus\) && h\.kbdIdle < hostPause//' 'his keys in the same window' 'TestConformance/second/same window'
rule $f 's/\(h\.buttons != 0 \|\| h\.ptrIdle < hostPause\)/h.ptrIdle < hostPause/' 'his button rests' 'TestConformance/second/the host rests'
rule $f 's/if time\.Since\(d\.mapped\) < mapRest \{/if false {/' 'a new map' 'TestNewMap'
rule $f 's/if last\.ptr > h\.host\.ours\.ptr\+tick \{/if false {/' 'his pointer, one pair' "TestConformance/shared/the host's hand"
rule $f 's/if last\.kbd > h\.host\.ours\.kbd\+tick \{/if false {/' 'his keys, one pair' "TestConformance/shared/the host's hand"

f=input/xtest/owned_linux.go
rule $f 's/return p\.core\.Check\(\) != nil \|\| taken/_ = p.core.Check(); return taken/' 'shortcuts by the core protocol' 'TestConformance/second/shortcuts'
rule $f 's/taken = xi \|\| err != nil/_, _ = xi, err/' 'shortcuts by XInput 2' 'TestConformance/second/shortcuts'
rule $f 's/chain\[:len\(chain\)-1\]\.\.\./chain[:0].../' 'shortcuts on the frame' 'TestConformance/second/shortcuts'
rule $f 's/chain = d\.chainOf\(w\)/_ = w/' 'shortcuts on the frame of a dialog' 'TestConformance/second/grab on a dialog'
rule $f 's/if bits := s\.d\.hands\.layout\.bits\[code\]; bits != 0 \{/if bits := s.d.hands.layout.bits[code]; false {/' 'repeats with a new modifier' 'TestConformance/second/shortcuts'
rule $f 's/append\(below, s\.underPointer\(\)\.\.\.\), true/below, true/' 'grabs under the pointer' 'TestConformance/second/grab on the window'
rule $f 's/case i > 0 \&\& d\.sameBase\(w\) \&\& d\.grabs\(\):/case i > 0 \&\& w == 0 \&\& d != nil:/' 'grabs of the shared program' 'TestConformance/second/grab of its own'
rule $f 's/d\.sameBase\(w\) \&\& d\.grabs\(\):/d.sameBase(w):/' 'grabs where the shared program has none' 'TestConformance/second/grab on the window'
rule $f 's/deepest, own = i, false/own = false/' 'grabs of others on the window' 'TestConformance/second/grab on the window'

f=input/xtest/sight_linux.go
rule $f 's/got\.owned \&\& got\.root\.In\(s\.screen\) \{/got.owned {/' 'a locker over a window partly off the screen' 'TestConformance/second/locker off'
rule $f 's/s\.eye\.owned \&\& s\.eye\.root\.In\(s\.screen\)/s.eye.known/' 'the pixel that was seen is looked at again' 'TestConformance/second/typing under'
rule $f 's/seen = seen\.subtract\(a\)/_ = a/;s/ok = got\.owned \&\& got\.root\.In\(s\.screen\)/_ = got/' 'what lies over a window is reckoned' 'TestConformance/second/typing under'
rule $f 's/if at, ok := s\.sample\(w, chain, r\); ok \{/if at, ok := s.sample(w, chain, r); ok || true {/' 'a window that is covered' 'TestConformance/second/typing under'
rule $f 's/return at, ok$/return at, false/' 'a pixel that is left' 'TestConformance/second/typing under'
rule $f 's/if berr == nil \&\& ierr == nil \{/if _, _ = bounding, input; berr != ierr {/' 'shapes of what lies over it' 'TestConformance/second/typing under'
rule $f 's/a\.MapState == xproto\.MapStateUnmapped/a == nil/' 'what is not mapped covers nothing' 'TestConformance/second/typing under'
rule $f 's/if m\.Masked \|\| m\.Kind == platform\.SurfaceTooltip \{/if m.Masked || m.Kind != platform.SurfaceTooltip {/' 'a dialog over a covered window' 'TestConformance/second/typing into'

f=input/xtest/surface_linux.go
rule $f 's/case f\.Masked \|\| m\.Masked:/case false \&\& m.Masked:/' 'a masked dialog, clicked' 'TestConformance/second/masked dialog'
rule $f 's/case !ok:/case false \&\& !ok:/' 'a surface that is no member' 'TestConformance/second/hostile surfaces'
rule $f '/^func \(s \*section\) onSurface/,/^}/s/!answer\(d\.ask\(at, chain\), chain\)\.owned/false/' 'what covers a surface' 'TestConformance/second/hostile surfaces'
rule $f 's/if content\.Add\(.*\) != f\.Whole.*\{/if content.Empty() \&\& t == nil {/' 'a surface is where it was seen' 'TestConformance/second/hostile surfaces'
rule $f '/^func \(d \*Desk\) ours/,/^}/s/_, ok := d\.member\(top\)/ok := false/' 'his pointer over a menu' 'TestConformance/second/the host over'
rule $f '/^func \(d \*Desk\) ours/,/^}/s/if len\(c\) > 0 && c\[0\] == top \{/if false \&\& c == nil {/' 'his pointer over a dialog' 'TestConformance/second/the host over'
rule $f 's/m\.Kind == platform\.SurfaceDialog && !m\.Masked/m.Kind == platform.SurfaceDialog/' 'no keyboard for a masked dialog' 'TestConformance/second/keyboard and a masked'

f=input/xtest/asked_linux.go
rule $f 's/if d\.hostAsked\(jumps\) \{/if false {/' 'what the host asks of the window manager' 'TestManagerIsTheHosts'
rule $f 's/d\.refused\.Store\(true\)/_ = d/' 'the guest is told that it was called off' 'TestManagerIsNotAsked/openbox/second'
rule $f 's/case k \&\& time\.Since\(pressed\) > rest:/case k \&\& rest < 0:/' 'a menu of the window manager is closed' 'TestManagerLetsGo'
rule $f 's/back = d\.putBack\(\)/back = false/' 'the pointer of the host goes back' 'TestManagerLetsGo'
rule $f 's/d\.ours\(p\.Child\) \&\& \(!jumps \|\| h\.before\.over\)/d.ours(p.Child)/' 'a pointer that was put there asks for nothing' 'TestManagerLetsGo'

f=input/xtest/grab_linux.go
rule $f 's/free := !s\.host\.ptrGrabbed .*/free := true/' 'a grab of both pairs' 'TestConformance/second/a grab of both'
rule $f 's/if h\.ptrGrab\.own\(\) .*\{/if false {/' 'a grab of the program, pointer' "TestConformance/second/the program's own grab"
rule $f 's/if h\.kbdGrab\.own\(\) .*\{/if false {/' 'a grab of the program, keyboard' "TestConformance/second/the program's own grab"
rule $f 's/ \&\& h\.dragger == nil//' 'a drag of another guest' 'TestConformance/second/two gates'
rule $f '/h\.ptrGrab\.own/s/ \&\& d\.leadsAlone\(\)//' 'a grab of another program, pointer' 'TestConformance/second/a grab from another'
rule $f '/h\.kbdGrab\.own/s/ \&\& d\.leadsAlone\(\)//' 'a grab of another program, keyboard' 'TestConformance/second/a grab from another'
rule $f 's/return !g\.foreign \&\& /return /' 'a press that the window manager holds back' 'TestConformance/second/a press that is held back'

f=input/xtest/ward_linux.go
rule $f 's/case h\.wanted\(s\.host\):/case false:/' 'the pointer of the host, grabbed by a toolkit' "TestConformance/second/the host's pointer"
rule $f 's/return !h\.captured\.IsZero\(\) \&\& min/return min/' 'a menu stays while the host does nothing' 'TestXterm'
rule $f 's/case \(p \|\| k\) \&\& s\.hostComes\(\)/case false/' 'the host in a program that has grabbed' 'TestConformance/second/the host in a program'
rule $f 's/err != nil \|\| f != focus \{/err != nil \&\& f != focus {/' 'a pair that is made anew lets go in the program' 'TestRenewedPair'

f=input/xtest/grab_linux.go
rule $f 's/return aim\.Point \&\& !aim\.Held \|\| .*/return aim.Point \&\& !aim.Held/' 'keys while a press is held back' 'TestConformance/second/a press that is held back'

f=input/xtest/pace_linux.go
rule $f 's/if !d\.frail \|\| aim\.Button/if aim.Button/; s/aim\.Button != wire\.Right \{/aim.Button != 99 {/' 'one menu of the window manager after the other' 'TestManyMenus/xfwm4'

f=input/xtest/newmap_linux.go
rule $f 's/xi\.CopyMap\(xinput\.CoreKeyboard, h\.kbd\)/error(nil)/' 'the map of the host, at first' 'TestSecondMap|TestLateReader/de'

f=input/xtest/desk_linux.go
rule $f 's/^\t\t\td\.asked\(e\)/\t\t\t_ = e/' 'what a guest makes a program ask for' 'TestManagerIsNotAsked/openbox/second'
rule $f 's/^\t\t\td\.follow\(e\)/\t\t\t_ = e/' 'the map of the host, later' 'TestSecondMap'
rule $f 's/^\terr := d\.liftAll\(focus\)/\tvar err error; _ = focus/' 'closing a window lets go' 'TestCloseLetsGo'
rule $f 's/h\.xi\.SetFocus\(h\.kbd, h\.park\)/_ = f/' 'our keyboard leaves a window that is closed' 'TestSeatLife'

f=input/xtest/seat_linux.go
rule $f 's/errors\.Join\(xi\.SetFocus\(kbd, h\.park\)\.Check\(\), /errors.Join(/' 'a new keyboard types nowhere' 'TestSeatLife'
rule $f 's/if !h\.left \|\| h\.lost \{/if h != nil {/' 'giving back ends the grabs of the program' 'TestConformance/second/a grab from another'
rule $f 's/return h\.stopRepeat\(\)/return nil/' 'the server does not repeat for guests' 'TestNoRepeatElsewhere/second'
rule $f 's/if s\.desktop\.Session\(\)\.Type == platform\.SessionWayland \{/if false {/' 'not under Wayland' 'TestRefusals|TestXwaylandRefused'
rule $f 's/if s\.opt\.Guard != nil \{.*/if false {/' 'not without the guardian' 'TestNoGuardian'

f=platform/platform_linux.go
rule $f 's/if x\.c\.Xwayland\(\) \|\| .*\{/if _ = own; x.c.Xwayland() {/' 'Wayland by the environment' 'TestRefusals'
rule $f 's/if x\.c\.Xwayland\(\) \|\| own/if own/' 'Wayland by the X server' 'TestXwaylandRefused'
f=platform/x11/xwayland.go
rule $f 's/\(string\(info\.Name\), xwayland\)/(string(info.Name), "none")/' 'Wayland by the names of outputs' 'TestXwaylandRefused'

[ -z "$lines" ] || [ $broken != 0 ] || exit 0
printf '\n%d rules disabled: %d found by a test, %d survived, %d could not be tried\n' $((killed + survived + broken)) $killed $survived $broken
[ $((survived + broken)) = 0 ]
