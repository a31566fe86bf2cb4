//go:build cgo && linux

package ui

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
)

// What stands above the screens takes no room once it is gone.
func TestCardsGiveTheirRoomBack(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	h := p.home
	h.win.Resize(fyne.NewSize(homeWidth, homeHeight))
	h.visit(screenPeople)
	top := func() float32 { return fyne.CurrentApp().Driver().AbsolutePositionForObject(h.people.root).Y }
	free := top()
	f.set(func(st *PeopleState) { st.Rings = []Ring{ringOf(st.Contacts[0])} })
	sh.until(t, func() bool { return h.rings.len() == 1 })
	if top() <= free {
		t.Error("the ring has no room")
	}
	f.set(func(st *PeopleState) { st.Rings = nil })
	sh.until(t, func() bool { return h.rings.len() == 0 })
	if top() != free {
		t.Errorf("the ring left a gap of %v", top()-free)
	}
	test.Tap(h.people.list.all()[0].call)
	calling := top()
	test.Tap(h.calling.end)
	sh.until(t, func() bool { return p.ringing == nil })
	if calling <= free || top() != free {
		t.Errorf("calling had %v, and left %v", calling-free, top()-free)
	}
}

// A device that was removed says so, and offers the ways to an account.
func TestRemovedDeviceSaysSo(t *testing.T) {
	p, sh, f, c, _ := peopleProgram(t)
	f.service = "viewflip-service://there"
	p.adopt(c)
	p.home.visit(screenPeople)
	a := newAccountDialog(p)
	f.set(func(st *PeopleState) {
		*st = PeopleState{Trouble: errors.New("client: this device was removed from the account")}
	})
	card := p.home.people.signup
	sh.until(t, func() bool { return !p.people.SignedUp && card.service.Text == f.service })
	if got := card.lost.seg.Text; !card.lost.Visible() || got != "This device was removed from the account." || p.account != nil {
		t.Error(got)
	}
	if a.dialog != nil && p.home.people.known.Visible() {
		t.Error("the list is still there")
	}
	if test.Tap(card.away); p.home.shown != screenCall {
		t.Error("there is no way back to the call")
	}
}

// Nothing that was typed is lost on the way.
func TestSignUpKeepsWhatWasTyped(t *testing.T) {
	p, sh, f, c := signedOut(t)
	f.seen = func() { // the account may be there before the call that made it returns
		for done := make(chan bool, 1); ; {
			p.do(func() { done <- p.people.SignedUp })
			if <-done {
				return
			}
		}
	}
	c.email.SetText("ada@example.org")
	if !c.next.Disabled() {
		t.Error("signs up nowhere")
	}
	const link = "viewflip://somewhere/i/invitation"
	c.service.SetText(link)
	c.visit(stepKit)
	c.kit.SetText("7KQ2M")
	test.Tap(c.next)
	sh.until(t, func() bool { return c.step == stepMail })
	if !strings.Contains(c.hint.seg.Text, "your account's address") {
		t.Error(c.hint.seg.Text)
	}
	test.Tap(c.back)
	if c.step != stepKit || c.kit.Text != "7KQ2M" {
		t.Fatal("the code of the kit is lost")
	}
	test.Tap(c.back)
	if c.email.Text != "ada@example.org" || c.service.Text != link {
		t.Fatal("address or service is lost")
	}
	c.name.SetText("Ada Lovelace")
	test.Tap(c.next)
	sh.until(t, func() bool { return c.step == stepMail })
	c.code.SetText("12345678")
	test.Tap(c.next)
	sh.until(t, func() bool { return p.people.SignedUp && p.home.name.Text == "Ada Lovelace" })
	if want := []string{"recover " + link + " 7KQ2M", "sign up " + link + " ada@example.org Ada Lovelace"}; !slices.Equal(f.notes(), want) {
		t.Error(f.notes())
	}
	if add := p.home.people.add; add.field.Text != link || add.add.Disabled() {
		t.Error("the invitation is lost")
	}
}

func TestAddThisDeviceAgain(t *testing.T) {
	_, sh, f, c := signedOut(t)
	f.joined = make(chan error, 1)
	f.joined <- errors.New("client: the code was wrong")
	c.addThis()
	sh.until(t, func() bool { return c.forward.Visible() })
	if c.next.Text != "New code" || c.verdict.seg.Text != "The code was wrong." {
		t.Error(c.next.Text, c.verdict.seg.Text)
	}
	test.Tap(c.next)
	sh.until(t, func() bool { return c.digits.text == "4821 7730 1946" && !c.forward.Visible() })
	test.Tap(c.back)
	f.fail = errors.New("say which service")
	c.addThis()
	sh.until(t, func() bool { return c.step == stepBegin && c.verdict.seg.Text == "Say which service." })
}

func TestSavedFilesAreForTheirOwner(t *testing.T) {
	_ = test.NewTempApp(t)
	at := filepath.Join(t.TempDir(), "kit.txt")
	w, err := storage.Writer(storage.NewFileURI(at))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(w, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(at)
	i, serr := os.Stat(at)
	if err != nil || serr != nil || string(b) != "secret" || i.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v", b, i, errors.Join(err, serr))
	}
}

func TestRenameDevice(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	a := newAccountDialog(p)
	test.Tap(a.devices.all()[1].rename)
	e, ok := p.home.win.Canvas().Focused().(*widget.Entry)
	if !ok || e.Text != "old laptop" {
		t.Fatal("the name is not offered")
	}
	e.SetText("Laptop")
	e.OnSubmitted(e.Text)
	sh.until(t, func() bool { return slices.Equal(f.notes(), []string{"name device Laptop"}) })
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"client: it is broken":                                "It is broken.",
		"session: receive: client: gone":                      "Receive: gone.",
		"this is not the address of a service: paste another": "This is not the address of a service: paste another.",
	} {
		if got := sentence(errors.New(text)); got != want {
			t.Errorf("%q", got)
		}
	}
}

func TestNobodyIsCalledWithoutTheService(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	f.set(func(st *PeopleState) { st.Online = false })
	sh.until(t, func() bool { return !p.people.Online })
	test.Tap(p.home.people.list.all()[0].call)
	if got := p.home.calling.words.seg.Text; p.ringing != nil || !strings.HasPrefix(got, "Anna Fischer cannot be called") {
		t.Error(got)
	}
}

func TestContactIsRenamed(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	f.set(func(st *PeopleState) {
		st.Contacts = slices.Clone(st.Contacts)
		st.Contacts[1].Says = "Benedict"
	})
	row := p.home.people.list.all()[1]
	sh.until(t, func() bool { return strings.HasSuffix(row.state.text, "now called “Benedict”") })
	row.more()[0].Action()
	e, ok := p.home.win.Canvas().Focused().(*widget.Entry)
	if !ok || e.Text != "Benedict" {
		t.Fatal("the new name is not offered")
	}
	e.OnSubmitted(e.Text)
	sh.until(t, func() bool { return slices.Equal(f.notes(), []string{"name B Benedict"}) })
}

func TestAskIsWithdrawn(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	f.set(func(st *PeopleState) { st.Asked = []string{"x@example.org"} })
	rows := p.home.people.add.waiting
	sh.until(t, func() bool { return rows.len() == 1 })
	test.Tap(rows.all()[0].withdraw)
	sh.until(t, func() bool { return slices.Equal(f.notes(), []string{"withdraw x@example.org"}) })
}

// The key of an account that the service does not know is kept until the person
// says otherwise.
func TestAccountThatWasSetAside(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	f.set(func(st *PeopleState) { *st = PeopleState{Aside: true} })
	c := p.home.people.signup
	sh.until(t, func() bool { return c.aside.Visible() && c.lost.Visible() })
	test.Tap(c.again)
	sh.until(t, func() bool { return slices.Equal(f.notes(), []string{"again"}) && !c.busy })
	f.set(func(st *PeopleState) { st.Aside = false })
	sh.until(t, func() bool { return !c.aside.Visible() && !c.lost.Visible() })
}
