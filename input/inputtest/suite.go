package inputtest

import (
	"testing"

	"viewflip.app/wire"
)

// Traits are what injectors differ in.
type Traits struct {
	// Buttons are those that it has.
	Buttons []wire.Button
	// Second says that it has a pointer and a keyboard of its own, beside the
	// host's.
	Second bool
	// Notches says that the system's wheel turns by whole notches: what is less
	// waits for the rest of it.
	Notches bool
	// Pairs says that each repeat of a key is a release and a press.
	Pairs bool
}

// test is one case of the suite.
type test struct {
	name string
	f    func(t *testing.T, b *Bench)
}

// Conformance is what every injector must do, on any system. start makes a
// desktop of its own for each case, whose window manager, if there is one, lets
// windows be where they are put.
func Conformance(t *testing.T, start func(t testing.TB) System, traits Traits) {
	all := cases(traits)
	if !traits.Second {
		all = append(all, sharedCases()...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { c.f(t, NewBench(t, start(t))) })
	}
}

func cases(traits Traits) []test {
	return []test{
		{"click", testClick},
		{"drag", testDrag},
		{"wheel", func(t *testing.T, b *Bench) { testWheel(t, b, traits.Notches) }},
		{"keys", testKeys},
		{"covered", testCovered},
		{"click-through overlay", testOverlay},
		{"off the screen", testOffscreen},
		{"moved and resized", testMoved},
		{"unfocused click", testUnfocusedClick},
		{"host modifiers", testHostMods},
		{"two gates", testTwoGates},
		{"release", testRelease},
		{"hidden", testHidden},
		{"watchdog", testWatchdog},
		{"repeat", func(t *testing.T, b *Bench) { testRepeat(t, b, traits.Pairs) }},
		{"repeat with Shift", testShiftedRepeat},
		{"gone", testGone},
		{"shortcuts", testShortcuts},
		{"typing under cover", testTypingUnderCover},
		{"typing into a dialog over a covered window", testCoveredWithDialog},
		{"surfaces", testSurfaces},
		{"hostile surfaces", testHostileSurfaces},
		{"keys into a dialog", testDialogKeys},
		{"masked dialog", testMaskedDialog},
		{"two buttons", testTwoButtons},
		{"buttons", func(t *testing.T, b *Bench) { testButtons(t, b, traits.Buttons) }},
	}
}

// sharedCases are about one pointer and keyboard for host and guest.
func sharedCases() []test {
	return []test{
		{"focus elsewhere", testFocus},
		{"the host's locks", testHostLocks},
		{"foreign grab", testGrab},
		{"own menu", testMenu},
		{"the host's hand", testHostHand},
	}
}
