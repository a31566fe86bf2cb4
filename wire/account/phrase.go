package account

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"viewflip.app/wire"
)

// PhraseWords is how many words two people compare: 8 bits each.
const PhraseWords = 4

// PhraseCommitment is what the side that begins sends first: the SHA-256 of
// lp("viewflip/1/phrase-commit", nonce). Only then the other side shows its
// nonce, and only then the first its own, which must fit: so neither can choose a
// nonce that makes the words fit, and 32 bits are enough.
func PhraseCommitment(nonce Hash) Hash {
	return sha256.Sum256(lp("viewflip/1/phrase-commit", nonce[:]))
}

// Words are the 256 words of phrases, separated by white space, in the order
// that is the protocol.
func Words() string { return wordList }

// PhraseSide is one of the two whose keys are compared. Without an account,
// Account is zero.
type PhraseSide struct {
	Account Public
	// Device is the address of the call's connection.
	Device wire.Address
}

// Phrase is what both people read to each other: the first four bytes of
// SHA-256(lp("viewflip/1/phrase", accounts, devices, nonce of who began, other
// nonce)) as words, where accounts and devices are the two values of each, the
// lesser first. The order of a and b does not matter, that of the nonces does.
func Phrase(a, b PhraseSide, first, other Hash) [PhraseWords]string {
	sorted := func(x, y []byte) []byte {
		if bytes.Compare(x, y) > 0 {
			x, y = y, x
		}
		return append(bytes.Clone(x), y...)
	}
	sum := sha256.Sum256(lp("viewflip/1/phrase", sorted(a.Account[:], b.Account[:]), sorted(a.Device[:], b.Device[:]), first[:], other[:]))
	words := strings.Fields(wordList)
	var p [PhraseWords]string
	for i := range p {
		p[i] = words[sum[i]]
	}
	return p
}
