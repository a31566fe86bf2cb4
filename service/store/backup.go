package store

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// snapshot runs fn in a transaction that only reads, and sees one state.
func (s *Store) snapshot(ctx context.Context, fn func(q querier) error) error {
	o := sql.TxOptions{ReadOnly: true}
	if s.o.postgres() {
		o.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.db.BeginTx(ctx, &o)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return fn(tx)
}

// A backup is two files. Data: the line dataMagic, then a stream sealed by the
// keyring's backup key (Tink AES256_GCM_HKDF_1MB): records of JSON, one a line.
// Keys: the line keysMagic, then the keyring and the data keys of all accounts,
// sealed by the master key. Both are the same for both engines.
const (
	dataMagic = "viewflip backup 1\n"
	keysMagic = "viewflip backup keys 1\n"
	backupAAD = "viewflip/1/backup"
	// maxRecord bounds a line, in bytes: a vault in base64 and more.
	maxRecord = 1 << 20
	maxKeys   = 1 << 30
)

// record is a line of a backup: the schema's version first, then a table and
// its columns before its rows, and the end last. A row is sealed
// once more, with the data key of its account: without that, nothing of it is
// left, not even that it knew somebody.
type record struct {
	Version int64    `json:"version,omitempty"`
	Table   string   `json:"table,omitempty"`
	Columns []string `json:"columns,omitempty"`
	Account []byte   `json:"account,omitempty"`
	Row     []byte   `json:"row,omitempty"`
	End     bool     `json:"end,omitempty"`
}

// field is one value; exactly one is set.
type field struct {
	B *[]byte `json:"b,omitempty"`
	T *string `json:"t,omitempty"`
	N *int64  `json:"n,omitempty"`
	F *bool   `json:"f,omitempty"`
}

type backupKeys struct {
	Ring ring
	Keys []accountKey
}

type accountKey struct{ Account, Sealed []byte }

func fieldOf(v any) (field, error) {
	switch v := v.(type) {
	case nil: // no column may be NULL; SQLite gives nil for no bytes
		return field{B: &[]byte{}}, nil
	case []byte:
		return field{B: &v}, nil
	case string:
		return field{T: &v}, nil
	case int64:
		return field{N: &v}, nil
	case bool:
		return field{F: &v}, nil
	}
	return field{}, fmt.Errorf("store: a backup cannot hold %T", v)
}

func (f field) value() any {
	switch {
	case f.T != nil:
		return *f.T
	case f.N != nil:
		return *f.N
	case f.F != nil:
		return *f.F
	case f.B != nil:
		return *f.B
	}
	return []byte{}
}

// Backup writes a consistent backup while the service runs: data may be kept
// as long as one likes; of keys, keep only the newest, because they open the
// data of all backups: who was erased is not in them.
func (s *Store) Backup(ctx context.Context, data, keys io.Writer) error {
	version, err := s.version(ctx)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(data, dataMagic); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	w, err := s.keys.backup.NewEncryptingWriter(data, []byte(backupAAD))
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	k := backupKeys{Ring: s.keys.ring}
	err = s.snapshot(ctx, func(q querier) (err error) {
		k.Keys, err = collect(ctx, q, func(r *sql.Rows) (a accountKey, err error) {
			return a, r.Scan(&a.Account, &a.Sealed)
		}, `SELECT account, dek_enc FROM datakey ORDER BY account`)
		if err != nil {
			return err
		}
		accounts := k.accounts(s)
		enc := json.NewEncoder(w)
		if err := enc.Encode(record{Version: version}); err != nil {
			return err
		}
		for _, t := range tables() {
			if t.backup != inData {
				continue
			}
			if err := t.dump(ctx, q, enc, accounts); err != nil {
				return err
			}
		}
		return enc.Encode(record{End: true})
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return fail(err)
	}
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	b, err = s.o.Master.aead().Encrypt(b, []byte(keysMagic))
	if err == nil {
		_, err = keys.Write(append([]byte(keysMagic), b...))
	}
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return nil
}

// accounts are the data keys of the accounts of a backup, by account.
type accounts struct {
	s      *Store
	sealed map[string][]byte
	// The last one opened: rows of an account often follow each other.
	id  string
	key tink.AEAD
}

func (k backupKeys) accounts(s *Store) *accounts {
	a := &accounts{s: s, sealed: map[string][]byte{}}
	for _, x := range k.Keys {
		a.sealed[string(x.Account)] = x.Sealed
	}
	return a
}

// open gives the key of an account; nil if it was erased.
func (a *accounts) open(id []byte) (_ tink.AEAD, err error) {
	if a.sealed[string(id)] == nil || len(id) != len(AccountID{}) {
		return nil, nil
	}
	if a.key == nil || a.id != string(id) {
		if a.key, err = a.s.openDataKey(AccountID(id), a.sealed[string(id)]); err != nil {
			return nil, err
		}
		a.id = string(id)
	}
	return a.key, nil
}

func (t table) dump(ctx context.Context, q querier, enc *json.Encoder, keys *accounts) error {
	whose := slices.IndexFunc(t.columns, func(c column) bool { return c.account })
	if err := enc.Encode(record{Table: t.name, Columns: t.names()}); err != nil {
		return err
	}
	rows, err := q.QueryContext(ctx, "SELECT "+strings.Join(t.names(), ", ")+" FROM "+t.name)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		row, err := t.scan(rows)
		if err != nil {
			return err
		}
		r, err := t.pack(row, whose, keys)
		if err != nil {
			return err
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t table) pack(row []any, whose int, keys *accounts) (r record, err error) {
	fields := make([]field, len(row))
	for i, v := range row {
		if fields[i], err = fieldOf(v); err != nil {
			return r, err
		}
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return r, err
	}
	r.Account, _ = row[whose].([]byte)
	key, err := keys.open(r.Account)
	if err == nil && key == nil {
		err = errors.New("store: an account without a data key")
	}
	if err == nil {
		r.Row, err = seal(key, "backup."+t.name, r.Account, b)
	}
	return r, err
}

// ErrNotEmpty means that there are accounts already: a backup fills an empty database.
var ErrNotEmpty = errors.New("store: the database is not empty; restore into a new one")

// ErrBackup means that the files are no backup, are damaged, or do not belong together.
var ErrBackup = errors.New("store: this is not a complete backup of this program, or the keys do not belong to it")

// Restore fills an empty database of either engine with a backup of either, in
// one transaction. Accounts that the keys do not have were erased and stay so.
// The master key is the one of the time of the keys. ErrNotEmpty, ErrBackup,
// ErrKey, ErrNewer.
func Restore(ctx context.Context, o Options, data, keys io.Reader) error {
	kb, err := io.ReadAll(io.LimitReader(keys, maxKeys))
	if err != nil {
		return fmt.Errorf("store: restore: %w", err)
	}
	kb, ok := bytes.CutPrefix(kb, []byte(keysMagic))
	if !ok {
		return ErrBackup
	}
	if kb, err = o.Master.aead().Decrypt(kb, []byte(keysMagic)); err != nil {
		return ErrKey
	}
	var k backupKeys
	if err := json.Unmarshal(kb, &k); err != nil {
		return ErrBackup
	}
	opened, err := k.Ring.open()
	if err != nil {
		return err
	}
	magic := make([]byte, len(dataMagic))
	if _, err := io.ReadFull(data, magic); err != nil || string(magic) != dataMagic {
		return ErrBackup
	}
	plain, err := opened.backup.NewDecryptingReader(data, []byte(backupAAD))
	if err != nil {
		return fmt.Errorf("store: restore: %w", err)
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, maxRecord)
	first, err := next(lines)
	if err != nil || first.Version == 0 {
		return ErrBackup
	}
	s, err := open(ctx, o, false, first.Version)
	if err != nil {
		return err
	}
	if err = s.refill(ctx, lines, k); err == nil {
		err = s.migrate(ctx, latest)
	}
	return errors.Join(err, s.Close())
}

func next(lines *bufio.Scanner) (r record, err error) {
	if !lines.Scan() {
		return r, ErrBackup
	}
	if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
		return r, ErrBackup
	}
	return r, nil
}

func (s *Store) refill(ctx context.Context, lines *bufio.Scanner, k backupKeys) error {
	sealed, err := k.Ring.seal(s.o.Master)
	if err != nil {
		return err
	}
	// What was sealed under the keyring of the backup is opened with it.
	if s.keys, err = k.Ring.open(); err != nil {
		return err
	}
	return s.tx(ctx, func(q querier) error {
		var n int
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM account`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrNotEmpty
		}
		if _, err := exec(ctx, q, `INSERT INTO keyring (id, sealed) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed`, sealed); err != nil {
			return err
		}
		alive := k.accounts(s)
		var t table
		for {
			r, err := next(lines)
			switch {
			case err != nil:
				return err
			case r.End: // without it, the stream was cut: that is sealed too
				return nil
			case r.Table != "":
				if t, err = filled(r); err != nil {
					return err
				}
			default:
				if err := t.insert(ctx, q, r, alive); err != nil {
					return err
				}
			}
		}
	})
}

// filled is the table that a record names, with the columns that it has: an
// older backup has those of its time.
func filled(r record) (table, error) {
	all := tables()
	i := slices.IndexFunc(all, func(t table) bool { return t.name == r.Table && t.backup == inData })
	if i < 0 {
		return table{}, ErrBackup
	}
	t := all[i]
	t.columns = nil
	for _, n := range r.Columns {
		j := slices.Index(all[i].names(), n)
		if j < 0 {
			return table{}, ErrBackup
		}
		t.columns = append(t.columns, all[i].columns[j])
	}
	return t, nil
}

// insert stores a row, unless it is of an erased account or names one.
func (t table) insert(ctx context.Context, q querier, r record, alive *accounts) error {
	key, err := alive.open(r.Account)
	if err != nil || key == nil {
		return err
	}
	b, err := unseal(key, "backup."+t.name, r.Account, r.Row)
	if err != nil {
		return err
	}
	var row []field
	if json.Unmarshal(b, &row) != nil || len(row) != len(t.columns) || len(row) == 0 {
		return ErrBackup
	}
	args, marks := make([]any, len(row)), make([]string, len(row))
	for i, c := range t.columns {
		args[i], marks[i] = row[i].value(), fmt.Sprintf("$%d", i+1)
		if b, ok := args[i].([]byte); c.account && (!ok || alive.sealed[string(b)] == nil) {
			return nil
		}
	}
	_, err = exec(ctx, q, "INSERT INTO "+t.name+" ("+strings.Join(t.names(), ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
	if err == nil && t.name == "account" {
		_, err = exec(ctx, q, `INSERT INTO datakey (account, dek_enc) VALUES ($1, $2)`, r.Account, alive.sealed[string(r.Account)])
	}
	return err
}
