//go:build linux

package accounts_test

import (
	"testing"

	"viewflip.app/service"
	"viewflip.app/wire"
)

// Asking all nodes takes a moment. What is heard meanwhile is newer than what
// they answer.
func TestPresenceIsTheNewest(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	bob := signUp(t, s, out, "bob@example.org", "Bob")
	ofBob := meet(ann, bob)
	a, b := ann.bind(), bob.bind()
	b.Send(20, wire.SetPresence{State: wire.Busy})
	a.Until(wire.Presence{Handle: ofBob, State: wire.Busy})
	_ = b.WS.Close(1000, "")
	a.Until(wire.Presence{Handle: ofBob, State: wire.Offline})
	for range 3 {
		if err := s.svc.SnapshotWhile(t.Context(), "ann@example.org", ofBob, wire.Online); err != nil {
			t.Fatal(err)
		}
	}
	a.Send(20, wire.SetPresence{State: wire.Online})
	for {
		switch f := a.Read(); {
		case f.ID == 20:
			return
		case f.Body == (wire.Presence{Handle: ofBob, State: wire.Offline}):
			t.Fatal("an older answer took the place of what was heard")
		}
	}
}
