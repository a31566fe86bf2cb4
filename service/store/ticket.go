package store

import (
	"bytes"
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"viewflip.app/wire/account"
)

func (s *Store) codeHash(p Purpose, ticket account.ID, code account.Code) []byte {
	return keyedHash(s.keys.Hash, "code", []byte(p), ticket[:], []byte(code))
}

// CreateTicket keeps payload sealed behind a code for TicketLife.
func (s *Store) CreateTicket(ctx context.Context, p Purpose, payload []byte, code account.Code) (account.ID, error) {
	id := newID()
	b, err := seal(s.keys.data, "ticket.payload", id[:], payload)
	if err != nil {
		return id, err
	}
	return id, s.tx(ctx, func(q querier) error {
		_, err := exec(ctx, q, `INSERT INTO ticket (id, purpose, payload_enc, code_hmac, tries, expires) VALUES ($1, $2, $3, $4, 0, $5)`,
			id[:], string(p), b, s.codeHash(p, id, code), s.in(TicketLife))
		return err
	})
}

// ConsumeTicket gives the payload once, for the right code. ErrCode for a
// wrong one: the try is counted, and after TicketTries the ticket is gone.
// ErrNotFound where there is no such ticket any more. Not inside Idempotent,
// which would take the count back.
func (s *Store) ConsumeTicket(ctx context.Context, p Purpose, ticket account.ID, code account.Code) (payload []byte, err error) {
	if err := s.alone(ctx); err != nil {
		return nil, err
	}
	right := false
	err = s.tx(ctx, func(q querier) error {
		var hash []byte
		// Locks the row: who comes second finds it counted, or gone.
		err := q.QueryRowContext(ctx, `UPDATE ticket SET tries = tries + 1 WHERE id = $1 AND purpose = $2 AND tries < $3 AND expires > $4
			RETURNING code_hmac, payload_enc`, ticket[:], string(p), TicketTries, s.clock().Unix()).Scan(&hash, &payload)
		if err != nil {
			return err
		}
		if right = hmac.Equal(hash, s.codeHash(p, ticket, code)); !right {
			return nil
		}
		_, err = exec(ctx, q, `DELETE FROM ticket WHERE id = $1`, ticket[:])
		return err
	})
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, ErrCode
	}
	return unseal(s.keys.data, "ticket.payload", ticket[:], payload)
}

// PutAttempt keeps the state of a login sealed for AttemptLife.
func (s *Store) PutAttempt(ctx context.Context, id account.ID, state []byte) error {
	b, err := seal(s.keys.data, "attempt.state", id[:], state)
	if err != nil {
		return err
	}
	return s.tx(ctx, func(q querier) error {
		_, err := exec(ctx, q, `INSERT INTO attempt (id, state_enc, expires) VALUES ($1, $2, $3)`, id[:], b, s.in(AttemptLife))
		return err
	})
}

// TakeAttempt gives the state once; ErrNotFound. Not inside Idempotent.
func (s *Store) TakeAttempt(ctx context.Context, id account.ID) ([]byte, error) {
	if err := s.alone(ctx); err != nil {
		return nil, err
	}
	var b []byte
	err := s.tx(ctx, func(q querier) error {
		return q.QueryRowContext(ctx, `DELETE FROM attempt WHERE id = $1 AND expires > $2 RETURNING state_enc`,
			id[:], s.clock().Unix()).Scan(&b)
	})
	if err != nil {
		return nil, err
	}
	return unseal(s.keys.data, "attempt.state", id[:], b)
}

// OpenLink opens a slot for LinkLife; ErrLimit if no free one was found.
func (s *Store) OpenLink(ctx context.Context) (l account.LinkOpened, err error) {
	l.Ticket = newID()
	for range 20 {
		if l.Slot, err = account.NewSlot(nil); err != nil {
			return l, err
		}
		var n int64
		err = s.tx(ctx, func(q querier) (err error) {
			if _, err := exec(ctx, q, `DELETE FROM link WHERE slot = $1 AND expires <= $2`, string(l.Slot), s.clock().Unix()); err != nil {
				return err
			}
			n, err = exec(ctx, q, `INSERT INTO link (slot, ticket, expires) VALUES ($1, $2, $3) ON CONFLICT (slot) DO NOTHING`,
				string(l.Slot), l.Ticket[:], s.in(LinkLife))
			return err
		})
		if err != nil || n == 1 {
			return l, err
		}
	}
	return l, ErrLimit
}

// slot checks a slot and the ticket of the new device, if one is given.
func (s *Store) slot(ctx context.Context, q querier, slot account.Slot, ticket account.ID) error {
	var t []byte
	err := q.QueryRowContext(ctx, `SELECT ticket FROM link WHERE slot = $1 AND expires > $2`, string(slot), s.clock().Unix()).Scan(&t)
	if err == nil && ticket != (account.ID{}) && !hmac.Equal(t, ticket[:]) {
		err = ErrNotFound
	}
	return err
}

// PutLink leaves a message: ErrNotFound, ErrConflict if the seq was used for
// another one.
func (s *Store) PutLink(ctx context.Context, p account.LinkPut) error {
	return s.tx(ctx, func(q querier) error {
		if err := s.slot(ctx, q, p.Slot, p.Ticket); err != nil {
			return err
		}
		n, err := exec(ctx, q, `INSERT INTO link_message (slot, seq, message) VALUES ($1, $2, $3) ON CONFLICT (slot, seq) DO NOTHING`,
			string(p.Slot), int64(p.Seq), []byte(p.Blob))
		if err != nil || n == 1 {
			return err
		}
		var is []byte
		err = q.QueryRowContext(ctx, `SELECT message FROM link_message WHERE slot = $1 AND seq = $2`, string(p.Slot), int64(p.Seq)).Scan(&is)
		if err == nil && !bytes.Equal(is, p.Blob) {
			err = ErrConflict
		}
		return err
	})
}

// LinkMessages are those above g.After that are there now; ErrNotFound.
func (s *Store) LinkMessages(ctx context.Context, g account.LinkGet) ([]account.LinkMessage, error) {
	q := s.reads(ctx)
	if err := s.slot(ctx, q, g.Slot, g.Ticket); err != nil {
		return nil, fail(err)
	}
	all, err := collect(ctx, q, func(r *sql.Rows) (m account.LinkMessage, err error) {
		var seq int64
		var b []byte
		err = r.Scan(&seq, &b)
		m.Seq, m.Blob = uint8(seq), b
		return m, err
	}, `SELECT seq, message FROM link_message WHERE slot = $1 AND seq > $2 ORDER BY seq`, string(g.Slot), int64(g.After))
	return all, fail(err)
}

// errUsedUp rolls a Quota back; the caller never sees it.
var errUsedUp = errors.New("store: a quota is used up")

// Quota counts one use of key in all limits, or in none: then ok is false and
// wait is how long until it may go again. Of the key only a keyed hash is kept,
// until its window ends. Not inside Idempotent, which would take it back.
func (s *Store) Quota(ctx context.Context, key string, limits ...Limit) (ok bool, wait time.Duration, err error) {
	if err := s.alone(ctx); err != nil {
		return false, 0, err
	}
	// Always in one order, so that two never wait for each other.
	limits = slices.SortedFunc(slices.Values(limits), func(a, b Limit) int { return int(a.Window - b.Window) })
	now := s.clock()
	err = s.tx(ctx, func(q querier) error {
		wait = 0
		for _, l := range limits {
			window := int64(l.Window / time.Second)
			win := now.Unix() / window
			end := (win + 1) * window
			k := keyedHash(s.keys.Hash, "quota", []byte(key), binary.BigEndian.AppendUint64(nil, uint64(window)))
			var n int64
			err := sql.ErrNoRows
			if l.N > 0 {
				err = q.QueryRowContext(ctx, `INSERT INTO quota (k, win, n, expires) VALUES ($1, $2, 1, $3)
					ON CONFLICT (k, win) DO UPDATE SET n = quota.n + 1 WHERE quota.n < $4 RETURNING n`, k, win, end, l.N).Scan(&n)
			}
			if errors.Is(err, sql.ErrNoRows) {
				wait = max(wait, time.Unix(end, 0).Sub(now))
			} else if err != nil {
				return err
			}
		}
		if wait > 0 {
			return errUsedUp
		}
		return nil
	})
	if errors.Is(err, errUsedUp) {
		return false, wait, nil
	}
	return err == nil, 0, err
}

// Idempotent runs fn and keeps its answer sealed for AnswerLife, all in one
// transaction: methods that get fn's context join it. The same session and key
// get the kept answer (again is true), also when they race. An error keeps
// nothing and undoes all. Until this returns, fn must tell nobody anything.
func (s *Store) Idempotent(ctx context.Context, session, key account.ID, fn func(ctx context.Context) ([]byte, error)) (answer []byte, again bool, err error) {
	row := slices.Concat(session[:], key[:])
	err = s.tx(ctx, func(q querier) error {
		again = false
		// Whoever races for the key waits here for the outcome.
		n, err := exec(ctx, q, `INSERT INTO idem (session, idem_key, answer_enc, expires) VALUES ($1, $2, $3, $4)
			ON CONFLICT (session, idem_key) DO NOTHING`, session[:], key[:], []byte{}, s.in(AnswerLife))
		if err != nil {
			return err
		}
		if n == 0 {
			again = true
			var b []byte
			err := q.QueryRowContext(ctx, `SELECT answer_enc FROM idem WHERE session = $1 AND idem_key = $2`, session[:], key[:]).Scan(&b)
			if err != nil {
				return err
			}
			answer, err = unseal(s.keys.data, "idem.answer", row, b)
			return err
		}
		if answer, err = fn(context.WithValue(ctx, joined{s}, q)); err != nil {
			return err
		}
		b, err := seal(s.keys.data, "idem.answer", row, answer)
		if err != nil {
			return err
		}
		// After Erase, there is nothing to keep it for.
		_, err = exec(ctx, q, `UPDATE idem SET answer_enc = $1 WHERE session = $2 AND idem_key = $3`, b, session[:], key[:])
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return bytes.Clone(answer), again, nil
}
