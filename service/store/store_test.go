//go:build linux

package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got %v, want %v", err, target)
	}
}

// race runs f n times at once and counts which came without an error; every
// other error must be one of the allowed.
func race(t *testing.T, n int, f func() error, allowed ...error) (won int) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			won++
		} else if !slices.ContainsFunc(allowed, func(a error) bool { return errors.Is(err, a) }) {
			t.Errorf("racer: %v", err)
		}
	}
	return won
}

// Nodes that start together make one database with one keyring.
func TestOpenTogether(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			var mu sync.Mutex
			var nodes []*store.Store
			race(t, 6, func() error {
				s, err := store.Open(context.Background(), o)
				if err == nil {
					mu.Lock()
					nodes = append(nodes, s)
					mu.Unlock()
				}
				return err
			})
			for i, s := range nodes {
				t.Cleanup(func() { _ = s.Close() })
				mail := account.Email(string(rune('a'+i)) + "@example.org")
				signUp(t, s, mail, "Ada")
				for _, other := range nodes {
					id, err := other.AccountByEmail(t.Context(), mail)
					must(t, err)
					_, err = other.Me(t.Context(), id)
					must(t, err)
				}
			}
		})
	}
}

func TestAccount(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada := signUp(t, s, "Ada@Example.org", "Ada")
			me, err := s.Me(ctx, ada.id)
			must(t, err)
			if me.Email != "Ada@Example.org" || me.Name != "Ada" || me.Findable || me.CreatedDay == 0 {
				t.Fatalf("%+v", me)
			}
			found, err := s.AccountByEmail(ctx, "ada@example.ORG")
			must(t, err)
			if found != ada.id {
				t.Fatal("another account")
			}
			_, err = s.AccountByEmail(ctx, "bob@example.org")
			want(t, err, store.ErrNotFound)
			_, err = s.CreateAccount(ctx, (&person{t: t, mail: "ADA@example.org"}).application("Eve"))
			want(t, err, store.ErrConflict)

			must(t, s.SetName(ctx, ada.id, "Countess"))
			must(t, s.SetFindable(ctx, ada.id, true))
			me, err = s.Me(ctx, ada.id)
			must(t, err)
			if me.Name != "Countess" || !me.Findable {
				t.Fatalf("%+v", me)
			}
			c, err := s.Credential(ctx, ada.pass.DeviceID())
			must(t, err)
			listed, _ := ada.list.Find(ada.pass.DeviceID())
			if c.Account != ada.id || c.Kind != store.KindDevice || c.Device != listed.Device {
				t.Fatalf("%+v", c)
			}
			v, err := s.Vault(ctx, ada.id)
			must(t, err)
			if v.Version != 0 {
				t.Fatal("a vault from nowhere")
			}
			want(t, s.PutVault(ctx, ada.id, account.Vault{Version: 2, Blob: []byte("x")}), store.ErrConflict)
			must(t, s.PutVault(ctx, ada.id, account.Vault{Version: 1, Blob: []byte("one")}))
			must(t, s.PutVault(ctx, ada.id, account.Vault{Version: 2, Blob: []byte("two")}))
			want(t, s.PutVault(ctx, ada.id, account.Vault{Version: 2, Blob: []byte("again")}), store.ErrConflict)
			v, err = s.Vault(ctx, ada.id)
			must(t, err)
			if v.Version != 2 || string(v.Blob) != "two" {
				t.Fatalf("%+v", v)
			}
			if won := race(t, 16, func() error {
				return s.PutVault(context.Background(), ada.id, account.Vault{Version: 3, Blob: []byte("three")})
			}, store.ErrConflict); won != 1 {
				t.Fatal("vaults stored:", won)
			}
			must(t, s.Ready(ctx))
		})
	}
}

func TestDevices(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada := signUp(t, s, "ada@example.org", "Ada")
			phone, add, listed := newDevice(t, "phone")
			two, err := ada.key.NewDeviceList(ada.list, append(ada.list.Devices(), listed))
			must(t, err)
			_, err = s.PutDevices(ctx, ada.id, account.DevicesPut{Devices: two})
			if err == nil {
				t.Fatal("a device without credential")
			}
			if won := race(t, 16, func() error {
				_, err := s.PutDevices(context.Background(), ada.id, account.DevicesPut{Devices: two, Add: &add})
				return err
			}, store.ErrConflict); won != 1 {
				t.Fatal("lists stored:", won)
			}
			must(t, s.LabelDevice(ctx, ada.id, phone.DeviceID(), "telephone"))
			d, err := s.Devices(ctx, ada.id)
			must(t, err)
			i := slices.IndexFunc(d.Info, func(i account.DeviceInfo) bool { return i.ID == phone.DeviceID() })
			if d.Devices.Version() != 2 || len(d.Info) != 2 || d.Info[i].Label != "telephone" {
				t.Fatalf("%+v", d)
			}
			old := ada.pass
			ada.pass = phone
			session := ada.login()
			ada.pass = old

			// Another's list, and one that does not follow.
			bob := signUp(t, s, "bob@example.org", "Bob")
			_, err = s.PutDevices(ctx, bob.id, account.DevicesPut{Devices: two})
			want(t, err, store.ErrConflict)
			want(t, s.LabelDevice(ctx, bob.id, phone.DeviceID(), "mine"), store.ErrNotFound)
			want(t, s.EndSessions(ctx, bob.id, phone.DeviceID()), store.ErrNotFound)

			gone := two.Devices()
			gone[1].Revoked = true
			three, err := ada.key.NewDeviceList(two, gone)
			must(t, err)
			revoked, err := s.PutDevices(ctx, ada.id, account.DevicesPut{Devices: three})
			must(t, err)
			if !slices.Equal(revoked, []account.ID{phone.DeviceID()}) {
				t.Fatal("revoked", revoked)
			}
			_, err = s.Credential(ctx, phone.DeviceID())
			want(t, err, store.ErrNotFound)
			_, err = s.Session(ctx, session.ID())
			want(t, err, store.ErrRevoked)
			_, code, err := s.Authorize(ctx, session.Authorize("POST", "/v1/me/get", nil), "POST", "/v1/me/get", nil)
			must(t, err)
			if code != account.CodeRevoked {
				t.Fatal("answered", code)
			}
			_, err = s.CreateSession(ctx, phone.DeviceID(), random[account.ID](t), account.Chain{})
			want(t, err, store.ErrNotFound)
			lists, err := s.DeviceLists(ctx, ada.id, 1)
			must(t, err)
			if len(lists) != 2 || lists[1].Hash() != three.Hash() || three.Follows(ada.list, lists[0]) != nil {
				t.Fatal("the chain is broken")
			}
		})
	}
}

func TestRecovery(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada := signUp(t, s, "ada@example.org", "Ada")
			_, err := s.Recovery(ctx, ada.id)
			want(t, err, store.ErrNotFound)
			var kits []account.Kit
			for range 2 {
				kit, err := account.NewKit(nil)
				must(t, err)
				must(t, s.EnrollRecovery(ctx, ada.id, account.RecoveryEnroll{
					Credential: account.Credential{ID: kit.CredentialID(), Salt: random[account.Salt](t), Verifier: random[account.Number](t)}, Sealed: kit.Seal(ada.key),
				}))
				kits = append(kits, kit)
			}
			_, err = s.Credential(ctx, kits[0].CredentialID())
			want(t, err, store.ErrNotFound)
			c, err := s.Credential(ctx, kits[1].CredentialID())
			must(t, err)
			if c.Kind != store.KindRecovery {
				t.Fatal(c.Kind)
			}
			sealed, err := s.Recovery(ctx, ada.id)
			must(t, err)
			if key, err := kits[1].Open(sealed); err != nil || key.Public() != ada.key.Public() {
				t.Fatal("the kit does not give the key", err)
			}
			n, err := s.CreateSession(ctx, kits[1].CredentialID(), random[account.ID](t), account.NewChain(random[account.Hash](t), random[account.Hash](t)))
			must(t, err)
			if n.Confirmed || n.Kind != store.KindRecovery {
				t.Fatalf("%+v", n)
			}
			must(t, s.ConfirmSession(ctx, n.ID))
			n, err = s.Session(ctx, n.ID)
			must(t, err)
			if !n.Confirmed {
				t.Fatal("not confirmed")
			}
		})
	}
}

func TestTickets(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			id, err := s.CreateTicket(ctx, store.PurposeSignup, []byte("payload"), "12345678")
			must(t, err)
			_, err = s.ConsumeTicket(ctx, store.PurposeRecovery, id, "12345678")
			want(t, err, store.ErrNotFound)
			_, err = s.ConsumeTicket(ctx, store.PurposeSignup, id, "00000000")
			want(t, err, store.ErrCode)
			if won := race(t, 16, func() error {
				b, err := s.ConsumeTicket(context.Background(), store.PurposeSignup, id, "12345678")
				if err == nil && string(b) != "payload" {
					return errors.New("another payload")
				}
				return err
			}, store.ErrNotFound); won != 1 {
				t.Fatal("consumed:", won)
			}
			// Five tries, however many race for them.
			id, err = s.CreateTicket(ctx, store.PurposeSignup, nil, "12345678")
			must(t, err)
			tries := race(t, 16, func() error {
				_, err := s.ConsumeTicket(context.Background(), store.PurposeSignup, id, "00000000")
				if errors.Is(err, store.ErrCode) {
					return nil
				}
				return err
			}, store.ErrNotFound)
			if tries != store.TicketTries {
				t.Fatal("tries:", tries)
			}
			_, err = s.ConsumeTicket(ctx, store.PurposeSignup, id, "12345678")
			want(t, err, store.ErrNotFound)

			id, err = s.CreateTicket(ctx, store.PurposeSignup, nil, "12345678")
			must(t, err)
			now.move(t, store.TicketLife)
			_, err = s.ConsumeTicket(ctx, store.PurposeSignup, id, "12345678")
			want(t, err, store.ErrNotFound)

			attempt := random[account.ID](t)
			must(t, s.PutAttempt(ctx, attempt, []byte("state")))
			if won := race(t, 16, func() error { _, err := s.TakeAttempt(context.Background(), attempt); return err }, store.ErrNotFound); won != 1 {
				t.Fatal("taken:", won)
			}
		})
	}
}

func TestLink(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			l, err := s.OpenLink(ctx)
			must(t, err)
			put := account.LinkPut{Slot: l.Slot, Ticket: l.Ticket, Seq: 1, Blob: []byte("hello")}
			var n atomic.Int32
			if won := race(t, 16, func() error {
				put := put
				put.Blob = []byte{byte(n.Add(1))}
				return s.PutLink(context.Background(), put)
			}, store.ErrConflict); won != 1 {
				t.Fatal("put:", won)
			}
			put.Ticket, put.Seq = random[account.ID](t), 3
			want(t, s.PutLink(ctx, put), store.ErrNotFound)
			must(t, s.PutLink(ctx, account.LinkPut{Slot: l.Slot, Seq: 2, Blob: []byte("offer")}))
			m, err := s.LinkMessages(ctx, account.LinkGet{Slot: l.Slot, Ticket: l.Ticket, After: 1})
			must(t, err)
			if len(m) != 1 || m[0].Seq != 2 || string(m[0].Blob) != "offer" {
				t.Fatalf("%+v", m)
			}
			now.move(t, store.LinkLife)
			_, err = s.LinkMessages(ctx, account.LinkGet{Slot: l.Slot})
			want(t, err, store.ErrNotFound)
		})
	}
}

func TestQuota(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			limits := []store.Limit{{Window: 24 * time.Hour, N: 7}, {Window: time.Hour, N: 5}}
			use := func() error {
				ok, wait, err := s.Quota(context.Background(), "ask:ada", limits...)
				if err == nil && !ok {
					if wait <= 0 || wait > 24*time.Hour {
						t.Error("wait", wait)
					}
					return store.ErrLimit
				}
				return err
			}
			// Not across the end of an hour.
			at := now.Now()
			now.move(t, at.Truncate(24*time.Hour).Add(24*time.Hour+time.Minute).Sub(at))
			if won := race(t, 16, use, store.ErrLimit); won != 5 {
				t.Fatal("in the first hour:", won)
			}
			now.move(t, time.Hour)
			if won := race(t, 16, use, store.ErrLimit); won != 2 {
				t.Fatal("in the second hour, of the day's rest:", won)
			}
			ok, _, err := s.Quota(ctx, "ask:bob", limits...)
			must(t, err)
			if !ok {
				t.Fatal("one pays for the other")
			}
		})
	}
}

func TestIdempotent(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada := signUp(t, s, "ada@example.org", "Ada")
			session, key := ada.login().ID(), random[account.ID](t)
			broken := errors.New("store: broken on purpose")
			_, _, err := s.Idempotent(ctx, session, key, func(ctx context.Context) ([]byte, error) {
				must(t, s.SetName(ctx, ada.id, "Nobody"))
				return nil, broken
			})
			want(t, err, broken)
			if me, _ := s.Me(ctx, ada.id); me.Name != "Ada" {
				t.Fatal("an error left something behind:", me.Name)
			}
			var mu sync.Mutex
			runs := 0
			race(t, 16, func() error {
				b, _, err := s.Idempotent(context.Background(), session, key, func(ctx context.Context) ([]byte, error) {
					mu.Lock()
					runs++
					mu.Unlock()
					if _, _, err := s.Quota(ctx, "k"); err == nil {
						t.Error("a quota that would be taken back")
					}
					return []byte("answer"), s.SetName(ctx, ada.id, "Countess")
				})
				if err == nil && string(b) != "answer" {
					return errors.New("another answer")
				}
				return err
			})
			if runs != 1 {
				t.Fatal("ran", runs, "times")
			}
			if me, _ := s.Me(ctx, ada.id); me.Name != "Countess" {
				t.Fatal("not done:", me.Name)
			}
			// The account may go, and the kept answers with it.
			_, _, err = s.Idempotent(ctx, session, random[account.ID](t), func(ctx context.Context) ([]byte, error) {
				_, err := s.Erase(ctx, ada.id)
				return []byte("{}"), err
			})
			must(t, err)
			_, err = s.Me(ctx, ada.id)
			want(t, err, store.ErrNotFound)
			_, _, err = s.Idempotent(ctx, random[account.ID](t), key, func(context.Context) ([]byte, error) { return nil, nil })
			want(t, err, store.ErrNotFound)
		})
	}
}

func TestContacts(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada, bob, eve := signUp(t, s, "ada@example.org", "Ada"), signUp(t, s, "bob@example.org", "Bob"), signUp(t, s, "eve@example.org", "Eve")

			// By link, once.
			link := wire.InviteID(random[account.ID](t))
			must(t, s.CreateInvite(ctx, ada.id, account.InviteHash(link)))
			_, _, err := s.AcceptInvite(ctx, ada.id, link, account.Hash{})
			want(t, err, store.ErrNotFound)
			proof := random[account.Hash](t)
			if won := race(t, 16, func() error {
				_, _, err := s.AcceptInvite(context.Background(), bob.id, link, proof)
				return err
			}, store.ErrNotFound); won != 1 {
				t.Fatal("accepted:", won)
			}
			all, err := s.Contacts(ctx, ada.id)
			must(t, err)
			if len(all) != 1 || all[0].Name != "Bob" || all[0].Account != bob.key.Public() || all[0].Proof != proof || all[0].Devices.Hash() != bob.list.Hash() {
				t.Fatalf("%+v", all)
			}
			peers, err := s.Peers(ctx, bob.id)
			must(t, err)
			if len(peers) != 1 || peers[0].Account != ada.id || peers[0].Theirs != all[0].Handle {
				t.Fatalf("%+v", peers)
			}

			// By e-mail: nothing until the addressee can be found.
			must(t, s.CreateAsk(ctx, eve.id, "nobody@example.org"))
			must(t, s.CreateAsk(ctx, eve.id, "Ada@example.org"))
			must(t, s.CreateAsk(ctx, eve.id, "ada@example.org"))
			asks, err := s.Asks(ctx, ada.id)
			must(t, err)
			if len(asks) != 0 {
				t.Fatal("found without consent")
			}
			must(t, s.SetFindable(ctx, ada.id, true))
			asks, err = s.Asks(ctx, ada.id)
			must(t, err)
			if len(asks) != 1 || asks[0].Name != "Eve" {
				t.Fatalf("%+v", asks)
			}
			_, _, err = s.Answer(ctx, bob.id, asks[0].Handle, account.AnswerAccept)
			want(t, err, store.ErrNotFound)
			c, peer, err := s.Answer(ctx, ada.id, asks[0].Handle, account.AnswerAccept)
			must(t, err)
			if peer != eve.id || c.Account != eve.key.Public() {
				t.Fatalf("%+v", c)
			}

			// A no looks like no answer, in the export too; another ask is a new one.
			shown := func() string {
				b, err := s.Export(ctx, eve.id)
				must(t, err)
				var e struct {
					Data struct{ Ask []json.RawMessage }
				}
				must(t, json.Unmarshal(b, &e))
				return fmt.Sprintf("%s", e.Data.Ask)
			}
			must(t, s.SetFindable(ctx, bob.id, true))
			for _, ans := range []account.Answer{account.AnswerDecline, account.AnswerBlock} {
				must(t, s.CreateAsk(ctx, eve.id, bob.mail))
				before := shown()
				asks, err := s.Asks(ctx, bob.id)
				must(t, err)
				_, peer, err := s.Answer(ctx, bob.id, asks[0].Handle, ans)
				must(t, err)
				_, _, again := s.Answer(ctx, bob.id, asks[0].Handle, account.AnswerAccept)
				want(t, again, store.ErrNotFound)
				asks, err = s.Asks(ctx, bob.id)
				must(t, err)
				if len(asks) != 0 || peer != (store.AccountID{}) || shown() != before || before == "[]" {
					t.Fatal("the asker can tell", ans, len(asks), shown(), before)
				}
			}
			must(t, s.SetFindable(ctx, bob.id, false))
			blocked, err := s.Contacts(ctx, bob.id)
			must(t, err)
			for _, c := range blocked {
				if c.State == store.StateBlocked {
					_, err := s.RemoveContact(ctx, bob.id, c.Handle)
					must(t, err)
				}
			}

			// Blocked: gone on both sides, and asks are not seen any more.
			_, err = s.Block(ctx, ada.id, c.Handle)
			must(t, err)
			if l, err := s.Contacts(ctx, eve.id); err != nil || len(l) != 0 {
				t.Fatal("the blocked one still has the contact", err)
			}
			must(t, s.CreateAsk(ctx, eve.id, "ada@example.org"))
			if asks, err := s.Asks(ctx, ada.id); err != nil || len(asks) != 0 {
				t.Fatal("a blocked one asks", err)
			}
			next := wire.InviteID(random[account.ID](t))
			must(t, s.CreateInvite(ctx, ada.id, account.InviteHash(next)))
			_, _, err = s.AcceptInvite(ctx, eve.id, next, proof)
			want(t, err, store.ErrNotFound)
			if peer, err := s.RemoveContact(ctx, ada.id, c.Handle); err != nil || peer != (store.AccountID{}) {
				t.Fatal("lifting a block tells somebody", err)
			}
			if asks, err := s.Asks(ctx, ada.id); err != nil || len(asks) != 1 {
				t.Fatal("the block stays", err)
			}
			peer, err = s.RemoveContact(ctx, ada.id, all[0].Handle)
			must(t, err)
			if peer != bob.id {
				t.Fatal("another peer")
			}
			if l, err := s.Contacts(ctx, bob.id); err != nil || len(l) != 0 {
				t.Fatal("removed on one side only", err)
			}

			// Both ask each other and both accept, at once, again and again.
			must(t, s.SetFindable(ctx, bob.id, true))
			for range 10 {
				must(t, s.CreateAsk(ctx, ada.id, bob.mail))
				must(t, s.CreateAsk(ctx, bob.id, ada.mail))
				answer := func(p *person) error {
					asks, err := s.Asks(context.Background(), p.id)
					for _, a := range asks {
						if a.Name == "Ada" || a.Name == "Bob" {
							_, _, err = s.Answer(context.Background(), p.id, a.Handle, account.AnswerAccept)
						}
					}
					return err
				}
				var turn sync.Mutex
				n := 0
				race(t, 2, func() error {
					turn.Lock()
					p := []*person{ada, bob}[n]
					n++
					turn.Unlock()
					return answer(p)
				}, store.ErrNotFound)
				l, err := s.Peers(ctx, ada.id)
				must(t, err)
				if len(l) != 1 {
					t.Fatal("contacts:", len(l))
				}
				_, err = s.RemoveContact(ctx, ada.id, l[0].Handle)
				must(t, err)
			}

			open, err := s.Invites(ctx, ada.id)
			must(t, err)
			if won := race(t, 16, func() error {
				return s.CreateInvite(context.Background(), ada.id, random[account.Hash](t))
			}, store.ErrLimit); won != store.MaxInvites-int(open) {
				t.Fatal("links opened:", won)
			}
		})
	}
}

func TestMasterKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "master.key")
	k, err := store.MasterKeyFile(path)
	must(t, err)
	again, err := store.MasterKeyFile(path)
	must(t, err)
	if k.Reveal() != again.Reveal() {
		t.Fatal("another key")
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Fatal(i.Mode(), err)
	}
	must(t, os.Chmod(path, 0o640))
	if _, err := store.MasterKeyFile(path); err == nil {
		t.Fatal("a key that others may read")
	}
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, []byte("short\n"), 0o600))
	if _, err := store.MasterKeyFile(path); err == nil {
		t.Fatal("half a key")
	}

	missing := errors.New("missing")
	ks := memory{err: missing}
	k, err = store.MasterKeyFrom(t.Context(), &ks, "service", missing)
	must(t, err)
	again, err = store.MasterKeyFrom(t.Context(), &ks, "service", missing)
	must(t, err)
	if k.Reveal() != again.Reveal() {
		t.Fatal("another key")
	}

	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			must(t, openStore(t, o).Close())
			o.Master = store.NewMasterKey()
			_, err := store.Open(t.Context(), o)
			want(t, err, store.ErrKey)
			o.Master = master(t)
			must(t, openStore(t, o).Close())
		})
	}
}

type memory struct {
	b   []byte
	err error
}

func (m *memory) Get(context.Context, string) ([]byte, error) { return m.b, m.err }
func (m *memory) Set(_ context.Context, _ string, b []byte) error {
	m.b, m.err = b, nil
	return nil
}
