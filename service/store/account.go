package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/tink-crypto/tink-go/v2/tink"

	"viewflip.app/wire/account"
)

// algoSRP is the only way to log in so far; the column is for another one.
const algoSRP = "srp6a-3072-sha256/1"

func newAccountID() (a AccountID) {
	_, _ = rand.Read(a[:]) // never fails
	return a
}

func newID() (id account.ID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// dataKey opens the key of an account's personal columns.
func (s *Store) dataKey(ctx context.Context, q querier, a AccountID) (tink.AEAD, error) {
	var sealed []byte
	if err := q.QueryRowContext(ctx, `SELECT dek_enc FROM datakey WHERE account = $1`, a[:]).Scan(&sealed); err != nil {
		return nil, err
	}
	return s.openDataKey(a, sealed)
}

func (s *Store) openDataKey(a AccountID, sealed []byte) (tink.AEAD, error) {
	key, err := unseal(s.keys.data, "datakey.dek", a[:], sealed)
	if err != nil {
		return nil, err
	}
	return rawAEAD(key), nil
}

// CreateAccount makes the account with its first device; ErrConflict if the
// e-mail address, account key or device exists.
func (s *Store) CreateAccount(ctx context.Context, n NewAccount) (AccountID, error) {
	id, key := newAccountID(), randomKey()
	dek := rawAEAD(key)
	listed, ok := n.Devices.Find(n.Device.ID)
	if !ok || n.Devices.Version() != 1 || len(n.Devices.Active()) != 1 {
		return id, errors.New("store: the first list does not name the first device alone")
	}
	public := n.Devices.Account()
	idx, before, version := s.keys.indexes(n.Email)
	email, err1 := seal(dek, "account.email", id[:], []byte(n.Email))
	name, err2 := seal(dek, "account.name", id[:], []byte(n.Name))
	sealed, err3 := seal(s.keys.data, "datakey.dek", id[:], key)
	if err := errors.Join(err1, err2, err3); err != nil {
		return id, err
	}
	return id, s.tx(ctx, func(q querier) error {
		var taken int
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM account WHERE email_idx = $1`, before).Scan(&taken); err != nil {
			return err
		}
		if taken > 0 {
			return ErrConflict
		}
		_, err := exec(ctx, q, `INSERT INTO account (id, email_enc, email_idx, idx_ver, name_enc, findable, findable_day, public_key, created_day)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, id[:], email, idx, version, name, false, int64(0), public[:], s.today())
		if err != nil {
			return err
		}
		if _, err := exec(ctx, q, `INSERT INTO datakey (account, dek_enc) VALUES ($1, $2)`, id[:], sealed); err != nil {
			return err
		}
		if err := s.addDevice(ctx, q, dek, id, KindDevice, n.Device, listed); err != nil {
			return err
		}
		if err := s.addList(ctx, q, id, n.Devices); err != nil {
			return err
		}
		return s.audit(ctx, q, dek, id, EventCreated, "")
	})
}

// AccountByEmail finds who has an address, findable or not; ErrNotFound. What
// comes of it must not reach anybody but the owner of the address.
func (s *Store) AccountByEmail(ctx context.Context, e account.Email) (a AccountID, err error) {
	idx, before, _ := s.keys.indexes(e)
	err = s.reads(ctx).QueryRowContext(ctx, `SELECT id FROM account WHERE email_idx IN ($1, $2)`, idx, before).Scan(fixed(a[:]))
	return a, fail(err)
}

// Me is what the service knows of a person; ErrNotFound.
func (s *Store) Me(ctx context.Context, a AccountID) (me account.Me, err error) {
	q := s.reads(ctx)
	var email, name, dek []byte
	var created int64
	err = q.QueryRowContext(ctx, `SELECT email_enc, name_enc, findable, created_day, dek_enc
		FROM account JOIN datakey ON account = id WHERE id = $1`, a[:]).Scan(&email, &name, &me.Findable, &created, &dek)
	if err != nil {
		return me, fail(err)
	}
	me.CreatedDay = uint32(created)
	k, err := s.openDataKey(a, dek)
	if err != nil {
		return me, err
	}
	e, err1 := unseal(k, "account.email", a[:], email)
	n, err2 := unseal(k, "account.name", a[:], name)
	me.Email, me.Name = account.Email(e), account.Name(n)
	return me, errors.Join(err1, err2)
}

// SetName changes the person's name.
func (s *Store) SetName(ctx context.Context, a AccountID, n account.Name) error {
	return s.tx(ctx, func(q querier) error {
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		b, err := seal(dek, "account.name", a[:], []byte(n))
		if err != nil {
			return err
		}
		return one(ctx, q, `UPDATE account SET name_enc = $1 WHERE id = $2`, b, a[:])
	})
}

// SetFindable lets others ask by e-mail, or no more. The day is kept: it is
// that of the consent.
func (s *Store) SetFindable(ctx context.Context, a AccountID, on bool) error {
	detail := "off"
	if on {
		detail = "on"
	}
	return s.tx(ctx, func(q querier) error {
		n, err := exec(ctx, q, `UPDATE account SET findable = $1, findable_day = $2 WHERE id = $3 AND findable <> $1`, on, s.today(), a[:])
		if err != nil || n == 0 {
			return err
		}
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		return s.audit(ctx, q, dek, a, EventFindable, detail)
	})
}

// Vault is the sealed vault; the zero Vault where there is none yet.
func (s *Store) Vault(ctx context.Context, a AccountID) (v account.Vault, err error) {
	q := s.reads(ctx)
	var version int64
	var b, dek []byte
	err = q.QueryRowContext(ctx, `SELECT v.version, v.vault_enc, k.dek_enc FROM vault v
		JOIN datakey k ON k.account = v.account WHERE v.account = $1`, a[:]).Scan(&version, &b, &dek)
	if errors.Is(err, sql.ErrNoRows) {
		return v, nil
	} else if err != nil {
		return v, fail(err)
	}
	k, err := s.openDataKey(a, dek)
	if err != nil {
		return v, err
	}
	v.Version = uint64(version)
	v.Blob, err = unseal(k, "vault.vault", a[:], b)
	return v, err
}

// PutVault stores the next version of the vault: ErrConflict if it is not the
// next.
func (s *Store) PutVault(ctx context.Context, a AccountID, v account.Vault) error {
	return s.tx(ctx, func(q querier) error {
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		b, err := seal(dek, "vault.vault", a[:], v.Blob)
		if err != nil {
			return err
		}
		if v.Version == 1 {
			_, err := exec(ctx, q, `INSERT INTO vault (account, version, vault_enc) VALUES ($1, 1, $2)`, a[:], b)
			return err
		}
		n, err := exec(ctx, q, `UPDATE vault SET version = $1, vault_enc = $2 WHERE account = $3 AND version = $4`,
			int64(v.Version), b, a[:], int64(v.Version)-1)
		if err == nil && n == 0 {
			err = ErrConflict
		}
		return err
	})
}

// Audit writes an entry that the person finds in the export, for AuditLife.
func (s *Store) Audit(ctx context.Context, a AccountID, e Event, detail string) error {
	return s.tx(ctx, func(q querier) error {
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		return s.audit(ctx, q, dek, a, e, detail)
	})
}

func (s *Store) audit(ctx context.Context, q querier, dek tink.AEAD, a AccountID, e Event, detail string) error {
	id := newID()
	b, err := seal(dek, "audit.detail", id[:], []byte(detail))
	if err != nil {
		return err
	}
	_, err = exec(ctx, q, `INSERT INTO audit (id, account, event, day, detail_enc) VALUES ($1, $2, $3, $4, $5)`,
		id[:], a[:], string(e), s.today(), b)
	return err
}
