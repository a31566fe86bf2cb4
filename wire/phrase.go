package wire

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
)

// Two people compare a short phrase to learn that nobody sits between them. It
// is made of both nonces, of which each side chose one without knowing the
// other's: the first is committed to before the second is told (as in ZRTP,
// RFC 6189, section 4.4.1), so that whoever sits between has one guess.
type (
	// PhraseCommit begins: the commitment to the nonce of the sender.
	PhraseCommit struct{ Commitment [32]byte }
	// PhraseNonce answers with the nonce of the other side.
	PhraseNonce struct{ Nonce [32]byte }
	// PhraseReveal opens the commitment.
	PhraseReveal struct{ Nonce [32]byte }
)

const (
	typePhraseCommit byte = iota + 0xA0
	typePhraseNonce
	typePhraseReveal
)

func (PhraseCommit) message() byte { return typePhraseCommit }
func (PhraseNonce) message() byte  { return typePhraseNonce }
func (PhraseReveal) message() byte { return typePhraseReveal }

const (
	contextCommitment = "viewflip/1/phrase-commitment"
	contextPhrase     = "viewflip/1/phrase"
)

// PhraseCommitment is the SHA-256 over the length-prefixed context
// "viewflip/1/phrase-commitment" and the nonce.
func PhraseCommitment(nonce [32]byte) [32]byte {
	return sha256.Sum256(lengthPrefixed([]byte(contextCommitment), nonce[:]))
}

// Opens reports whether nonce is what was committed to.
func (c PhraseCommit) Opens(nonce [32]byte) bool {
	want := PhraseCommitment(nonce)
	return subtle.ConstantTimeCompare(c.Commitment[:], want[:]) == 1
}

// PhraseSide is one of the two who compare: the device of the call, and the
// public key of the account, which is zero without one: a side states what *it*
// believes about the other.
type PhraseSide struct {
	Device  Address
	Account [32]byte
}

// Phrase is what both sides must have in common: the SHA-256 over the
// length-prefixed context "viewflip/1/phrase", device and account of whoever
// began, device and account of the other, and both nonces in this order.
func Phrase(began, other PhraseSide, first, second [32]byte) [32]byte {
	return sha256.Sum256(lengthPrefixed([]byte(contextPhrase),
		began.Device[:], began.Account[:], other.Device[:], other.Account[:], first[:], second[:]))
}

// Less orders two devices: of two who begin at once, the lesser has begun.
func (a Address) Less(b Address) bool { return bytes.Compare(a[:], b[:]) < 0 }

// appendPhrase appends the fields of a message of this file.
func appendPhrase(b []byte, m Message) []byte {
	switch m := m.(type) {
	case PhraseCommit:
		return append(b, m.Commitment[:]...)
	case PhraseNonce:
		return append(b, m.Nonce[:]...)
	case PhraseReveal:
		return append(b, m.Nonce[:]...)
	}
	return b
}

// parsePhrase reads the fields of a message of this file.
func parsePhrase(kind byte, r *reader) Message {
	var n [32]byte
	r.copy(n[:])
	switch kind {
	case typePhraseCommit:
		return PhraseCommit{n}
	case typePhraseNonce:
		return PhraseNonce{n}
	default:
		return PhraseReveal{n}
	}
}
