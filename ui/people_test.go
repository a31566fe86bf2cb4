//go:build cgo && linux

package ui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// fakePeople is an account whose state the test sets.
type fakePeople struct {
	mu      sync.Mutex
	st      PeopleState
	log     []string
	changed chan struct{}
	ring    chan error // what Ring ends with
	fail    error
	service string     // what is known of it
	joined  chan error // what AddThis ends with
	// seen, if it is there, returns once the screens show that somebody has signed up.
	seen func()
}

func newFakePeople() *fakePeople {
	return &fakePeople{changed: make(chan struct{}, 1), ring: make(chan error, 1)}
}

func (f *fakePeople) note(s string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.log = append(f.log, s)
	return nil
}

func (f *fakePeople) notes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

func (f *fakePeople) set(change func(*PeopleState)) {
	f.mu.Lock()
	st := f.st
	change(&st)
	f.st = st
	f.mu.Unlock()
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *fakePeople) State() PeopleState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.st
}

func (f *fakePeople) Changed(context.Context) <-chan struct{} { return f.changed }

func (f *fakePeople) finish(_ context.Context, code string) error {
	if code != "12345678" {
		return ErrCode
	}
	f.set(func(st *PeopleState) { st.SignedUp, st.Online = true, true })
	if f.seen != nil {
		f.seen()
	}
	return nil
}

func (f *fakePeople) SignUp(_ context.Context, service, email, name string) (func(context.Context, string) error, error) {
	return f.finish, f.note("sign up " + service + " " + email + " " + name)
}

func (f *fakePeople) AddThis(_ context.Context, service string) (string, func(context.Context) error, error) {
	return "4821 7730 1946", func(ctx context.Context) error {
		select {
		case err := <-f.joined:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, f.note("add this " + service)
}

func (f *fakePeople) Recover(_ context.Context, service, kit string) (func(context.Context, string) error, error) {
	return f.finish, f.note("recover " + service + " " + kit)
}

func (f *fakePeople) Service(context.Context) string { return f.service }

func (f *fakePeople) Again(context.Context) error { return f.note("again") }

func (f *fakePeople) Forget(context.Context) error {
	f.set(func(st *PeopleState) { st.Aside = false })
	return f.note("forget")
}

func (f *fakePeople) InviteContact(context.Context) (string, error) {
	return "viewflip://link", f.note("invite")
}

func (f *fakePeople) AcceptContact(_ context.Context, link string) (string, error) {
	return "Dora", f.note("accept " + link)
}
func (f *fakePeople) AskContact(_ context.Context, email string) error { return f.note("ask " + email) }
func (f *fakePeople) AnswerContact(_ context.Context, id ContactID, a AskAnswer) error {
	return f.note("answer " + string(id[:1]) + string('0'+rune(a)))
}

func (f *fakePeople) RemoveContact(_ context.Context, id ContactID) error {
	return f.note("remove " + string(id[:1]))
}

func (f *fakePeople) BlockContact(_ context.Context, id ContactID) error {
	return f.note("block " + string(id[:1]))
}

func (f *fakePeople) NameContact(_ context.Context, id ContactID, name string) error {
	return f.note("name " + string(id[:1]) + " " + name)
}

func (f *fakePeople) Withdraw(_ context.Context, email string) error {
	return f.note("withdraw " + email)
}

func (f *fakePeople) Verify(_ context.Context, who session.Contact) error {
	return f.note("verify " + who.Name)
}

func (f *fakePeople) Ring(ctx context.Context, _ Call, id ContactID) error {
	if err := f.note("ring " + string(id[:1])); err != nil {
		return err
	}
	select {
	case err := <-f.ring:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
func (f *fakePeople) Answered(wire.InviteID)                       { _ = f.note("answered") }
func (f *fakePeople) Decline(context.Context, wire.InviteID) error { return f.note("decline") }
func (f *fakePeople) SetName(_ context.Context, name string) error { return f.note("name " + name) }
func (f *fakePeople) SetFindable(context.Context, bool) error      { return f.note("findable") }
func (f *fakePeople) SetPresence(_ context.Context, s Presence) error {
	return f.note("presence " + presenceWord(s))
}
func (f *fakePeople) RemoveDevice(context.Context, DeviceID) error { return f.note("remove device") }
func (f *fakePeople) NameDevice(_ context.Context, _ DeviceID, name string) error {
	return f.note("name device " + name)
}
func (f *fakePeople) Link(context.Context, string) (Joiner, error) {
	return fakeJoiner{f}, f.note("link")
}

func (f *fakePeople) MakeKit(context.Context) (string, error) {
	return "7KQ2M-0ZB4X-9F1TR-C6HWD-31NVE-8SGPA-Y5JMK-2QD7X-R0W4C-B9ZFH-63TNV", f.note("kit")
}

func (f *fakePeople) Export(context.Context) ([]byte, error) { return []byte("{}"), f.note("export") }
func (f *fakePeople) Delete(context.Context) error {
	f.set(func(st *PeopleState) { *st = PeopleState{} })
	return f.note("delete")
}

type fakeJoiner struct{ f *fakePeople }

func (fakeJoiner) Label() string                   { return "laptop" }
func (fakeJoiner) Platform() string                { return "linux" }
func (j fakeJoiner) Confirm(context.Context) error { return j.f.note("confirm") }
func (j fakeJoiner) Refuse(context.Context) error  { return j.f.note("refuse") }

func contact(name string, s Presence, verified bool) Contact {
	return Contact{ID: ContactID{name[0]}, Contact: session.Contact{Name: name, Account: [32]byte{name[0]}, Verified: verified}, Presence: s}
}

func somePeople(st *PeopleState) {
	changed := contact("Dora Lindqvist", Offline, true)
	changed.Changed = true
	*st = PeopleState{
		SignedUp: true, Online: true, Name: "Ada", Email: "ada@example.org", Findable: true, Presence: Online,
		Contacts: []Contact{contact("Anna Fischer", Online, true), contact("Ben Okafor", Busy, false), contact("Cem", Offline, true), changed},
		Devices:  []Device{{ID: DeviceID{1}, Label: "workstation", Current: true}, {ID: DeviceID{2}, Label: "old laptop"}},
	}
}

func ringOf(c Contact) Ring { return Ring{From: c, Link: fakeLink(9)} }

// peopleProgram is a program with a home window and somebody's account.
func peopleProgram(t *testing.T) (*program, queueShell, *fakePeople, *fakeCall, *time.Time) {
	t.Helper()
	p, sh, c, now := quietProgram(t)
	f := newFakePeople()
	p.call = nil
	p.o.People = f
	p.o.NewCall = func(context.Context, *wire.Link) (Call, error) { return c, nil }
	newHome(p)
	p.lobby = newLobby(p)
	f.set(somePeople)
	p.followPeople()
	sh.until(t, func() bool { return p.people.SignedUp })
	return p, sh, f, c, now
}

// armed waits until buttons work, which the clock alone does not make them.
func armed(t *testing.T, sh queueShell, now *time.Time, disabled func() bool) {
	t.Helper()
	*now = now.Add(time.Minute)
	sh.until(t, func() bool { return !disabled() })
}

func TestPeopleListWhomCanBeCalled(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	rows := p.home.people.list.all()
	if len(rows) != 4 || rows[0].state.text != "Online · Verified" || rows[1].state.text != "Busy · Not verified yet" {
		t.Fatalf("%d rows", len(rows))
	}
	if !rows[3].call.Disabled() || !strings.HasPrefix(rows[3].state.text, "Identity changed") {
		t.Error("somebody else can be called in the name of a contact")
	}
	test.Tap(rows[1].call)
	if !p.home.calling.root.Visible() || p.home.calling.words.seg.Text != "Ringing Ben Okafor…" || !rows[0].call.Disabled() {
		t.Error("it is not shown that it rings")
	}
	f.ring <- ErrDeclined
	sh.until(t, func() bool { return p.ringing == nil })
	if got := p.home.calling.words.seg.Text; got != "Ben Okafor cannot talk now." || p.call != nil {
		t.Error(got)
	}
	test.Tap(p.home.calling.end)
	if p.home.calling.root.Visible() {
		t.Error("the sentence stays")
	}
}

func TestCallBeginsWithTheAnswer(t *testing.T) {
	p, sh, f, c, _ := peopleProgram(t)
	test.Tap(p.home.people.list.all()[0].call)
	sh.until(t, func() bool { return slices.Contains(f.notes(), "ring A") })
	if p.call != nil {
		t.Error("there is a call before anybody answered")
	}
	f.ring <- nil
	sh.until(t, func() bool { return p.call == c })
	if p.home.shown != screenCall || p.home.calling.root.Visible() {
		t.Error("the call is not shown")
	}
	p.home.visit(screenPeople)
	row := p.home.people.list.all()[1]
	if row.call.Text != "Bring in" || p.home.shown != screenPeople {
		t.Error(row.call.Text)
	}
	test.Tap(row.call)
	test.Tap(p.home.calling.end) // gives up
	sh.until(t, func() bool { return p.ringing == nil })
	if p.call != c {
		t.Error("the call has ended with the ringing")
	}
}

// A ring is taken with a click that was meant for it, and by no key.
func TestRingIsInertAtFirst(t *testing.T) {
	p, sh, f, c, now := peopleProgram(t)
	f.set(func(st *PeopleState) { st.Rings = []Ring{ringOf(st.Contacts[0])} })
	sh.until(t, func() bool { return p.home.rings.len() == 1 })
	r := p.home.rings.all()[0]
	if !p.home.top.Visible() || r.title.seg.Text != "Anna Fischer calls" || r.note.seg.Text != "Verified" {
		t.Error(r.title.seg.Text, r.note.seg.Text)
	}
	r.answer.OnTapped()
	r.decline.OnTapped()
	if r.answered {
		t.Fatal("answered at once")
	}
	armed(t, sh, now, r.answer.Disabled)
	r.answer.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if r.answered {
		t.Fatal("a key answered")
	}
	test.Tap(r.answer)
	sh.until(t, func() bool { return p.call == c })
	if !slices.Contains(f.notes(), "answered") || p.home.shown != screenCall {
		t.Error("the account does not know:", f.notes())
	}
}

func TestAskIsInertAtFirst(t *testing.T) {
	p, sh, f, _, now := peopleProgram(t)
	f.set(func(st *PeopleState) { st.Asks = []Asking{{ContactID{'E'}, "Eve"}, {ContactID{'F'}, "Finn"}} })
	sh.until(t, func() bool { return p.home.people.asks.len() == 2 })
	finn := p.home.people.asks.all()[1]
	finn.accept.OnTapped()
	armed(t, sh, now, finn.accept.Disabled)
	f.set(func(st *PeopleState) { st.Asks = st.Asks[1:] }) // Eve's goes: Finn's moves up
	sh.until(t, func() bool { return p.home.people.asks.len() == 1 })
	finn.block.OnTapped()
	if finn.answered || len(f.notes()) != 0 {
		t.Fatal("a click that was meant for another counts")
	}
	armed(t, sh, now, finn.accept.Disabled)
	test.Tap(finn.accept)
	sh.until(t, func() bool { return slices.Equal(f.notes(), []string{"answer F0"}) })
}

func TestAddSomebody(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	a := p.home.people.add
	a.field.SetText("x@example.org")
	test.Tap(a.add)
	sh.until(t, func() bool { return !a.busy })
	a.field.SetText("viewflip://other")
	test.Tap(a.add)
	sh.until(t, func() bool { return !a.busy })
	if a.verdict.seg.Text != "Dora is in your list now, verified." {
		t.Error(a.verdict.seg.Text)
	}
	test.Tap(a.copy)
	sh.until(t, func() bool { return p.app.Clipboard().Content() == "viewflip://link" })
	if want := []string{"ask x@example.org", "accept viewflip://other", "invite"}; !slices.Equal(f.notes(), want) {
		t.Error(f.notes())
	}
	f.fail = errors.New("client: it is broken")
	a.field.SetText("y@example.org")
	test.Tap(a.add)
	sh.until(t, func() bool { return !a.busy })
	if a.verdict.seg.Text != "It is broken." || a.field.Text == "" {
		t.Error(a.verdict.seg.Text)
	}
}

// signedOut is a program without an account.
func signedOut(t *testing.T) (*program, queueShell, *fakePeople, *signupCard) {
	t.Helper()
	p, sh, f, _, _ := peopleProgram(t)
	f.set(func(st *PeopleState) { *st = PeopleState{} })
	sh.until(t, func() bool { return !p.people.SignedUp })
	return p, sh, f, p.home.people.signup
}

func TestSignUp(t *testing.T) {
	p, sh, f, c := signedOut(t)
	if !p.home.people.begin.Visible() || p.home.people.known.Visible() {
		t.Fatal("the card is not shown")
	}
	if c.press(); len(f.notes()) != 0 {
		t.Error("signed up without an address")
	}
	c.name.SetText("Ada")
	c.email.SetText("ada@example.org")
	c.service.SetText("viewflip-service://there")
	test.Tap(c.next)
	sh.until(t, func() bool { return c.step == stepMail })
	c.code.SetText("1")
	test.Tap(c.next)
	sh.until(t, func() bool { return strings.HasPrefix(c.verdict.seg.Text, "These are not the digits") })
	c.code.SetText("12345678")
	test.Tap(c.next)
	sh.until(t, func() bool { return p.people.SignedUp })
	if !p.home.people.known.Visible() || c.step != stepBegin {
		t.Error("the list is not shown")
	}
}

func TestAddThisDeviceShowsItsCode(t *testing.T) {
	_, sh, _, c := signedOut(t)
	c.addThis()
	sh.until(t, func() bool { return c.digits.text == "4821 7730 1946" })
	test.Tap(c.back)
	if c.step != stepBegin || c.verdict.Visible() {
		t.Error("there is no way back")
	}
}

func TestCompareWords(t *testing.T) {
	p, sh, f, c, now := peopleProgram(t)
	p.adopt(c)
	ben := member(9, "Ben Okafor", session.Connected)
	ben.Contact, ben.Standing = contact("Ben Okafor", Online, false).Contact, session.Uncompared
	c.set(func(st *session.State) { st.Members = []session.Member{ben} })
	sh.until(t, func() bool { return len(p.state.Members) == 1 })
	row := p.home.call.people.all()[0]
	if row.state.text != "Contact, not verified yet" || !row.words.Visible() || row.words.Importance == widget.HighImportance {
		t.Error(row.state.text)
	}
	p.compare(ben)
	words := p.comparing
	words.match.OnTapped() // there are no words yet
	sh.until(t, func() bool { return words.phrase[0] == "marble" })
	words.match.OnTapped() // they were not read yet
	if words.answered {
		t.Fatal("compared without reading")
	}
	if row.words.Importance != widget.HighImportance {
		t.Error("the other side does not see that words wait")
	}
	armed(t, sh, now, words.match.Disabled)
	test.Tap(words.match)
	sh.until(t, func() bool { return slices.Contains(f.notes(), "verify Ben Okafor") && p.comparing == nil })
	f.set(func(st *PeopleState) {
		st.Contacts = slices.Clone(st.Contacts)
		st.Contacts[1].Verified = true
	})
	sh.until(t, func() bool { return row.state.text == "Verified contact" })
}

func TestDeviceIsAddedByHolding(t *testing.T) {
	p, sh, f, _, _ := peopleProgram(t)
	a := newAccountDialog(p)
	if len(a.devices.all()) != 2 || a.devices.all()[0].remove.Visible() {
		t.Error("the devices are wrong")
	}
	a.add.code.SetText("4821 7730 1946")
	test.Tap(a.add.next)
	sh.until(t, func() bool { return a.add.joiner != nil })
	press := &desktop.MouseEvent{Button: desktop.MouseButtonPrimary}
	a.add.hold.MouseDown(press)
	a.add.hold.MouseUp(press)
	a.add.hold.MouseDown(press)
	first := a.add.hold.stamp
	sh.until(t, func() bool { return slices.Contains(f.notes(), "confirm") })
	if first != a.add.hold.stamp || slices.Index(f.notes(), "confirm") != len(f.notes())-1 {
		t.Error("it was confirmed twice")
	}
	sh.until(t, func() bool { return a.add.joiner == nil })
}

func TestKitIsShownOnce(t *testing.T) {
	p, sh, _, _, _ := peopleProgram(t)
	a := newAccountDialog(p)
	test.Tap(a.kit.make)
	sh.until(t, func() bool { return a.kit.shown.Visible() })
	a.dialog.Hide()
	if b := newAccountDialog(p); b.kit.shown.Visible() || b.kit.code.seg.Text != "" {
		t.Error("the kit is shown again")
	}
}
