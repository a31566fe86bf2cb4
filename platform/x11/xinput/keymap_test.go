package xinput

import (
	"errors"
	"slices"
	"testing"
)

// mapReply is a map with one key, 38, of one group with two levels: a with a lock
// below, and with Control and Mod1 keysym 0x1008fe20 with a private action.
func mapReply() []byte {
	b := make([]byte, 40)
	b[15], b[17], b[20], b[21], b[24], b[27] = 1, 38, 1, 38, 1, 1
	b = append(b, 0x0c, 0x0c, 0, 0, 2, 2, 1, 0)          // a type of two levels and two entries, with what they preserve
	b = append(b, 1, 0x0c, 1, 0x0c, 0, 0, 0, 0)          // Control and Mod1: the second
	b = append(b, 0, 0x20, 1, 0, 1, 0, 0, 0)             // not in force
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)                // preserved
	b = append(b, 0, 0, 0, 0, 1, 2, 2, 0)                // a key of one group, two wide
	b = append(b, 0x61, 0, 0, 0, 0x20, 0xfe, 0x08, 0x10) // its keysyms
	b = append(b, 2, 0, 0, 0)                            // two actions
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0x55, 0, 0, 0, 0, 0, 0)
	return append(b, 38, 0x81, 0, 0) // the hardware locks it
}

func TestMapReply(t *testing.T) {
	m, err := parseMap(mapReply())
	if err != nil {
		t.Fatal(err)
	}
	k := m[38]
	if k.Behavior != 1 || len(k.Levels) != 2 || !k.Levels[0].Else || k.Levels[0].Sym != 0x61 || k.Levels[0].Action.Kind != NoAction {
		t.Errorf("%+v", k)
	}
	if l := k.Levels[1]; l.Else || !slices.Equal(l.Mods, []byte{0x0c}) || l.Sym != 0x1008fe20 || l.Action.Kind != 0x86 || l.Action.Data[0] != 0x55 {
		t.Errorf("%+v", l)
	}
	if len(m[39].Levels) != 0 {
		t.Errorf("%+v", m[39])
	}
	good := mapReply()
	for n := range good {
		if _, err := parseMap(good[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for i := range good { // no panic, whatever is in it
		for _, v := range []byte{0, 1, 2, 5, 0x7f, 0xff} {
			bad := slices.Clone(good)
			bad[i] = v
			_, _ = parseMap(bad)
		}
	}
}
