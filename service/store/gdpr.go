package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func (t table) names() []string {
	all := make([]string, len(t.columns))
	for i, c := range t.columns {
		all[i] = c.name
	}
	return all
}

// scan reads a whole row as it is stored: []byte, string, int64 or bool.
func (t table) scan(r *sql.Rows) ([]any, error) {
	row, to := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		to[i] = &row[i]
	}
	return row, r.Scan(to...)
}

// rowID joins what names a row in the associated data of seals.
func (t table) rowID(row []any) (id []byte) {
	for _, n := range t.row {
		b, _ := row[slices.Index(t.names(), n)].([]byte)
		id = append(id, b...)
	}
	return id
}

// aadColumn is the name of a sealed column in its associated data.
func (t table) aadColumn(c column) string { return t.name + "." + strings.TrimSuffix(c.name, "_enc") }

// Export is everything about the account as JSON: for each table of tables.go
// its rows, opened. What it leaves out, tables.go gives the reason for. It is
// one snapshot. ErrNotFound.
func (s *Store) Export(ctx context.Context, a AccountID) ([]byte, error) {
	out := map[string][]map[string]any{}
	err := s.snapshot(ctx, func(q querier) error {
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		for _, t := range tables() {
			if t.export == "" {
				continue
			}
			rows, err := collect(ctx, q, t.scan, "SELECT "+strings.Join(t.names(), ", ")+" FROM "+t.name+" WHERE "+t.export, a[:])
			if err != nil {
				return err
			}
			out[t.name] = []map[string]any{}
			for _, row := range rows {
				shown, err := s.show(t, row, dek)
				if err != nil {
					return err
				}
				out[t.name] = append(out[t.name], shown)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fail(err)
	}
	var b bytes.Buffer
	enc := wire.NewJSON(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"format": "viewflip/1/export", "data": out}); err != nil {
		return nil, fail(err)
	}
	return b.Bytes(), nil
}

func (s *Store) show(t table, row []any, dek tink.AEAD) (map[string]any, error) {
	shown := map[string]any{}
	for i, c := range t.columns {
		if c.shows == hidden {
			continue
		}
		v := row[i]
		if b, ok := v.([]byte); ok && c.sealed != inClear && len(b) > 0 {
			key := dek
			if c.sealed == byRing {
				key = s.keys.data
			}
			b, err := unseal(key, t.aadColumn(c), t.rowID(row), b)
			if err != nil {
				return nil, err
			}
			v = b
		}
		v, err := c.show(v)
		if err != nil {
			return nil, err
		}
		shown[strings.TrimSuffix(c.name, "_enc")] = v
	}
	return shown, nil
}

func (c column) show(v any) (any, error) {
	b, bytes := v.([]byte)
	n, integer := v.(int64)
	switch {
	case c.shows == asID && len(b) == 16:
		return account.ID(b).String(), nil
	case c.shows == asBytes && (bytes || v == nil): // SQLite gives nil for no bytes
		return base64.RawURLEncoding.EncodeToString(b), nil
	case c.shows == asText && (bytes || v == nil):
		return string(b), nil
	case c.shows == asDate && integer:
		return time.Unix(n*24*60*60, 0).UTC().Format(time.DateOnly), nil
	case c.shows == asTime && integer:
		return time.Unix(n, 0).UTC().Format(time.RFC3339), nil
	case c.shows == asText || c.shows == asNumber || c.shows == asFlag:
		return v, nil
	}
	return nil, fmt.Errorf("store: column %s does not hold what tables.go says", c.name)
}

// Erase removes everything about the account in one transaction, its data key
// too: what a copy of the database has of it cannot be opened any more, as soon
// as the newest keys of a backup replace the ones before. ErrNotFound.
func (s *Store) Erase(ctx context.Context, a AccountID) (e Erased, err error) {
	err = s.tx(ctx, func(q querier) error {
		e = Erased{}
		if err := lockAccount(ctx, q, a); err != nil {
			return err
		}
		idx, err := s.targets(ctx, q, a)
		if err != nil {
			return err
		}
		e.Devices, err = collect(ctx, q, func(r *sql.Rows) (id account.ID, err error) { return id, r.Scan(fixed(id[:])) },
			`SELECT id FROM device WHERE account = $1 AND kind = $2 AND revoked = $3`, a[:], string(KindDevice), false)
		if err != nil {
			return err
		}
		e.Peers, err = collect(ctx, q, func(r *sql.Rows) (id AccountID, err error) { return id, r.Scan(fixed(id[:])) },
			`SELECT owner FROM contact WHERE peer = $1 AND state = $2`, a[:], string(StateAccepted))
		if err != nil {
			return err
		}
		// Backwards: what refers to the account goes first, the account last.
		for _, t := range slices.Backward(tables()) {
			if t.erase == "" {
				continue
			}
			args := []any{a[:], idx[0], idx[1]}
			if _, err := exec(ctx, q, t.erase, args[:strings.Count(t.erase, "$")]...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Erased{}, err
	}
	if ctx.Value(joined{s}) == nil { // otherwise the janitor does it
		s.scrub(ctx)
	}
	return e, nil
}

// scrub overwrites what a removal left on the disk: dead rows of PostgreSQL,
// old pages in the log of SQLite. What fails is done by the next one.
func (s *Store) scrub(ctx context.Context) {
	query := `PRAGMA wal_checkpoint(TRUNCATE)`
	if s.o.postgres() {
		query = `VACUUM datakey`
	}
	if _, err := s.db.ExecContext(ctx, query); err != nil {
		s.o.Log.Warn("erased rows are not overwritten yet", "err", fail(err))
	}
}

// Janitor deletes what is over its time in every table. Run it every minute,
// on any node.
func (s *Store) Janitor(ctx context.Context) error {
	errs := []error{s.use.renew(ctx, s.db)}
	for _, t := range tables() {
		if t.expire == "" {
			continue
		}
		query, arg := "DELETE FROM "+t.name+" WHERE "+t.expire, s.clock().Unix()
		if strings.Contains(query, "$2") {
			query, arg = strings.ReplaceAll(query, "$2", "$1"), s.today()
		}
		errs = append(errs, s.tx(ctx, func(q querier) error {
			_, err := exec(ctx, q, query, arg)
			return err
		}))
	}
	s.scrub(ctx)
	return errors.Join(errs...)
}
