package xinput_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// The whole map of one keyboard is another's and that of its slave after CopyMap,
// for layouts that people use and one that was changed by hand.
func TestCopyMap(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	c, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := xi.AddMaster("second"); err != nil {
		t.Fatal(err)
	}
	var second, slave xinput.DeviceID
	for _, d := range devices(t, xi) {
		switch d.Name {
		case "second keyboard":
			second = d.ID
		case "second XTEST keyboard":
			slave = d.ID
		}
	}
	for _, layout := range [][]string{
		{"us"},
		{"de"},
		{"fr", "-option", "grp:alt_shift_toggle"},
		{"us,ru", "-variant", ",", "-option", "grp:ctrl_shift_toggle,caps:swapescape"},
		{"cz,de,gr,us"},
		{"de", "-variant", "neo", "-option", "keypad:pointerkeys"},
	} {
		t.Run(strings.Join(layout, " "), func(t *testing.T) {
			cmd := exec.Command("setxkbmap", append([]string{"-option", "", "-layout"}, layout...)...)
			cmd.Env = v.Env()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			syms := []xproto.Keysym{0x01000416, 0x01000416} // by hand: a key that no layout has
			if err := xproto.ChangeKeyboardMappingChecked(c.Conn, 1, 250, 2, syms).Check(); err != nil {
				t.Fatal(err)
			}
			one, err := x11.Connect(v.Name())
			if err != nil {
				t.Fatal(err)
			}
			defer one.Close()
			x, err := xinput.New(one.Conn)
			if err != nil {
				t.Fatal(err)
			}
			if err := x.CopyMap(xinput.CoreKeyboard, second); err != nil {
				t.Fatal(err)
			}
			want := x.MapOf(t, xinput.CoreKeyboard)
			for _, id := range []xinput.DeviceID{second, slave} {
				got := x.MapOf(t, id)
				for i, part := range []string{"map", "compatibility map", "names"} {
					if !slices.Equal(got[i], want[i]) {
						t.Errorf("device %d has another %s: %d and %d bytes", id, part, len(got[i]), len(want[i]))
					}
				}
			}
		})
	}
}
