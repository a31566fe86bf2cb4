package account

import (
	"io"
	"time"
)

// Lifetimes of a session.
const (
	// GenerationLife is how long requests are accepted in a generation after
	// it was made.
	GenerationLife = 10 * time.Minute
	// SessionLife is how long a session lives after its SRP login.
	SessionLife = 24 * time.Hour
	// FreshLogin is how old a session may be for what needs a fresh login.
	FreshLogin = time.Minute
)

// SessionRow is what the service keeps of a session. Its methods decide; they
// change nothing and know no clock. The caller stores what they return.
type SessionRow struct {
	ID       ID
	Gen, Seq uint64
	// Chain is that of Gen. Store it sealed.
	Chain Chain
	// PrevRID and PrevNonce are the rotation that led to Gen; zero in
	// generation 0. Store the nonce sealed.
	PrevRID   ID
	PrevNonce Hash
	// Made is when the generation was made, Expires when the session ends.
	Made, Expires time.Time
}

// NewSessionRow is the row of a new session.
func NewSessionRow(id ID, chain Chain, now time.Time) SessionRow {
	return SessionRow{ID: id, Chain: chain, Made: now, Expires: now.Add(SessionLife)}
}

// Fresh reports whether the session's SRP login is less than FreshLogin ago.
func (r SessionRow) Fresh(now time.Time) bool {
	return now.Before(r.Expires.Add(FreshLogin - SessionLife))
}

// over reports whether the session has ended, or was made while the clock was
// ahead of what it is now: it would live too long.
func (r SessionRow) over(now time.Time) bool {
	return !now.Before(r.Expires) || r.Expires.Sub(now) > SessionLife+GenerationLife
}

// Authorize decides about a request: "" if it may proceed, or the error to
// answer. If it may, the caller must still advance the stored seq, in one
// statement that succeeds only while the stored gen is a.Gen and the stored
// seq is below a.Seq: of two requests with one seq, one proceeds. CodeRotate
// and CodeLogin are only said to who has the key.
func (r SessionRow) Authorize(now time.Time, a Authorization, method, path string, body []byte) ErrorCode {
	if a.Session != r.ID || a.Gen != r.Gen || a.Seq <= r.Seq ||
		!r.Chain.RequestMAC(r.ID, a.Gen, a.Seq, method, path, body).Equal(a.MAC) {
		return CodeAuthFailed
	}
	if r.over(now) {
		return CodeLogin
	}
	if !now.Before(r.Made.Add(GenerationLife)) {
		return CodeRotate
	}
	return ""
}

// Rotation is what Rotate decided.
type Rotation uint8

const (
	// RotationRefused says that the proof is wrong: answer CodeAuthFailed.
	RotationRefused Rotation = iota
	// RotationEnded says that the session is over its life: answer CodeLogin.
	RotationEnded
	// RotationMade asks to store the new row, in one statement that succeeds only
	// while the stored gen is still that of the old row (else read it again and
	// decide again), and answer the nonce.
	RotationMade
	// RotationRepeated says that an answer was lost: answer row.PrevNonce again.
	RotationRepeated
	// RotationCopied says that two sides have this session. End it, write it into the
	// audit, tell all devices of the account, answer CodeRevoked.
	RotationCopied
)

// Rotate decides about a rotation request; nonce is 32 fresh random bytes. Row
// is what to store (RotationMade) or r itself.
//
// An honest client quotes one rid until it has the answer, so it is never more
// than one generation behind, and then with the rid that the row has. Whoever
// has R and is behind in another way is a second holder of the session.
func (r SessionRow) Rotate(now time.Time, p RotationProof, rid ID, nonce Hash) (row SessionRow, what Rotation) {
	if p.Session != r.ID || p.Gen > r.Gen || !r.Chain.RotateMAC(r.ID, p.Gen, rid).Equal(p.MAC) {
		return r, RotationRefused
	}
	switch {
	case p.Gen+1 == r.Gen && rid == r.PrevRID:
		what = RotationRepeated
	case p.Gen < r.Gen:
		return r, RotationCopied
	default:
		what = RotationMade
	}
	if r.over(now) {
		return r, RotationEnded
	}
	if what == RotationMade {
		r.Gen++
		r.Chain, r.PrevRID, r.PrevNonce, r.Made = r.Chain.Next(nonce), rid, nonce, now
	}
	return r, what
}

// Session is the client's side of a session. One request or rotation at a
// time: not for concurrent use. It cannot be printed.
type Session struct {
	hidden
	id       ID
	gen, seq uint64
	chain    Chain
	rid      ID // of the rotation that waits for its answer; zero if none
}

// NewSession is the session that a login began.
func NewSession(id ID, chain Chain) *Session { return &Session{id: id, chain: chain} }

// ID names the session; not secret.
func (s *Session) ID() ID { return s.id }

// Authorize makes the authorization of the next request. A request that failed
// is sent again with a new one.
func (s *Session) Authorize(method, path string, body []byte) Authorization {
	s.seq++
	return Authorization{
		Session: s.id, Gen: s.gen, Seq: s.seq,
		MAC: s.chain.RequestMAC(s.id, s.gen, s.seq, method, path, body),
	}
}

// BeginRotation makes the proof and the rid of a rotation; random nil means
// crypto/rand. Until Rotated, it gives the same ones again: an answer may have
// been lost.
func (s *Session) BeginRotation(random io.Reader) (RotationProof, ID, error) {
	if s.rid == (ID{}) {
		rid, err := NewID(random)
		if err != nil {
			return RotationProof{}, ID{}, err
		}
		s.rid = rid
	}
	return RotationProof{Session: s.id, Gen: s.gen, MAC: s.chain.RotateMAC(s.id, s.gen, s.rid)}, s.rid, nil
}

// Rotated takes the nonce of the answer.
func (s *Session) Rotated(nonce Hash) {
	if s.rid == (ID{}) {
		return
	}
	s.chain, s.rid = s.chain.Next(nonce), ID{}
	s.gen++
}
