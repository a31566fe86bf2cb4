package session_test

import (
	"testing"

	"viewflip.app/session"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// account starts a call for somebody with an account.
func (w *world) account(name string, key byte) *session.Call {
	return w.with(w.identity(), name, func(c *session.Config) {
		c.Account = account.Public{key}
		c.ContactOf = func(l wire.Link) session.Contact {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.sentBy[l.Invite]
		}
	})
}

func only(t *testing.T, c *session.Call) session.Member {
	t.Helper()
	eventually(t, "somebody to be there", func() bool { return connected(c) == 1 })
	return c.State().Members[0]
}

// meet has b come by a link of a; each has the other in the list.
func meet(t *testing.T, w *world, a, b *session.Call, asB, asA session.Contact) {
	t.Helper()
	l, err := a.Invite(t.Context(), session.InviteOptions{Contact: asB})
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.sentBy[l.Invite] = asA
	w.mu.Unlock()
	if err := b.Join(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func phraseOf(c *session.Call) session.Phrase { return c.State().Members[0].Phrase }

func TestContactsAreNamedByOurList(t *testing.T) {
	w := newWorld(t)
	anna, ben := w.account("Anna", 1), w.account("Somebody else", 2)
	meet(t, w, anna, ben, session.Contact{Name: "Ben", Account: account.Public{2}, Verified: true}, session.Contact{Name: "Annie", Account: account.Public{1}})
	b, a := only(t, anna), only(t, ben)
	if b.Name != "Ben" || b.Standing != session.Compared {
		t.Errorf("Anna sees %q, %v", b.Name, b.Standing)
	}
	if a.Name != "Annie" || a.Standing != session.Uncompared {
		t.Errorf("Ben sees %q, %v", a.Name, a.Standing)
	}
}

// Whoever begins, and if both do, the two get the same phrase, each time another.
func TestPhrase(t *testing.T) {
	w := newWorld(t)
	anna, ben := w.account("Anna", 1), w.account("Ben", 2)
	meet(t, w, anna, ben, session.Contact{Name: "Ben", Account: account.Public{2}}, session.Contact{Name: "Anna", Account: account.Public{1}})
	b, a := only(t, anna).ID, only(t, ben).ID
	var last session.Phrase
	for _, who := range []string{"Anna", "Ben", "both"} {
		if who != "Ben" {
			if err := anna.Compare(b); err != nil {
				t.Fatal(err)
			}
		}
		if who != "Anna" {
			if err := ben.Compare(a); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, who+" began", func() bool {
			p, q := phraseOf(anna), phraseOf(ben)
			return p == q && p != last && p[0] != ""
		})
		last = phraseOf(anna)
	}
}

// Eve sits between: each of the two has her for the other. Their phrases differ.
func TestPhraseShowsWhoSitsBetween(t *testing.T) {
	w := newWorld(t)
	anna, ben := w.account("Anna", 1), w.account("Ben", 2)
	toAnna, toBen := w.account("Ben", 9), w.account("Anna", 9)
	meet(t, w, anna, toAnna, session.Contact{Name: "Ben", Account: account.Public{9}}, session.Contact{Account: account.Public{1}})
	meet(t, w, toBen, ben, session.Contact{Account: account.Public{2}}, session.Contact{Name: "Anna", Account: account.Public{9}})
	for _, c := range []*session.Call{anna, ben} {
		if err := c.Compare(only(t, c).ID); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both phrases", func() bool { return phraseOf(anna)[0] != "" && phraseOf(ben)[0] != "" })
	if phraseOf(anna) == phraseOf(ben) {
		t.Error("the phrases are equal")
	}
}

// Nobody can choose his nonce after he saw the other.
func TestPhraseIsCommitted(t *testing.T) {
	nonce, other := account.Hash{1}, account.Hash{2}
	w := newWorld(t)
	anna, ben := w.account("Anna", 1), w.account("Ben", 2)
	meet(t, w, anna, ben, session.Contact{Account: account.Public{2}}, session.Contact{Account: account.Public{1}})
	only(t, anna)
	only(t, ben)
	w.net.tell(t, 0, wire.PhraseCommit{Commitment: account.PhraseCommitment(nonce)})
	eventually(t, "the answer", func() bool { return w.net.count(0xA1) > 0 })
	w.net.tell(t, 0, wire.PhraseReveal{Nonce: other})
	w.net.tell(t, 0, wire.PhraseReveal{Nonce: nonce}) // one attempt only
	w.net.tell(t, 0, wire.Hello{Version: wire.PeerVersion, Name: "x"})
	eventually(t, "all to be heard", func() bool { return w.net.drained() })
	if phraseOf(anna)[0] != "" || phraseOf(ben)[0] != "" {
		t.Error("a nonce that was not committed to was taken")
	}
}
