package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/streamingaead"

	"viewflip.app/wire/account"
)

// batch is how many rows one transaction of a rotation changes.
const batch = 500

// saveRing stores what the keyring holds and works with it from now on.
func (s *Store) saveRing(ctx context.Context, r ring) error {
	k, err := r.open()
	if err != nil {
		return err
	}
	b, err := r.seal(s.o.Master)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(q querier) error { return one(ctx, q, `UPDATE keyring SET sealed = $1 WHERE id = 1`, b) })
	if err == nil {
		s.keys = k
	}
	return err
}

// Rekey replaces the master key, and the keyring's key under which data keys
// and short-lived rows are sealed; the file of the embedded database is written
// anew under the new key. The service must be stopped: ErrInUse. Store next
// safely before. After a crash, run it again with the same keys; until it is
// done, one of the two opens the database.
func Rekey(ctx context.Context, o Options, next MasterKey) error {
	if next.key == nil {
		return errors.New("store: no new master key given")
	}
	s, err := open(ctx, o, false, latest)
	if errors.Is(err, ErrKey) {
		// The switch is the last step: if next fits, nothing is left to do.
		o.Master = next
		s, err = open(ctx, o, false, latest)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err != nil {
		return err
	}
	if err = s.renewRing(ctx); err == nil {
		err = s.switchMaster(ctx, next)
	}
	return errors.Join(err, s.Close())
}

// renewRing seals everything under a new key of the keyring. A value tells by
// its prefix whether it was done.
func (s *Store) renewRing(ctx context.Context) error {
	if err := s.beginRenewal(ctx); err != nil {
		return err
	}
	r := s.keys.ring
	prefix, err := r.prefix()
	if err != nil {
		return err
	}
	for _, t := range tables() {
		for _, c := range t.columns {
			if c.sealed != byRing {
				continue
			}
			if err := s.reseal(ctx, t, c, prefix); err != nil {
				return err
			}
		}
	}
	if r.Data, err = onlyPrimary(r.Data); err != nil {
		return err
	}
	r.Renewing = false
	return s.saveRing(ctx, r)
}

// beginRenewal adds the new key, unless a rotation that was not finished did.
func (s *Store) beginRenewal(ctx context.Context) (err error) {
	r := s.keys.ring
	if r.Renewing {
		return nil
	}
	if r.Data, err = addKey(r.Data, aead.AES256GCMKeyTemplate()); err != nil {
		return err
	}
	// The old backup keys stay, for the old backups.
	if r.Backup, err = addKey(r.Backup, streamingaead.AES256GCMHKDF1MBKeyTemplate()); err != nil {
		return err
	}
	r.Renewing = true
	return s.saveRing(ctx, r)
}

// reseal seals one column of a table anew where it was not yet.
func (s *Store) reseal(ctx context.Context, t table, c column, prefix []byte) error {
	where := make([]string, len(t.row))
	for i, n := range t.row {
		where[i] = fmt.Sprintf("%s = $%d", n, i+2)
	}
	for {
		done := 0
		err := s.tx(ctx, func(q querier) error {
			done = 0
			two := table{name: t.name, row: t.row, columns: []column{c}}
			for _, n := range t.row {
				two.columns = append(two.columns, column{name: n})
			}
			rows, err := collect(ctx, q, two.scan, fmt.Sprintf(`SELECT %s FROM %s WHERE length(%s) > 0 AND substr(%s, 1, 5) <> $1 LIMIT %d`,
				strings.Join(two.names(), ", "), t.name, c.name, c.name, batch), prefix)
			if err != nil {
				return err
			}
			for _, row := range rows {
				b, _ := row[0].([]byte)
				id := two.rowID(row)
				plain, err := unseal(s.keys.data, t.aadColumn(c), id, b)
				if err != nil {
					return err
				}
				if b, err = seal(s.keys.data, t.aadColumn(c), id, plain); err != nil {
					return err
				}
				row[0] = b
				if err := one(ctx, q, "UPDATE "+t.name+" SET "+c.name+" = $1 WHERE "+strings.Join(where, " AND "), row...); err != nil {
					return err
				}
			}
			done = len(rows)
			return nil
		})
		if err != nil || done == 0 {
			return err
		}
	}
}

// switchMaster makes next the master key in one step.
func (s *Store) switchMaster(ctx context.Context, next MasterKey) error {
	sealed, err := s.keys.seal(next)
	if err != nil {
		return err
	}
	const update = `UPDATE keyring SET sealed = $1 WHERE id = 1`
	if s.o.postgres() {
		return s.tx(ctx, func(q querier) error { return one(ctx, q, update, sealed) })
	}
	path := s.o.path() + ".next"
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: rekey: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO $1`, sealedURI(path, next)); err != nil {
		return fmt.Errorf("store: rekey: %w", fail(err))
	}
	db, err := sql.Open("sqlite3", sealedURI(path, next)+"&_pragma=synchronous(full)")
	if err != nil {
		return fmt.Errorf("store: rekey: %w", err)
	}
	if err := errors.Join(one(ctx, db, update, sealed), db.Close()); err != nil {
		return fmt.Errorf("store: rekey: %w", fail(err))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("store: rekey: %w", err)
	}
	// The last connection empties the log and removes it; nobody else is here.
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: rekey: %w", err)
	}
	if _, err := os.Stat(s.o.path() + "-wal"); !errors.Is(err, os.ErrNotExist) {
		return errors.New("store: rekey: the log of the database could not be emptied; the old key is still in use")
	}
	if err := errors.Join(syncFile(path), os.Rename(path, s.o.path()), syncDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("store: rekey: %w", err)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Reindex finds e-mail addresses by a new key from now on. Asks under the key
// before are still found; do not run it twice within AskLife. The service must
// be stopped: ErrInUse. After a crash, run it again.
func Reindex(ctx context.Context, o Options) error {
	s, err := open(ctx, o, false, latest)
	if err != nil {
		return err
	}
	return errors.Join(s.reindex(ctx), s.Close())
}

func (s *Store) reindex(ctx context.Context) error {
	r := s.keys.ring
	if !r.Reindexing {
		last := r.Index[len(r.Index)-1]
		r.Index = []indexKey{last, {last.Version + 1, randomKey()}}
		r.Reindexing = true
		if err := s.saveRing(ctx, r); err != nil {
			return err
		}
	}
	key := r.Index[len(r.Index)-1]
	type row struct {
		id         AccountID
		email, dek []byte
	}
	for {
		done := 0
		err := s.tx(ctx, func(q querier) error {
			rows, err := collect(ctx, q, func(r *sql.Rows) (x row, err error) {
				return x, r.Scan(fixed(x.id[:]), &x.email, &x.dek)
			}, fmt.Sprintf(`SELECT id, email_enc, dek_enc FROM account JOIN datakey ON account = id WHERE idx_ver <> $1 LIMIT %d`, batch), key.Version)
			if err != nil {
				return err
			}
			for _, x := range rows {
				dek, err := s.openDataKey(x.id, x.dek)
				if err != nil {
					return err
				}
				b, err := unseal(dek, "account.email", x.id[:], x.email)
				if err != nil {
					return err
				}
				err = one(ctx, q, `UPDATE account SET email_idx = $1, idx_ver = $2 WHERE id = $3`, key.email(account.Email(b)), key.Version, x.id[:])
				if err != nil {
					return err
				}
			}
			done = len(rows)
			return nil
		})
		if err != nil {
			return err
		}
		if done == 0 {
			break
		}
	}
	r.Reindexing = false
	return s.saveRing(ctx, r)
}
