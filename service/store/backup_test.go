//go:build linux

package store_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

func backup(t *testing.T, s *store.Store) (data, keys []byte) {
	t.Helper()
	var d, k bytes.Buffer
	must(t, s.Backup(t.Context(), &d, &k))
	return d.Bytes(), k.Bytes()
}

// From each engine to each, and nobody who was erased comes back.
func TestBackup(t *testing.T) {
	for _, to := range engines() {
		t.Run("to "+to, func(t *testing.T) {
			for _, engine := range engines() {
				t.Run(engine, func(t *testing.T) {
					o := newDatabase(t, engine)
					s, ctx := openStore(t, o), t.Context()
					ada, _ := settle(t, s, "ada@example.org", "Ada")
					bob, _ := settle(t, s, "bob@example.org", "Bob")
					befriend(t, s, ada, bob)
					large := make([]byte, account.MaxVault)
					_, _ = rand.Read(large)
					must(t, s.PutVault(ctx, bob.id, account.Vault{Version: 2, Blob: large}))
					data, _ := backup(t, s)
					exported, err := s.Export(ctx, bob.id)
					must(t, err)
					_, err = s.Erase(ctx, ada.id)
					must(t, err)
					_, keys := backup(t, s)

					o2 := newDatabase(t, to)
					restore := func(data, keys []byte) error {
						return store.Restore(ctx, o2, bytes.NewReader(data), bytes.NewReader(keys))
					}
					want(t, restore(data[:len(data)-1], keys), store.ErrBackup)
					bad := bytes.Clone(data)
					bad[len(bad)/2] ^= 1
					want(t, restore(bad, keys), store.ErrBackup)
					bad = bytes.Clone(keys)
					bad[len(bad)/2] ^= 1
					want(t, restore(data, bad), store.ErrKey)
					must(t, restore(data, keys))

					r := openStore(t, o2)
					_, err = r.AccountByEmail(ctx, ada.mail)
					want(t, err, store.ErrNotFound)
					id, err := r.AccountByEmail(ctx, bob.mail)
					must(t, err)
					again, err := r.Export(ctx, id)
					must(t, err)
					// Sessions and kept answers are not in a backup; contacts of the erased are gone.
					for _, part := range []string{"account", "device", "devices", "ask", "invite", "vault", "recovery", "audit"} {
						if a, b := section(t, exported, part), section(t, again, part); a != b || len(a) < 10 {
							t.Errorf("%s was\n%s\nis\n%s", part, a, b)
						}
					}
					_, rows := r.Owned(t, id)
					if rows["account"] != 1 || rows["datakey"] != 1 || rows["contact"] != 0 {
						t.Fatal(rows)
					}
					must(t, r.Close())
					want(t, restore(data, keys), store.ErrNotEmpty)
				})
			}
		})
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s := openStore(t, o)
			s.Exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, $1)`, true)
			must(t, s.Close())
			_, err := store.Open(t.Context(), o)
			want(t, err, store.ErrNewer)
		})
	}
}

func TestRekey(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada, _ := settle(t, s, "ada@example.org", "Ada")
			c := ada.login()
			attempt := random[account.ID](t)
			must(t, s.PutAttempt(ctx, attempt, []byte("state")))
			data, keys := backup(t, s)
			fresh := store.NewMasterKey()
			want(t, store.Rekey(ctx, o, fresh), store.ErrInUse)
			must(t, s.Close())

			store.HalfRekey(t, o)
			if o.Dir != "" { // what a crash leaves while the new file is written
				must(t, os.WriteFile(filepath.Join(o.Dir, "service.db.next"), []byte("half"), 0o600))
			}
			must(t, store.Rekey(ctx, o, fresh))
			must(t, store.Rekey(ctx, o, fresh)) // again, as after a crash at the end
			_, err := store.Open(ctx, o)
			want(t, err, store.ErrKey)
			o.Master = fresh
			s = openStore(t, o)
			if me, err := s.Me(ctx, ada.id); err != nil || me.Email != ada.mail {
				t.Fatal(me, err)
			}
			if got := code(t, s, c.Authorize(method, path, nil)); got != "" {
				t.Fatal("a session did not survive:", got)
			}
			if b, err := s.TakeAttempt(ctx, attempt); err != nil || string(b) != "state" {
				t.Fatal(err)
			}
			// An old backup opens with the newest keys.
			_, newKeys := backup(t, s)
			o2 := newDatabase(t, "sqlite")
			o2.Master = fresh
			want(t, store.Restore(ctx, o2, bytes.NewReader(data), bytes.NewReader(keys)), store.ErrKey)
			must(t, store.Restore(ctx, o2, bytes.NewReader(data), bytes.NewReader(newKeys)))
			if _, err := openStore(t, o2).Me(ctx, ada.id); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestReindex(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada, bob := signUp(t, s, "ada@example.org", "Ada"), signUp(t, s, "bob@example.org", "Bob")
			must(t, s.SetFindable(ctx, bob.id, true))
			must(t, s.CreateAsk(ctx, ada.id, bob.mail))
			want(t, store.Reindex(ctx, o), store.ErrInUse)
			before := s.Count(t, `account WHERE idx_ver = 1`)
			must(t, s.Close())
			must(t, store.Reindex(ctx, o))
			s = openStore(t, o)
			if before != 2 || s.Count(t, `account WHERE idx_ver = 2`) != 2 {
				t.Fatal("not indexed anew")
			}
			if id, err := s.AccountByEmail(ctx, ada.mail); err != nil || id != ada.id {
				t.Fatal(err)
			}
			_, err := s.CreateAccount(ctx, (&person{t: t, mail: ada.mail}).application("Eve"))
			want(t, err, store.ErrConflict)
			asks, err := s.Asks(ctx, bob.id)
			must(t, err)
			if len(asks) != 1 {
				t.Fatal("an ask from before is lost")
			}
			_, _, err = s.Answer(ctx, bob.id, asks[0].Handle, account.AnswerAccept)
			must(t, err)
		})
	}
}
