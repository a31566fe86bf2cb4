package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/tink-crypto/tink-go/v2/tink"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// nameOf opens the name of an account.
func (s *Store) nameOf(ctx context.Context, q querier, a AccountID) (account.Name, error) {
	var b []byte
	if err := q.QueryRowContext(ctx, `SELECT name_enc FROM account WHERE id = $1`, a[:]).Scan(&b); err != nil {
		return "", err
	}
	dek, err := s.dataKey(ctx, q, a)
	if err != nil {
		return "", err
	}
	b, err = unseal(dek, "account.name", a[:], b)
	return account.Name(b), err
}

type contactRow struct {
	peer  AccountID
	proof []byte
	Contact
}

func scanContact(r *sql.Rows) (c contactRow, err error) {
	return c, r.Scan(fixed(c.peer[:]), fixed(c.Handle[:]), &c.State, &c.proof)
}

// fill adds what the peer's account says and opens the proof.
func (s *Store) fill(ctx context.Context, q querier, dek tink.AEAD, c contactRow) (_ Contact, err error) {
	if c.Name, err = s.nameOf(ctx, q, c.peer); err != nil {
		return c.Contact, err
	}
	if c.State != StateAccepted {
		return c.Contact, nil
	}
	if c.Devices, err = newestList(ctx, q, c.peer); err != nil {
		return c.Contact, err
	}
	c.Account = c.Devices.Account()
	if len(c.proof) > 0 {
		b, err := unseal(dek, "contact.proof", c.Handle[:], c.proof)
		if err != nil {
			return c.Contact, err
		}
		return c.Contact, fixed(c.Proof[:]).Scan(b)
	}
	return c.Contact, nil
}

// Contacts are the accepted and the blocked ones.
func (s *Store) Contacts(ctx context.Context, a AccountID) ([]Contact, error) {
	q := s.reads(ctx)
	dek, err := s.dataKey(ctx, q, a)
	if err != nil {
		return nil, fail(err)
	}
	rows, err := collect(ctx, q, scanContact, `SELECT peer, handle, state, proof_enc FROM contact WHERE owner = $1 ORDER BY handle`, a[:])
	if err != nil {
		return nil, fail(err)
	}
	all := make([]Contact, 0, len(rows))
	for _, r := range rows {
		c, err := s.fill(ctx, q, dek, r)
		if errors.Is(err, sql.ErrNoRows) {
			continue // erased meanwhile
		} else if err != nil {
			return nil, fail(err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (s *Store) contact(ctx context.Context, q querier, a, peer AccountID) (Contact, error) {
	dek, err := s.dataKey(ctx, q, a)
	if err != nil {
		return Contact{}, err
	}
	rows, err := collect(ctx, q, scanContact, `SELECT peer, handle, state, proof_enc FROM contact WHERE owner = $1 AND peer = $2`, a[:], peer[:])
	if err != nil {
		return Contact{}, err
	}
	if len(rows) == 0 {
		return Contact{}, ErrNotFound
	}
	return s.fill(ctx, q, dek, rows[0])
}

// Peers are the contacts that both sides accepted.
func (s *Store) Peers(ctx context.Context, a AccountID) ([]Peer, error) {
	all, err := collect(ctx, s.reads(ctx), func(r *sql.Rows) (p Peer, err error) {
		return p, r.Scan(fixed(p.Account[:]), fixed(p.Handle[:]), fixed(p.Theirs[:]))
	}, `SELECT m.peer, m.handle, t.handle FROM contact m JOIN contact t ON t.owner = m.peer AND t.peer = m.owner
		WHERE m.owner = $1 AND m.state = $2 AND t.state = $2 ORDER BY m.handle`, a[:], string(StateAccepted))
	return all, fail(err)
}

// CreateInvite opens a contact link for InviteLife: ErrLimit at MaxInvites,
// ErrConflict if it exists.
func (s *Store) CreateInvite(ctx context.Context, a AccountID, h account.Hash) error {
	return s.tx(ctx, func(q querier) error {
		// Locks the account, so that two cannot both be the last allowed one.
		if err := lockAccount(ctx, q, a); err != nil {
			return err
		}
		n, err := invites(ctx, q, a, s.clock().Unix())
		if err != nil {
			return err
		}
		if n >= MaxInvites {
			return ErrLimit
		}
		_, err = exec(ctx, q, `INSERT INTO invite (id_hash, owner, expires) VALUES ($1, $2, $3)`, h[:], a[:], s.in(InviteLife))
		return err
	})
}

func invites(ctx context.Context, q querier, a AccountID, now int64) (n uint32, err error) {
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM invite WHERE owner = $1 AND expires > $2`, a[:], now).Scan(&n)
	return n, err
}

// Invites counts the open links.
func (s *Store) Invites(ctx context.Context, a AccountID) (uint32, error) {
	n, err := invites(ctx, s.reads(ctx), a, s.clock().Unix())
	return n, fail(err)
}

// RevokeInvite closes a link; ErrNotFound.
func (s *Store) RevokeInvite(ctx context.Context, a AccountID, h account.Hash) error {
	return s.tx(ctx, func(q querier) error {
		return one(ctx, q, `DELETE FROM invite WHERE id_hash = $1 AND owner = $2`, h[:], a[:])
	})
}

// InviteOpen reports whether a contact link can still be used.
func (s *Store) InviteOpen(ctx context.Context, id wire.InviteID) (bool, error) {
	h := account.InviteHash(id)
	var n int64
	err := s.reads(ctx).QueryRowContext(ctx, `SELECT count(*) FROM invite WHERE id_hash = $1 AND expires > $2`, h[:], s.clock().Unix()).Scan(&n)
	return n > 0, fail(err)
}

// AcceptInvite uses a link up and makes both contacts of each other; the
// inviter gets the proof. ErrNotFound also for the own link and where the
// inviter blocked the account.
func (s *Store) AcceptInvite(ctx context.Context, a AccountID, id wire.InviteID, proof account.Hash) (c Contact, peer AccountID, err error) {
	h := account.InviteHash(id)
	err = s.tx(ctx, func(q querier) error {
		err := q.QueryRowContext(ctx, `SELECT owner FROM invite WHERE id_hash = $1 AND owner <> $2 AND expires > $3`,
			h[:], a[:], s.clock().Unix()).Scan(fixed(peer[:]))
		if err != nil {
			return err
		}
		if err := lockPair(ctx, q, a, peer); err != nil {
			return err
		}
		if err := one(ctx, q, `DELETE FROM invite WHERE id_hash = $1`, h[:]); err != nil {
			return err
		}
		if err := s.befriend(ctx, q, a, peer, proof[:]); err != nil {
			return err
		}
		c, err = s.contact(ctx, q, a, peer)
		return err
	})
	return c, peer, err
}

// lockPair begins what changes both sides of a contact: PostgreSQL then lets
// one after the other do so, in whatever order they come.
func lockPair(ctx context.Context, q querier, a, b AccountID) error {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	for _, id := range []AccountID{a, b} {
		if err := lockAccount(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

func lockAccount(ctx context.Context, q querier, a AccountID) error {
	return one(ctx, q, `UPDATE account SET findable = findable WHERE id = $1`, a[:])
}

// befriend makes two accounts contacts of each other; a itself lifts a block
// of its own by accepting, the peer's block stays: ErrNotFound.
func (s *Store) befriend(ctx context.Context, q querier, a, peer AccountID, proof []byte) error {
	var blocked int
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM contact WHERE owner = $1 AND peer = $2 AND state = $3`,
		peer[:], a[:], string(StateBlocked)).Scan(&blocked)
	if err != nil {
		return err
	}
	if blocked > 0 {
		return ErrNotFound
	}
	if err := s.setContact(ctx, q, a, peer, StateAccepted, nil); err != nil {
		return err
	}
	if err := s.setContact(ctx, q, peer, a, StateAccepted, proof); err != nil {
		return err
	}
	// Whatever they asked each other is answered by it.
	for _, two := range [][2]AccountID{{a, peer}, {peer, a}} {
		idx, err := s.targets(ctx, q, two[1])
		if err != nil {
			return err
		}
		if _, err := exec(ctx, q, `DELETE FROM ask WHERE sender = $1 AND target_idx IN ($2, $3)`, two[0][:], idx[0], idx[1]); err != nil {
			return err
		}
	}
	return nil
}

// setContact makes or changes one side; the handle stays the same.
func (s *Store) setContact(ctx context.Context, q querier, owner, peer AccountID, state State, proof []byte) error {
	handle := newID()
	err := q.QueryRowContext(ctx, `INSERT INTO contact (owner, peer, handle, state, proof_enc, created_day) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (owner, peer) DO UPDATE SET state = excluded.state RETURNING handle`,
		owner[:], peer[:], handle[:], string(state), []byte{}, s.today()).Scan(fixed(handle[:]))
	if err != nil || proof == nil {
		return err
	}
	dek, err := s.dataKey(ctx, q, owner)
	if err != nil {
		return err
	}
	b, err := seal(dek, "contact.proof", handle[:], proof)
	if err != nil {
		return err
	}
	return one(ctx, q, `UPDATE contact SET proof_enc = $1 WHERE owner = $2 AND peer = $3`, b, owner[:], peer[:])
}

// CreateAsk asks whoever has the address, if anybody has. Nothing is looked
// up: that nobody has it, cannot be found or blocked the asker makes no
// difference. A second ask of the same address renews the first.
func (s *Store) CreateAsk(ctx context.Context, a AccountID, e account.Email) error {
	idx, _, _ := s.keys.indexes(e)
	id := newID()
	return s.tx(ctx, func(q querier) error {
		_, err := exec(ctx, q, `INSERT INTO ask (handle, sender, target_idx, expires, declined) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (sender, target_idx) DO UPDATE SET expires = excluded.expires, declined = excluded.declined`,
			id[:], a[:], idx, s.in(AskLife), false)
		return err
	})
}

// WithdrawAsk takes an ask back. That there is none is no error: the asker does
// not learn whether it was answered.
func (s *Store) WithdrawAsk(ctx context.Context, a AccountID, e account.Email) error {
	idx, old, _ := s.keys.indexes(e)
	return s.tx(ctx, func(q querier) error {
		_, err := exec(ctx, q, `DELETE FROM ask WHERE sender = $1 AND target_idx IN ($2, $3)`, a[:], idx, old)
		return err
	})
}

// targets are the hashes under which asks find an account.
func (s *Store) targets(ctx context.Context, q querier, a AccountID) (idx [2][]byte, err error) {
	var b []byte
	if err := q.QueryRowContext(ctx, `SELECT email_enc FROM account WHERE id = $1`, a[:]).Scan(&b); err != nil {
		return idx, err
	}
	dek, err := s.dataKey(ctx, q, a)
	if err != nil {
		return idx, err
	}
	if b, err = unseal(dek, "account.email", a[:], b); err != nil {
		return idx, err
	}
	idx[0], idx[1], _ = s.keys.indexes(account.Email(b))
	return idx, nil
}

// Asks are who wants to become a contact, if the account can be found.
func (s *Store) Asks(ctx context.Context, a AccountID) ([]account.Ask, error) {
	q := s.reads(ctx)
	idx, err := s.targets(ctx, q, a)
	if err != nil {
		return nil, fail(err)
	}
	type row struct{ handle, sender [16]byte }
	rows, err := collect(ctx, q, func(r *sql.Rows) (x row, err error) {
		return x, r.Scan(fixed(x.handle[:]), fixed(x.sender[:]))
	}, `SELECT k.handle, k.sender FROM ask k JOIN account a ON a.id = $1
		WHERE k.target_idx IN ($2, $3) AND k.expires > $4 AND k.sender <> a.id AND a.findable = $5 AND k.declined = $6
		AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.owner = a.id AND c.peer = k.sender) ORDER BY k.handle`,
		a[:], idx[0], idx[1], s.clock().Unix(), true, false)
	if err != nil {
		return nil, fail(err)
	}
	all := make([]account.Ask, 0, len(rows))
	for _, r := range rows {
		name, err := s.nameOf(ctx, q, r.sender)
		if errors.Is(err, sql.ErrNoRows) {
			continue // erased meanwhile
		} else if err != nil {
			return nil, fail(err)
		}
		all = append(all, account.Ask{Handle: r.handle, Name: name})
	}
	return all, nil
}

// Answer uses an ask up; ErrNotFound. The contact and whom to tell are set for
// account.AnswerAccept alone: the others look like no answer.
func (s *Store) Answer(ctx context.Context, a AccountID, handle account.ID, ans account.Answer) (c Contact, peer AccountID, err error) {
	err = s.tx(ctx, func(q querier) error {
		c, peer = Contact{}, AccountID{}
		idx, err := s.targets(ctx, q, a)
		if err != nil {
			return err
		}
		var sender AccountID
		err = q.QueryRowContext(ctx, `SELECT sender FROM ask WHERE handle = $1 AND target_idx IN ($2, $3) AND expires > $4 AND sender <> $5 AND declined = $6
			AND EXISTS (SELECT 1 FROM account WHERE id = $5 AND findable = $7)`,
			handle[:], idx[0], idx[1], s.clock().Unix(), a[:], false, true).Scan(fixed(sender[:]))
		if err != nil {
			return err
		}
		if err := lockPair(ctx, q, a, sender); err != nil {
			return err
		}
		// It stays for its sender, who shall not learn of it. On yes, befriend
		// deletes it.
		if err := one(ctx, q, `UPDATE ask SET declined = $1 WHERE handle = $2 AND declined = $3`, true, handle[:], false); err != nil {
			return err
		}
		switch ans {
		case account.AnswerAccept:
			if err := s.befriend(ctx, q, a, sender, nil); err != nil {
				return err
			}
			peer = sender
			c, err = s.contact(ctx, q, a, sender)
			return err
		case account.AnswerBlock:
			return s.setContact(ctx, q, a, sender, StateBlocked, nil)
		default:
			return nil
		}
	})
	return c, peer, err
}

// lockContact finds the peer of a contact and locks both.
func lockContact(ctx context.Context, q querier, a AccountID, handle account.ID) (peer AccountID, err error) {
	err = q.QueryRowContext(ctx, `SELECT peer FROM contact WHERE owner = $1 AND handle = $2`, a[:], handle[:]).Scan(fixed(peer[:]))
	if err != nil {
		return peer, err
	}
	return peer, lockPair(ctx, q, a, peer)
}

// RemoveContact ends it on both sides, or lifts a block; ErrNotFound. The peer
// is told nothing but that it is gone; it is zero where a block was lifted.
func (s *Store) RemoveContact(ctx context.Context, a AccountID, handle account.ID) (peer AccountID, err error) {
	err = s.tx(ctx, func(q querier) error {
		if peer, err = lockContact(ctx, q, a, handle); err != nil {
			return err
		}
		var state State
		err := q.QueryRowContext(ctx, `DELETE FROM contact WHERE owner = $1 AND handle = $2 RETURNING state`, a[:], handle[:]).Scan(&state)
		if err != nil {
			return err
		}
		_, err = exec(ctx, q, `DELETE FROM contact WHERE owner = $1 AND peer = $2 AND state = $3`, peer[:], a[:], string(StateAccepted))
		if state == StateBlocked {
			peer = AccountID{}
		}
		return err
	})
	return peer, err
}

// Block ends a contact on both sides and ignores what the peer asks from now
// on; ErrNotFound.
func (s *Store) Block(ctx context.Context, a AccountID, handle account.ID) (peer AccountID, err error) {
	err = s.tx(ctx, func(q querier) error {
		if peer, err = lockContact(ctx, q, a, handle); err != nil {
			return err
		}
		err := one(ctx, q, `UPDATE contact SET state = $1, proof_enc = $2 WHERE owner = $3 AND handle = $4`,
			string(StateBlocked), []byte{}, a[:], handle[:])
		if err != nil {
			return err
		}
		_, err = exec(ctx, q, `DELETE FROM contact WHERE owner = $1 AND peer = $2 AND state = $3`, peer[:], a[:], string(StateAccepted))
		return err
	})
	return peer, err
}
