package accounts_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/service/servicetest"
	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func personFrom(t *testing.T, s *running, ip string) *person {
	t.Helper()
	p := newPerson(t, s)
	p.web = servicetest.From(t, ip)
	return p
}

// asks has strangers' addresses mailed a code, and says how many were.
func asks(p *person, n int, domain string) (sent int, last error) {
	for i := range n {
		_, err := do[account.SignupTicket](p, account.PathSignupStart, account.SignupStart{Email: account.Email(fmt.Sprintf("s%d@%s", i, domain)), Name: "Eve"})
		if err != nil {
			last = err
			continue
		}
		sent++
	}
	return sent, last
}

func enrollKit(t *testing.T, p *person) account.Kit {
	t.Helper()
	kit, err := account.NewKit(nil)
	if err != nil {
		t.Fatal(err)
	}
	var salt account.Salt
	_, _ = rand.Read(salt[:])
	id := kit.CredentialID()
	must[account.Empty](p, account.PathRecoveryEnroll, account.RecoveryEnroll{
		Credential: account.Credential{ID: id, Salt: salt, Verifier: srp.Verifier(id[:], kit.Password(), salt)}, Sealed: kit.Seal(p.key),
	})
	return kit
}

// A stranger, with one address or a network, uses up neither the mails of
// sign-ups nor those of a recovery.
func TestMailsOfOneNetwork(t *testing.T) {
	clock := servicetest.NewClock()
	cfg, out := servicetest.Accounts(t, service.Config{Clock: clock.Now, Limits: service.Limits{Logins: service.Rate{PerSecond: 1e6, Burst: 1e6}}}, t.TempDir())
	s := start(t, cfg)
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	kit := enrollKit(t, ann)

	sent, err := asks(personFrom(t, s, "127.1.1.1"), 100, "strangers.example")
	var f account.Failure
	if sent != 10 || !errors.As(err, &f) || f.Code != account.CodeRateLimited || f.RetryAfter == 0 || f.RetryAfter > 3600 {
		t.Errorf("%d mails for one address, then %v", sent, err)
	}
	if n := out.Count(); n != 1+10 {
		t.Errorf("%d mails", n)
	}
	for i := range 8 { // more of the network
		n, _ := asks(personFrom(t, s, fmt.Sprintf("127.1.1.%d", i+2)), 12, fmt.Sprintf("n%d.example", i))
		sent += n
	}
	if sent != 40 {
		t.Errorf("%d mails for one network", sent)
	}
	honest := personFrom(t, s, "127.2.2.2")
	if n, err := asks(honest, 1, "honest.example"); n != 1 {
		t.Error("an honest sign-up afterwards:", err)
	}
	clock.Pass(time.Hour)
	if n, _ := asks(personFrom(t, s, "127.1.1.1"), 30, "later.example"); n != 10 {
		t.Errorf("%d mails an hour later", n)
	}
	clock.Pass(time.Hour)
	_, _ = asks(personFrom(t, s, "127.1.1.1"), 30, "later.example")
	clock.Pass(time.Hour)
	if n, _ := asks(personFrom(t, s, "127.1.1.1"), 30, "latest.example"); n != 0 {
		t.Errorf("%d mails after the 30 of a day", n)
	}

	// Ann's address has been asked for until nothing more is mailed to it, and
	// all sign-ups together are used up.
	for i := range 5 {
		must[account.SignupTicket](personFrom(t, s, fmt.Sprintf("127.3.%d.1", i)), account.PathSignupStart, account.SignupStart{Email: "ann@example.org", Name: "Eve"})
	}
	personFrom(t, s, "127.3.9.1").refused(account.PathSignupStart, account.SignupStart{Email: "ann@example.org", Name: "Eve"}, account.CodeRateLimited)
	for range 1000 {
		if _, _, err := cfg.Store.Quota(t.Context(), "mails", store.Limit{Window: time.Hour, N: 1000}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := asks(personFrom(t, s, "127.4.4.4"), 1, "honest.example"); n != 0 || !errors.Is(err, account.CodeRateLimited) {
		t.Fatal("the mails of all are not used up:", err)
	}
	out.Forget("ann@example.org")
	lost := personFrom(t, s, "127.1.1.1") // behind the stranger's own address
	if err := lost.kitLogin(kit); err != nil {
		t.Error("a recovery gets no mail:", err)
	}
	if out.Last("ann@example.org").Code == "" {
		t.Error("no code came")
	}
}

// A service for a team takes people by invitation alone.
func TestInvitedAlone(t *testing.T) {
	clock := servicetest.NewClock()
	cfg, out := servicetest.Accounts(t, service.Config{Clock: clock.Now}, t.TempDir())
	cfg.Invited = true
	s := start(t, cfg)
	p := newPerson(t, s)
	ask := func(e string, pass account.Pass) account.SignupStart {
		return account.SignupStart{Email: account.Email(e), Name: "Ann", Pass: pass}
	}
	pass := accounts.SignUpPass(cfg.Store, "ann@Example.org", clock.Now().Add(24*time.Hour))
	other := account.NewPass(make([]byte, 16))
	for _, q := range []account.SignupStart{
		ask("ann@example.org", ""), ask("eve@example.org", pass), ask("ann@example.org", other), ask("ann@example.org", "aaaa"),
		ask("ann@example.org", account.NewPass(append(pass.Bytes()[:19:19], pass.Bytes()[19]^1))),
		ask("ann@example.org", accounts.SignUpPass(cfg.Store, "ann@example.org", clock.Now().Add(-48*time.Hour))),
	} {
		p.refused(account.PathSignupStart, q, account.CodeAuthFailed)
	}
	if n := out.Count(); n != 0 {
		t.Fatalf("%d mails to who was not invited", n)
	}
	ann := signUpWith(t, s, out, "ann@example.org", "Ann", pass)

	// Ann's contact link is an invitation too, for some mails, until it is closed.
	link := wire.InviteID{1, 2, 3}
	invite := account.ContactInvite{Invite: account.InviteHash(link)}
	must[account.Empty](ann, account.PathContactInvite, invite)
	signUpWith(t, s, out, "ben@example.org", "Ben", account.NewPass(link[:]))
	for i := range 4 {
		must[account.SignupTicket](p, account.PathSignupStart, ask(fmt.Sprintf("c%d@example.org", i), account.NewPass(link[:])))
	}
	p.refused(account.PathSignupStart, ask("d@example.org", account.NewPass(link[:])), account.CodeRateLimited)
	clock.Pass(24 * time.Hour)
	ann.login()
	must[account.Empty](ann, account.PathContactRevoke, invite)
	p.refused(account.PathSignupStart, ask("d@example.org", account.NewPass(link[:])), account.CodeAuthFailed)
	clock.Pass(48 * time.Hour)
	p.refused(account.PathSignupStart, ask("e@example.org", pass), account.CodeAuthFailed)
}

// One network does not hold the slots by which devices are linked.
func TestSlotsOfOneNetwork(t *testing.T) {
	clock := servicetest.NewClock()
	s, _ := startAccounts(t, service.Config{Clock: clock.Now, Limits: service.Limits{Logins: service.Rate{PerSecond: 1e6, Burst: 1e6}}})
	open := func(ip string, n int) (got int) {
		p := personFrom(t, s, ip)
		for range n {
			if _, err := do[account.LinkOpened](p, account.PathLinkOpen, account.Empty{}); err == nil {
				got++
			}
		}
		return got
	}
	if n := open("127.1.1.1", 70); n != 60 {
		t.Errorf("%d slots of one address", n)
	}
	all := 0
	for i := range 4 {
		all += open(fmt.Sprintf("127.1.1.%d", i+2), 60)
	}
	if all != 180 {
		t.Errorf("%d more of its network", all)
	}
	if n := open("127.2.2.2", 1); n != 1 {
		t.Error("somebody else gets none")
	}
	clock.Pass(store.LinkLife)
	if n := open("127.1.1.1", 1); n != 1 {
		t.Error("the limit does not end")
	}
}
