package accounts_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// Two devices meet in a slot: only who opened it writes the odd messages, each
// seq is written once, so that a wrong proof has used the slot up; later it is gone.
func TestLinkSlot(t *testing.T) {
	c := servicetest.NewClock()
	s, out := startAccounts(t, service.Config{Clock: c.Now})
	fresh, stranger, old := newPerson(t, s), newPerson(t, s), signUp(t, s, out, "old@example.org", "Old")
	l := must[account.LinkOpened](fresh, account.PathLinkOpen, account.Empty{})
	put := func(seq uint8, ticket account.ID, text string) account.LinkPut {
		return account.LinkPut{Slot: l.Slot, Ticket: ticket, Seq: seq, Blob: account.LinkBlob(text)}
	}
	waits := make(chan account.LinkMessages, 1)
	go func() { // a message comes to who waits already
		a, _ := do[account.LinkMessages](old, account.PathLinkGet, account.LinkGet{Slot: l.Slot})
		waits <- a
	}()
	must[account.Empty](fresh, account.PathLinkPut, put(1, l.Ticket, "hello"))
	if a := <-waits; len(a.Messages) != 1 || a.Messages[0].Seq != 1 || string(a.Messages[0].Blob) != "hello" {
		t.Errorf("%+v", a)
	}
	old.refused(account.PathLinkPut, put(3, account.ID{1}, "no ticket"), account.CodeNotFound)
	old.refused(account.PathLinkPut, put(3, account.ID{}, "none"), account.CodeBadRequest)
	old.refused(account.PathLinkPut, put(9, l.Ticket, "too many"), account.CodeBadRequest)
	// Who has no account cannot use the slot up.
	stranger.refused(account.PathLinkPut, put(2, account.ID{}, "burnt"), account.CodeAuthFailed)
	must[account.Empty](old, account.PathLinkPut, put(2, account.ID{}, "offer"))
	must[account.Empty](old, account.PathLinkPut, put(2, account.ID{}, "offer")) // the answer was lost
	old.refused(account.PathLinkPut, put(2, account.ID{}, "another offer"), account.CodeConflict)
	must[account.Empty](fresh, account.PathLinkPut, put(3, l.Ticket, "a wrong proof"))
	fresh.refused(account.PathLinkPut, put(3, l.Ticket, "another try"), account.CodeConflict)
	fresh.refused(account.PathLinkGet, account.LinkGet{Slot: l.Slot, Ticket: account.ID{1}}, account.CodeNotFound)
	if a := must[account.LinkMessages](fresh, account.PathLinkGet, account.LinkGet{Slot: l.Slot, Ticket: l.Ticket, After: 1}); len(a.Messages) != 2 {
		t.Errorf("%+v", a)
	}
	// Who has one cannot use up many.
	spent := false
	for range 40 {
		_, err := do[account.Empty](old, account.PathLinkPut, put(4, account.ID{}, "again"))
		spent = spent || errors.Is(err, account.CodeRateLimited)
	}
	if !spent {
		t.Error("no end to what one account writes to slots")
	}
	c.Pass(2 * time.Minute)
	fresh.refused(account.PathLinkPut, put(5, l.Ticket, "late"), account.CodeNotFound)
	fresh.refused(account.PathLinkGet, account.LinkGet{Slot: l.Slot, Ticket: l.Ticket}, account.CodeNotFound)
}

// second enrols another device of the person.
func (p *person) second() *person {
	p.t.Helper()
	q := newPerson(p.t, p.s)
	q.key = p.key
	list := append(p.list.Devices(), account.ListedDevice{ID: q.pk.DeviceID(), Device: q.id.Public(), Added: 1})
	add := q.credential()
	p.put(list, &add)
	q.list = p.list
	return q
}

// put signs the next list and stores it.
func (p *person) put(list []account.ListedDevice, add *account.NewDevice) {
	p.t.Helper()
	next, err := p.key.NewDeviceList(p.list, list)
	if err != nil {
		p.t.Fatal(err)
	}
	must[account.Empty](p, account.PathDevicesPut, account.DevicesPut{Devices: next, Add: add})
	p.list = next
}

// A revoked device is out at once: its session, its socket, its login.
func TestRevokeDevice(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	mine := ann.bind()
	other := ann.second()
	mine.Until(wire.Changed{What: wire.ChangedDevices})
	other.login()
	sock := other.bind()

	must[account.Empty](ann, account.PathDeviceLabel, account.DeviceLabel{ID: other.pk.DeviceID(), Label: "tower"})
	sock.Until(wire.Changed{What: wire.ChangedDevices})
	d := must[account.Devices](other, account.PathDevices, account.Empty{})
	labels := map[account.Label]bool{}
	for _, i := range d.Info {
		labels[i.Label] = i.Current
	}
	if current, ok := labels["tower"]; len(d.Info) != 2 || !current || !ok || labels["laptop"] {
		t.Errorf("%+v", d.Info)
	}
	if a := must[account.Sessions](ann, account.PathSessions, account.Empty{}); len(a.Sessions) != 2 {
		t.Errorf("%+v", a)
	}

	// Lists that do not follow, and credentials without an entry, are refused.
	stale, err := ann.key.NewDeviceList(account.DeviceList{}, ann.list.Devices())
	if err != nil {
		t.Fatal(err)
	}
	ann.refused(account.PathDevicesPut, account.DevicesPut{Devices: stale}, account.CodeConflict)
	strange := newPerson(t, s).credential()
	list := ann.list.Devices()
	list[1].Revoked = true
	next, err := ann.key.NewDeviceList(ann.list, list)
	if err != nil {
		t.Fatal(err)
	}
	ann.refused(account.PathDevicesPut, account.DevicesPut{Devices: next, Add: &strange}, account.CodeBadRequest)

	ann.put(list, nil)
	if _, code := sock.Closed(); code != 4004 {
		t.Errorf("closed by %d", code)
	}
	other.refused(account.PathMe, account.Empty{}, account.CodeRevoked)
	if err := other.tryLogin(); !errors.Is(err, account.CodeAuthFailed) {
		t.Error(err)
	}

	// Ending another device's session leaves that device: it logs in again.
	third := ann.second()
	third.login()
	must[account.Empty](ann, account.PathSessionEnd, account.SessionEnd{Device: third.pk.DeviceID()})
	third.refused(account.PathMe, account.Empty{}, account.CodeRevoked)
	third.login()
	must[account.Empty](third, account.PathSessionEnd, account.SessionEnd{})
	third.refused(account.PathMe, account.Empty{}, account.CodeRevoked)
	must[account.Me](ann, account.PathMe, account.Empty{})
}

func TestVault(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	if v := must[account.Vault](ann, account.PathVault, account.Empty{}); v.Version != 0 || v.Blob != nil {
		t.Errorf("%+v", v)
	}
	big := account.VaultBlob(bytes.Repeat([]byte{7}, account.MaxVault))
	must[account.Empty](ann, account.PathVaultPut, account.Vault{Version: 1, Blob: big})
	for _, version := range []uint64{1, 3} { // not the next one
		ann.refused(account.PathVaultPut, account.Vault{Version: version, Blob: account.VaultBlob("x")}, account.CodeConflict)
	}
	ann.refused(account.PathVaultPut, account.Vault{}, account.CodeBadRequest)
	must[account.Empty](ann, account.PathVaultPut, account.Vault{Version: 2, Blob: account.VaultBlob("x")})
	if v := must[account.Vault](ann, account.PathVault, account.Empty{}); v.Version != 2 || string(v.Blob) != "x" {
		t.Errorf("%+v", v)
	}
}

// Asks are answered by yes, no and never again; who is blocked cannot tell.
func TestAsk(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	bob := signUp(t, s, out, "bob@example.org", "Bob")
	carl := signUp(t, s, out, "carl@example.org", "Carl")
	must[account.Empty](bob, account.PathMeFindable, account.MeFindable{On: true})
	asks := func() []account.Ask {
		return must[account.Contacts](bob, account.PathContacts, account.Empty{}).Asks
	}
	ask := func(p *person) account.ID {
		t.Helper()
		must[account.Empty](p, account.PathContactAsk, account.ContactAsk{Email: "bob@example.org"})
		if a := asks(); len(a) == 1 {
			return a[0].Handle
		}
		t.Fatalf("%+v", asks())
		return account.ID{}
	}
	sock := bob.bind()
	must[account.Empty](bob, account.PathContactAnswer, account.ContactAnswer{Handle: ask(ann), Answer: account.AnswerDecline})
	sock.Until(wire.Changed{What: wire.ChangedContacts}) // that somebody asks
	must[account.Empty](bob, account.PathContactAnswer, account.ContactAnswer{Handle: ask(ann), Answer: account.AnswerAccept})
	list := must[account.Contacts](ann, account.PathContacts, account.Empty{}).Contacts
	if len(list) != 1 || list[0].Account != bob.key.Public() || list[0].Name != "Bob" || len(list[0].Devices.Active()) != 1 {
		t.Fatalf("%+v", list)
	}
	must[account.Empty](ann, account.PathContactRemove, account.ContactHandle{Handle: list[0].Handle})
	if left := must[account.Contacts](bob, account.PathContacts, account.Empty{}); len(left.Contacts) != 0 {
		t.Error("a removed one still has a contact")
	}
	bob.refused(account.PathContactRemove, account.ContactHandle{Handle: list[0].Handle}, account.CodeNotFound)

	must[account.Empty](bob, account.PathContactAnswer, account.ContactAnswer{Handle: ask(carl), Answer: account.AnswerBlock})
	body, _ := account.Encode(account.ContactAsk{Email: "bob@example.org"})
	key := newID(t)
	again := func() (int, []byte) {
		return s.raw(t, carl.web, account.PathContactAsk, body, func(r *http.Request) {
			r.Header.Set(account.HeaderAuthorization, carl.ses.Authorize("POST", account.PathContactAsk, body).String())
			r.Header.Set(account.HeaderIdempotency, key.String())
		})
	}
	if status, b := again(); status != http.StatusOK || string(b) != "{}" {
		t.Errorf("%d %s", status, b)
	}
	if a := asks(); len(a) != 0 {
		t.Errorf("a blocked one asks: %+v", a)
	}
}

// A request that is sent again with its key is done once, and answered alike.
func TestIdempotency(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	bob := signUp(t, s, out, "bob@example.org", "Bob")
	link := wire.InviteID(newID(t))
	must[account.Empty](ann, account.PathContactInvite, account.ContactInvite{Invite: account.InviteHash(link)})
	body, _ := account.Encode(account.ContactAccept{Invite: account.ID(link), Proof: account.Hash{1}})
	send := func(key string) (int, []byte) {
		return s.raw(t, bob.web, account.PathContactAccept, body, func(r *http.Request) {
			r.Header.Set(account.HeaderAuthorization, bob.ses.Authorize("POST", account.PathContactAccept, body).String())
			if key != "" {
				r.Header.Set(account.HeaderIdempotency, key)
			}
		})
	}
	key := newID(t).String()
	if status, _ := send(""); status != http.StatusBadRequest {
		t.Errorf("without a key: %d", status)
	}
	status, first := send(key)
	status2, second := send(key)
	if status != 200 || status2 != 200 || !bytes.Equal(first, second) {
		t.Errorf("%d %s, then %d %s", status, first, status2, second)
	}
	if status, b := send(newID(t).String()); status != http.StatusNotFound {
		t.Errorf("the link is used up: %d %s", status, b)
	}
}

// Generations and sessions end; deletion wants a login that is fresh.
func TestSessionTimes(t *testing.T) {
	c := servicetest.NewClock()
	s, out := startAccounts(t, service.Config{Clock: c.Now})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	sock := ann.bind()
	c.Pass(61 * time.Second)
	ann.refused(account.PathMeDelete, account.Empty{}, account.CodeLogin)
	c.Pass(10 * time.Minute)
	ann.refused(account.PathMe, account.Empty{}, account.CodeRotate)
	if err := ann.rotate(true); err != nil {
		t.Fatal(err)
	}
	must[account.Me](ann, account.PathMe, account.Empty{})
	c.Pass(24 * time.Hour)
	ann.refused(account.PathMe, account.Empty{}, account.CodeLogin)
	if err := ann.rotate(true); !errors.Is(err, account.CodeLogin) {
		t.Error(err)
	}
	if _, code := sock.Closed(); code != 4005 {
		t.Errorf("closed by %d", code)
	}
	ann.login()
	must[account.Empty](ann, account.PathMeDelete, account.Empty{})
}

func TestNoGuests(t *testing.T) {
	s, out := startAccounts(t, service.Config{NoGuests: true})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	guest, member := s.Login(t, servicetest.NewIdentity(t)), ann.bind()
	refused := wire.Error{Code: wire.CodeAuthFailed}
	guest.Want(wire.Lookup{}, refused)
	guest.Want(wire.SetPresence{State: wire.Online}, refused)
	if got := guest.Ask(wire.Send{To: ann.id.Public().Address(), Sealed: []byte("x")}); got != refused {
		t.Errorf("%#v", got)
	}
	member.Send(8, wire.Lookup{})
	if got := member.Reply(8); got != (wire.Error{Code: wire.CodeUnknownInvite}) {
		t.Errorf("%#v", got)
	}
}

// kitLogin logs in with a recovery kit.
func (p *person) kitLogin(k account.Kit) error { return p.prove(k.CredentialID(), k.Password(), nil) }

// A kit and a code from the mail bring back the account on one new device, and
// nothing else.
func TestRecovery(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	kit := enrollKit(t, ann)
	watching := ann.bind()

	// Where no mail goes out, the login leaves nothing behind.
	lost := newPerson(t, s)
	out.Fail(true)
	if err := lost.kitLogin(kit); !errors.Is(err, account.CodeUnavailable) {
		t.Fatalf("without a mail: %v", err)
	}
	if a := must[account.Sessions](ann, account.PathSessions, account.Empty{}); len(a.Sessions) != 1 {
		t.Errorf("%+v", a)
	}
	out.Fail(false)

	if err := lost.kitLogin(kit); err != nil {
		t.Fatal(err)
	}
	watching.Until(wire.Changed{What: wire.ChangedAccount})
	sealed := must[account.RecoverySealed](lost, account.PathRecovery, account.Empty{})
	var err error
	if lost.key, err = kit.Open(sealed.Sealed); err != nil || lost.key.Public() != ann.key.Public() {
		t.Fatal(err)
	}
	lost.list = must[account.Devices](lost, account.PathDevices, account.Empty{}).Devices
	for path, q := range map[string]any{
		account.PathMe: account.Empty{}, account.PathVault: account.Empty{}, account.PathContacts: account.Empty{},
		account.PathMeDelete: account.Empty{}, account.PathMeExport: account.Empty{},
	} {
		lost.refused(path, q, account.CodeAuthFailed)
	}
	add := lost.credential()
	device := account.ListedDevice{ID: lost.pk.DeviceID(), Device: lost.id.Public(), Added: 1}
	next, err := lost.key.NewDeviceList(lost.list, append(lost.list.Devices(), device))
	if err != nil {
		t.Fatal(err)
	}
	put := account.DevicesPut{Devices: next, Add: &add}
	lost.refused(account.PathDevicesPut, put, account.CodeAuthFailed) // not confirmed
	code := account.Code(out.Last("ann@example.org").Code)
	wrong := account.Code("00000000")
	if code == wrong {
		wrong = "00000001"
	}
	lost.refused(account.PathRecoveryConfirm, account.RecoveryConfirm{Code: wrong}, account.CodeAuthFailed)
	must[account.Empty](lost, account.PathRecoveryConfirm, account.RecoveryConfirm{Code: code})
	lost.refused(account.PathRecoveryConfirm, account.RecoveryConfirm{Code: code}, account.CodeExpired)

	// It adds; it does not take away.
	takes := lost.list.Devices()
	takes[0].Revoked = true
	takeover, err := lost.key.NewDeviceList(lost.list, append(takes, device))
	if err != nil {
		t.Fatal(err)
	}
	lost.refused(account.PathDevicesPut, account.DevicesPut{Devices: takeover, Add: &add}, account.CodeAuthFailed)
	must[account.Empty](lost, account.PathDevicesPut, put)
	watching.Until(wire.Changed{What: wire.ChangedAccount})
	lost.refused(account.PathDevices, account.Empty{}, account.CodeRevoked) // one device for one code
	lost.login()
	if me := must[account.Me](lost, account.PathMe, account.Empty{}); me.Name != "Ann" {
		t.Errorf("%+v", me)
	}
}

// Mails are counted before anything is done for them.
func TestMailQuota(t *testing.T) {
	s, out := startAccounts(t, service.Config{Limits: service.Limits{Logins: service.Rate{PerSecond: 1000, Burst: 1000}}})
	p := newPerson(t, s)
	start := account.SignupStart{Email: "Ann@example.org", Name: "Ann"}
	for i := range 5 {
		must[account.SignupTicket](p, account.PathSignupStart, start)
		if i%2 == 0 {
			start.Email = "ann@EXAMPLE.org" // the same mailbox
		}
	}
	p.refused(account.PathSignupStart, start, account.CodeRateLimited)
	if n := out.Count(); n != 5 {
		t.Errorf("%d mails", n)
	}
}

func newID(t *testing.T) account.ID {
	t.Helper()
	id, err := account.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
