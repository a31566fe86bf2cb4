package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tink-crypto/tink-go/v2/tink"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// addDevice stores a credential; listed is zero for a kit.
func (s *Store) addDevice(ctx context.Context, q querier, dek tink.AEAD, a AccountID, kind Kind, d account.NewDevice, listed account.ListedDevice) error {
	verifier, err1 := seal(dek, "device.verifier", d.ID[:], d.Verifier[:])
	label, err2 := seal(dek, "device.label", d.ID[:], []byte(d.Label))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	var keys []byte
	if kind == KindDevice {
		k := account.KeysOf(listed.Device)
		keys = k[:]
	} else {
		keys = []byte{}
	}
	_, err := exec(ctx, q, `INSERT INTO device (id, account, kind, algo, salt, verifier_enc, public_keys, label_enc, last_day, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.ID[:], a[:], string(kind), algoSRP, d.Salt[:], verifier, keys, label, s.today(), false)
	return err
}

func (s *Store) addList(ctx context.Context, q querier, a AccountID, l account.DeviceList) error {
	_, err := exec(ctx, q, `INSERT INTO devices (account, version, list) VALUES ($1, $2, $3)`, a[:], int64(l.Version()), l.Bytes())
	return err
}

func parseKeys(b []byte) (d wire.Device, err error) {
	if len(b) == 0 {
		return d, nil
	}
	var k account.DeviceKeys
	if err := fixed(k[:]).Scan(b); err != nil {
		return d, err
	}
	return k.Device(), nil
}

// Credential is what a login needs; ErrNotFound also where it was revoked.
func (s *Store) Credential(ctx context.Context, device account.ID) (c Credential, err error) {
	var verifier, keys, dek []byte
	err = s.reads(ctx).QueryRowContext(ctx, `SELECT d.account, d.kind, d.salt, d.verifier_enc, d.public_keys, k.dek_enc
		FROM device d JOIN datakey k ON k.account = d.account WHERE d.id = $1 AND d.revoked = $2`, device[:], false).
		Scan(fixed(c.Account[:]), &c.Kind, fixed(c.Salt[:]), &verifier, &keys, &dek)
	if err != nil {
		return c, fail(err)
	}
	k, err := s.openDataKey(c.Account, dek)
	if err != nil {
		return c, err
	}
	v, err := unseal(k, "device.verifier", device[:], verifier)
	if err != nil {
		return c, err
	}
	if err := fixed(c.Verifier[:]).Scan(v); err != nil {
		return c, err
	}
	c.Device, err = parseKeys(keys)
	return c, err
}

func scanList(r *sql.Rows) (l account.DeviceList, err error) {
	var b []byte
	if err := r.Scan(&b); err != nil {
		return l, err
	}
	return account.ParseDeviceList(b)
}

func newestList(ctx context.Context, q querier, a AccountID) (l account.DeviceList, err error) {
	var b []byte
	err = q.QueryRowContext(ctx, `SELECT list FROM devices WHERE account = $1 ORDER BY version DESC LIMIT 1`, a[:]).Scan(&b)
	if err != nil {
		return l, err
	}
	return account.ParseDeviceList(b)
}

// Devices are the newest signed list and what else is known of the devices in
// use; which is the current one, the caller says. ErrNotFound.
func (s *Store) Devices(ctx context.Context, a AccountID) (d account.Devices, err error) {
	q := s.reads(ctx)
	if d.Devices, err = newestList(ctx, q, a); err != nil {
		return d, fail(err)
	}
	dek, err := s.dataKey(ctx, q, a)
	if err != nil {
		return d, fail(err)
	}
	d.Info, err = collect(ctx, q, func(r *sql.Rows) (i account.DeviceInfo, err error) {
		var b []byte
		var last int64
		if err := r.Scan(fixed(i.ID[:]), &b, &last); err != nil {
			return i, err
		}
		i.LastDay = uint32(last)
		b, err = unseal(dek, "device.label", i.ID[:], b)
		i.Label = account.Label(b)
		return i, err
	}, `SELECT id, label_enc, last_day FROM device WHERE account = $1 AND kind = $2 AND revoked = $3 ORDER BY id`,
		a[:], string(KindDevice), false)
	return d, fail(err)
}

// DeviceLists are the signed lists above a version, oldest first.
func (s *Store) DeviceLists(ctx context.Context, a AccountID, above uint64) ([]account.DeviceList, error) {
	l, err := collect(ctx, s.reads(ctx), scanList,
		`SELECT list FROM devices WHERE account = $1 AND version > $2 ORDER BY version`, a[:], int64(above))
	return l, fail(err)
}

// errCredential: the list and the credentials do not belong together.
var errCredential = errors.New("store: a device that the list adds has no credential, or the other way round")

// PutDevices stores the next list: ErrConflict unless it follows the newest by
// one. A device that it adds needs its credential. One that it revokes loses
// credential and sessions in the same transaction; they are returned.
func (s *Store) PutDevices(ctx context.Context, a AccountID, p account.DevicesPut) (revoked []account.ID, err error) {
	err = s.tx(ctx, func(q querier) error {
		revoked = nil
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		old, err := newestList(ctx, q, a)
		if err != nil {
			return err
		}
		if p.Devices.Version() != old.Version()+1 || p.Devices.Follows(old) != nil {
			return ErrConflict
		}
		// First, so that of two the second waits here, and fails.
		if err := s.addList(ctx, q, a, p.Devices); err != nil {
			return err
		}
		added := 0
		for _, d := range p.Devices.Devices() {
			before, known := old.Find(d.ID)
			switch {
			case !known && !d.Revoked:
				added++
				if p.Add == nil || p.Add.ID != d.ID {
					return errCredential
				}
				if err := s.addDevice(ctx, q, dek, a, KindDevice, *p.Add, d); err != nil {
					return err
				}
				if err := s.audit(ctx, q, dek, a, EventDevice, string(p.Add.Label)); err != nil {
					return err
				}
			case known && d.Revoked && !before.Revoked:
				revoked = append(revoked, d.ID)
				if err := s.revoke(ctx, q, dek, a, d.ID); err != nil {
					return err
				}
			}
		}
		if p.Add != nil && added == 0 {
			return errCredential
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

func (s *Store) revoke(ctx context.Context, q querier, dek tink.AEAD, a AccountID, device account.ID) error {
	var b []byte
	err := q.QueryRowContext(ctx, `SELECT label_enc FROM device WHERE id = $1 AND account = $2`, device[:], a[:]).Scan(&b)
	if err != nil {
		return err
	}
	label, err := unseal(dek, "device.label", device[:], b)
	if err != nil {
		return err
	}
	if err := one(ctx, q, `UPDATE device SET revoked = $1, verifier_enc = $2, salt = $2 WHERE id = $3`, true, []byte{}, device[:]); err != nil {
		return err
	}
	if err := endSessions(ctx, q, device); err != nil {
		return err
	}
	return s.audit(ctx, q, dek, a, EventRevoked, string(label))
}

// LabelDevice names a device of the account; ErrNotFound.
func (s *Store) LabelDevice(ctx context.Context, a AccountID, device account.ID, l account.Label) error {
	return s.tx(ctx, func(q querier) error {
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		b, err := seal(dek, "device.label", device[:], []byte(l))
		if err != nil {
			return err
		}
		return one(ctx, q, `UPDATE device SET label_enc = $1 WHERE id = $2 AND account = $3 AND kind = $4 AND revoked = $5`,
			b, device[:], a[:], string(KindDevice), false)
	})
}

// EnrollRecovery makes a recovery kit valid, and the one before invalid.
func (s *Store) EnrollRecovery(ctx context.Context, a AccountID, r account.RecoveryEnroll) error {
	return s.tx(ctx, func(q querier) error {
		dek, err := s.dataKey(ctx, q, a)
		if err != nil {
			return err
		}
		b, err := seal(dek, "recovery.sealed", a[:], r.Sealed[:])
		if err != nil {
			return err
		}
		// The row of recovery and the sessions of the old kit go with it.
		if _, err := exec(ctx, q, `DELETE FROM device WHERE account = $1 AND kind = $2`, a[:], string(KindRecovery)); err != nil {
			return err
		}
		if err := s.addDevice(ctx, q, dek, a, KindRecovery, account.NewDevice{Credential: r.Credential}, account.ListedDevice{}); err != nil {
			return err
		}
		if _, err := exec(ctx, q, `INSERT INTO recovery (account, device, sealed_enc) VALUES ($1, $2, $3)`, a[:], r.ID[:], b); err != nil {
			return err
		}
		return s.audit(ctx, q, dek, a, EventKit, "")
	})
}

// Recovery is the account key under the kit; ErrNotFound.
func (s *Store) Recovery(ctx context.Context, a AccountID) (k account.SealedKey, err error) {
	q := s.reads(ctx)
	var b []byte
	if err := q.QueryRowContext(ctx, `SELECT sealed_enc FROM recovery WHERE account = $1`, a[:]).Scan(&b); err != nil {
		return k, fail(err)
	}
	dek, err := s.dataKey(ctx, q, a)
	if err != nil {
		return k, fail(err)
	}
	if b, err = unseal(dek, "recovery.sealed", a[:], b); err != nil {
		return k, err
	}
	return k, fixed(k[:]).Scan(b)
}
