package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// mailed is the code of the last mail to an address.
func mailed(t *testing.T, out *servicetest.Outbox, to string) account.Code {
	t.Helper()
	c, err := account.ParseCode(out.Last(to).Code)
	if err != nil {
		t.Fatal("no code was mailed:", out.Last(to))
	}
	return c
}

type person = servicetest.Person

func signUp(t *testing.T, s *running, out *servicetest.Outbox, email, name string) *person {
	t.Helper()
	p := servicetest.NewPerson(t)
	up, err := client.StartSignUp(t.Context(), s.Service, account.Email(email), account.Name(name), "")
	if err != nil {
		t.Fatal(err)
	}
	code := mailed(t, out, email)
	wrong := account.Code("00000000")
	if code == wrong {
		wrong = "00000001"
	}
	if _, err := up.Finish(t.Context(), wrong, "Laptop", p.Keep); !errors.Is(err, client.ErrCode) {
		t.Fatal("a wrong code:", err)
	}
	if _, err := up.Finish(t.Context(), code, "Laptop", p.Keep); err != nil {
		t.Fatal(err)
	}
	return p.Connect()
}

// befriend makes two contacts by a link.
func befriend(t *testing.T, a, b *person) (ofA, ofB client.Contact) {
	t.Helper()
	l, err := a.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	back, err := wire.ParseContactLink(l.String())
	if err != nil {
		t.Fatal(err)
	}
	if ofB, err = b.Accept(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	st := a.Until("the contact", func(s client.AccountState) bool { return len(s.Contacts) == 1 })
	return st.Contacts[0], ofB
}

func TestContactByLink(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	if st := anna.State(); st.Me.Email != "anna@example.org" || st.Devices[0].Label != "Laptop" || !st.Devices[0].Current {
		t.Errorf("%+v", st)
	}
	b, a := befriend(t, anna, ben)
	if b.Name != "Ben" || b.Standing != client.Verified || a.Name != "Anna" || a.Standing != client.Verified || a.Account != anna.Public() {
		t.Errorf("%+v, %+v", a, b)
	}
	online := func(s client.AccountState) bool { return s.Contacts[0].Presence == wire.Online }
	anna.Until("Ben there", online)
	ben.Until("Anna there", online)
	if err := ben.SetPresence(t.Context(), wire.Invisible); err != nil {
		t.Fatal(err)
	}
	anna.Until("Ben gone", func(s client.AccountState) bool { return s.Contacts[0].Presence == wire.Offline })
	if err := ben.Remove(t.Context(), a.Handle); err != nil {
		t.Fatal(err)
	}
	anna.Until("Ben removed", func(s client.AccountState) bool { return len(s.Contacts) == 0 })
}

func TestContactByAddress(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	if err := anna.Ask(t.Context(), "Ben@example.org"); err != nil {
		t.Fatal(err)
	}
	if st := anna.State(); len(st.Asked) != 1 {
		t.Errorf("asked %v", st.Asked)
	}
	if err := ben.SetFindable(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := anna.Ask(t.Context(), "ben@example.org"); err != nil {
		t.Fatal(err)
	}
	// Taken back, it is gone on both sides; nobody learns whether it was there.
	ben.Until("the request", func(s client.AccountState) bool { return len(s.Asks) > 0 })
	for _, e := range []account.Email{"Ben@example.org", "nobody@example.org"} {
		if err := anna.Withdraw(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	ben.Until("no request", func(s client.AccountState) bool { return len(s.Asks) == 0 })
	if st := anna.State(); len(st.Asked) != 0 {
		t.Errorf("asked %v", st.Asked)
	}
	if err := anna.Ask(t.Context(), "ben@example.org"); err != nil {
		t.Fatal(err)
	}
	st := ben.Until("the request", func(s client.AccountState) bool { return len(s.Asks) > 0 })
	if st.Asks[0].Name != "Anna" {
		t.Errorf("%+v", st.Asks)
	}
	if err := ben.Answer(t.Context(), st.Asks[0].Handle, account.AnswerAccept); err != nil {
		t.Fatal(err)
	}
	a := ben.Until("Anna", func(s client.AccountState) bool { return len(s.Contacts) == 1 }).Contacts[0]
	b := anna.Until("Ben", func(s client.AccountState) bool { return len(s.Contacts) == 1 && len(s.Asked) == 0 }).Contacts[0]
	if a.Standing != client.Unverified || b.Standing != client.Unverified {
		t.Errorf("%v, %v", a.Standing, b.Standing)
	}
	if err := anna.Verify(t.Context(), b.Handle, anna.Public()); !errors.Is(err, client.ErrChanged) {
		t.Error("another key was verified:", err)
	}
	tower := linked(t, s, anna)
	tower.Until("Ben", func(s client.AccountState) bool { return len(s.Contacts) == 1 })
	if err := anna.Verify(t.Context(), b.Handle, b.Account); err != nil {
		t.Fatal(err)
	}
	verified := func(s client.AccountState) bool { return s.Contacts[0].Standing == client.Verified }
	anna.Until("Ben verified", verified)
	tower.Until("Ben verified on the other device", verified)
}

func ringOnce(t *testing.T, s *running) wire.Link {
	t.Helper()
	id, err := account.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Link{Service: s.Service, Invite: wire.InviteID(id), Inviter: wire.Address{1}, Secret: wire.NewSecret([32]byte{2})}
}

func TestRing(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	b, _ := befriend(t, anna, ben)
	rang := func(s client.AccountState) bool { return len(s.Rings) == 1 }
	quiet := func(s client.AccountState) bool { return len(s.Rings) == 0 }
	for _, how := range []string{"answered", "declined", "given up"} {
		l := ringOnce(t, s)
		answered, got := make(chan struct{}), make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { got <- anna.Ring(ctx, b.Handle, l, answered) }()
		r := ben.Until("the ring", rang).Rings[0]
		if r.Link.String() != l.String() || r.Contact.Name != "Anna" || r.Contact.Standing != client.Verified {
			t.Errorf("%+v", r)
		}
		var want error
		switch how {
		case "answered":
			close(answered)
		case "declined":
			if err := ben.Decline(t.Context(), l.Invite); err != nil {
				t.Fatal(err)
			}
			want = client.ErrDeclined
		default:
			cancel()
			want = context.Canceled
		}
		if err := <-got; !errors.Is(err, want) {
			t.Errorf("%s: %v", how, err)
		}
		ben.Until("silence after "+how, quiet)
		cancel()
	}
}

// linked adds a device to the account of old.
func linked(t *testing.T, s *running, old *person) *person {
	t.Helper()
	p := servicetest.NewPerson(t)
	j, err := client.StartJoin(t.Context(), s.Service)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { _, err := j.Wait(t.Context(), "Tower", "linux", p.Keep); got <- err }()
	code, err := account.ParseLinkCode(j.Code())
	if err != nil {
		t.Fatal(err)
	}
	w, err := old.Link(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if w.Label() != "Tower" || w.Platform() != "linux" {
		t.Errorf("%q on %q wants in", w.Label(), w.Platform())
	}
	if err := w.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	return p.Connect()
}

func TestSecondDevice(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	_, a := befriend(t, anna, ben)
	tower := linked(t, s, anna)
	st := tower.Until("the contact", func(s client.AccountState) bool { return len(s.Contacts) == 1 && len(s.Devices) == 2 })
	if st.Contacts[0].Standing != client.Verified || tower.Public() != anna.Public() {
		t.Errorf("the new device sees %+v", st.Contacts)
	}
	anna.Until("two devices", func(s client.AccountState) bool { return len(s.Devices) == 2 })
	// A call rings at both.
	ben.Until("Anna", func(s client.AccountState) bool { return len(s.Contacts) == 1 })
	l := ringOnce(t, s)
	answered, got := make(chan struct{}), make(chan error, 1)
	time.Sleep(200 * time.Millisecond) // for Ben's list to be the newest
	go func() { got <- ben.Ring(t.Context(), a.Handle, l, answered) }()
	rang := func(s client.AccountState) bool { return len(s.Rings) == 1 }
	anna.Until("the ring", rang)
	tower.Until("the ring", rang)
	anna.Answered(l.Invite)
	close(answered)
	if err := <-got; err != nil {
		t.Error(err)
	}
	tower.Until("silence", func(s client.AccountState) bool { return len(s.Rings) == 0 })

	if err := anna.RevokeDevice(t.Context(), tower.State().Device); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	tower.Until("the end", func(s client.AccountState) bool { return !s.Online && s.Trouble != nil })
	t.Log("a revoked device was out after", time.Since(began))
	if err := tower.Stop(); !errors.Is(err, client.ErrDeviceRevoked) {
		t.Error("a revoked device:", err)
	}
}

func TestLinkingIsRefused(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna := signUp(t, s, out, "anna@example.org", "Anna")
	for _, how := range []string{"wrong code", "no"} {
		j, err := client.StartJoin(t.Context(), s.Service)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() {
			_, err := j.Wait(t.Context(), "Tower", "linux", func(context.Context, account.Credentials) error {
				t.Error("it got credentials")
				return nil
			})
			got <- err
		}()
		text := strings.ReplaceAll(j.Code(), " ", "")
		if how == "wrong code" {
			text = text[:11] + string('0'+(text[11]-'0'+1)%10)
		}
		code, err := account.ParseLinkCode(text)
		if err != nil {
			t.Fatal(err)
		}
		w, err := anna.Link(t.Context(), code)
		if how == "wrong code" {
			if !errors.Is(err, client.ErrLinking) {
				t.Errorf("%s: %v", how, err)
			}
		} else if err != nil {
			t.Fatal(err)
		} else if err := w.Refuse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-got; !errors.Is(err, client.ErrLinking) {
			t.Errorf("%s: the new device: %v", how, err)
		}
	}
	if n := len(anna.State().Devices); n != 1 {
		t.Errorf("%d devices", n)
	}
}

func TestRecovery(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	befriend(t, anna, ben)
	kit, err := anna.MakeKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !anna.State().Kit {
		t.Error("the kit is not known")
	}
	again, err := account.ParseKit(kit.Code())
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.StartRecovery(t.Context(), s.Service, again)
	if err != nil {
		t.Fatal(err)
	}
	p := servicetest.NewPerson(t)
	// A slip of the finger costs nothing: the code of the mail stays good.
	code, sent := mailed(t, out, "anna@example.org"), out.Count()
	wrong := account.Code("00000000")
	if wrong == code {
		wrong = "00000001"
	}
	if _, err := r.Finish(t.Context(), wrong, "New", p.Keep); !errors.Is(err, client.ErrCode) || out.Count() != sent {
		t.Errorf("a wrong code: %v, %d more mails", err, out.Count()-sent)
	}
	if _, err := r.Finish(t.Context(), code, "New", p.Keep); err != nil {
		t.Fatal(err)
	}
	p.Connect()
	st := p.Until("the contact", func(s client.AccountState) bool { return len(s.Contacts) == 1 })
	if st.Contacts[0].Standing != client.Verified || st.Contacts[0].Name != "Ben" {
		t.Errorf("%+v", st.Contacts)
	}
	other, err := account.NewKit(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.StartRecovery(t.Context(), s.Service, other); err == nil {
		t.Error("a kit that nobody made was taken")
	}
}

func TestExportAndDelete(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	befriend(t, anna, ben)
	b, err := anna.Export(t.Context())
	if err != nil || !strings.Contains(string(b), "anna@example.org") || strings.Contains(string(b), "ben@") {
		t.Errorf("%s, %v", b, err)
	}
	if err := anna.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	ben.Until("Anna gone", func(s client.AccountState) bool { return len(s.Contacts) == 0 })
	anna.Until("the end", func(s client.AccountState) bool { return !s.Online && s.Trouble != nil })
	if err := anna.Stop(); !errors.Is(err, client.ErrDeviceRevoked) {
		t.Error(err)
	}
}
