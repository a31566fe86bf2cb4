package input_test

import (
	"testing"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/wire"
)

// Who made the program ask the window manager for the host's hand is told with
// the next event, whatever it is, and holds nothing any more. What is let go is
// let go all the same.
func TestAskedIsTold(t *testing.T) {
	key, _ := wire.KeyFromDOM("KeyA")
	press := wire.Input{Kind: wire.Press, Gen: gen, Button: wire.Left}
	for name, next := range map[string]wire.Input{
		"move":    {Kind: wire.Move, Gen: gen},
		"press":   {Kind: wire.Press, Gen: gen, Button: wire.Right},
		"wheel":   {Kind: wire.Wheel, Gen: gen, DY: 120},
		"key":     {Kind: wire.KeyDown, Key: key},
		"text":    {Kind: wire.Text, Text: "a"},
		"release": {Kind: wire.Release, Gen: gen, Button: wire.Left},
	} {
		t.Run(name, func(t *testing.T) {
			d := inputtest.New(w, h)
			g := input.NewGate(input.Config{Desk: d})
			g.SetGeneration(gen)
			if v := g.Do(press, inputtest.Rights); !v.OK() {
				t.Fatal(v)
			}
			d.Events()
			d.Set(func(s *input.State) { s.Asked, s.HostActive = true, true }) // it says more than that they are active
			if v := g.Do(next, inputtest.Rights); v.Reason != wire.Theirs {
				t.Errorf("told %q", v.Reason)
			}
			for _, e := range d.Events() {
				if e.Kind != wire.Release && e.Kind != wire.Move || e.Kind == wire.Move && name != "release" {
					t.Errorf("done: %+v", e)
				}
			}
			if n := d.Held(); n != 0 {
				t.Errorf("%d held", n)
			}
			d.Set(func(s *input.State) { s.Asked, s.HostActive = false, false })
			if v := g.Do(press, inputtest.Rights); !v.OK() { // the gate knows that nothing is held
				t.Errorf("afterwards: %v", v)
			}
		})
	}
}
