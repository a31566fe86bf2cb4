package srp

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/bigmod"
)

// Sizes in bytes.
const (
	// Size is the width of A, B and verifiers.
	Size = 384
	// SaltSize is the width of a salt.
	SaltSize = 16
	// ProofSize is the width of M1, M2 and the session key.
	ProofSize = sha256.Size

	exponentSize = 32 // a and b: 256 bits, twice the strength of the group
)

var (
	// ErrPublic means that A, B or a verifier is not a number that an honest
	// side sends. Nothing was learned from it; end the attempt.
	ErrPublic = errors.New("srp: illegal public value")
	// ErrProof means that the other side does not know the password.
	ErrProof = errors.New("srp: wrong proof")
)

// suite is a group and a hash; the exported functions know one, the tests of
// RFC 5054 another.
type suite struct {
	n       *bigmod.Modulus
	g       *bigmod.Nat
	k       []byte
	size    int
	hash    func() hash.Hash
	hashNxG []byte // H(N) xor H(g)
}

// newSuite computes the constants; g is one byte. It fails on an even modulus.
func newSuite(n []byte, g byte, h func() hash.Hash) (*suite, error) {
	m, err := bigmod.NewModulus(n)
	if err != nil {
		return nil, err
	}
	s := &suite{n: m, size: len(n), hash: h}
	padded := make([]byte, s.size)
	padded[s.size-1] = g
	if s.g, err = bigmod.NewNat().SetBytes(padded, m); err != nil {
		return nil, err
	}
	hk := s.sum(n, padded)
	s.k = append(make([]byte, s.size-len(hk), s.size), hk...)
	s.hashNxG = s.sum(n)
	subtle.XORBytes(s.hashNxG, s.hashNxG, s.sum([]byte{g}))
	return s, nil
}

func (s *suite) sum(parts ...[]byte) []byte {
	h := s.hash()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func (s *suite) x(salt, id, password []byte) []byte {
	return s.sum(salt, s.sum(id, []byte(":"), password))
}

func (s *suite) exp(base *bigmod.Nat, e []byte) *bigmod.Nat {
	return bigmod.NewNat().Exp(base, e, s.n)
}

// power is g^e in full width.
func (s *suite) power(e []byte) []byte { return s.exp(s.g, e).Bytes(s.n) }

// times is k*v.
func (s *suite) times(v *bigmod.Nat) *bigmod.Nat {
	k, err := bigmod.NewNat().SetBytes(s.k, s.n)
	if err != nil {
		panic("srp: " + err.Error()) // a hash is shorter than N
	}
	return k.Mul(v, s.n)
}

// public is B = k*v + g^b.
func (s *suite) public(v *bigmod.Nat, b []byte) []byte {
	return s.times(v).Add(s.exp(s.g, b), s.n).Bytes(s.n)
}

// parse takes a number of full width below N that is not 0, 1 or N-1.
func (s *suite) parse(b []byte) (*bigmod.Nat, error) {
	if len(b) != s.size {
		return nil, ErrPublic
	}
	v, err := bigmod.NewNat().SetBytes(b, s.n)
	if err != nil || v.IsZero() == 1 || v.IsOne() == 1 || v.IsMinusOne(s.n) == 1 {
		return nil, ErrPublic
	}
	return v, nil
}

// scramble is u = H(A | B), refused if it is zero.
func (s *suite) scramble(a, b []byte) ([]byte, error) {
	u := s.sum(a, b)
	if subtle.ConstantTimeCompare(u, make([]byte, len(u))) == 1 {
		return nil, ErrPublic
	}
	return u, nil
}

// clientSecret is S = (B - k*g^x)^(a + u*x), computed as base^a * (base^u)^x:
// so a + u*x, wider than both, is never built.
func (s *suite) clientSecret(a, public, x, other []byte) ([]byte, error) {
	base, err := s.parse(other)
	if err != nil {
		return nil, err
	}
	u, err := s.scramble(public, other)
	if err != nil {
		return nil, err
	}
	base.Sub(s.times(s.exp(s.g, x)), s.n)
	return s.exp(base, a).Mul(s.exp(s.exp(base, u), x), s.n).Bytes(s.n), nil
}

// serverSecret is S = (A * v^u)^b.
func (s *suite) serverSecret(b, public []byte, v *bigmod.Nat, other []byte) ([]byte, error) {
	base, err := s.parse(other)
	if err != nil {
		return nil, err
	}
	u, err := s.scramble(other, public)
	if err != nil {
		return nil, err
	}
	return s.exp(base.Mul(s.exp(v, u), s.n), b).Bytes(s.n), nil
}

// proofs are K, M1 and M2.
func (s *suite) proofs(id, salt, a, b, secret []byte) (k, m1, m2 []byte) {
	k = s.sum(secret)
	m1 = s.sum(s.hashNxG, s.sum(id), salt, a, b, k)
	return k, m1, s.sum(a, m1, k)
}

// standard is the suite of the exported functions. It costs a thousandth of a
// login to make, so nothing is kept between calls.
func standard() *suite {
	s, err := newSuite(modulus3072(), 5, sha256.New)
	if err != nil {
		panic("srp: " + err.Error()) // the modulus is a constant
	}
	return s
}

// Verifier is what a server keeps instead of the password. One exponentiation.
func Verifier(id, password []byte, salt [SaltSize]byte) [Size]byte {
	s := standard()
	return [Size]byte(s.power(s.x(salt[:], id, password)))
}

// newExponent reads 256 bits; nil means crypto/rand.
func newExponent(random io.Reader) (e [exponentSize]byte, err error) {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, e[:]); err != nil {
		return e, fmt.Errorf("srp: random: %w", err)
	}
	return e, nil
}
