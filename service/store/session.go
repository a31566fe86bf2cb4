package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"viewflip.app/wire/account"
)

// CreateSession begins a session in generation 0; ErrNotFound if the device
// was revoked meanwhile.
func (s *Store) CreateSession(ctx context.Context, device, id account.ID, chain account.Chain) (n Session, err error) {
	now := s.clock()
	row := account.NewSessionRow(id, chain, now)
	c, err1 := seal(s.keys.data, "session.chain", id[:], chain.Marshal())
	nonce, err2 := seal(s.keys.data, "session.prev_nonce", id[:], row.PrevNonce[:])
	if err := errors.Join(err1, err2); err != nil {
		return n, err
	}
	err = s.tx(ctx, func(q querier) error {
		// Locks the row of the device: a revocation comes before or after.
		if err := one(ctx, q, `UPDATE device SET last_day = $1 WHERE id = $2 AND revoked = $3`, day(now), device[:], false); err != nil {
			return err
		}
		_, err := exec(ctx, q, `INSERT INTO session (id, device, gen, seq, chain_enc, prev_rid, prev_nonce_enc, confirmed, ended, made, expires)
			VALUES ($1, $2, 0, 0, $3, $4, $5, $6, $6, $7, $8)`,
			id[:], device[:], c, row.PrevRID[:], nonce, false, row.Made.Unix(), row.Expires.Unix())
		if err != nil {
			return err
		}
		n, err = s.session(ctx, q, id)
		return err
	})
	return n, err
}

// Session is a session that may be over its life, which the methods of
// account.SessionRow tell; ErrNotFound, ErrRevoked.
func (s *Store) Session(ctx context.Context, id account.ID) (Session, error) {
	n, err := s.session(ctx, s.reads(ctx), id)
	return n, fail(err)
}

func (s *Store) session(ctx context.Context, q querier, id account.ID) (n Session, err error) {
	var gen, seq, made, expires int64
	var chain, nonce, keys []byte
	var ended bool
	err = q.QueryRowContext(ctx, `SELECT s.device, s.gen, s.seq, s.chain_enc, s.prev_rid, s.prev_nonce_enc, s.confirmed, s.ended,
		s.made, s.expires, d.account, d.kind, d.public_keys FROM session s JOIN device d ON d.id = s.device WHERE s.id = $1`, id[:]).
		Scan(fixed(n.Device[:]), &gen, &seq, &chain, fixed(n.PrevRID[:]), &nonce, &n.Confirmed, &ended,
			&made, &expires, fixed(n.Account[:]), &n.Kind, &keys)
	if err != nil {
		return n, err
	}
	if ended {
		return n, ErrRevoked
	}
	n.ID, n.Gen, n.Seq, n.Made, n.Expires = id, uint64(gen), uint64(seq), time.Unix(made, 0).UTC(), time.Unix(expires, 0).UTC()
	if chain, err = unseal(s.keys.data, "session.chain", id[:], chain); err != nil {
		return n, err
	}
	if n.Chain, err = account.ParseChain(chain); err != nil {
		return n, err
	}
	if nonce, err = unseal(s.keys.data, "session.prev_nonce", id[:], nonce); err != nil {
		return n, err
	}
	if err := fixed(n.PrevNonce[:]).Scan(nonce); err != nil {
		return n, err
	}
	n.Keys, err = parseKeys(keys)
	return n, err
}

// Authorize decides about a request by account.SessionRow.Authorize and counts
// its seq, so that of two requests with one seq, one proceeds. Code "" means
// proceed; the Session is set then. An unknown session is CodeAuthFailed, one
// that was ended CodeRevoked.
func (s *Store) Authorize(ctx context.Context, a account.Authorization, method, path string, body []byte) (Session, account.ErrorCode, error) {
	n, err := s.Session(ctx, a.Session)
	switch {
	case errors.Is(err, ErrNotFound):
		return Session{}, account.CodeAuthFailed, nil
	case errors.Is(err, ErrRevoked):
		return Session{}, account.CodeRevoked, nil
	case err != nil:
		return Session{}, account.CodeUnavailable, err
	}
	if code := n.Authorize(s.now(), a, method, path, body); code != "" {
		return Session{}, code, nil
	}
	var changed int64
	err = s.tx(ctx, func(q querier) (err error) {
		changed, err = exec(ctx, q, `UPDATE session SET seq = $1 WHERE id = $2 AND gen = $3 AND seq < $1 AND ended = $4`,
			int64(a.Seq), a.Session[:], int64(a.Gen), false)
		return err
	})
	if err != nil {
		return Session{}, account.CodeUnavailable, err
	}
	if changed == 0 {
		return Session{}, account.CodeAuthFailed, nil
	}
	n.Seq = a.Seq
	return n, "", nil
}

// Rotate decides about a rotation by account.SessionRow.Rotate and stores the
// outcome. An unknown session is RotationRefused, one that was ended
// RotationCopied without a Session: both have been answered for already. After
// RotationCopied with a Session, the session is ended and in the audit. Not
// inside Idempotent.
func (s *Store) Rotate(ctx context.Context, p account.RotationProof, rid account.ID) (out Rotated, err error) {
	if err := s.alone(ctx); err != nil {
		return out, err
	}
	var nonce account.Hash
	_, _ = rand.Read(nonce[:]) // never fails
	for {
		n, err := s.Session(ctx, p.Session)
		switch {
		case errors.Is(err, ErrNotFound):
			return Rotated{What: account.RotationRefused}, nil
		case errors.Is(err, ErrRevoked):
			return Rotated{What: account.RotationCopied}, nil
		case err != nil:
			return out, err
		}
		row, what := n.Rotate(s.clock(), p, rid, nonce)
		gen := n.Gen
		n.SessionRow = row
		out = Rotated{What: what, Session: n}
		switch what {
		case account.RotationMade:
			stored, err := s.storeRotation(ctx, row, gen)
			if err != nil {
				return Rotated{}, err
			}
			if !stored {
				continue // another request rotated or ended it meanwhile
			}
			out.Nonce = row.PrevNonce
		case account.RotationRepeated:
			out.Nonce = row.PrevNonce
		case account.RotationCopied:
			err := s.tx(ctx, func(q querier) error {
				if err := endSession(ctx, q, n.ID); err != nil {
					return err
				}
				dek, err := s.dataKey(ctx, q, n.Account)
				if err != nil {
					return err
				}
				return s.audit(ctx, q, dek, n.Account, EventCopied, n.Device.String())
			})
			return out, err
		case account.RotationRefused, account.RotationEnded:
		}
		return out, nil
	}
}

func (s *Store) storeRotation(ctx context.Context, row account.SessionRow, gen uint64) (bool, error) {
	chain, err1 := seal(s.keys.data, "session.chain", row.ID[:], row.Chain.Marshal())
	nonce, err2 := seal(s.keys.data, "session.prev_nonce", row.ID[:], row.PrevNonce[:])
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	var changed int64
	err := s.tx(ctx, func(q querier) (err error) {
		changed, err = exec(ctx, q, `UPDATE session SET gen = $1, chain_enc = $2, prev_rid = $3, prev_nonce_enc = $4, made = $5
			WHERE id = $6 AND gen = $7 AND ended = $8`,
			int64(row.Gen), chain, row.PrevRID[:], nonce, row.Made.Unix(), row.ID[:], int64(gen), false)
		return err
	})
	return changed == 1, err
}

// Ended sessions stay until they expire, without their secrets, so that their
// holder is told that they were ended.
func endSession(ctx context.Context, q querier, id account.ID) error {
	_, err := exec(ctx, q, `UPDATE session SET ended = $1, chain_enc = $2, prev_nonce_enc = $2 WHERE id = $3`, true, []byte{}, id[:])
	return err
}

func endSessions(ctx context.Context, q querier, device account.ID) error {
	_, err := exec(ctx, q, `UPDATE session SET ended = $1, chain_enc = $2, prev_nonce_enc = $2 WHERE device = $3`, true, []byte{}, device[:])
	return err
}

// EndSession ends a session; an unknown one too.
func (s *Store) EndSession(ctx context.Context, id account.ID) error {
	return s.tx(ctx, func(q querier) error { return endSession(ctx, q, id) })
}

// EndSessions ends those of a device of the account; ErrNotFound if it is not
// one of it.
func (s *Store) EndSessions(ctx context.Context, a AccountID, device account.ID) error {
	return s.tx(ctx, func(q querier) error {
		if err := one(ctx, q, `UPDATE device SET revoked = revoked WHERE id = $1 AND account = $2`, device[:], a[:]); err != nil {
			return err
		}
		return endSessions(ctx, q, device)
	})
}

// Sessions are those that are not over; Current is left to the caller.
func (s *Store) Sessions(ctx context.Context, a AccountID) ([]account.SessionInfo, error) {
	all, err := collect(ctx, s.reads(ctx), func(r *sql.Rows) (i account.SessionInfo, err error) {
		var expires int64
		err = r.Scan(fixed(i.Device[:]), &expires)
		i.Day = uint32(day(time.Unix(expires, 0).Add(-account.SessionLife)))
		return i, err
	}, `SELECT s.device, s.expires FROM session s JOIN device d ON d.id = s.device
		WHERE d.account = $1 AND s.ended = $2 AND s.expires > $3 ORDER BY s.expires, s.id`, a[:], false, s.clock().Unix())
	return all, fail(err)
}

// ConfirmSession marks the session of a recovery kit as confirmed by the code
// of the mail; ErrNotFound.
func (s *Store) ConfirmSession(ctx context.Context, id account.ID) error {
	return s.tx(ctx, func(q querier) error {
		return one(ctx, q, `UPDATE session SET confirmed = $1 WHERE id = $2 AND ended = $3`, true, id[:], false)
	})
}
