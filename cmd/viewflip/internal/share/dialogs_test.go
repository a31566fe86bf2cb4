package share

import (
	"errors"
	"fmt"
	"testing"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// deciding notes what was decided.
type deciding struct{ said []string }

func (d *deciding) Reveal(s wire.ShareID, x wire.SurfaceID) error {
	d.said = append(d.said, fmt.Sprint("show ", s, x))
	return nil
}

func (d *deciding) KeepMasked(wire.ShareID, wire.SurfaceID) error { return session.ErrUnknown }

func TestAnswer(t *testing.T) {
	var d deciding
	for _, line := range []string{"show", "show 1", "show 1.", "show 1.70000", "show -1.2", "allow 1.2", "show 1.2 3"} {
		if err := answer(&d, line); !errors.Is(err, errAnswer) {
			t.Errorf("%q: %v", line, err)
		}
	}
	if err := answer(&d, "  "); err != nil || len(d.said) != 0 {
		t.Error(err, d.said)
	}
	if err := answer(&d, " show  1.4 "); err != nil || len(d.said) != 1 || d.said[0] != "show 1 4" {
		t.Error(err, d.said)
	}
	if err := answer(&d, "hide 1.4"); err == nil || errors.Is(err, errAnswer) {
		t.Error(err)
	}
}
