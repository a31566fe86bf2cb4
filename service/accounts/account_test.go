package accounts_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/servicetest"
	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// person is a device with an account, written from wire/account alone.
type person struct {
	t    *testing.T
	s    *running
	web  *http.Client
	pk   account.PassKey
	key  account.Key
	id   *wire.Identity
	list account.DeviceList
	ses  *account.Session
}

func (s *running) raw(t *testing.T, web *http.Client, path string, body []byte, change func(*http.Request)) (int, []byte) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(q)
	}
	r, err := web.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Request-Id") == "" {
		t.Errorf("%s: no Request-Id", path)
	}
	return r.StatusCode, b
}

func do[A any](p *person, path string, q any) (A, error) {
	p.t.Helper()
	body, err := account.Encode(q)
	if err != nil {
		p.t.Fatal(err)
	}
	status, b := p.s.raw(p.t, p.web, path, body, func(r *http.Request) {
		if p.ses != nil {
			r.Header.Set(account.HeaderAuthorization, p.ses.Authorize("POST", path, body).String())
			key, _ := account.NewID(nil)
			r.Header.Set(account.HeaderIdempotency, key.String())
		}
	})
	var zero A
	if status != http.StatusOK {
		f, err := account.Decode[account.Failure](bytes.NewReader(b))
		if err != nil {
			p.t.Fatalf("%s: %d %s", path, status, b)
		}
		return zero, f
	}
	a, err := account.Decode[A](bytes.NewReader(b))
	if err != nil {
		p.t.Fatalf("%s: %s: %v", path, b, err)
	}
	return a, nil
}

func must[A any](p *person, path string, q any) A {
	p.t.Helper()
	a, err := do[A](p, path, q)
	if err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
	return a
}

func (p *person) refused(path string, q any, want account.ErrorCode) {
	p.t.Helper()
	if _, err := do[account.Empty](p, path, q); !errors.Is(err, want) {
		p.t.Errorf("%s: %v, want %s", path, err, want)
	}
}

func newPerson(t *testing.T, s *running) *person {
	t.Helper()
	p := &person{t: t, s: s, web: &http.Client{Transport: servicetest.Insecure()}}
	t.Cleanup(p.web.CloseIdleConnections)
	p.pk, _ = account.NewPassKey(nil)
	p.key, _ = account.NewKey(nil)
	p.id, _ = p.pk.Identity()
	return p
}

func (p *person) credential() account.NewDevice {
	var salt account.Salt
	_, _ = rand.Read(salt[:])
	id := p.pk.DeviceID()
	return account.NewDevice{Credential: account.Credential{ID: id, Salt: salt, Verifier: srp.Verifier(id[:], p.pk.Password(), salt)}, Label: "laptop"}
}

func signUp(t *testing.T, s *running, out *servicetest.Outbox, email, name string) *person {
	t.Helper()
	return signUpWith(t, s, out, email, name, "")
}

func signUpWith(t *testing.T, s *running, out *servicetest.Outbox, email, name string, pass account.Pass) *person {
	t.Helper()
	p := newPerson(t, s)
	ticket := must[account.SignupTicket](p, account.PathSignupStart, account.SignupStart{Email: account.Email(email), Name: account.Name(name), Pass: pass})
	var err error
	if p.list, err = p.key.NewDeviceList(account.DeviceList{}, []account.ListedDevice{{ID: p.pk.DeviceID(), Device: p.id.Public(), Added: 1}}); err != nil {
		t.Fatal(err)
	}
	finish := account.SignupFinish{Ticket: ticket.Ticket, Code: "00000000", Device: p.credential(), Account: p.key.Public(), Devices: p.list}
	code := out.Last(email).Code
	if code == "00000000" {
		finish.Code = "00000001"
	}
	p.refused(account.PathSignupFinish, finish, account.CodeAuthFailed)
	finish.Code = account.Code(code)
	must[account.Empty](p, account.PathSignupFinish, finish)
	p.refused(account.PathSignupFinish, finish, account.CodeExpired)
	p.login()
	return p
}

func (p *person) tryLogin() error {
	return p.prove(p.pk.DeviceID(), p.pk.Password(), func(tr account.Hash) account.Signature {
		return account.Signature(p.id.Sign(tr[:]))
	})
}

// prove logs in by SRP; sign is nil for a kit, which has no key.
func (p *person) prove(id account.ID, password []byte, sign func(account.Hash) account.Signature) error {
	p.ses = nil
	c, err := srp.NewClient(id[:], password, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	ch, err := do[account.LoginChallenge](p, account.PathLoginStart, account.LoginStart{Device: id, A: c.A()})
	if err != nil {
		return err
	}
	m1, err := c.Answer(ch.Salt, ch.B)
	if err != nil {
		return err
	}
	tr := account.LoginTranscript(id, ch.Salt, c.A(), ch.B, m1, p.s.Pin)
	finish := account.LoginFinish{Attempt: ch.Attempt, M1: m1}
	if sign != nil {
		finish.Signature = sign(tr)
	}
	d, err := do[account.LoginDone](p, account.PathLoginFinish, finish)
	if err != nil {
		return err
	}
	k, err := c.Check(d.M2)
	if err != nil {
		return err
	}
	p.ses = account.NewSession(d.Session, account.NewChain(k.Reveal(), tr))
	return nil
}

func (p *person) login() {
	p.t.Helper()
	if err := p.tryLogin(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) rotate(take bool) error {
	proof, rid, err := p.ses.BeginRotation(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, _ := account.Encode(account.Rotate{RID: rid})
	status, b := p.s.raw(p.t, p.web, account.PathRotate, body, func(r *http.Request) { r.Header.Set(account.HeaderRotate, proof.String()) })
	if status != http.StatusOK {
		f, _ := account.Decode[account.Failure](bytes.NewReader(b))
		return f
	}
	a, err := account.Decode[account.Rotated](bytes.NewReader(b))
	if err == nil && take {
		p.ses.Rotated(a.Nonce)
	}
	return err
}

// bind connects and binds the device.
func (p *person) bind() *servicetest.Device {
	p.t.Helper()
	r := p.s.Dial(p.t)
	r.ID = p.id
	ch := r.Challenge(p.id)
	r.Answer(ch, p.s.Pin, p.id, p.id)
	a := p.ses.Authorize(account.BindMethod, account.BindPath, ch.Nonce[:])
	m := wire.Bind{Session: a.Session, Gen: a.Gen, Seq: a.Seq, MAC: a.MAC}
	r.Want(m, wire.Bound{})
	r.Send(4, m) // a replay
	for {
		f := r.Read()
		if f.ID == 4 {
			if f.Body != (wire.Error{Code: wire.CodeAuthFailed}) {
				p.t.Errorf("a replayed binding: %#v", f.Body)
			}
			return r
		}
	}
}

func TestAccountFlow(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann.planted@example.org", "Ann Planted")
	bob := signUp(t, s, out, "bob.planted@example.org", "Bob Planted")
	if me := must[account.Me](ann, account.PathMe, account.Empty{}); me.Name != "Ann Planted" || me.Findable {
		t.Errorf("%+v", me)
	}

	// An answer that was lost does no harm.
	if err := errors.Join(ann.rotate(false), ann.rotate(true), ann.rotate(true)); err != nil {
		t.Fatal(err)
	}
	must[account.Me](ann, account.PathMe, account.Empty{})

	// A link.
	var link wire.InviteID
	_, _ = rand.Read(link[:])
	must[account.Empty](ann, account.PathContactInvite, account.ContactInvite{Invite: account.InviteHash(link)})
	got := must[account.ContactAccepted](bob, account.PathContactAccept, account.ContactAccept{Invite: account.ID(link), Proof: account.Hash{1}})
	if got.Contact.Account != ann.key.Public() {
		t.Error("another account")
	}
	bob.refused(account.PathContactAccept, account.ContactAccept{Invite: account.ID(link), Proof: account.Hash{1}}, account.CodeNotFound)
	list := must[account.Contacts](ann, account.PathContacts, account.Empty{})
	if len(list.Contacts) != 1 || list.Contacts[0].Proof != (account.Hash{1}) {
		t.Fatalf("%+v", list)
	}

	// Presence, and none of who is invisible.
	a, b := ann.bind(), bob.bind()
	b.Send(5, wire.SetPresence{State: wire.Busy})
	a.Until(wire.Presence{Handle: list.Contacts[0].Handle, State: wire.Busy})
	b.Send(6, wire.SetPresence{State: wire.Invisible})
	a.Until(wire.Presence{Handle: list.Contacts[0].Handle, State: wire.Offline})

	// A copy of the session is caught and its connection closed.
	copied := *bob.ses
	if err := bob.rotate(true); err != nil {
		t.Fatal(err)
	}
	mine := bob.ses
	bob.ses = &copied
	if err := bob.rotate(true); !errors.Is(err, account.CodeRevoked) {
		t.Errorf("a copy: %v", err)
	}
	bob.ses = mine
	bob.refused(account.PathMe, account.Empty{}, account.CodeRevoked)
	if _, code := b.Closed(); code != 4004 {
		t.Errorf("closed by %d", code)
	}
	bob.login()

	must[account.Empty](ann, account.PathContactBlock, account.ContactHandle{Handle: list.Contacts[0].Handle})
	if left := must[account.Contacts](bob, account.PathContacts, account.Empty{}); len(left.Contacts) != 0 {
		t.Error("a blocked one still has a contact")
	}
	if e := must[account.Export](ann, account.PathMeExport, account.Empty{}); !bytes.Contains(e.Data, []byte("ann.planted@example.org")) {
		t.Error("the export lacks the address")
	}
	must[account.Empty](ann, account.PathMeDelete, account.Empty{})
	if _, code := a.Closed(); code != 4004 {
		t.Errorf("closed by %d", code)
	}
	if err := ann.tryLogin(); !errors.Is(err, account.CodeAuthFailed) {
		t.Errorf("login to what is deleted: %v", err)
	}
	for _, planted := range []string{"planted", "Planted", ann.pk.DeviceID().String(), "laptop"} {
		if strings.Contains(s.log.String(), planted) {
			t.Errorf("the log has %q", planted)
		}
	}
}

func TestUniformAnswers(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	bob := signUp(t, s, out, "bob@example.org", "Bob")
	must[account.Empty](bob, account.PathMeFindable, account.MeFindable{On: true})
	signUp(t, s, out, "hidden@example.org", "Hidden")
	for _, to := range []account.Email{"bob@example.org", "hidden@example.org", "nobody@example.org"} {
		body, _ := account.Encode(account.ContactAsk{Email: to})
		key, _ := account.NewID(nil)
		status, b := s.raw(t, ann.web, account.PathContactAsk, body, func(r *http.Request) {
			r.Header.Set(account.HeaderAuthorization, ann.ses.Authorize("POST", account.PathContactAsk, body).String())
			r.Header.Set(account.HeaderIdempotency, key.String())
		})
		if status != http.StatusOK || string(b) != "{}" {
			t.Errorf("%d %s", status, b)
		}
	}
	ann.refused(account.PathContactAsk, account.ContactAsk{Email: "more@example.org"}, account.CodeRateLimited) // new accounts: 3 a day
	if c := must[account.Contacts](bob, account.PathContacts, account.Empty{}); len(c.Asks) != 1 {
		t.Errorf("%+v", c)
	}
	stranger := newPerson(t, s)
	if err := stranger.tryLogin(); !errors.Is(err, account.CodeAuthFailed) {
		t.Error(err)
	}
	first := must[account.SignupTicket](stranger, account.PathSignupStart, account.SignupStart{Email: "bob@example.org", Name: "X"})
	if first.Ticket == (account.ID{}) || out.Last("bob@example.org").Code != "" {
		t.Error("a known address gets a code")
	}
}

func TestBadCalls(t *testing.T) {
	s, _ := startAccounts(t, service.Config{Limits: service.Limits{Answer: time.Second}})
	web := &http.Client{Transport: servicetest.Insecure()}
	t.Cleanup(web.CloseIdleConnections)
	for name, c := range map[string]struct {
		path   string
		body   string
		change func(*http.Request)
		status int
	}{
		"method":  {account.PathLinkOpen, "{}", func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"type":    {account.PathLinkOpen, "{}", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"origin":  {account.PathLinkOpen, "{}", func(r *http.Request) { r.Header.Set("Origin", "https://example.org") }, 403},
		"query":   {account.PathLinkOpen, "{}", func(r *http.Request) { r.URL.RawQuery = "a=b" }, 400},
		"field":   {account.PathLinkOpen, `{"a":1}`, nil, 400},
		"large":   {account.PathLinkOpen, strings.Repeat(" ", 65<<10), nil, 413},
		"stream":  {account.PathLinkOpen, strings.Repeat(" ", 65<<10), func(r *http.Request) { r.ContentLength = -1 }, 413},
		"path":    {"/v1/nothing", "{}", nil, 404},
		"session": {account.PathMe, "{}", nil, 401},
		"good":    {account.PathLinkOpen, "{}", nil, 200},
	} {
		status, b := s.raw(t, web, c.path, []byte(c.body), c.change)
		if _, err := account.Decode[account.Failure](bytes.NewReader(b)); status != c.status || status != 200 && err != nil {
			t.Errorf("%s: %d %s", name, status, b)
		}
	}
	// A body that does not come.
	slow, w := io.Pipe()
	defer w.Close()
	q, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Addr+account.PathLinkOpen, slow)
	q.Header.Set("Content-Type", "application/json")
	if r, err := web.Do(q); err == nil {
		_ = r.Body.Close()
		if r.StatusCode == http.StatusOK {
			t.Error("a body that never came is taken")
		}
	}
}
