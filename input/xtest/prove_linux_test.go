package xtest_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/input"
	"viewflip.app/input/xtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/wire"
)

// scene is one desktop on which hostile guests are let loose.
type scene struct {
	wm string
	// client is the shared program, as programs lists them; "" is a window that
	// records what it gets.
	client string
	// shared has guests and host use one pointer and keyboard.
	shared bool
	// weak takes a part of the atomic section out: then something must leak.
	weak   func(input.Desk)
	events int
}

func (s scene) String() string {
	name := s.wm + "/" + cmp.Or(s.client, "window") + "/" +
		map[bool]string{true: "one cursor", false: "second cursor"}[s.shared]
	if s.weak != nil {
		name += "/not atomic"
	}
	return name
}

// Random and hostile input, while the shared window and what is around it do
// not stand still and the host works elsewhere. Nothing of it reaches another
// window, and all that the host does arrives. With EVENTS (how many in all) and
// SEED from the environment, as "make prove" sets them, also under other window
// managers; SCENE, a regular expression, plays some of them alone. Without the server grab the same must leak: else it would prove
// nothing.
func TestProve(t *testing.T) {
	scenes := []scene{
		{wm: "openbox", events: 7000},
		{wm: "openbox", client: "xterm", events: 7000},
		{wm: "openbox", shared: true, events: 6000},
		{wm: "openbox", weak: xtest.WithoutGrab, events: 6000},
	}
	if n := number(t, "EVENTS"); n > 0 {
		scenes = nil
		for _, wm := range []string{"openbox", "xfwm4", "mutter --x11"} {
			scenes = append(scenes, scene{wm: wm}, scene{wm: wm, shared: true})
			for _, client := range []string{"xterm", "GTK3", "Qt5", "Chromium", "GTK3 title bar", "Qt5 title bar"} {
				scenes = append(scenes, scene{wm: wm, client: client})
			}
		}
		for _, wm := range []string{"twm", "i3"} {
			scenes = append(scenes, scene{wm: wm}, scene{wm: wm, shared: true})
		}
		for i := range scenes {
			scenes[i].events = (n + len(scenes) - 1) / len(scenes)
		}
		for _, wm := range []string{"openbox", "xfwm4", "mutter --x11"} {
			scenes = append(scenes, scene{wm: wm, weak: xtest.WithoutGrab, events: 20000})
		}
	}
	if only := os.Getenv("SCENE"); only != "" {
		scenes = slices.DeleteFunc(scenes, func(s scene) bool { return !regexp.MustCompile(only).MatchString(s.String()) })
	}
	seed := uint64(cmp.Or(number(t, "SEED"), 1))
	var mu sync.Mutex
	sum, weak := tally{}, tally{}
	t.Run("scenes", func(t *testing.T) {
		for _, s := range scenes {
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel() // each has a display of its own
				got := prove(t, s, seed)
				t.Logf("seed %d: %v", seed, got)
				mu.Lock()
				defer mu.Unlock()
				if s.weak == nil {
					sum.add(got)
					got.check(t, s)
					return
				}
				weak.add(got)
				if got.leaked() == 0 {
					t.Error("without the server grab nothing leaked: this test sees nothing")
				}
			})
		}
	})
	t.Logf("in all, without the server grab: %v", weak)
	t.Logf("in all, atomic: %v", sum)
	if os.Getenv("SCENE") == "" {
		sum.colourful(t)
	}
}

// number reads a number from the environment; 0 if it is not there.
func number(t *testing.T, name string) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatal(name, err)
	}
	return n
}

// tally is what came of the events.
type tally struct {
	// verdicts counts events by what the gate said; "" are those carried out,
	// and those behind the rate limit are in limited only.
	verdicts map[string]int
	limited  int
	// presses and keys were carried out, arrived is how many presses the shared
	// window got.
	presses, keys, arrived int
	// died is how often the shared program ended and a new desktop was made: a
	// guest may close its window, as by Ctrl+W, and xterm has a fault of its own.
	died int
	// leaks are events of guests in windows that are not shared, by window and
	// kind.
	leaks map[string]int
	// warps are motions in windows that are not shared at points where no guest put
	// the pointer: a window manager put the host's there.
	warps int
	host  hostCount
}

func (t *tally) add(o tally) {
	if t.verdicts == nil {
		t.verdicts, t.leaks = map[string]int{}, map[string]int{}
	}
	for k, n := range o.verdicts {
		t.verdicts[k] += n
	}
	for k, n := range o.leaks {
		t.leaks[k] += n
	}
	t.limited += o.limited
	t.warps += o.warps
	t.died += o.died
	t.presses, t.keys, t.arrived = t.presses+o.presses, t.keys+o.keys, t.arrived+o.arrived
	t.host = t.host.plus(o.host)
}

func (t tally) leaked() int {
	n := 0
	for _, k := range t.leaks {
		n += k
	}
	return n
}

func (t tally) String() string {
	total := 0
	for _, n := range t.verdicts {
		total += n
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d events (and %d beyond the rate limit), carried out %d", total, t.limited, t.verdicts[""])
	for _, k := range slices.Sorted(maps.Keys(t.verdicts)) {
		if k != "" {
			fmt.Fprintf(&b, ", refused %q %d", k, t.verdicts[k])
		}
	}
	fmt.Fprintf(&b, "; %d presses (%d arrived where that is known) and %d keys; the shared program ended %d times; LEAKED %d %v; the host's pointer put elsewhere %d times; of the host's %d arrived %d: %+v",
		t.presses, t.arrived, t.keys, t.died, t.leaked(), t.leaks, t.warps, t.host.did(), t.host.arrived(), t.host)
	return b.String()
}

// check is what must be true of a scene with nothing left out.
func (t tally) check(tb testing.TB, s scene) {
	tb.Helper()
	if t.leaked() != 0 {
		tb.Errorf("leaked: %v", t.leaks)
	}
	if h := t.host; h.lost != 0 || h.extra != 0 {
		tb.Errorf("of the host's: %+v", h)
	}
	// The server drops a press of a button that another guest holds down.
	if s.client == "" && (t.arrived > t.presses || 2*t.arrived < t.presses) {
		tb.Errorf("%d presses were carried out, %d arrived", t.presses, t.arrived)
	}
	if t.presses < 5 || t.keys < 5 || t.host.keys < 5 {
		tb.Errorf("%d presses, %d keys, the host's %d: the scene is too quiet", t.presses, t.keys, t.host.keys)
	}
}

// colourful fails unless every kind of answer was given.
func (t tally) colourful(tb testing.TB) {
	tb.Helper()
	for _, why := range []wire.Reason{wire.NoRight, wire.Stale, wire.Covered, wire.Hidden, wire.HostBusy, wire.KeyDenied, wire.KeyOwned, wire.Failed} {
		if n := t.verdicts[why.String()]; n < 5 {
			tb.Errorf("only %d events with verdict %q", n, why)
		}
	}
	if t.limited == 0 {
		tb.Error("nobody was too fast")
	}
}

// prove plays one scene, on a new desktop whenever the shared program ended.
func prove(t *testing.T, s scene, seed uint64) tally {
	t.Helper()
	var sum tally
	for round := seed; s.events > 0; round += 1000 {
		var got tally
		t.Run("desktop", func(t *testing.T) { got, s.events = play(t, s, round) })
		sum.add(got)
		if s.events > 0 {
			sum.died++
		}
		if t.Failed() {
			break
		}
	}
	return sum
}

// play is one desktop of a scene; left is how many events are still to come.
func play(t *testing.T, s scene, seed uint64) (sum tally, left int) {
	t.Helper()
	v := startScene(t, s)
	a := newArena(t, v, s, filepath.Join(t.TempDir(), "typed"))
	ctx, cancel := context.WithCancel(t.Context())
	var around, guests sync.WaitGroup
	around.Go(func() { a.chaos(ctx, random(seed, 100)) })
	around.Go(func() { a.work(ctx, random(seed, 200)) })
	results := make([]tally, attackers)
	for i := range results {
		guests.Go(func() { results[i] = a.attack(random(seed, uint64(i)), a.gates[i]) })
	}
	guests.Wait()
	cancel()
	around.Wait()
	for _, r := range results {
		sum.add(r)
	}
	a.finish(&sum)
	if !a.gone.Load() {
		return sum, 0
	}
	return sum, int(max(0, a.todo.Load()))
}

// startScene starts the display of a scene. With one pair for both the number pad
// moves the pointer, if somebody turns that on.
func startScene(t *testing.T, s scene) *virtual.Display {
	t.Helper()
	v := underManager(t, s.wm)
	if s.shared {
		setXKB(t, v, "us", "keypad:pointerkeys")
	}
	return v
}

// attackers act at the same time, each as several guests in turn: a guest may
// do only so much in a second.
const (
	attackers = 3
	guests    = 6
	// proveTime bounds a scene by hanging events, not by speed.
	proveTime = 10 * time.Minute
)
