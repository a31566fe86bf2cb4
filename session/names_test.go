package session_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func names(c *session.Call) (all []string) {
	for _, m := range c.State().Members {
		all = append(all, m.Name)
	}
	return all
}

// Two people of a call cannot be taken for each other by their names, nor one
// of them for who looks at them.
func TestNamesAreTold(t *testing.T) {
	w := newWorld(t)
	anna := w.call("Anna")
	for i, n := range []string{"Ben", "bеn", "Be\u00adn", "anna", strings.Repeat("ä", 32), strings.Repeat("Ä", 32)} {
		if err := w.call(n).Join(t.Context(), w.link(anna, 1)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "everybody to be there", func() bool { return connected(anna) == i+1 })
		want := []string{"Ben", "bеn (2)", "Ben (3)", "anna (2)", strings.Repeat("ä", 32), strings.Repeat("Ä", 30) + " (2)"}[:i+1]
		eventually(t, "names "+strings.Join(want, ", "), func() bool { return slices.Equal(names(anna), want) })
	}
}

// A contact has the name of the list, and a stranger who was there under that
// name is the one who gets a number.
func TestContactsKeepTheirNames(t *testing.T) {
	w := newWorld(t)
	anna := w.account("Anna", 1)
	if err := w.call("Bеn").Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stranger", func() bool { return connected(anna) == 1 })
	meet(t, w, anna, w.account("Somebody else", 2), session.Contact{Name: "Ben", Account: account.Public{2}, Verified: true}, session.Contact{Name: "Anna", Account: account.Public{1}})
	eventually(t, "both", func() bool { return connected(anna) == 2 })
	if got := names(anna); !slices.Equal(got, []string{"Bеn (2)", "Ben"}) {
		t.Errorf("%q", got)
	}
	if wire.SameLook("Bеn (2)", "Ben") {
		t.Error("the number does not tell them apart")
	}
}

// What somebody calls a contact in their own list is not told to the others of a
// call: those hear the name that the contact gave.
func TestNamesOfTheListStayHere(t *testing.T) {
	w := newWorld(t)
	anna := w.account("Anna", 1)
	ben := w.account("Bernard", 2)
	meet(t, w, anna, ben, session.Contact{Name: "Grumpy Ben", Account: account.Public{2}, Verified: true}, session.Contact{Name: "Anna", Account: account.Public{1}})
	id, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(7), Title: "Editor"}, wire.RightSee|wire.RightPoint)
	if err != nil {
		t.Fatal(err)
	}
	cleo := w.call("Cleo")
	heard := make(chan []string, 1)
	go func() { // Cleo knows Ben by Anna's word first, then by Ben's own
		var all []string
		for len(names(cleo)) < 2 {
			all = append(all, names(cleo)...)
			time.Sleep(time.Microsecond)
		}
		heard <- append(all, names(cleo)...)
	}()
	if err := cleo.Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	if all := <-heard; slices.Contains(all, "Grumpy Ben") {
		t.Error("Cleo was told what Anna calls Ben")
	}
	view := func(c *session.Call) *session.View {
		eventually(t, "the share", func() bool { return len(c.State().Remote) == 1 })
		r := c.State().Remote[0]
		v, err := c.View(r.Member, r.Share)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	b, c := view(ben), view(cleo)
	eventually(t, "both to watch", func() bool {
		n := 0
		for _, v := range anna.State().Shares[0].Viewers {
			if v.Watching {
				n++
			}
		}
		return n == 2
	})
	if err := b.Point(wire.Point{Gen: 1, At: wire.Spot{X: 100, Y: 200}, On: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pointers", func() bool { return len(c.Marks().Pointers) == 1 && len(anna.Marks(id).Pointers) == 1 })
	if got := c.Marks().Pointers[0].Name; got != "Bernard" {
		t.Errorf("Cleo sees the pointer of %q", got)
	}
	if got := anna.Marks(id).Pointers[0].Name; got != "Grumpy Ben" {
		t.Errorf("Anna sees the pointer of %q", got)
	}
}
