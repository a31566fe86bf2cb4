package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	// passMAC is how many bytes prove that a pass was made here: nobody can try
	// more than some thousand.
	passMAC = 16
	passEnd = 4 // bytes of its end, days since 1970
)

// SignUpPass lets whoever has the address e sign up until the end of a day, at
// every node of the database. Nothing about it is kept.
func SignUpPass(st *store.Store, e account.Email, until time.Time) account.Pass {
	end := binary.BigEndian.AppendUint32(nil, uint32(until.Unix()/int64(24*time.Hour/time.Second)))
	return account.NewPass(append(end, passProof(st, e, end)...))
}

func passProof(st *store.Store, e account.Email, end []byte) []byte {
	key := st.Derive("sign-up pass")
	m := hmac.New(sha256.New, key[:])
	_, _ = m.Write(end)
	_, _ = m.Write([]byte(e.Normal()))
	return m.Sum(nil)[:passMAC]
}

// admits reports whether a pass lets an address sign up.
func (c *request) admits(ctx context.Context, p account.Pass, e account.Email) (bool, error) {
	b := p.Bytes()
	switch len(b) {
	case passEnd + passMAC:
		end, proof := b[:passEnd], b[passEnd:]
		today := c.now().Unix() / int64(24*time.Hour/time.Second)
		return hmac.Equal(proof, passProof(c.store, e, end)) && int64(binary.BigEndian.Uint32(end)) >= today, nil
	case len(wire.InviteID{}):
		open, err := c.store.InviteOpen(ctx, wire.InviteID(b))
		if err != nil || !open {
			return false, err
		}
		// One link is for one person, who may mistype the address.
		return true, c.quota(ctx, "pass "+string(b), passLimits()...)
	}
	return false, nil
}

// passLimits bounds the mails that go out because of one contact's link.
func passLimits() []store.Limit { return []store.Limit{{Window: 24 * time.Hour, N: 5}} }
