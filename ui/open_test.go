package ui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// Windows open by themselves for whoever somebody we trust vouches for, and not
// any number of them; the others wait for a click.
func TestOpensFewUnasked(t *testing.T) {
	q := make(queue, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	p := newProgram(ctx, Options{}, test.NewTempApp(t), q)
	defer p.wg.Wait()
	defer cancel()
	for unvouched, want := range map[bool]int{false: maxUnasked, true: 0} {
		p.viewers = map[shareKey]*viewer{}
		for n := range 32 {
			r := session.RemoteShare{Member: session.MemberID{1}, MemberName: "Anna", Share: wire.ShareID(n + 1), Unvouched: unvouched}
			if p.mayOpen(r) {
				p.viewers[shareKey{r.Member, r.Share}] = &viewer{}
			}
		}
		if n := len(p.viewers); n != want {
			t.Errorf("unvouched %v: %d windows of one member", unvouched, n)
		}
		if !unvouched && !p.mayOpen(session.RemoteShare{Member: session.MemberID{2}, Share: 1}) {
			t.Error("those of one member keep out another's")
		}
	}
	p.viewers = map[shareKey]*viewer{}
}

// What limits a window is said, and nobody points or acts in it meanwhile.
func TestLimitsAreSaid(t *testing.T) {
	r := session.RemoteShare{MemberName: "Ben", W: 9000, H: 5000, Rights: wire.RightsQuiet | wire.RightControl}
	for says, change := range map[string]func(*session.RemoteShare){
		"9000 × 5000":   func(r *session.RemoteShare) { r.TooLarge = true },
		"close one of ": func(r *session.RemoteShare) { r.Crowded = true },
	} {
		limited := r
		change(&limited)
		if l := lookOf(limited, true, time.Now()); !strings.Contains(l.cover, says) {
			t.Errorf("%q", l.cover)
		}
		pointing := limited
		pointing.Rights = wire.RightsQuiet
		if mayControl(limited) || mayPoint(pointing) {
			t.Error("input into what is not shown:", says)
		}
	}
	if s := shareSentence(session.Share{W: 9000, H: 5000, TooLarge: true}); !strings.Contains(s, fmt.Sprint(9000, " × ", 5000)) {
		t.Error(s)
	}
}
