package wire

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
