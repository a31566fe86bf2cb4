//go:build linux

package store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func contains(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }

func TestEveryTableHasRules(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			openStore(t, o).CheckTables(t)
		})
	}
}

// A column and a table more, and the rules must complain.
func TestTableWithoutRuleIsSeen(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s := openStore(t, o)
			s.Exec(t, `ALTER TABLE account ADD COLUMN birthday BIGINT`)
			s.Exec(t, `CREATE TABLE diary (id BIGINT)`)
			var seen testing.T
			s.CheckTables(&seen)
			if !seen.Failed() {
				t.Fatal("not seen")
			}
		})
	}
}

// planted is what somebody's data look like in clear text.
func planted(p *person, name string) []string {
	d, _ := p.list.Find(p.pass.DeviceID())
	keys := account.KeysOf(d.Device)
	public := p.key.Public()
	return []string{
		string(p.mail), name, name + "'s laptop", "VAULT-OF-" + name, "DETAIL-" + name, "ANSWER-" + name,
		p.pass.DeviceID().String(), base64.RawURLEncoding.EncodeToString(keys[:]), base64.RawURLEncoding.EncodeToString(public[:]),
		base64.RawURLEncoding.EncodeToString(p.list.Bytes()),
	}
}

// settle leaves something of a person in every table.
func settle(t *testing.T, s *store.Store, mail account.Email, name string) (*person, []string) {
	t.Helper()
	ctx := context.Background()
	p := signUp(t, s, mail, account.Name(name))
	must(t, s.SetFindable(ctx, p.id, true))
	must(t, s.PutVault(ctx, p.id, account.Vault{Version: 1, Blob: []byte("VAULT-OF-" + name)}))
	must(t, s.Audit(ctx, p.id, store.EventLogin, "DETAIL-"+name))
	session := p.login()
	_, _, err := s.Idempotent(ctx, session.ID(), random[account.ID](t), func(context.Context) ([]byte, error) { return []byte("ANSWER-" + name), nil })
	must(t, err)
	kit, err := account.NewKit(nil)
	must(t, err)
	sealed := kit.Seal(p.key)
	must(t, s.EnrollRecovery(ctx, p.id, account.RecoveryEnroll{
		Credential: account.Credential{ID: kit.CredentialID(), Salt: random[account.Salt](t), Verifier: random[account.Number](t)}, Sealed: sealed,
	}))
	hash := random[account.Hash](t)
	must(t, s.CreateInvite(ctx, p.id, hash))
	must(t, s.CreateAsk(ctx, p.id, "stranger@example.org"))
	_, err = s.CreateTicket(ctx, store.PurposeRecovery, []byte("TICKET-OF-"+name), "12345678")
	must(t, err)
	must(t, s.PutAttempt(ctx, random[account.ID](t), []byte("ATTEMPT-OF-"+name)))
	_, _, err = s.Quota(ctx, "QUOTA-OF-"+name, store.Limit{Window: time.Hour, N: 5})
	must(t, err)
	return p, append(planted(p, name), session.ID().String(), kit.CredentialID().String(),
		base64.RawURLEncoding.EncodeToString(sealed[:]), base64.RawURLEncoding.EncodeToString(hash[:]))
}

func befriend(t *testing.T, s *store.Store, a, b *person) (atA store.Contact) {
	t.Helper()
	link := wire.InviteID(random[account.ID](t))
	must(t, s.CreateInvite(t.Context(), a.id, account.InviteHash(link)))
	_, _, err := s.AcceptInvite(t.Context(), b.id, link, random[account.Hash](t))
	must(t, err)
	all, err := s.Contacts(t.Context(), a.id)
	must(t, err)
	return all[len(all)-1]
}

func TestExportAndErase(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada, hers := settle(t, s, "ada.lovelace@example.org", "Ada-Lovelace")
			bob, his := settle(t, s, "bob.tables@example.org", "Bob-Tables")
			contact := befriend(t, s, ada, bob)
			hers = append(hers, contact.Handle.String(), base64.RawURLEncoding.EncodeToString(contact.Proof[:]))
			must(t, s.CreateAsk(ctx, bob.id, ada.mail)) // an ask to her

			b, err := s.Export(ctx, ada.id)
			must(t, err)
			var out struct{ Data map[string][]map[string]any }
			must(t, json.Unmarshal(b, &out))
			owned, _ := s.Owned(t, ada.id)
			for table, n := range owned {
				if n == 0 {
					t.Errorf("the test plants nothing in %s", table)
				}
				if len(out.Data[table]) != n {
					t.Errorf("%s: %d rows, the export has %d", table, n, len(out.Data[table]))
				}
			}
			text := string(b)
			for _, v := range []string{"ANSWER-Ada-Lovelace", "VAULT-OF-Ada-Lovelace"} { // blobs are base64url
				if !strings.Contains(text, base64.RawURLEncoding.EncodeToString([]byte(v))) {
					t.Errorf("the export lacks %s", v)
				}
				hers = slices.DeleteFunc(hers, func(x string) bool { return x == v })
			}
			for _, v := range hers {
				if !strings.Contains(text, v) {
					t.Errorf("the export lacks %q", v)
				}
			}
			for _, v := range his {
				if strings.Contains(text, v) || strings.Contains(text, base64.RawURLEncoding.EncodeToString([]byte(v))) {
					t.Errorf("the export has %q of somebody else", v)
				}
			}

			before, _ := s.Owned(t, bob.id)
			e, err := s.Erase(ctx, ada.id)
			must(t, err)
			if !slices.Equal(e.Devices, []account.ID{ada.pass.DeviceID()}) || !slices.Equal(e.Peers, []store.AccountID{bob.id}) {
				t.Fatalf("%+v", e)
			}
			left, rows := s.Owned(t, ada.id)
			for table, n := range left {
				if n != 0 {
					t.Errorf("%s has %d rows of an erased account", table, n)
				}
			}
			after, _ := s.Owned(t, bob.id)
			for table, n := range before {
				switch table {
				case "contact", "ask": // the contact, and the ask to her
					n--
				}
				if after[table] != n {
					t.Errorf("%s had %d rows of the other, now %d", table, n, after[table])
				}
			}
			if rows["datakey"] != 1 {
				t.Error("the data key is there")
			}
			_, err = s.Me(ctx, ada.id)
			want(t, err, store.ErrNotFound)
			_, err = s.Export(ctx, ada.id)
			want(t, err, store.ErrNotFound)
			signUp(t, s, ada.mail, "Ada again")
		})
	}
}

func TestJanitor(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			// Not across the end of an hour, when quotas end.
			at := now.Now()
			now.move(t, at.Truncate(time.Hour).Add(time.Hour+time.Minute).Sub(at))
			settle(t, s, "ada@example.org", "Ada")
			_, err := s.OpenLink(ctx)
			must(t, err)
			counts := func() map[string]int { _, rows := s.Owned(t, store.AccountID{}); return rows }
			must(t, s.Janitor(ctx))
			before := counts()
			short := []string{"attempt", "ticket", "link", "idem", "quota"}
			for _, name := range append(short, "ask", "invite", "session", "audit") {
				if before[name] == 0 {
					t.Fatalf("%s: deleted before its time", name)
				}
			}
			for _, step := range []struct {
				d    time.Duration
				gone []string
			}{
				{time.Hour, short}, {24 * time.Hour, []string{"session"}}, {14 * 24 * time.Hour, []string{"ask", "invite"}},
				{91 * 24 * time.Hour, []string{"audit"}},
			} {
				now.move(t, step.d)
				must(t, s.Janitor(ctx))
				rows := counts()
				for _, name := range step.gone {
					if rows[name] != 0 {
						t.Errorf("after %v: %d rows in %s", step.d, rows[name], name)
					}
					before[name] = 0
				}
				for name, n := range before {
					if rows[name] != n {
						t.Errorf("after %v: %s had %d rows, now %d", step.d, name, n, rows[name])
					}
				}
			}
		})
	}
}

// No file of the database directory, and no backup, shows anything in clear
// text: not even the schema in SQLite; in PostgreSQL nothing personal.
func TestNothingInClearText(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s := openStore(t, o)
			ada, _ := settle(t, s, "ada.lovelace@example.org", "Ada-Lovelace")
			data, keys := backup(t, s)
			secrets := []string{
				"ada.lovelace", "Ada-Lovelace", "Ada-Lovelace's laptop", "stranger@", "12345678", masterText,
			}
			dir := o.Dir
			if dir == "" {
				dir = filepath.Join(pg.dir, "data")
				s.Exec(t, `CHECKPOINT`)
			} else {
				public := ada.key.Public()
				secrets = append(secrets, "CREATE TABLE", string(public[:]))
			}
			files := 0
			seen := func(name string, b []byte) {
				files++
				for _, secret := range secrets {
					if contains(b, secret) || contains(b, base64.RawURLEncoding.EncodeToString([]byte(secret))) {
						t.Errorf("%s shows %q", name, secret)
					}
				}
			}
			must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return nil //nolint:nilerr // files of the server come and go
				}
				b, err := os.ReadFile(path)
				if err == nil {
					seen(path, b)
				}
				return nil
			}))
			if o.Dir != "" {
				for _, name := range []string{"service.db", "service.db-wal"} {
					i, err := os.Stat(filepath.Join(o.Dir, name))
					must(t, err)
					if i.Mode().Perm() != 0o600 {
						t.Errorf("%s has the mode %v", name, i.Mode())
					}
				}
			}
			if files < 3 {
				t.Fatal("files looked at:", files)
			}
			secrets = append(secrets, "account")
			seen("the backup", data)
			seen("its keys", keys[len("viewflip backup keys 1\n"):])
		})
	}
}

// A sealed value is worth nothing in another row.
func TestRowsCannotBeSwapped(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s := openStore(t, o)
			ada, bob := signUp(t, s, "ada@example.org", "Ada"), signUp(t, s, "bob@example.org", "Bob")
			one, two := random[account.ID](t), random[account.ID](t)
			must(t, s.PutAttempt(t.Context(), one, []byte("one")))
			must(t, s.PutAttempt(t.Context(), two, []byte("two")))
			s.Exec(t, `UPDATE attempt SET state_enc = (SELECT state_enc FROM attempt WHERE id = $1) WHERE id = $2`, one[:], two[:])
			if b, err := s.TakeAttempt(t.Context(), two); err == nil {
				t.Fatalf("the state %q of another attempt opens", b)
			}
			s.Exec(t, `UPDATE datakey SET dek_enc = (SELECT dek_enc FROM datakey WHERE account = $1) WHERE account = $2`, ada.id[:], bob.id[:])
			if _, err := s.Me(t.Context(), bob.id); err == nil {
				t.Fatal("a data key of another account opens")
			}
			s.Exec(t, `UPDATE account SET name_enc = email_enc WHERE id = $1`, ada.id[:])
			if _, err := s.Me(t.Context(), ada.id); err == nil {
				t.Fatal("the e-mail address is shown as the name")
			}
		})
	}
}

// section is one table of an export.
func section(t *testing.T, export []byte, table string) string {
	t.Helper()
	var out struct{ Data map[string]json.RawMessage }
	must(t, json.Unmarshal(export, &out))
	return string(out.Data[table])
}
