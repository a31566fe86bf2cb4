package session_test

import (
	"slices"
	"strings"
	"testing"

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
