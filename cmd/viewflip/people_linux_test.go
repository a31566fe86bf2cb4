package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/gui"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/service/client"
	"viewflip.app/ui"
	"viewflip.app/wire/account"
)

// screensOf is the account of somebody as the screens get it, without a service
// in the environment.
func (w *town) screensOf(who string) (*app.App, ui.People) {
	w.t.Helper()
	env := map[string]string{
		"HOME": w.home(who), "XDG_DATA_HOME": w.home(who), "XDG_CONFIG_HOME": w.home(who),
		"VIEWFLIP_KEYCHAIN": "file", "VIEWFLIP_PASSPHRASE": "secret of " + who,
	}
	a, err := app.Open(w.t.Context(), command.World{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &w.logs, Getenv: func(k string) string { return env[k] }}, "", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(a.Close)
	return a, gui.People(a)
}

func signUpOn(t *testing.T, w *town, p ui.People, service, email string) {
	t.Helper()
	w.out.Forget(email)
	finish, err := p.SignUp(t.Context(), service, email, "Somebody")
	if err != nil {
		t.Fatal(err)
	}
	if err := finish(t.Context(), w.out.Last(email).Code); err != nil {
		t.Fatal(err)
	}
	await(t, "the account", func() bool { st := p.State(); return st.SignedUp && st.Online })
}

// A device that is removed while its screens are open is without an account at
// once, knows why, and where to find the next one.
func TestScreensOfARemovedDevice(t *testing.T) {
	w := newTown(t)
	w.signUp("anna", "Anna")
	w.signUp("ben", "Ben")
	w.linkDevice("anna", "tower")
	a, p := w.screensOf("tower")
	acct, err := a.Holder.Open(t.Context())
	if err != nil || acct == nil {
		t.Fatal(err)
	}
	a.Holder.Run(acct)
	await(t, "two devices", func() bool { st := p.State(); return st.Online && len(st.Devices) == 2 })
	for _, d := range p.State().Devices {
		if d.Current {
			w.must("anna", "", "account", "remove-device", account.ID(d.ID).String())
		}
	}
	await(t, "the end", func() bool { st := p.State(); return !st.SignedUp })
	if st := p.State(); !errors.Is(st.Trouble, client.ErrDeviceRevoked) || !st.Aside || len(st.Devices) != 0 {
		t.Errorf("%+v", st)
	}
	if err := p.Again(t.Context()); !errors.Is(err, client.ErrDeviceRevoked) || p.State().SignedUp {
		t.Error("the service was asked again:", err)
	}
	if err := p.Forget(t.Context()); err != nil || p.State().Aside {
		t.Error("the key is still there:", err)
	}
	service := p.Service(t.Context())
	if service != w.url {
		t.Errorf("it proposes %q", service)
	}
	// What comes late of the old account leaves the new one alone.
	signUpOn(t, w, p, service, "tower@planted.example")
	if err := a.Holder.Drop(t.Context(), acct); err != nil || !p.State().SignedUp || p.State().Trouble != nil {
		t.Errorf("%v, %+v", err, p.State())
	}
	if out := w.must("tower", "", "account"); !strings.Contains(out, "tower@planted.example") {
		t.Error(out)
	}
}

func TestDeletedOnTheScreens(t *testing.T) {
	w := newTown(t)
	a, p := w.screensOf("anna")
	w.signUp("ben", "Ben")
	// Who was invited needs to know nothing else.
	link := strings.TrimSpace(w.must("ben", "", "contacts", "invite"))
	signUpOn(t, w, p, link, "anna@planted.example")
	if name, err := p.AcceptContact(t.Context(), link); err != nil || name != "Ben" {
		t.Fatal(name, err)
	}
	// A service that was wrong about the account gets it back.
	if err := a.Holder.SetAside(t.Context(), a.Holder.Current(), client.ErrDeviceRevoked); !errors.Is(err, holder.ErrSetAside) || p.State().SignedUp || !p.State().Aside {
		t.Errorf("%v, %+v", err, p.State())
	}
	if err := p.Again(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "the account again", func() bool { st := p.State(); return st.Online && len(st.Contacts) == 1 && len(st.Devices) == 1 })
	id := p.State().Devices[0].ID
	if err := p.NameDevice(t.Context(), id, " "); err == nil {
		t.Error("a device without a name")
	}
	if err := p.NameDevice(t.Context(), id, "Desk"); err != nil || p.State().Devices[0].Label != "Desk" {
		t.Errorf("%v, %+v", err, p.State().Devices)
	}
	if err := p.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := p.State(); st.SignedUp || st.Trouble != nil {
		t.Errorf("%+v", st)
	}
	signUpOn(t, w, p, p.Service(t.Context()), "anna@planted.example")
	w.must("anna", "", "account") // its key was kept
}
