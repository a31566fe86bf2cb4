package wire_test

import (
	"testing"
	"time"

	"viewflip.app/wire"
)

func TestParseRights(t *testing.T) {
	for in, want := range map[string]string{
		"see": "see", "point": "see+point", "control": "see+point+control", "copy": "see+point+control+copy",
		"control+paste": "see+point+control+paste", "paste+copy": "see+point+control+paste+copy",
	} {
		r, err := wire.ParseRights(in)
		if err != nil || r.String() != want {
			t.Errorf("%q is %v, %v", in, r, err)
		}
	}
	for _, in := range []string{"", "all", "see+", "control,paste", "Control"} {
		if r, err := wire.ParseRights(in); err == nil {
			t.Errorf("%q is %v", in, r)
		}
	}
}

// An end is refused where it says what cannot be.
func TestEndsThatCannotBe(t *testing.T) {
	for name, g := range map[string]wire.Granted{
		"of a right that is not held": {Share: 1, Rights: wire.RightSee, Ends: wire.Ends{{}, {Term: wire.Once}}},
		"a time without a term":       {Share: 1, Rights: wire.RightSee, Ends: wire.Ends{{Left: time.Second}}},
		"an unknown term":             {Share: 1, Rights: wire.RightSee, Ends: wire.Ends{{Term: 9}}},
	} {
		b, err := wire.AppendMessage(nil, g)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := wire.ParseMessage(b); err == nil {
			t.Errorf("an end %s was accepted: %+v", name, m)
		}
	}
	var e wire.Ends
	e.Set(wire.RightPoint|wire.RightCopy, wire.End{Term: wire.Once})
	if e.Of(wire.RightCopy).Term != wire.Once || e.Of(wire.RightPaste) != (wire.End{}) || e.Of(wire.RightPoint).Term != wire.Once {
		t.Errorf("%+v", e)
	}
}
